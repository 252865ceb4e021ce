#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/human.h"
#include "base/io.h"
#include "formats/dbtext.h"
#include "formats/osshow.h"
#include "restore/dbtables.h"
#include "restore/dbtrial.h"
#include "restore/ossnap.h"
#include "restore/plan.h"
#include "restore/restore.h"
#include "restore/target.h"

#define THREADS_MAX 16
#define FINDINGS_MAX 2000	/* kept */
#define DATABASE_ROOM ((uint64_t)4)	/* times the dump, in the scratch */

enum { OPT_TO = CLI_OPT_OWN, OPT_KEEP, OPT_WITHOUT_DATABASE };

static const struct option options[] = {
	CLI_LONG,
	{ "to", required_argument, NULL, OPT_TO },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "without-database", no_argument, NULL, OPT_WITHOUT_DATABASE },
	{ NULL, 0, NULL, 0 },
};

enum level { NOTE, WARNING, FAILURE };
static const char *const level_names[] = { "note", "warning", "failure" };

struct finding {
	enum level level;
	const char *area;	/* "files", "database", "osimages" */
	char *text;
};

struct drill {
	const struct cli *cli;
	const char *to;
	int keep, without_database;
	struct view view;
	struct buf dir;		/* the scratch directory; "": not made */
	int root;		/* of what is restored; -1 */
	struct finding *findings;
	size_t n;		/* kept */
	size_t counts[3];	/* by level, all */
	struct plan_totals files;
	struct dbtrial_totals db;
	struct osimages images;
	int db_tried, images_checked;
	double seconds;
};

static void
__attribute__((format(printf, 4, 5)))
find(struct drill *d, enum level level, const char *area, const char *fmt,
    ...)
{
	struct finding *f;
	va_list ap;

	d->counts[level]++;
	if (d->n == FINDINGS_MAX)
		return;
	f = &d->findings[d->n];
	va_start(ap, fmt);
	if (vasprintf(&f->text, fmt, ap) != -1) {
		f->level = level;
		f->area = area;
		d->n++;
	}
	va_end(ap);
}

/* The scratch directory. */

static int
make_scratch(struct drill *d, struct err *e)
{
	const char *in = d->to;

	if (in == NULL && ((in = getenv("TMPDIR")) == NULL || *in == '\0'))
		in = "/var/tmp";
	if (io_mkdir_path(in, e) == -1)
		return (-1);
	buf_printf(&d->dir, "%s/xcatvault-drill.XXXXXX", in);
	if (buf_ok(&d->dir, e) == -1)
		return (-1);
	(void)buf_cstr(&d->dir);
	if (mkdtemp((char *)d->dir.data) == NULL) {
		err_sys(e, "%s: no scratch directory", in);
		buf_clear(&d->dir);
		return (-1);
	}
	return (0);
}

/* Replaces out. */
static const char *
in_scratch(struct drill *d, struct buf *out, const char *name)
{
	buf_clear(out);
	buf_printf(out, "%s/%s", buf_cstr(&d->dir), name);
	return (buf_cstr(out));
}

static int
open_up(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	if (type == FTW_D || type == FTW_DNR)
		(void)chmod(path, 0700);
	return (0);
}

static int
take_away(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	(void)remove(path);
	return (0);
}

/* Nothing below it is a link that is followed. */
static void
remove_scratch(struct drill *d)
{
	const char *path = buf_cstr(&d->dir);

	if (d->root != -1)
		close(d->root);
	d->root = -1;
	if (path[0] == '\0' || d->keep)
		return;
	/* root needs no permission. */
	if (geteuid() != 0)
		(void)nftw(path, open_up, 64, FTW_PHYS);
	(void)nftw(path, take_away, 64, FTW_PHYS | FTW_DEPTH);
	if (access(path, F_OK) == 0)
		cli_warn("warning: %s: not all of it could be removed", path);
}

/* Files. */

static int
check_space(struct drill *d, const struct selection *sel, struct err *e)
{
	struct plan_options dry = { .root = -1, .dry_run = 1, .threads = 1 };
	struct snapshot *s = &d->view.snap;
	char need[HUMAN_LEN], have[HUMAN_LEN];
	uint64_t bytes = 0, files = 0, extra = 0, room;
	struct plan_totals t;
	struct statvfs fs;
	size_t i;
	int rc;

	if (statvfs(buf_cstr(&d->dir), &fs) == -1)
		return (err_sys(e, "%s", buf_cstr(&d->dir)));
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	for (i = 0; i < s->nvolumes; i++) {
		bytes += s->volumes[i].totals.bytes;
		files += s->volumes[i].totals.files;
	}
	for (i = 0; i < s->database.ntables; i++)
		extra += s->database.tables[i].bytes * DATABASE_ROOM;
	if (bytes + extra + files * fs.f_frsize <= room)
		return (0);
	/* Hard links and holes take less: count more closely. */
	if ((dry.report = report_new(REPORT_SILENT)) == NULL)
		return (err_nomem(e));
	rc = plan_run(&d->view, sel, &dry, &t, e);
	report_free(dry.report);
	if (rc == -1 || t.bytes + extra <= room)
		return (rc);
	human_bytes(t.bytes + extra, need);
	human_bytes(room, have);
	return (err_set(e, ERR_FAILED, "%s: not enough space: %s are to be "
	    "written, %s are free; nothing was tried", buf_cstr(&d->dir),
	    need, have));
}

