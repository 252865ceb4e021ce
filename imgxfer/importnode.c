#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "formats/scan.h"
#include "imgxfer/importnode.h"
#include "remote/exec.h"
#include "remote/quote.h"

#define READ_BYTES ((size_t)64 << 10)
#define LINE_MAX_BYTES ((size_t)64 << 10)
#define PIECE_BYTES ((size_t)256 << 10)
#define STEP_S 1800		/* between two lines of the script */
#define ALIVE_S 10
#define SAID_MAX ((size_t)4 << 20)

extern const char imgxfer_import_sh[], imgxfer_import_pl[],
    imgxfer_importtar_pl[];

struct importnode {
	struct remote *remote;
	struct remote_exec *shell;
	char *dir;
	struct buf line, out;
	uint8_t *in;		/* what has arrived and is not yet a line */
	size_t at, len;
	int begun;
	time_t spoken;		/* the last "alive", monotonic */
};

/* --------------------------------------------------------------- speaking */

/* The next byte's place, 0 at the end, -1. */
static int
fill(struct importnode *n, struct err *e)
{
	struct timespec begin, now;
	struct err ignored;
	ssize_t got;

	if (n->at < n->len)
		return (1);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (;;) {
		/* Should it be gone, reading tells why. */
		(void)importnode_alive(n, &ignored);
		got = remote_exec_read(n->shell, n->in, READ_BYTES, 1000, e);
		if (got == -1)
			return (-1);
		if (got > 0) {
			n->at = 0;
			n->len = (size_t)got;
			return (1);
		}
		if (remote_exec_ended(n->shell))
			return (0);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - begin.tv_sec > STEP_S)
			return (err_set(e, ERR_FAILED, "%s: no answer within "
			    "%d s", remote_name(n->remote), STEP_S));
	}
}

/* It ended without an answer: what it said instead. */
static int
ended(struct importnode *n, struct err *e)
{
	const char *p = buf_cstr(remote_exec_stderr(n->shell)), *nl;
	struct buf words = BUF_INIT;

	p += strspn(p, " \t\r\n");
	nl = strchr(p, '\n');
	buf_put_printable(&words, p, nl != NULL ? (size_t)(nl - p) :
	    strlen(p));
	err_set(e, ERR_FAILED, "%s: the import's script ended: %s",
	    remote_name(n->remote), words.len > 0 ? buf_cstr(&words) :
	    "no reason given");
	buf_fini(&words);
	return (-1);
}

/* The next line, the node's own; ticks are passed over. */
static const char *
hear(struct importnode *n, struct err *e)
{
	const uint8_t *nl;
	size_t take;
	int rc;

	buf_clear(&n->line);
	for (;;) {
		if ((rc = fill(n, e)) != 1) {
			if (rc == 0)
				ended(n, e);
			return (NULL);
		}
		nl = memchr(n->in + n->at, '\n', n->len - n->at);
		take = (nl != NULL ? (size_t)(nl - n->in) : n->len) - n->at;
		buf_append(&n->line, n->in + n->at, take);
		n->at += take + (nl != NULL);
		if (n->line.len > LINE_MAX_BYTES) {
			err_set(e, ERR_FAILED, "%s: a line without end",
			    remote_name(n->remote));
			return (NULL);
		}
		if (nl == NULL)
			continue;
		if (strcmp(buf_cstr(&n->line), "tick") != 0)
			return (buf_ok(&n->line, e) == 0 ?
			    buf_cstr(&n->line) : NULL);
		buf_clear(&n->line);
	}
}

/*
 * The next line of the answer to a verb: 1 with it, 0 when it was the last,
 * -1.
 */
static int
answer(struct importnode *n, const char *verb, const char **line,
    struct err *e)
{
	if ((*line = hear(n, e)) == NULL)
		return (-1);
	if (strcmp(*line, verb) == 0)
		return (0);
	if (strncmp(*line, "failed ", 7) == 0)
		return (err_set(e, ERR_FAILED, "%s: %s",
		    remote_name(n->remote), *line + 7));
	return (1);
}

/* An answer of nothing but its last line. */
static int
done(struct importnode *n, const char *verb, struct err *e)
{
	const char *line;
	int rc;

	if ((rc = answer(n, verb, &line, e)) == 1)
		return (err_set(e, ERR_FAILED, "%s: not understood: %s",
		    remote_name(n->remote), line));
	return (rc);
}

static int
speak(struct importnode *n, struct err *e)
{
	int rc = buf_ok(&n->out, e);

	if (rc == 0)
		rc = remote_exec_write(n->shell, n->out.data, n->out.len, e);
	buf_clear(&n->out);
	return (rc);
}

/* ----------------------------------------------------------- beginning */

