#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/arena.h"
#include "formats/scan.h"
#include "remote/exec.h"
#include "remote/node/nodefs.h"
#include "remote/node/nodefstext.h"
#include "remote/quote.h"

#define PIECE ((size_t)64 << 10)
#define NOISE_MAX ((size_t)64 << 10)	/* of a login shell, at first */

extern const char remote_node_nodefs_pl[];

/* A path that was asked for, and what there was. */
struct known {
	UT_hash_handle hh;
	struct nodefs_stat st;
	char path[];
};

struct nodefs {
	struct remote *remote;
	struct remote_exec *exec;
	struct buf in;		/* what came and was not looked at yet */
	size_t at;		/* in it */
	struct known *known;
	struct arena arena;
	struct osfs fs;
};

/* Talking. */

static int
over(struct nodefs *fs, struct err *e)
{
	struct buf *said, line = BUF_INIT;
	const char *p;
	size_t n;

	err_set(e, ERR_FAILED, "%s: the command that looks at files ended",
	    remote_name(fs->remote));
	said = remote_exec_stderr(fs->exec);
	p = buf_cstr(said);
	n = strcspn(p, "\n");
	buf_put_printable(&line, p, n);
	if (n > 0)
		err_set(e, ERR_FAILED, "%s: the command that looks at files "
		    "ended: %s", remote_name(fs->remote), buf_cstr(&line));
	buf_fini(&line);
	return (-1);
}

/* Have some bytes more. */
static int
receive(struct nodefs *fs, struct err *e)
{
	uint8_t *p;
	ssize_t n;

	if (fs->at == fs->in.len) {
		buf_clear(&fs->in);
		fs->at = 0;
	}
	if ((p = buf_reserve(&fs->in, PIECE)) == NULL)
		return (err_nomem(e));
	if ((n = remote_exec_read(fs->exec, p, PIECE, -1, e)) == -1)
		return (-1);
	if (n == 0 && remote_exec_ended(fs->exec))
		return (over(fs, e));
	buf_advance(&fs->in, (size_t)n);
	return (0);
}

/* The next line; valid until more is received. */
static int
get_line(struct nodefs *fs, size_t max, struct span *line, struct err *e)
{
	const uint8_t *p, *nl;
	size_t n;

	for (;;) {
		p = fs->in.data + fs->at;
		n = fs->in.len - fs->at;
		nl = n > 0 ? memchr(p, '\n', n) : NULL;
		if (nl != NULL || n > max)
			break;
		if (receive(fs, e) == -1)
			return (-1);
	}
	if (nl == NULL)
		return (err_set(e, ERR_FAILED, "%s: the answer to a question "
		    "for files is none", remote_name(fs->remote)));
	line->p = (const char *)p;
	line->len = (size_t)(nl - p);
	fs->at += line->len + 1;
	return (0);
}

static int
get_bytes(struct nodefs *fs, size_t len, struct buf *out, struct err *e)
{
	size_t n;

	while (len > 0) {
		if (fs->at == fs->in.len && receive(fs, e) == -1)
			return (-1);
		n = fs->in.len - fs->at;
		if (n > len)
			n = len;
		buf_append(out, fs->in.data + fs->at, n);
		fs->at += n;
		len -= n;
	}
	return (buf_ok(out, e));
}

/* Ask, and have the first line of the answer. */
static int
ask(struct nodefs *fs, const char *word, const char *path, size_t limit,
    struct nodefstext *t, struct err *e)
{
	struct buf q = BUF_INIT;
	struct span line = { NULL, 0 };
	int rc;

	buf_printf(&q, "%s %zu %zu\n", word, strlen(path), limit);
	buf_puts(&q, path);
	if ((rc = buf_ok(&q, e)) == 0)
		rc = remote_exec_write(fs->exec, q.data, q.len, e);
	buf_fini(&q);
	if (rc == -1)
		return (-1);
	do {
		if (get_line(fs, NODEFSTEXT_LINE_MAX, &line, e) == -1)
			return (-1);
		if (nodefstext_decode(t, line.p, line.len, e) == -1)
			return (err_wrap(e, "%s", remote_name(fs->remote)));
	} while (t->kind == NODEFSTEXT_WAIT);
	return (0);
}

static int
too_long(struct nodefs *fs, const char *path, size_t max, struct err *e)
{
	struct buf name = BUF_INIT;

	buf_put_printable(&name, path, strlen(path));
	err_set(e, ERR_FAILED, "%s: %s: longer than %zu bytes",
	    remote_name(fs->remote), buf_cstr(&name), max);
	buf_fini(&name);
	return (-1);
}