/* What this host or user cannot do says nothing about the snapshot. */
static int
is_of_host(const struct report_item *it)
{
	return (strcmp(it->kind, "not all restored") == 0 ||
	    (strcmp(it->kind, "not restored") == 0 &&
	    strcmp(it->message, strerror(EPERM)) == 0));
}

static void
take_report(struct drill *d, struct report *r)
{
	const struct report_item *it;
	size_t i, kept = report_kept(r), all = report_count(r);

	for (i = 0; i < kept; i++) {
		it = report_get(r, i);
		find(d, is_of_host(it) ? WARNING : FAILURE, "files",
		    "%s: %s: %s", it->path, it->kind, it->message);
	}
	if (all > kept)
		find(d, WARNING, "files", "%zu more entries like these",
		    all - kept);
	if (d->files.damaged > 0 && d->counts[FAILURE] == 0)
		find(d, FAILURE, "files", "%llu damaged pieces of contents",
		    (unsigned long long)d->files.damaged);
	if (d->view.troubles > 0)
		find(d, FAILURE, "files", "%zu parts of the catalog cannot "
		    "be read", d->view.troubles);
}

/* Once more, against what is there now: is anything not as it should be? */
static int
look_again(struct drill *d, const struct selection *sel,
    const struct plan_options *opt, struct err *e)
{
	struct plan_options dry = *opt;
	struct plan_totals t;
	size_t warned = d->counts[WARNING];
	int rc;

	dry.dry_run = 1;
	dry.progress = NULL;
	if ((dry.report = report_new(REPORT_SILENT)) == NULL)
		return (err_nomem(e));
	rc = plan_run(&d->view, sel, &dry, &t, e);
	report_free(dry.report);
	if (rc == -1 || d->counts[FAILURE] > 0)
		return (rc);
	/* What the host refused would be tried again. */
	if (t.created + t.replaced > warned)
		find(d, FAILURE, "files", "%llu entries are not there as the "
		    "snapshot has them",
		    (unsigned long long)(t.created + t.replaced));
	else if (t.adjusted > 0 && warned == 0)
		find(d, WARNING, "files", "%llu entries have not all of "
		    "their metadata", (unsigned long long)t.adjusted);
	return (0);
}

static int
try_files(struct drill *d, struct err *e)
{
	struct selection sel = { NULL, 0, 0 };
	struct plan_options opt = {
		.out = stderr, .threads = cpu_count(THREADS_MAX),
	};
	struct buf path = BUF_INIT;
	int rc = -1;

	if ((opt.report = report_new(REPORT_SILENT)) == NULL)
		return (err_nomem(e));
	if (select_paths(&sel, &d->view, NULL, 0, e) == -1 ||
	    check_space(d, &sel, e) == -1)
		goto out;
	d->root = target_open_root(in_scratch(d, &path, "files"), 1, e);
	if ((opt.root = d->root) == -1)
		goto out;
	opt.progress = progress_new("restored", !d->cli->quiet &&
	    !d->cli->json);
	rc = plan_run(&d->view, &sel, &opt, &d->files, e);
	progress_free(opt.progress);
	if (rc == 0) {
		take_report(d, opt.report);
		rc = look_again(d, &sel, &opt, e);
	}
out:
	select_fini(&sel);
	report_free(opt.report);
	buf_fini(&path);
	return (rc);
}

/* The database. */

static void
take_database(void *arg, enum dbtrial_level level, const char *table,
    const char *text)
{
	struct drill *d = arg;

	find(d, level == DBTRIAL_FAILED ? FAILURE :
	    level == DBTRIAL_WARNING ? WARNING : NOTE, "database", "%s%s%s",
	    table, table[0] != '\0' ? ": " : "", text);
}

