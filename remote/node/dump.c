#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cancel.h"
#include "remote/exec.h"
#include "remote/node/dump.h"
#include "remote/node/tarstream.h"
#include "remote/quote.h"

#define LINE_MAX_BYTES 4096
#define NAMES_MAX ((size_t)4 << 20)
#define FEED_BYTES ((size_t)64 << 10)
#define PUBLISH_S 300
#define RECOUNT_S 120
#define RECOUNT_MAX ((size_t)256 << 20)
#define GRACE_S 60		/* beyond the limit, for what is around it */

/* How publish.pl begins a complaint; when not all is as it was. */
#define PUBLISHER "publish: "
#define PARTLY PUBLISHER "partly: "

extern const char remote_node_dump_sh[], remote_node_publish_pl[];
extern const char remote_node_beside_sh[];

struct dump {
	struct remote *remote;
	struct remote_exec *shell;	/* waits there for the verdict */
	struct buf line;
	char *dir;		/* on the node; NULL: it never came to be */
	struct xcatdump *proof;
	enum snapshot_dump verdict;
	int bypass;
	int heard;		/* what it complained of has been told */
	int unsure;		/* what DUMP_TARGET holds */
	int hangs;		/* the script waits for dumpxCATdb */
	char *reason;
};

/* A finding that makes the dump worthless. */
#define broken(d, ...) \
	xcatdump_add((d)->proof, XCATCSV_BROKEN, "", __VA_ARGS__)

/*
 * The next line of what the script prints, without newline; NULL at its end
 * or when it takes longer than limit_s (*late).  The buffer is the dump's.
 */
static const char *
next_line(struct dump *d, unsigned limit_s, int *late, struct err *e)
{
	struct timespec start, now;
	ssize_t n;
	char c;

	*late = 0;
	e->kind = ERR_NONE;
	buf_clear(&d->line);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		if ((n = remote_exec_read(d->shell, &c, 1, 1000, e)) == -1)
			return (NULL);
		if (n == 1 && c == '\n')
			return (buf_cstr(&d->line));
		if (n == 1 && d->line.len < LINE_MAX_BYTES) {
			buf_putc(&d->line, c);
			continue;
		}
		if (n == 1 || remote_exec_ended(d->shell))
			return (NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > (time_t)limit_s) {
			*late = 1;
			return (NULL);
		}
	}
}

/* The rest of a line that begins with a word; NULL when it does not. */
static const char *
after(const char *line, const char *word)
{
	size_t n = strlen(word);

	if (line == NULL || strncmp(line, word, n) != 0 || line[n] != ' ')
		return (NULL);
	return (line + n + 1);
}

/* What the node has said on standard error, one line of it. */
static void
said(struct dump *d, struct buf *out)
{
	struct buf *b = remote_exec_stderr(d->shell);
	const char *p = buf_cstr(b), *nl;

	p += strspn(p, " \t\r\n");
	nl = strchr(p, '\n');
	buf_put_printable(out, p, nl != NULL ? (size_t)(nl - p) : strlen(p));
}

static int
start(struct dump *d, const struct dump_options *opt, struct err *e)
{
	char limit[16];
	const char *args[] = { DUMP_TARGET, limit, remote_node_publish_pl,
	    remote_node_beside_sh };
	struct buf command = BUF_INIT;

	snprintf(limit, sizeof(limit), "%u", opt->limit_s);
	remote_xcat_command(&command, remote_node_dump_sh, d->bypass, args, 4);
	if (buf_ok(&command, e) == 0)
		d->shell = remote_exec_new(d->remote, buf_cstr(&command), e);
	buf_fini(&command);
	return (d->shell != NULL ? 0 : -1);
}

static void
complained(struct dump *d, struct buf *words)
{
	/* With XCATBYPASS each process loads all plugins, and some complain. */
	xcatdump_add(d->proof, d->bypass ? XCATCSV_WARNING : XCATCSV_BROKEN,
	    "", "dumpxCATdb complained: %s", buf_cstr(words));
}

/*
 * What is said on standard error may arrive behind the line of the status,
 * but not behind the answers to later questions.
 */
static int
listen_again(struct dump *d, struct err *e)
{
	struct buf words = BUF_INIT;
	int rc;

	if (!d->heard)
		said(d, &words);
	if (words.len > 0)
		complained(d, &words);
	rc = buf_ok(&words, e);
	buf_fini(&words);
	return (rc);
}

