#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "backup/backup.h"
#include "base/cancel.h"
#include "base/io.h"
#include "formats/pathtext.h"
#include "formats/xcatdump.h"

#define PIECE ((size_t)256 << 10)

/* A directory, whose entries are taken in the order of their names. */
struct source {
	int fd;
	const char *dir;
	struct dirent **names;
	int nnames;
	uint8_t *piece;
};

static int
open_dir(struct source *s, struct err *e)
{
	s->fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd == -1 && (errno == ENOENT || errno == ENOTDIR))
		return (err_set(e, ERR_USAGE, "%s: %s", s->dir,
		    strerror(errno)));
	if (s->fd == -1 || (s->nnames = scandirat(s->fd, ".", &s->names,
	    NULL, alphasort)) == -1) {
		s->nnames = 0;
		return (err_sys(e, "%s", s->dir));
	}
	if ((s->piece = malloc(PIECE)) == NULL)
		return (err_nomem(e));
	return (0);
}

static void
close_dir(struct source *s)
{
	while (s->nnames > 0)
		free(s->names[--s->nnames]);
	free(s->names);
	free(s->piece);
	if (s->fd != -1)
		close(s->fd);
}

/*
 * A descriptor, -1 with errno when there is trouble, or -2: not a regular
 * file, nor a link to one.
 */
static int
open_regular(int dirfd, const char *name)
{
	struct stat st;
	int fd;

	if (fstatat(dirfd, name, &st, 0) == -1)
		return (errno == ENOENT || errno == ELOOP ? -2 : -1);
	if (!S_ISREG(st.st_mode))
		return (-2);
	if ((fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC)) == -1)
		return (-1);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return (fd);
	close(fd);
	return (-2);
}

static int
feed_file(struct source *s, struct xcatdump *d, int fd, const char *name,
    struct err *e)
{
	ssize_t n;

	do {
		if (cancel_check(e) == -1)
			return (-1);
		if ((n = io_read(fd, s->piece, PIECE)) == -1)
			return (err_sys(e, "%s/%s", s->dir, name));
		if (n > 0 && xcatdump_feed(d, s->piece, (size_t)n, e) == -1)
			return (-1);
	} while (n > 0);
	return (xcatdump_end(d, e));
}

static int
take_entry(struct source *s, struct xcatdump *d, const char *name,
    struct err *e)
{
	int fd, rc;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return (0);
	if ((fd = open_regular(s->fd, name)) == -1)
		return (err_sys(e, "%s/%s", s->dir, name));
	rc = xcatdump_begin(d, name, fd >= 0, e);
	if (rc == 1)
		rc = feed_file(s, d, fd, name, e);
	if (fd >= 0)
		close(fd);
	return (rc);
}

static int
prove(const char *dir, struct xcatdump *d, struct err *e)
{
	static const struct xcatdump_expect offline = { .max_loss = 100 };
	struct source s = { .fd = -1, .dir = dir };
	int i, rc;

	rc = open_dir(&s, e);
	for (i = 0; rc == 0 && i < s.nnames; i++)
		rc = take_entry(&s, d, s.names[i]->d_name, e);
	close_dir(&s);
	return (rc == 0 ? xcatdump_finish(d, &offline, e) : -1);
}

static const char *
verdict_name(const struct xcatdump *d)
{
	switch (xcatdump_worst(d)) {
	case XCATCSV_BROKEN:
		return ("not whole");
	case XCATCSV_UNRESTORABLE:
		return ("cannot be restored whole");
	case XCATCSV_WARNING:
		return ("whole, with warnings");
	default:
		return ("whole");
	}
}

static int
print_text(const char *dir, const struct xcatdump *d, int quiet,
    struct err *e)
{
	struct buf line = BUF_INIT;
	size_t i;
	int rc;

	pathtext_encode(&line, dir, strlen(dir));
	buf_printf(&line, ": %s: %zu tables, %llu rows, %llu bytes\n",
	    verdict_name(d), xcatdump_tables(d),
	    (unsigned long long)xcatdump_rows(d),
	    (unsigned long long)xcatdump_bytes(d));
	for (i = 0; i < xcatdump_findings(d); i++) {
		const struct xcatdump_finding *f = xcatdump_finding(d, i);

		if (quiet && f->level == XCATCSV_NOTE)
			continue;
		buf_printf(&line, "%s: ", xcatdump_level_name(f->level));
		xcatdump_finding_text(&line, f);
		buf_putc(&line, '\n');
	}
	if ((rc = buf_ok(&line, e)) == 0 &&
	    (!quiet || xcatdump_worst(d) > XCATCSV_NOTE))
		fwrite(line.data, 1, line.len, stdout);
	buf_fini(&line);
	return (rc);
}

static json_t *
table_json(const struct xcatdump_table *t)
{
	char hex[DIGEST_HEX + 1];

	digest_hexz(t->digest, hex);
	return (json_pack("{s:s, s:I, s:I, s:I, s:s}", "name", t->name,
	    "rows", (json_int_t)t->rows, "columns", (json_int_t)t->columns,
	    "bytes", (json_int_t)t->bytes, "sha256", hex));
}

/* What a finding is not about is left out. */
static json_t *
finding_json(const struct xcatdump_finding *f)
{
	json_t *j = json_pack("{s:s}", "level",
	    xcatdump_level_name(f->level));

	if (f->table[0] != '\0')
		json_object_set_new(j, "table", json_string(f->table));
	if (f->row > 0)
		json_object_set_new(j, "row", json_integer((json_int_t)f->row));
	if (f->line > 0)
		json_object_set_new(j, "line",
		    json_integer((json_int_t)f->line));
	if (f->column[0] != '\0')
		json_object_set_new(j, "column", json_string(f->column));
	json_object_set_new(j, "reason", json_string(f->text));
	return (j);
}

static json_t *
dump_json(const struct xcatdump *d)
{
	json_t *tables = json_array(), *findings = json_array();
	size_t i;

	for (i = 0; i < xcatdump_tables(d); i++)
		json_array_append_new(tables,
		    table_json(xcatdump_table(d, i)));
	for (i = 0; i < xcatdump_findings(d); i++)
		json_array_append_new(findings,
		    finding_json(xcatdump_finding(d, i)));
	return (json_pack("{s:s, s:I, s:I, s:o, s:o}", "verdict",
	    verdict_name(d), "rows", (json_int_t)xcatdump_rows(d), "bytes",
	    (json_int_t)xcatdump_bytes(d), "findings", findings, "tables",
	    tables));
}

static int
check(const char *dir, const struct cli *cli)
{
	struct xcatdump *d;
	struct err e;
	int status;

	cancel_catch_signals();
	if ((d = xcatdump_new(&e)) == NULL)
		return (cli_fail(&e));
	if (prove(dir, d, &e) == -1 || (cli->json ? cli_json(dump_json(d), &e) :
	    print_text(dir, d, cli->quiet, &e)) == -1 || cli_flush(&e) == -1)
		status = cli_fail(&e);
	else
		status = xcatdump_worst(d) >= XCATCSV_UNRESTORABLE ?
		    STATUS_DAMAGED : xcatdump_worst(d) == XCATCSV_WARNING ?
		    STATUS_REPORTED : STATUS_DONE;
	xcatdump_free(d);
	return (status);
}

int
dump_main(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		CLI_LONG,
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1)
		if (cli_option(cli, opt, optarg) == -1)
			return (cli_usage(DUMP_USAGE));
	if (argc - optind != 2 || strcmp(argv[optind], "check") != 0)
		return (cli_usage(DUMP_USAGE));
	return (check(argv[optind + 1], cli));
}
