#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "formats/ustar.h"
#include "remote/exec.h"
#include "remote/quote.h"
#include "restore/dbstage.h"

#define LINE_MAX_BYTES 4096
#define GRACE_S 60		/* beyond a limit, for what is around it */
#define STAGE_S 600		/* until what was sent has been read back */
#define PUBLISH_S 300
#define RESTART_S 480

extern const char restore_dbstage_sh[], remote_node_publish_pl[];
extern const char remote_node_beside_sh[];

struct stage {
	struct remote *remote;
	struct remote_exec *shell;
	struct buf line;
};

/* --------------------------------------------------------------- speaking */

static int
start(struct stage *s, struct remote *r, const char *what, int bypass,
    unsigned limit_s, struct err *e)
{
	char limit[16];
	const char *args[] = { what, DUMP_TARGET, limit,
	    remote_node_publish_pl, remote_node_beside_sh };
	struct buf command = BUF_INIT;

	memset(s, 0, sizeof(*s));
	s->remote = r;
	snprintf(limit, sizeof(limit), "%u", limit_s);
	remote_xcat_command(&command, restore_dbstage_sh, bypass, args, 5);
	if (buf_ok(&command, e) == 0)
		s->shell = remote_exec_new(r, buf_cstr(&command), e);
	buf_fini(&command);
	return (s->shell != NULL ? 0 : -1);
}

/* The script cleans up when its input ends; see that it does. */
static void
finish(struct stage *s)
{
	struct err ignored;
	int status;

	if (s->shell != NULL &&
	    remote_exec_end_input(s->shell, &ignored) == 0)
		(void)remote_exec_wait(s->shell, &status, &ignored);
	remote_exec_free(s->shell);
	buf_fini(&s->line);
}

/* What the node has said on standard error, the first line of it. */
static void
said(struct stage *s, struct buf *out)
{
	const char *p = buf_cstr(remote_exec_stderr(s->shell)), *nl;

	p += strspn(p, " \t\r\n");
	nl = strchr(p, '\n');
	buf_put_printable(out, p, nl != NULL ? (size_t)(nl - p) : strlen(p));
}

/*
 * The next line: 1 with its text, the stage's own; 0 at the end, or when it
 * takes too long (*late); -1 the connection is lost.
 */
static int
next_line(struct stage *s, unsigned limit_s, const char **text, int *late,
    struct err *e)
{
	struct timespec start_time, now;
	ssize_t n;
	char c;

	*late = 0;
	buf_clear(&s->line);
	clock_gettime(CLOCK_MONOTONIC, &start_time);
	for (;;) {
		if ((n = remote_exec_read(s->shell, &c, 1, 1000, e)) == -1)
			return (-1);
		if (n == 1 && c == '\n') {
			*text = buf_cstr(&s->line);
			return (1);
		}
		if (n == 1 && s->line.len < LINE_MAX_BYTES) {
			buf_putc(&s->line, c);
			continue;
		}
		if (n == 1)
			continue;
		if (remote_exec_ended(s->shell))
			return (0);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start_time.tv_sec > (time_t)limit_s) {
			*late = 1;
			return (0);
		}
	}
}

/* It ended without what it should have said. */
static int
failed(struct stage *s, int late, const char *what, struct err *e)
{
	struct buf words = BUF_INIT;

	said(s, &words);
	err_set(e, ERR_FAILED, "%s: %s: %s", remote_name(s->remote), what,
	    late ? "no answer in time" : words.len > 0 ? buf_cstr(&words) :
	    "no reason given");
	buf_fini(&words);
	return (-1);
}

/* ---------------------------------------------------------------- staging */

int
dbstage_archive(struct buf *out, const struct dbset_table *const *tables,
    size_t n, struct err *e)
{
	static const uint8_t zeros[2 * USTAR_BLOCK];
	char name[XCATSCHEMA_TABLE_MAX + 8];
	uint8_t head[USTAR_BLOCK];
	size_t i, len;

	for (i = 0; i < n; i++) {
		len = tables[i]->text.len;
		snprintf(name, sizeof(name), "%s.csv", tables[i]->name);
		ustar_encode(head, name, len);
		buf_append(out, head, sizeof(head));
		buf_append(out, tables[i]->text.data, len);
		buf_append(out, zeros, USTAR_PADDED(len) - len);
	}
	buf_append(out, zeros, sizeof(zeros));
	return (buf_ok(out, e));
}

/* "DIGEST  NAME.csv": is it one of ours? */
static int
is_proved(const char *line, const struct dbset_table *const *tables,
    size_t n)
{
	char want[DIGEST_HEX + XCATSCHEMA_TABLE_MAX + 8];
	char hex[DIGEST_HEX + 1];
	size_t i;

	for (i = 0; i < n; i++) {
		digest_hexz(tables[i]->digest, hex);
		snprintf(want, sizeof(want), "%s  %s.csv", hex,
		    tables[i]->name);
		if (strcmp(line, want) == 0)
			return (1);
	}
	return (0);
}

static int
check_staged(struct stage *s, const struct dbset_table *const *tables,
    size_t n, struct err *e)
{
	const char *line;
	size_t good = 0;
	int late, rc;

	while ((rc = next_line(s, STAGE_S, &line, &late, e)) == 1) {
		if (strcmp(line, "staged") == 0)
			break;
		if (!is_proved(line, tables, n))
			return (err_set(e, ERR_FAILED, "%s: the tables did "
			    "not arrive there as they were sent; the "
			    "database was not changed",
			    remote_name(s->remote)));
		good++;
	}
	if (rc == -1)
		return (-1);
	if (rc == 0)
		return (failed(s, late, "the tables cannot be stored there; "
		    "the database was not changed", e));
	if (good != n)
		return (err_set(e, ERR_FAILED, "%s: %zu of %zu tables "
		    "arrived there; the database was not changed",
		    remote_name(s->remote), good, n));
	return (0);
}