static int
try_database(struct drill *d, struct err *e)
{
	struct dbtrial_options opt = {
		.proof = &d->view.snap.database,
		.tell = take_database, .arg = d,
	};
	struct buf path = BUF_INIT;
	int rc = -1;

	opt.dir = target_open_dir(d->root, &DBTABLES_DIR[1]);
	if (opt.dir == -1) {
		find(d, FAILURE, "database", "no dump of the database in "
		    "the snapshot (%s): %s", DBTABLES_DIR, strerror(errno));
		return (0);
	}
	opt.database = in_scratch(d, &path, "xcatdb.sqlite");
	if (buf_ok(&path, e) == 0)
		rc = dbtrial_run(&opt, &d->db, e);
	d->db_tried = rc == 0;
	close(opt.dir);
	buf_fini(&path);
	return (rc);
}

static int
try_osimages(struct drill *d, struct err *e)
{
	const struct osimages_finding *f;
	struct buf b = BUF_INIT;
	size_t i;

	if (ossnap_check(&d->images, &d->view, e) == -1) {
		if (e->kind != ERR_DAMAGED && e->kind != ERR_USAGE)
			return (-1);
		find(d, FAILURE, "osimages", "%s", e->msg);
		return (0);
	}
	d->images_checked = 1;
	for (i = 0; i < d->images.n; i++)
		for (f = d->images.at[i].findings; f != NULL; f = f->next) {
			buf_clear(&b);
			dbtext_put(&b, &d->images.at[i].name);
			buf_puts(&b, ": ");
			osshow_finding(&b, f);
			find(d, f->level == OSIMAGES_MISSING ? FAILURE :
			    WARNING, "osimages", "%s", buf_cstr(&b));
		}
	buf_fini(&b);
	return (0);
}

/* All of it. */

static void
judge_snapshot(struct drill *d)
{
	const struct snapshot *s = &d->view.snap;

	if (!s->partial)
		return;
	if (s->database.dump == SNAPSHOT_DUMP_FAILED)
		find(d, d->without_database ? WARNING : FAILURE, "database",
		    "the snapshot is partial, without a database%s%s",
		    s->database.reason != NULL ? ": " : "",
		    s->database.reason != NULL ? s->database.reason : "");
	else
		find(d, FAILURE, "files", "the snapshot is partial: its "
		    "backup could not read all volumes");
}

static int
try_all(struct drill *d, struct err *e)
{
	int had_dump = d->view.snap.database.dump != SNAPSHOT_DUMP_FAILED;

	judge_snapshot(d);
	if (make_scratch(d, e) == -1 || try_files(d, e) == -1)
		return (-1);
	if (d->without_database || !had_dump)
		return (0);
	if (try_database(d, e) == -1)
		return (-1);
	return (d->db_tried ? try_osimages(d, e) : 0);
}

/* What came of it. */

static int
status_of(const struct drill *d)
{
	return (d->counts[FAILURE] > 0 ? STATUS_DAMAGED :
	    d->counts[WARNING] > 0 ? STATUS_REPORTED : STATUS_DONE);
}

static const char *
first_text(const struct drill *d, enum level level)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->findings[i].level == level)
			return (d->findings[i].text);
	return ("");
}

static void
put_what(const struct drill *d, struct buf *b)
{
	char bytes[HUMAN_LEN];

	human_bytes(d->files.bytes, bytes);
	buf_printf(b, "%llu entries, %s restored",
	    (unsigned long long)d->files.entries, bytes);
	if (d->db_tried)
		buf_printf(b, "; %zu of %zu tables, %llu rows",
		    d->db.restored, d->db.tables - d->db.skipped,
		    (unsigned long long)d->db.rows);
	if (d->images_checked) {
		buf_puts(b, "; ");
		osshow_summary(b, &d->images);
	}
	buf_printf(b, "; %.1f s", d->seconds);
}

static int
print_text(struct drill *d, struct err *e)
{
	struct buf b = BUF_INIT;
	size_t i;
	int level, rc;

	buf_printf(&b, "drill %s (%s): ", d->view.snap.id,
	    d->view.snap.site);
	if (d->counts[FAILURE] > 0)
		buf_printf(&b, "FAIL: %s%s", first_text(d, FAILURE),
		    d->counts[FAILURE] > 1 ? " (and more)" : "");
	else if (d->counts[WARNING] > 0)
		buf_printf(&b, "PASS with %zu warning%s",
		    d->counts[WARNING], d->counts[WARNING] == 1 ? "" : "s");
	else
		buf_puts(&b, "PASS");
	buf_puts(&b, d->counts[FAILURE] > 0 ? "\n" : ": ");
	put_what(d, &b);
	buf_putc(&b, '\n');
	for (level = FAILURE; level >= NOTE; level--)
		for (i = 0; i < d->n; i++)
			if ((int)d->findings[i].level == level)
				buf_printf(&b, "  %s: %s: %s\n",
				    level_names[level], d->findings[i].area,
				    d->findings[i].text);
	i = d->counts[NOTE] + d->counts[WARNING] + d->counts[FAILURE];
	if (i > d->n)
		buf_printf(&b, "  and %zu more\n", i - d->n);
	if (d->keep)
		buf_printf(&b, "kept: %s\n", buf_cstr(&d->dir));
	if ((rc = buf_ok(&b, e)) == 0)
		fwrite(b.data, 1, b.len, stdout);
	buf_fini(&b);
	return (rc);
}