/* It could not be had: the node's reason. */
static int
refused(struct nodefs *fs, const struct nodefstext *t, const char *path,
    struct err *e)
{
	struct buf why = BUF_INIT, name = BUF_INIT, text = BUF_INIT;

	buf_put_printable(&name, path, strlen(path));
	if (t->kind != NODEFSTEXT_NONE)
		err_set(e, ERR_FAILED, "%s: an answer to another question "
		    "for files", remote_name(fs->remote));
	else if (get_bytes(fs, t->bytes, &why, e) == 0) {
		buf_put_printable(&text, why.data, why.len);
		err_set(e, ERR_DAMAGED, "%s: %s: %s",
		    remote_name(fs->remote), buf_cstr(&name),
		    buf_cstr(&text));
	}
	buf_fini(&text);
	buf_fini(&name);
	buf_fini(&why);
	return (-1);
}

/* 1; 0: longer than max; -1. */
static int
read_file(struct nodefs *fs, const char *path, size_t max, struct buf *out,
    struct err *e)
{
	struct nodefstext t;

	if (ask(fs, "read", path, max, &t, e) == -1)
		return (-1);
	if (t.kind == NODEFSTEXT_LONG)
		return (0);
	if (t.kind != NODEFSTEXT_DATA || t.bytes > max)
		return (refused(fs, &t, path, e));
	return (get_bytes(fs, t.bytes, out, e) == -1 ? -1 : 1);
}

/* Starting and ending. */

/* A login shell may have something to say before the script has. */
static int
greet(struct nodefs *fs, struct err *e)
{
	struct span line;
	size_t noise = 0;

	do {
		if (get_line(fs, NOISE_MAX, &line, e) == -1)
			return (-1);
		if (line.len == strlen(NODEFSTEXT_HELLO) &&
		    memcmp(line.p, NODEFSTEXT_HELLO, line.len) == 0)
			return (0);
		noise += line.len + 1;
	} while (noise < NOISE_MAX);
	return (err_set(e, ERR_FAILED, "%s: the command that looks at files "
	    "does not begin", remote_name(fs->remote)));
}

/* Questions of the rules. */

static int
rule_look(void *arg, const char *path, struct osfs_found *f, struct err *e)
{
	struct nodefs_stat st;

	if (nodefs_stat(arg, path, &st, e) == -1)
		return (-1);
	memset(f, 0, sizeof(*f));
	f->what = st.what;
	f->path = st.path;
	f->size = st.size;
	return (0);
}

static int
rule_read(void *arg, const struct osfs_found *f, size_t max, struct buf *out,
    struct err *e)
{
	return (read_file(arg, f->path, max, out, e));
}

static int
rule_whole(void *arg, const struct osfs_found *f, struct err *e)
{
	(void)arg;
	(void)f;
	(void)e;
	return (1);
}

static int
rule_list(void *arg, const struct osfs_found *f, osfs_name *fn, void *fn_arg,
    struct err *e)
{
	if (f->what != OSFS_DIR)
		return (0);
	return (nodefs_list(arg, f->path, fn, fn_arg, e));
}

struct nodefs *
nodefs_new(struct remote *r, struct err *e)
{
	static const char script[] = "exec perl -e \"$1\"\n";
	const char *args[] = { remote_node_nodefs_pl };
	struct nodefs *fs = calloc(1, sizeof(*fs));
	struct buf command = BUF_INIT;

	if (fs == NULL) {
		err_nomem(e);
		return (NULL);
	}
	fs->remote = r;
	fs->fs = (struct osfs){
		.arg = fs, .at = "on the node",
		.lost = "the node cannot look at it",
		.look = rule_look, .read = rule_read, .whole = rule_whole,
		.list = rule_list,
	};
	remote_command(&command, script, args, 1);
	if (buf_ok(&command, e) == 0)
		fs->exec = remote_exec_new(r, buf_cstr(&command), e);
	buf_fini(&command);
	if (fs->exec != NULL && greet(fs, e) == 0)
		return (fs);
	nodefs_free(fs);
	return (NULL);
}

static void
free_known(struct known **all)
{
	struct known *k, *tmp;

	HASH_ITER(hh, *all, k, tmp) {
		HASH_DEL(*all, k);
		free(k);
	}
}

