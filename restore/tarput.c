#include <stdlib.h>
#include <string.h>

#include "formats/pathtext.h"
#include "remote/quote.h"
#include "restore/pax.h"
#include "restore/pump.h"
#include "restore/sieve.h"
#include "restore/tarput.h"

#define BUFFER_BYTES ((size_t)128 << 10)

/*
 * Without --absolute-names tar would make symbolic links that lead out of the
 * tree only at its end, with empty files in their places until then.
 */
static const char tar_script[] =
    "cd -- \"$1\" || exit 90\n"
    "exec tar --extract --file=- --absolute-names --same-permissions"
    " --same-owner --numeric-owner --delay-directory-restore"
    " --blocking-factor=128 --quoting-style=escape"
    " --warning=no-timestamp $2\n";

struct tarput {
	struct remote_exec *exec;
	struct buf buf;		/* to be sent */
	struct buf holes;
	struct buf link;
	size_t checked;		/* of what tar has said */
	uint64_t left;		/* bytes of the file at hand */
	int broken;		/* nothing more can be sent */
};

static const char *
options(const struct probe *p)
{
	int xattrs = p->tools[PROBE_TAR_XATTRS].trouble == NULL;
	int acls = p->tools[PROBE_TAR_ACLS].trouble == NULL;

	if (xattrs)
		return (acls ? "--xattrs --xattrs-include=* --acls" :
		    "--xattrs --xattrs-include=*");
	return (acls ? "--acls" : "");
}

struct tarput *
tarput_new(struct remote *r, const char *root, const struct probe *p,
    int plain, struct err *e)
{
	const char *args[] = { root, plain ? "" : options(p) };
	struct buf command = BUF_INIT, script = BUF_INIT;
	struct tarput *t;

	if ((t = calloc(1, sizeof(*t))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	/* So that the "*" of an option stays what it is. */
	buf_puts(&script, "set -f\n");
	buf_puts(&script, tar_script);
	remote_command(&command, buf_cstr(&script), args, 2);
	if (buf_ok(&command, e) == 0)
		t->exec = remote_exec_new(r, buf_cstr(&command), e);
	buf_fini(&command);
	buf_fini(&script);
	if (t->exec == NULL) {
		tarput_free(t);
		return (NULL);
	}
	return (t);
}

void
tarput_free(struct tarput *t)
{
	if (t == NULL)
		return;
	remote_exec_free(t->exec);
	buf_fini(&t->buf);
	buf_fini(&t->holes);
	buf_fini(&t->link);
	free(t);
}

const struct buf *
tarput_said(struct tarput *t)
{
	return (remote_exec_stderr(t->exec));
}

int
tarput_check(struct tarput *t, struct err *e)
{
	static const char full[] = "No space left on device";
	const struct buf *said = tarput_said(t);
	size_t from = t->checked;

	if (said->len == from)
		return (0);
	t->checked = said->len;
	from -= from < sizeof(full) ? from : sizeof(full);
	if (memmem(said->data + from, said->len - from, full,
	    sizeof(full) - 1) != NULL)
		return (err_set(e, ERR_FAILED, "the disk is full; what is "
		    "there stays, and the same command again sends what is "
		    "missing"));
	return (0);
}

/* tar ended before it had read all: say why, if it did. */
static int
ended(struct tarput *t, struct err *e)
{
	struct err why = *e;
	struct buf line = BUF_INIT;

	t->broken = 1;
	if (tarput_said(t)->len > 0 && tarput_check(t, e) == 0)
		err_set(e, ERR_FAILED, "tar on the node: %.300s",
		    pump_first_line(&line, tarput_said(t)));
	else if (tarput_said(t)->len == 0)
		*e = why;
	buf_fini(&line);
	return (-1);
}

static int
put(void *arg, const void *p, size_t len, struct err *e)
{
	struct tarput *t = arg;

	if (t->buf.len + len > BUFFER_BYTES && tarput_flush(t, e) == -1)
		return (-1);
	if (len < BUFFER_BYTES / 2) {
		buf_append(&t->buf, p, len);
		return (buf_ok(&t->buf, e));
	}
	if (tarput_flush(t, e) == -1)
		return (-1);
	if (remote_exec_write(t->exec, p, len, e) == -1)
		return (ended(t, e));
	return (0);
}

static int
put_content(void *arg, const void *p, size_t len, struct err *e)
{
	struct tarput *t = arg;

	t->left -= len;
	return (put(t, p, len, e));
}

int
tarput_flush(struct tarput *t, struct err *e)
{
	if (t->buf.len == 0)
		return (0);
	if (remote_exec_write(t->exec, t->buf.data, t->buf.len, e) == -1)
		return (ended(t, e));
	buf_clear(&t->buf);
	return (0);
}

static int
put_head(struct tarput *t, const struct entry *ent, const char *name,
    const char *link, int hard, struct err *e)
{
	struct pax_member m = {
		.ent = ent, .name = name, .name_len = strlen(name),
		.link = link, .link_len = strlen(link), .hard = hard,
	};

	if (t->buf.len > BUFFER_BYTES && tarput_flush(t, e) == -1)
		return (-1);
	return (pax_encode(&t->buf, &m, e));
}

int
tarput_add(struct tarput *t, const struct entry *ent, const char *name,
    const char *link, struct err *e)
{
	if (link != NULL)
		return (put_head(t, ent, name, link, 1, e));
	buf_clear(&t->link);
	if (ent->type == ENTRY_LINK && pathtext_decode(&t->link,
	    ent->link.p, ent->link.len) == -1)
		return (err_nomem(e));
	return (put_head(t, ent, name, buf_cstr(&t->link), 0, e));
}

/* The header has promised so many bytes. */
static int
put_zeros(struct tarput *t, uint64_t len, struct err *e)
{
	static const uint8_t zeros[16384];
	size_t n;

	for (; len > 0; len -= n) {
		n = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);
		if (put(t, zeros, n, e) == -1)
			return (-1);
	}
	return (0);
}

int
tarput_file(struct tarput *t, const struct entry *entry, const char *name,
    struct content *c, struct err *why, struct err *e)
{
	struct entry ent = *entry;
	uint64_t bytes;
	int damaged = 0;

	pax_round_holes(&t->holes, entry);
	if (buf_ok(&t->holes, e) == -1)
		return (-1);
	ent.holes.p = (const char *)t->holes.data;
	ent.holes.len = t->holes.len;
	bytes = t->left = pax_content_bytes(&ent);
	if (put_head(t, &ent, name, "", 0, e) == -1)
		return (-1);
	if (sieve_read(c, &ent, put_content, t, why) == -1) {
		if (t->broken) {
			*e = *why;
			return (-1);
		}
		damaged = 1;
	}
	if (put_zeros(t, t->left + pax_padding(bytes), e) == -1)
		return (-1);
	return (damaged);
}

int
tarput_finish(struct tarput *t, struct err *e)
{
	int status;

	pax_encode_end(&t->buf);
	if (buf_ok(&t->buf, e) == -1 || tarput_flush(t, e) == -1)
		return (-1);
	if (remote_exec_end_input(t->exec, e) == -1 ||
	    remote_exec_wait(t->exec, &status, e) == -1)
		return (-1);
	if (tarput_check(t, e) == -1)
		return (-1);
	if (status != 0 && status != 1 && status != 2)
		return (status == 127 ? err_set(e, ERR_FAILED, "there is no "
		    "tar on the node; install GNU tar there") :
		    err_set(e, ERR_FAILED, "tar on the node ended with "
		    "status %d", status));
	return (0);
}