static json_t *
findings_json(const struct drill *d)
{
	json_t *list = json_array();
	struct span text;
	size_t i;

	for (i = 0; i < d->n; i++) {
		text.p = d->findings[i].text;
		text.len = strlen(text.p);
		json_array_append_new(list, json_pack("{s:s, s:s, s:o}",
		    "level", level_names[d->findings[i].level], "area",
		    d->findings[i].area, "text", dbtext_json(&text)));
	}
	return (list);
}

static int
print_json(struct drill *d, struct err *e)
{
	struct span kept = { buf_cstr(&d->dir), d->dir.len };
	json_t *j;

	j = json_pack("{s:s, s:s, s:s, s:I, s:I, s:f, s:{s:I, s:I, s:I}, "
	    "s:o}", "snapshot", d->view.snap.id, "site", d->view.snap.site,
	    "result", d->counts[FAILURE] > 0 ? "fail" : "pass",
	    "failures", (json_int_t)d->counts[FAILURE],
	    "warnings", (json_int_t)d->counts[WARNING],
	    "seconds", d->seconds, "files",
	    "entries", (json_int_t)d->files.entries,
	    "bytes", (json_int_t)d->files.bytes,
	    "damaged_blobs", (json_int_t)d->files.damaged,
	    "findings", findings_json(d));
	if (j == NULL)
		return (err_nomem(e));
	if (d->db_tried)
		json_object_set_new(j, "database", json_pack(
		    "{s:I, s:I, s:I, s:I, s:I}",
		    "tables", (json_int_t)d->db.tables,
		    "restored", (json_int_t)d->db.restored,
		    "skipped", (json_int_t)d->db.skipped,
		    "rows", (json_int_t)d->db.rows,
		    "changed_values", (json_int_t)d->db.changed));
	if (d->images_checked)
		json_object_set_new(j, "osimages",
		    osshow_json(&d->images));
	if (d->keep)
		json_object_set_new(j, "kept", dbtext_json(&kept));
	return (cli_json(j, e));
}

/* One that could not be opened for damage has failed, too. */
static int
cannot_run(struct drill *d, const char *snap, struct err *e)
{
	if (e->kind == ERR_DAMAGED && !d->cli->json)
		printf("drill %s: FAIL: %s\n", snap, e->msg);
	return (cli_fail(e));
}

static int
run(struct drill *d, const char *snap)
{
	struct err e = { .kind = ERR_NONE };
	double begin = clock_now();
	int rc, status;

	d->findings = calloc(FINDINGS_MAX, sizeof(*d->findings));
	if (d->findings == NULL)
		return (cli_fail((err_nomem(&e), &e)));
	if (view_open(&d->view, d->cli, snap, &e) == -1)
		return (cannot_run(d, snap, &e));
	(void)io_max_files();
	umask(0);
	cancel_catch_signals();
	rc = try_all(d, &e);
	d->seconds = clock_now() - begin;
	status = status_of(d);
	if (rc == 0 && d->cli->json)
		rc = print_json(d, &e);
	else if (rc == 0 && (!d->cli->quiet || status != STATUS_DONE))
		rc = print_text(d, &e);
	if (rc == 0)
		rc = cli_flush(&e);
	return (rc == -1 ? cannot_run(d, snap, &e) : status);
}

int
drill_main(struct cli *cli, int argc, char **argv)
{
	struct drill d = { .cli = cli, .root = -1 };
	int opt, status;

	while ((opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1) {
		if (opt == OPT_TO)
			d.to = optarg;
		else if (opt == OPT_KEEP)
			d.keep = 1;
		else if (opt == OPT_WITHOUT_DATABASE)
			d.without_database = 1;
		else if (cli_option(cli, opt, optarg) == -1)
			return (cli_usage(DRILL_USAGE));
	}
	if (argc - optind != 1 || (d.to != NULL && d.to[0] == '\0'))
		return (cli_usage(DRILL_USAGE));
	status = run(&d, argv[optind]);
	remove_scratch(&d);
	osimages_fini(&d.images);
	view_close(&d.view);
	while (d.n > 0)
		free(d.findings[--d.n].text);
	free(d.findings);
	buf_fini(&d.dir);
	return (status);
}