void
nodefs_free(struct nodefs *fs)
{
	struct err ignored;
	int status;

	if (fs == NULL)
		return;
	/* It ends when its input does; see that it does. */
	if (fs->exec != NULL &&
	    remote_exec_end_input(fs->exec, &ignored) == 0)
		(void)remote_exec_wait(fs->exec, &status, &ignored);
	remote_exec_free(fs->exec);
	free_known(&fs->known);
	buf_fini(&fs->in);
	arena_fini(&fs->arena);
	free(fs);
}

const struct osfs *
nodefs_osfs(struct nodefs *fs)
{
	return (&fs->fs);
}

void
nodefs_forget(struct nodefs *fs)
{
	free_known(&fs->known);
}

/* Asking. */

static int
get_string(struct nodefs *fs, size_t len, const char **s, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc = get_bytes(fs, len, &b, e);

	if (rc == 0 && memchr(buf_cstr(&b), '\0', len) != NULL)
		rc = err_set(e, ERR_FAILED, "%s: the answer to a question "
		    "for files is none", remote_name(fs->remote));
	if (rc == 0 && (*s = arena_copy(&fs->arena, buf_cstr(&b), len + 1)) ==
	    NULL)
		rc = err_nomem(e);
	buf_fini(&b);
	return (rc);
}

static struct known *
remember(struct nodefs *fs, const char *path, const struct nodefs_stat *st,
    struct err *e)
{
	size_t len = strlen(path);
	struct known *k = calloc(1, sizeof(*k) + len + 1);

	if (k == NULL) {
		err_nomem(e);
		return (NULL);
	}
	memcpy(k->path, path, len + 1);
	k->st = *st;
	HASH_ADD_KEYPTR(hh, fs->known, k->path, len, k);
	return (k);
}

int
nodefs_stat(struct nodefs *fs, const char *path, struct nodefs_stat *st,
    struct err *e)
{
	struct nodefstext t;
	struct known *k = NULL;

	HASH_FIND_STR(fs->known, path, k);
	if (k == NULL) {
		if (ask(fs, "stat", path, 0, &t, e) == -1)
			return (-1);
		if (t.kind != NODEFSTEXT_STAT)
			return (refused(fs, &t, path, e));
		if (get_string(fs, t.bytes, &t.st.path, e) == -1 ||
		    get_string(fs, t.more, &t.st.why, e) == -1 ||
		    (k = remember(fs, path, &t.st, e)) == NULL)
			return (-1);
	}
	*st = k->st;
	return (0);
}

int
nodefs_digest(struct nodefs *fs, const char *path, uint8_t out[DIGEST_LEN],
    uint64_t *size, struct err *e)
{
	struct nodefstext t;

	if (ask(fs, "hash", path, 0, &t, e) == -1)
		return (-1);
	if (t.kind != NODEFSTEXT_HASH)
		return (refused(fs, &t, path, e));
	memcpy(out, t.digest, DIGEST_LEN);
	if (size != NULL)
		*size = t.size;
	return (0);
}

int
nodefs_read(struct nodefs *fs, const char *path, size_t max, struct buf *out,
    struct err *e)
{
	int rc = read_file(fs, path, max, out, e);

	if (rc == 0)
		rc = too_long(fs, path, max, e);
	return (rc == 1 ? 0 : -1);
}

int
nodefs_list(struct nodefs *fs, const char *path, osfs_name *fn, void *arg,
    struct err *e)
{
	struct nodefstext t;
	struct buf names = BUF_INIT;
	const char *p, *end;
	int rc = 0;

	if (ask(fs, "list", path, NODEFS_NAMES_MAX, &t, e) == -1)
		return (-1);
	if (t.kind == NODEFSTEXT_LONG)
		return (too_long(fs, path, NODEFS_NAMES_MAX, e));
	if (t.kind != NODEFSTEXT_DATA)
		return (refused(fs, &t, path, e));
	if (get_bytes(fs, t.bytes, &names, e) == -1)
		rc = -1;
	else if (names.len > 0 && names.data[names.len - 1] != '\0')
		rc = err_set(e, ERR_FAILED, "%s: the answer to a question "
		    "for files is none", remote_name(fs->remote));
	p = (const char *)names.data;
	end = p + names.len;
	for (; rc == 0 && p < end; p += strlen(p) + 1)
		rc = fn(arg, p, e);
	buf_fini(&names);
	return (rc);
}

int
nodefs_room(struct nodefs *fs, const char *path, struct nodefs_room *room,
    struct err *e)
{
	struct nodefstext t;

	if (ask(fs, "room", path, 0, &t, e) == -1)
		return (-1);
	if (t.kind != NODEFSTEXT_ROOM)
		return (refused(fs, &t, path, e));
	*room = t.room;
	return (0);
}
