#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "backup/summary.h"
#include "base/cli.h"
#include "base/human.h"

int
summary_json(struct snapshot *s, const struct cli *cli, struct err *e)
{
	struct buf text = BUF_INIT;
	json_t *j = NULL;
	int rc;

	rc = snapshot_encode(&text, s, e);
	if (rc == 0 && (j = json_loadb((const char *)text.data, text.len, 0,
	    NULL)) == NULL)
		rc = err_nomem(e);
	if (rc == 0) {
		json_object_set_new(j, "id", json_string(s->id));
		rc = cli_tell(cli, j, e);
	}
	buf_fini(&text);
	return (rc);
}

static void
print_database(FILE *f, const struct snapshot_database *d)
{
	unsigned long long rows = 0;
	size_t i;

	for (i = 0; i < d->ntables; i++)
		rows += d->tables[i].rows;
	if (d->dump == SNAPSHOT_DUMP_FAILED)
		fprintf(f, "; no database");
	else if (d->dump != SNAPSHOT_DUMP_NONE)
		fprintf(f, "; database of %zu tables, %llu rows%s", d->ntables,
		    rows, d->bypass ? " (xcatd was down)" : "");
}

static void
print_line(FILE *f, const struct snapshot *s, size_t trouble)
{
	struct snapshot_totals t = { 0 };
	char bytes[HUMAN_LEN], stored[HUMAN_LEN], took[HUMAN_LEN];
	const struct snapshot_totals *v;
	size_t i;

	for (i = 0; i < s->nvolumes; i++) {
		v = &s->volumes[i].totals;
		t.entries += v->entries;
		t.bytes += v->bytes;
		t.new_files += v->new_files;
		t.changed_files += v->changed_files;
	}
	human_bytes(t.bytes, bytes);
	human_bytes(s->stored_bytes, stored);
	human_seconds((uint64_t)(s->end.tv_sec - s->start.tv_sec), took);
	fprintf(f, "snapshot %s %s %s: %zu volume%s, %llu entries, %s; "
	    "%llu new and %llu changed files, %s stored, %s", s->id, s->site,
	    s->partial ? "partial" : "complete", s->nvolumes,
	    s->nvolumes == 1 ? "" : "s", (unsigned long long)t.entries,
	    bytes, (unsigned long long)t.new_files,
	    (unsigned long long)t.changed_files, stored, took);
	print_database(f, &s->database);
	if (trouble > 0)
		fprintf(f, "; %zu file%s reported", trouble,
		    trouble == 1 ? "" : "s");
	fprintf(f, "\n");
}

void
summary_print(const struct snapshot *s, size_t trouble)
{
	print_line(stdout, s, trouble);
}

static void
log_reports(FILE *f, const struct report *r)
{
	const struct report_item *it;
	size_t i;

	for (i = 0; i < report_kept(r); i++) {
		it = report_get(r, i);
		fprintf(f, "  %s: %s%s%s\n", it->path, it->kind,
		    it->message[0] != '\0' ? ": " : "", it->message);
	}
}

void
summary_log(const char *file, const char *site, const struct snapshot *s,
    const struct report *r, int status, const struct err *e)
{
	char when[SNAPSHOT_TIME_LEN];
	struct timespec now;
	FILE *f = NULL;
	int fd, rc;

	fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (fd == -1 || (f = fdopen(fd, "a")) == NULL) {
		cli_warn("the log %s cannot be opened: %m", file);
		if (fd != -1)
			close(fd);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	snapshot_time_text(&now, 0, when);
	fprintf(f, "%s %s: status %d: ", when, site, status);
	if (status == STATUS_DONE || status == STATUS_REPORTED)
		print_line(f, s, 0);
	else
		fprintf(f, "%s\n", e->msg);
	if (r != NULL)
		log_reports(f, r);
	rc = ferror(f);
	if (fclose(f) != 0 || rc)
		cli_warn("the log %s cannot be written", file);
}