/* dumpxCATdb runs; what it and the script around it had to say of it. */
static int
run(struct dump *d, const struct dump_options *opt, struct err *e)
{
	struct buf words = BUF_INIT;
	const char *text;
	int late, rc = -1;

	text = after(next_line(d, GRACE_S, &late, e), "dir");
	if (text != NULL && (d->dir = strdup(text)) == NULL)
		return (err_nomem(e));
	if (text == NULL && e->kind != ERR_NONE)
		return (-1);
	if (text != NULL)
		text = after(next_line(d, opt->limit_s + GRACE_S, &late, e),
		    "status");
	if (text == NULL && e->kind != ERR_NONE)
		return (-1);
	d->hangs = late;
	said(d, &words);
	if (d->dir == NULL)
		broken(d, "no private directory could be made beside "
		    DUMP_TARGET ": %s", buf_cstr(&words));
	else if (late || (text != NULL && (strcmp(text, "124") == 0 ||
	    strcmp(text, "137") == 0)))
		broken(d, "dumpxCATdb did not end within %u seconds",
		    opt->limit_s);
	else if (text == NULL)
		broken(d, "dumpxCATdb could not be run: %s",
		    buf_cstr(&words));
	else if (strcmp(text, "0") != 0)
		broken(d, "dumpxCATdb ended with status %s: %s", text,
		    buf_cstr(&words));
	else if (words.len > 0)
		complained(d, &words);
	d->heard = words.len > 0;
	if (text != NULL && !late) {
		text = after(next_line(d, GRACE_S, &late, e), "room");
		if (text == NULL && e->kind != ERR_NONE)
			goto out;
		if (text == NULL || strcmp(text, "ok") != 0)
			broken(d, "no room is left on the file system of %s",
			    d->dir);
	}
	rc = buf_ok(&words, e);
out:
	buf_fini(&words);
	return (rc);
}

/* Names of the dump's entries, each with "./" in front and a NUL behind. */
static int
list_names(struct dump *d, struct buf *names, struct err *e)
{
	static const char script[] =
	    "cd -- \"$1\" && exec find . -mindepth 1 -maxdepth 1 -print0\n";
	const char *args[] = { d->dir };
	struct buf command = BUF_INIT;
	struct remote_io io = { .max = NAMES_MAX, .out = names };
	int rc = -1;

	remote_command(&command, script, args, 1);
	if (buf_ok(&command, e) == 0)
		rc = remote_run(d->remote, buf_cstr(&command), &io, e);
	buf_fini(&command);
	if (rc == 0 && (io.status != 0 || (names->len > 0 &&
	    names->data[names->len - 1] != '\0')))
		broken(d, "the new dump cannot be listed");
	return (rc);
}

static int
feed_member(struct dump *d, const struct dump_options *opt,
    struct tarstream *t, const struct tarin *head, uint8_t *p, struct err *e)
{
	const char *name = (const char *)head->name.data;
	uint64_t left = head->size;
	size_t n;
	int rc;

	if (strncmp(name, "./", 2) == 0)
		name += 2;
	rc = xcatdump_begin(d->proof, name, head->type == '0', e);
	if (rc != 1)
		return (rc);
	if (opt->take != NULL && opt->take(opt->arg, name, p, 0, e) == -1)
		return (-1);
	for (; left > 0; left -= n) {
		n = left < FEED_BYTES ? (size_t)left : FEED_BYTES;
		if (tarstream_read(t, p, n, e) == -1 ||
		    xcatdump_feed(d->proof, p, n, e) == -1 ||
		    (opt->take != NULL &&
		    opt->take(opt->arg, name, p, n, e) == -1))
			return (-1);
	}
	return (xcatdump_end(d->proof, e));
}

/* Read the tables back, every byte of them. */
static int
read_tables(struct dump *d, const struct dump_options *opt, struct err *e)
{
	struct buf names = BUF_INIT;
	const struct tarin *head;
	struct tarstream *t = NULL;
	uint8_t *p = malloc(FEED_BYTES);
	int rc = -1, status;

	if (p == NULL)
		err_nomem(e);
	else if (list_names(d, &names, e) == 0 &&
	    (t = tarstream_new(d->remote, d->dir, e)) != NULL &&
	    tarstream_ask(t, names.data, names.len, e) == 0 &&
	    tarstream_last(t, e) == 0) {
		while ((rc = tarstream_next(t, &head, e)) == 1)
			if (feed_member(d, opt, t, head, p, e) == -1) {
				rc = -1;
				break;
			}
		if (rc == 0 && (rc = tarstream_wait(t, &status, e)) == 0 &&
		    status != 0)
			broken(d, "the new dump cannot be read: tar ended "
			    "with status %d", status);
	}
	tarstream_free(t);
	buf_fini(&names);
	free(p);
	return (rc);
}

static int
count_rows(const struct buf *text, uint64_t *rows, struct err *e)
{
	static const struct xcatcsv_user nobody;
	struct xcatcsv *csv;
	int rc;

	if ((csv = xcatcsv_new(&nobody, e)) == NULL)
		return (-1);
	xcatcsv_begin(csv);
	rc = xcatcsv_feed(csv, text->data, text->len, e);
	if (rc == 0)
		rc = xcatcsv_end(csv, e);
	*rows = xcatcsv_rows(csv);
	xcatcsv_free(csv);
	return (rc);
}