static int
send_tables(struct stage *s, const struct dbset_table *const *tables,
    size_t n, struct err *e)
{
	struct buf archive = BUF_INIT, length = BUF_INIT;
	const char *line;
	int late, rc;

	if ((rc = next_line(s, GRACE_S, &line, &late, e)) == -1)
		return (-1);
	if (rc == 0 || strncmp(line, "dir /", 5) != 0)
		return (failed(s, late, "no private directory could be made",
		    e));
	if ((rc = dbstage_archive(&archive, tables, n, e)) == 0) {
		buf_printf(&length, "%zu\n", archive.len);
		rc = buf_ok(&length, e);
	}
	if (rc == 0 && (remote_exec_write(s->shell, length.data, length.len,
	    e) == -1 || remote_exec_write(s->shell, archive.data,
	    archive.len, e) == -1))
		rc = remote_lost(s->remote) ? -1 : failed(s, 0, "the tables "
		    "cannot be stored there; the database was not "
		    "changed", e);
	buf_fini(&archive);
	buf_fini(&length);
	return (rc == 0 ? check_staged(s, tables, n, e) : -1);
}

/* --------------------------------------------------------------- restoring */

/* Errors are only ever told, not counted, by restorexCATdb. */
static int
find_error(struct stage *s, struct dbstage_done *out, struct err *e)
{
	const char *p = buf_cstr(remote_exec_stderr(s->shell)), *nl;
	struct buf words = BUF_INIT;
	size_t n;
	int rc = 0;

	for (; *p != '\0'; p = nl + (*nl == '\n')) {
		nl = p + strcspn(p, "\n");
		n = (size_t)(nl - p);
		if (memmem(p, n, "rror", 4) == NULL &&
		    memmem(p, n, "ERROR", 5) == NULL)
			continue;
		buf_put_printable(&words, p, n < 300 ? n : 300);
		if ((rc = buf_ok(&words, e)) == 0 &&
		    (out->said = strdup(buf_cstr(&words))) == NULL)
			rc = err_nomem(e);
		break;
	}
	buf_fini(&words);
	return (rc);
}

/*
 * Listen to the end, not only to the status: what was said on standard error
 * before it may arrive behind it.
 */
static int
watch(struct stage *s, unsigned limit_s, struct dbstage_done *out,
    struct err *e)
{
	const char *line;
	int late, rc;

	out->status = -1;
	while ((rc = next_line(s, limit_s + GRACE_S, &line, &late,
	    e)) == 1) {
		if (strncmp(line, "Restoring ", 10) == 0)
			out->restored++;
		if (strncmp(line, "status ", 7) != 0)
			continue;
		out->status = atoi(line + 7);
		if (out->status == 124 || out->status == 137)
			out->status = -1;
		limit_s = 0;
	}
	return (rc == -1 ? -1 : find_error(s, out, e));
}

int
dbstage_restore(struct remote *r, const struct dbset_table *const *tables,
    size_t n, int bypass, unsigned limit_s, struct dbstage_done *out,
    int *begun, struct err *e)
{
	struct stage s;
	int rc = -1;

	*begun = 0;
	memset(out, 0, sizeof(*out));
	if (start(&s, r, "restore", bypass, limit_s, e) == 0 &&
	    send_tables(&s, tables, n, e) == 0) {
		*begun = 1;
		if (remote_exec_write(s.shell, "go\n", 3, e) == 0)
			rc = watch(&s, limit_s, out, e);
	}
	finish(&s);
	return (rc);
}

void
dbstage_done_fini(struct dbstage_done *d)
{
	free(d->said);
	memset(d, 0, sizeof(*d));
}

static int
send_names(struct stage *s, const struct dbset_table *const *tables,
    size_t n, struct err *e)
{
	struct buf words = BUF_INIT;
	size_t i;
	int rc;

	buf_puts(&words, "go\n");
	for (i = 0; i < n; i++)
		buf_printf(&words, "%s.csv\n", tables[i]->name);
	buf_puts(&words, ".\n");
	if ((rc = buf_ok(&words, e)) == 0 &&
	    (remote_exec_write(s->shell, words.data, words.len, e) == -1 ||
	    remote_exec_end_input(s->shell, e) == -1))
		rc = -1;
	buf_fini(&words);
	return (rc);
}

int
dbstage_publish(struct remote *r, const struct dbset_table *const *tables,
    size_t n, struct err *e)
{
	const char *line;
	struct stage s;
	int late, rc = -1;

	if (start(&s, r, "publish", 0, 0, e) == 0 &&
	    send_tables(&s, tables, n, e) == 0 &&
	    send_names(&s, tables, n, e) == 0) {
		rc = next_line(&s, PUBLISH_S, &line, &late, e);
		if (rc == 1 && strcmp(line, "published") == 0)
			rc = 0;
		else if (rc != -1)
			rc = failed(&s, late, DUMP_TARGET " could not be "
			    "replaced", e);
	}
	finish(&s);
	return (rc);
}

int
dbstage_restart(struct remote *r, struct err *e)
{
	const char *line;
	struct stage s;
	int late, state = -1, rc;

	if (start(&s, r, "restart", 0, 0, e) == 0 &&
	    (rc = next_line(&s, RESTART_S, &line, &late, e)) != -1)
		state = rc == 0 ? DBSTAGE_DOWN :
		    strcmp(line, "xcatd up") == 0 ? DBSTAGE_UP :
		    strcmp(line, "xcatd up, not restarted") == 0 ?
		    DBSTAGE_ALIVE : DBSTAGE_DOWN;
	finish(&s);
	return (state);
}