static int
greet(struct importnode *n, struct buf *recovered, struct err *e)
{
	const char *line;

	while ((line = hear(n, e)) != NULL) {
		if (strcmp(line, "busy") == 0)
			return (err_set(e, ERR_BUSY, "%s: another import is "
			    "running there", remote_name(n->remote)));
		if (strncmp(line, "failed ", 7) == 0)
			return (err_set(e, ERR_FAILED, "%s: no private "
			    "directory could be made: %s",
			    remote_name(n->remote), line + 7));
		if (strncmp(line, "recovered ", 10) == 0) {
			buf_puts(recovered, line + 10);
			buf_putc(recovered, '\n');
		} else if (strncmp(line, "dir /", 5) == 0) {
			n->dir = strdup(line + 4);
			return (n->dir != NULL ? 0 : err_nomem(e));
		}
	}
	return (-1);
}

struct importnode *
importnode_new(struct remote *r, const char *base, const char *home,
    unsigned wait_s, struct buf *recovered, struct err *e)
{
	char wait[16], lease[16];
	const char *args[] = { NULL, base, home, wait, lease };
	struct buf command = BUF_INIT, program = BUF_INIT;
	struct importnode *n;
	int rc;

	if ((n = calloc(1, sizeof(*n))) == NULL ||
	    (n->in = malloc(READ_BYTES)) == NULL) {
		free(n);
		err_nomem(e);
		return (NULL);
	}
	n->remote = r;
	snprintf(wait, sizeof(wait), "%u", wait_s);
	snprintf(lease, sizeof(lease), "%d", IMPORTNODE_LEASE_S);
	buf_puts(&program, imgxfer_import_pl);
	buf_puts(&program, imgxfer_importtar_pl);
	args[0] = buf_cstr(&program);
	remote_xcat_command(&command, imgxfer_import_sh, 0, args, 5);
	if ((rc = buf_ok(&command, e)) == 0) {
		n->shell = remote_exec_new(r, buf_cstr(&command), e);
		rc = n->shell != NULL ? greet(n, recovered, e) : -1;
	}
	buf_fini(&command);
	buf_fini(&program);
	if (rc == 0)
		return (n);
	importnode_free(n);
	return (NULL);
}

void
importnode_free(struct importnode *n)
{
	struct err ignored;
	int status;

	if (n == NULL)
		return;
	if (n->shell != NULL &&
	    remote_exec_end_input(n->shell, &ignored) == 0)
		(void)remote_exec_wait(n->shell, &status, &ignored);
	remote_exec_free(n->shell);
	buf_fini(&n->line);
	buf_fini(&n->out);
	free(n->dir);
	free(n->in);
	free(n);
}

const char *
importnode_dir(const struct importnode *n)
{
	return (n->dir);
}

/* ------------------------------------------------------------- looking */

static const struct {
	const char *word;
	enum importnode_kind kind;
} kinds[] = {
	{ "none ", IMPORTNODE_NONE }, { "file ", IMPORTNODE_FILE },
	{ "link ", IMPORTNODE_LINK }, { "dir ", IMPORTNODE_DIR },
	{ "linkdir ", IMPORTNODE_DIR }, { "other ", IMPORTNODE_OTHER },
};

/* "at KIND SIZE MODE UID GID MTIME DIGEST PATH" */
static int
parse_at(const char *line, struct importnode_at *at)
{
	struct scan s = { line, line + strlen(line) };
	struct span mode;
	size_t i, n = sizeof(kinds) / sizeof(*kinds);
	uint32_t uid, gid;

	if (!scan_text(&s, "at "))
		return (-1);
	for (i = 0; i < n && !scan_text(&s, kinds[i].word); i++)
		;
	if (i == n || !scan_u64(&s, &at->size) || !scan_char(&s, ' ') ||
	    !scan_word(&s, ' ', ' ', &mode) || !scan_char(&s, ' ') ||
	    !scan_u32(&s, &uid) || !scan_char(&s, ' ') ||
	    !scan_u32(&s, &gid) || !scan_char(&s, ' ') ||
	    !scan_i64(&s, &at->mtime) || !scan_char(&s, ' '))
		return (-1);
	at->kind = kinds[i].kind;
	at->mode = (unsigned)strtoul(mode.p, NULL, 8) & 07777;
	at->uid = uid;
	at->gid = gid;
	at->has_digest = scan_digest(&s, at->digest);
	if (!at->has_digest && !scan_char(&s, '-'))
		return (-1);
	return (scan_char(&s, ' ') && strcmp(s.p, at->path) == 0 ? 0 : -1);
}