/*
 * nodelist once more, past any file: a dump that was cut where a line ends,
 * or a table that xCAT gave only in part, reads like a whole one.  A few
 * rows may come and go meanwhile.
 */
static int
recount(struct dump *d, struct err *e)
{
	const struct xcatdump_table *t;
	struct buf command = BUF_INIT, out = BUF_INIT;
	struct remote_io io = { .max = RECOUNT_MAX, .out = &out,
	    .limit_s = RECOUNT_S };
	uint64_t rows, may;
	int rc = -1;

	t = xcatdump_table_named(d->proof, "nodelist");
	if (t == NULL || t->worst == XCATCSV_BROKEN)
		return (0);
	remote_xcat_command(&command, "exec tabdump nodelist\n", d->bypass,
	    NULL, 0);
	if (buf_ok(&command, e) == 0)
		rc = remote_run(d->remote, buf_cstr(&command), &io, e);
	if (rc == -1 && !remote_lost(d->remote) && cancel_check(e) == 0) {
		broken(d, "tabdump nodelist: %s", e->msg);
		rc = 0;
	} else if (rc == 0 && io.status != 0)
		broken(d, "tabdump nodelist ended with status %d", io.status);
	else if (rc == 0 && (rc = count_rows(&out, &rows, e)) == 0) {
		may = t->rows / 50 + 2;
		if (rows > t->rows + may || t->rows > rows + may)
			broken(d, "nodelist has %llu rows in the dump, and "
			    "%llu when asked for once more",
			    (unsigned long long)t->rows,
			    (unsigned long long)rows);
	}
	buf_fini(&command);
	buf_fini(&out);
	return (rc);
}

static int
judge(struct dump *d, const struct dump_options *opt, struct err *e)
{
	const struct snapshot_database *was = opt->earlier;
	struct xcatdump_expect x = { .max_loss = opt->max_loss };
	struct xcatdump_count *counts = NULL;
	size_t i;
	int rc;

	x.tables = (const char *const *)opt->probe->tables;
	x.ntables = opt->probe->ntables;
	if (x.ntables == 0) {
		x.tables = NULL;
		xcatdump_add(d->proof, XCATCSV_WARNING, "", "tabdump did not "
		    "list the tables%s%s", opt->probe->tables_reason != NULL ?
		    ": " : "", opt->probe->tables_reason != NULL ?
		    opt->probe->tables_reason : "");
	}
	if (was != NULL && was->ntables > 0) {
		counts = calloc(was->ntables, sizeof(*counts));
		if (counts == NULL)
			return (err_nomem(e));
		for (i = 0; i < was->ntables; i++) {
			counts[i].name = was->tables[i].name;
			counts[i].rows = was->tables[i].rows;
		}
		x.earlier = counts;
		x.nearlier = was->ntables;
	}
	rc = xcatdump_finish(d->proof, &x, e);
	free(counts);
	return (rc);
}

static int
conclude(struct dump *d, struct err *e)
{
	static const enum snapshot_dump verdicts[] = {
		[XCATDUMP_WHOLE] = SNAPSHOT_DUMP_WHOLE,
		[XCATDUMP_WARNED] = SNAPSHOT_DUMP_WARNED,
		[XCATDUMP_BAD] = SNAPSHOT_DUMP_FAILED,
	};
	const struct xcatdump_finding *f;
	struct buf text = BUF_INIT;
	int rc = 0;

	d->verdict = verdicts[xcatdump_verdict(d->proof)];
	if (xcatdump_findings(d->proof) > 0) {
		f = xcatdump_finding(d->proof, 0);
		xcatdump_finding_text(&text, f);
		if (f->level > XCATCSV_NOTE &&
		    (d->reason = strdup(buf_cstr(&text))) == NULL)
			rc = err_nomem(e);
		buf_fini(&text);
	}
	return (rc);
}

/* The script cleans up when its input ends; see that it does. */
static void
leave(struct dump *d)
{
	struct err ignored;
	int status;

	if (d->shell != NULL && !d->hangs &&
	    remote_exec_end_input(d->shell, &ignored) == 0)
		(void)remote_exec_wait(d->shell, &status, &ignored);
	remote_exec_free(d->shell);
	d->shell = NULL;
}