int
importnode_look(struct importnode *n, struct importnode_at *at,
    size_t count, struct err *e)
{
	const char *line;
	size_t i;
	int rc;

	buf_printf(&n->out, "look %zu\n", count);
	for (i = 0; i < count; i++) {
		if (at[i].digest_if == IMPORTNODE_ANY)
			buf_putc(&n->out, '*');
		else if (at[i].digest_if == IMPORTNODE_NO)
			buf_putc(&n->out, '-');
		else
			buf_putu(&n->out, at[i].digest_if);
		buf_printf(&n->out, " %s\n", at[i].path);
	}
	if (speak(n, e) == -1)
		return (-1);
	for (i = 0; (rc = answer(n, "look", &line, e)) == 1; i++)
		if (i == count || parse_at(line, at + i) == -1)
			return (err_set(e, ERR_FAILED, "%s: not understood: "
			    "%s", remote_name(n->remote), line));
	if (rc == 0 && i != count)
		return (err_set(e, ERR_FAILED, "%s: %zu of %zu paths were "
		    "looked at", remote_name(n->remote), i, count));
	return (rc);
}

int
importnode_room(struct importnode *n, const char *path, uint64_t *dev,
    uint64_t *free_bytes, struct err *e)
{
	const char *line;
	struct scan s;
	int rc, got = 0;

	buf_printf(&n->out, "room %s\n", path);
	if (speak(n, e) == -1)
		return (-1);
	while ((rc = answer(n, "room", &line, e)) == 1) {
		s.p = line;
		s.end = line + strlen(line);
		got = scan_text(&s, "free ") && scan_u64(&s, dev) &&
		    scan_char(&s, ' ') && scan_u64(&s, free_bytes);
	}
	if (rc == 0 && !got)
		return (err_set(e, ERR_FAILED, "%s: the room at %s is not "
		    "known", remote_name(n->remote), path));
	return (rc);
}

/* ------------------------------------------------------------- sending */

/*
 * Bytes of a known length.  The script reads them all, whatever becomes of
 * them; so a source that ends early cannot be made up for, and ends it.
 */
static int
send_bytes(struct importnode *n, const struct source *from, uint64_t bytes,
    struct err *e)
{
	uint8_t *piece;
	ssize_t got;
	int rc = 0;

	if ((piece = malloc(PIECE_BYTES)) == NULL)
		return (err_nomem(e));
	while (rc == 0 && bytes > 0) {
		got = from->read(from->arg, piece, bytes < PIECE_BYTES ?
		    (size_t)bytes : PIECE_BYTES, e);
		if (got == 0)
			err_set(e, ERR_FAILED, "%s: it is shorter than it "
			    "was", from->name);
		if (got <= 0) {
			rc = -1;
			break;
		}
		rc = remote_exec_write(n->shell, piece, (size_t)got, e);
		bytes -= (uint64_t)got;
	}
	free(piece);
	return (rc);
}

int
importnode_rewrite(struct importnode *n, const char *compression,
    const char *bundle, const char *to, const char *member,
    const struct buf *manifest, struct err *e)
{
	buf_printf(&n->out, "rewrite %s %s %s %s %zu\n", compression, bundle,
	    to, member, manifest->len);
	buf_append(&n->out, manifest->data, manifest->len);
	return (speak(n, e) == 0 ? done(n, "rewrite", e) : -1);
}

int
importnode_put(struct importnode *n, const char *path, unsigned mode,
    const struct source *from, uint64_t bytes, struct err *e)
{
	buf_printf(&n->out, "put %o %" PRIu64 " %s\n", mode & 07777, bytes,
	    path);
	if (speak(n, e) == -1 || send_bytes(n, from, bytes, e) == -1)
		return (-1);
	return (done(n, "put", e));
}

/* --------------------------------------------------------- transaction */

int
importnode_aside(struct importnode *n, const char *path,
    enum importnode_then then, struct err *e)
{
	static const char *const words[] = { "gone", "back", "orig" };

	buf_printf(&n->out, "aside %s %s\n", words[then], path);
	return (buf_ok(&n->out, e));
}

int
importnode_new_file(struct importnode *n, const char *path, struct err *e)
{
	buf_printf(&n->out, "new %s\n", path);
	return (buf_ok(&n->out, e));
}

int
importnode_new_dir(struct importnode *n, const char *path, struct err *e)
{
	buf_printf(&n->out, "made %s\n", path);
	return (buf_ok(&n->out, e));
}

int
importnode_keep_mode(struct importnode *n, const struct importnode_at *at,
    struct err *e)
{
	buf_printf(&n->out, "mode %s %o %u %u\n", at->path, at->mode,
	    at->uid, at->gid);
	return (buf_ok(&n->out, e));
}

int
importnode_rows(struct importnode *n, const char *table, const char *key,
    const char *value, const struct buf *csv, struct err *e)
{
	buf_printf(&n->out, "rows %s %s %s %zu\n", table, key, value,
	    csv->len);
	buf_append(&n->out, csv->data, csv->len);
	return (buf_ok(&n->out, e));
}