struct dump *
dump_new(struct remote *r, const struct dump_options *options, struct err *e)
{
	struct dump_options opt = *options;
	struct dump *d;

	if (opt.limit_s == 0)
		opt.limit_s = DUMP_LIMIT_S;
	if ((d = calloc(1, sizeof(*d))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	d->remote = r;
	d->bypass = opt.probe->xcatd != PROBE_XCATD_UP;
	if ((d->proof = xcatdump_new(e)) != NULL && start(d, &opt, e) == 0 &&
	    run(d, &opt, e) == 0 &&
	    (d->dir == NULL || read_tables(d, &opt, e) == 0) &&
	    listen_again(d, e) == 0 && recount(d, e) == 0 &&
	    judge(d, &opt, e) == 0 && conclude(d, e) == 0) {
		/* One that is of no further use takes no room. */
		if (!opt.publish || d->verdict == SNAPSHOT_DUMP_FAILED)
			leave(d);
		return (d);
	}
	dump_free(d);
	return (NULL);
}

void
dump_free(struct dump *d)
{
	if (d == NULL)
		return;
	leave(d);
	xcatdump_free(d->proof);
	buf_fini(&d->line);
	free(d->dir);
	free(d->reason);
	free(d);
}

enum snapshot_dump
dump_verdict(const struct dump *d)
{
	return (d->verdict);
}

const char *
dump_reason(const struct dump *d)
{
	return (d->reason);
}

const struct xcatdump *
dump_proof(const struct dump *d)
{
	return (d->proof);
}

/* Where publish.pl has begun to speak; NULL: it has not. */
static const char *
publisher_said(struct dump *d)
{
	const char *p = buf_cstr(remote_exec_stderr(d->shell));

	while (p != NULL && strncmp(p, PUBLISHER, strlen(PUBLISHER)) != 0)
		p = (p = strchr(p, '\n')) != NULL ? p + 1 : NULL;
	return (p);
}

/* It ended without the word of success; its last words tell. */
static void
refused(struct dump *d, struct err *e)
{
	struct buf words = BUF_INIT;
	struct err ignored;
	const char *p;
	int status;

	(void)remote_exec_wait(d->shell, &status, &ignored);
	if ((p = publisher_said(d)) != NULL) {
		buf_put_printable(&words, p, strcspn(p, "\n"));
		d->unsure = strncmp(p, PARTLY, strlen(PARTLY)) == 0;
	} else
		said(d, &words);
	err_set(e, ERR_FAILED, "%s: " DUMP_TARGET " could not be replaced: "
	    "%s", remote_name(d->remote), words.len > 0 ? buf_cstr(&words) :
	    "no reason was given");
	buf_fini(&words);
}

int
dump_publish(struct dump *d, struct err *e)
{
	struct buf words = BUF_INIT;
	const char *line;
	size_t i;
	int late, rc = -1;

	d->unsure = 1;
	buf_puts(&words, "publish\n");
	for (i = 0; i < xcatdump_tables(d->proof); i++)
		buf_printf(&words, "%s.csv\n",
		    xcatdump_table(d->proof, i)->name);
	buf_puts(&words, ".\n");
	if (buf_ok(&words, e) == 0 && remote_exec_write(d->shell, words.data,
	    words.len, e) == 0 && remote_exec_end_input(d->shell, e) == 0) {
		line = next_line(d, PUBLISH_S, &late, e);
		d->hangs = late;
		if (line != NULL && strcmp(line, "published") == 0)
			rc = 0;
		else if (late)
			err_set(e, ERR_FAILED, "%s: " DUMP_TARGET " was not "
			    "replaced within %d s", remote_name(d->remote),
			    PUBLISH_S);
		else if (e->kind == ERR_NONE)
			refused(d, e);
	}
	/* The session may be another before the dump is freed. */
	leave(d);
	buf_fini(&words);
	return (rc);
}

int
dump_unsure(const struct dump *d)
{
	return (d->unsure);
}

int
dump_describe(const struct dump *d, struct snapshot_database *out,
    struct err *e)
{
	const struct xcatdump_table *t;
	size_t i, n = xcatdump_tables(d->proof);

	out->dump = d->verdict;
	out->bypass = d->bypass;
	if (d->reason != NULL && (out->reason = strdup(d->reason)) == NULL)
		return (err_nomem(e));
	if (d->verdict == SNAPSHOT_DUMP_FAILED)
		return (0);
	if ((out->tables = calloc(n + 1, sizeof(*out->tables))) == NULL)
		return (err_nomem(e));
	for (i = 0; i < n; i++) {
		t = xcatdump_table(d->proof, i);
		out->tables[i].rows = t->rows;
		out->tables[i].columns = t->columns;
		out->tables[i].bytes = t->bytes;
		memcpy(out->tables[i].digest, t->digest, DIGEST_LEN);
		out->tables[i].name = strdup(t->name);
		if (out->tables[i].name == NULL)
			return (err_nomem(e));
		out->ntables++;
	}
	return (0);
}