int
importnode_begin(struct importnode *n, const char *image, struct err *e)
{
	n->begun = 1;
	buf_printf(&n->out, "begin %s\n", image);
	return (speak(n, e) == 0 ? done(n, "begin", e) : -1);
}

int
importnode_import(struct importnode *n, const char *bundle,
    const char *profile, int any, unsigned limit_s,
    struct importnode_ran *out, struct err *e)
{
	const char *line;
	int rc;

	out->status = -1;
	buf_printf(&n->out, "import %u %s", limit_s, bundle);
	if (profile != NULL)
		buf_printf(&n->out, " -f %s", profile);
	buf_printf(&n->out, "%s\n", any ? " -n" : "");
	if (speak(n, e) == -1)
		return (-1);
	while ((rc = answer(n, "import", &line, e)) == 1) {
		if (strncmp(line, "status ", 7) == 0)
			out->status = atoi(line + 7);
		if (strncmp(line, "said ", 5) != 0 ||
		    out->said.len > SAID_MAX)
			continue;
		buf_puts(&out->said, line + 5);
		buf_putc(&out->said, '\n');
	}
	return (rc == 0 ? buf_ok(&out->said, e) : -1);
}

int
importnode_tree(struct importnode *n, const char *bundle,
    const char *member, const char *dir, uint64_t *entries, struct err *e)
{
	const char *line;
	struct scan s;
	int rc;

	*entries = 0;
	buf_printf(&n->out, "tree %s %s %s\n", bundle, member, dir);
	if (speak(n, e) == -1)
		return (-1);
	while ((rc = answer(n, "tree", &line, e)) == 1) {
		s.p = line;
		s.end = line + strlen(line);
		if (scan_text(&s, "entries "))
			(void)scan_u64(&s, entries);
	}
	return (rc);
}

int
importnode_commit(struct importnode *n, struct buf *left, struct err *e)
{
	const char *line;
	int rc;

	buf_puts(&n->out, "commit\n");
	if (speak(n, e) == -1)
		return (-1);
	while ((rc = answer(n, "commit", &line, e)) == 1)
		if (strncmp(line, "left ", 5) == 0)
			buf_printf(left, "%s\n", line + 5);
	return (rc);
}

int
importnode_modes(struct importnode *n, struct err *e)
{
	buf_puts(&n->out, "modes\n");
	return (speak(n, e) == 0 ? done(n, "modes", e) : -1);
}

int
importnode_alive(struct importnode *n, struct err *e)
{
	static const char word[] = "alive\n";
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!n->begun || now.tv_sec - n->spoken < ALIVE_S)
		return (0);
	n->spoken = now.tv_sec;
	return (remote_exec_write(n->shell, word, sizeof(word) - 1, e));
}

int
importnode_forget(struct importnode *n, struct err *e)
{
	buf_puts(&n->out, "forget\n");
	return (speak(n, e) == 0 ? done(n, "forget", e) : -1);
}

/* ------------------------------------------------------------ fetching */

static const char cat_script[] = "exec cat -- \"$1\"\n";
static const char tar_script[] =
    "exec tar -C \"$1\" --numeric-owner -cf - .\n";

static int
pass_on(struct remote_exec *x, const struct sink *to, uint8_t *piece,
    struct err *e)
{
	ssize_t got;

	while (!remote_exec_ended(x)) {
		if ((got = remote_exec_read(x, piece, PIECE_BYTES, -1,
		    e)) == -1)
			return (-1);
		if (got > 0 && to->write(to->arg, piece, (size_t)got,
		    e) == -1)
			return (-1);
	}
	return (0);
}

int
importnode_fetch(struct remote *r, const char *path, int dir,
    const struct sink *to, struct err *e)
{
	struct buf command = BUF_INIT, words = BUF_INIT;
	struct remote_exec *x = NULL;
	uint8_t *piece;
	int status, rc;

	if ((piece = malloc(PIECE_BYTES)) == NULL)
		return (err_nomem(e));
	remote_command(&command, dir ? tar_script : cat_script, &path, 1);
	if ((rc = buf_ok(&command, e)) == 0 &&
	    (x = remote_exec_new(r, buf_cstr(&command), e)) == NULL)
		rc = -1;
	if (rc == 0 && (remote_exec_end_input(x, e) == -1 ||
	    pass_on(x, to, piece, e) == -1 ||
	    remote_exec_wait(x, &status, e) == -1))
		rc = -1;
	if (rc == 0 && status != 0) {
		struct buf *said = remote_exec_stderr(x);

		buf_put_printable(&words, said->data, said->len < 300 ?
		    said->len : 300);
		rc = err_set(e, ERR_FAILED, "%s: %s cannot be read: %s",
		    remote_name(r), path, buf_cstr(&words));
	}
	remote_exec_free(x);
	buf_fini(&command);
	buf_fini(&words);
	free(piece);
	return (rc);
}
