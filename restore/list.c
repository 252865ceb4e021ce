#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "restore/restore.h"
#include "restore/show.h"
#include "vault/snapshots.h"

enum { OPT_SITE = CLI_OPT_OWN };

/* What a line says of a snapshot. */
struct row {
	const struct snapshot_ref *ref;
	char when[SNAPSHOT_TIME_LEN];
	size_t volumes;
	uint64_t entries, bytes;
	int partial;
};

/* Lines are kept until it is known how wide their columns must be. */
struct list {
	const char *site;	/* of which to show snapshots; NULL: all */
	struct vault *vault;
	struct snapshot_list refs;
	struct row *rows;
	size_t nrows;
	struct show show;
	int status;
};

static struct row
row_of(const struct snapshot_ref *ref, const struct snapshot *s)
{
	struct row r = { .ref = ref };
	size_t i;

	snapshot_time_text(&s->start, 0, r.when);
	r.partial = s->partial;
	r.volumes = s->nvolumes;
	for (i = 0; i < s->nvolumes; i++) {
		r.entries += s->volumes[i].totals.entries;
		r.bytes += s->volumes[i].totals.bytes;
	}
	return (r);
}

static json_t *
snapshot_json(const struct snapshot *s, const struct row *r)
{
	char end[SNAPSHOT_TIME_LEN];
	json_t *volumes = json_array();
	size_t i;

	snapshot_time_text(&s->end, 0, end);
	for (i = 0; i < s->nvolumes; i++)
		json_array_append_new(volumes,
		    show_volume_json(&s->volumes[i]));
	return (json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:o, "
	    "s:I, s:I, s:I, s:I}", "id", s->id, "site", s->site,
	    "host", s->host, "time", r->when, "end", end,
	    "status", s->partial ? "partial" : "complete",
	    "tool", s->tool, "previous", s->previous, "volumes", volumes,
	    "entries", (json_int_t)r->entries, "bytes", (json_int_t)r->bytes,
	    "stored_bytes", (json_int_t)s->stored_bytes,
	    "reports", (json_int_t)s->nreports));
}

/* A snapshot that cannot be read is told, and the others are shown. */
static int
take(struct list *l, const struct snapshot_ref *ref, struct err *e)
{
	struct snapshot snap;
	struct err why;
	struct row r;
	int rc = 0;

	if (l->site != NULL && strcmp(l->site, ref->site) != 0)
		return (0);
	if (snapshot_load(&snap, l->vault, ref, &why) == -1) {
		if (store_lost(l->vault->store, e))
			return (-1);
		l->status = cli_fail(&why);
		return (0);
	}
	r = row_of(ref, &snap);
	if (l->show.json)
		rc = show_json(&l->show, snapshot_json(&snap, &r), e);
	else
		l->rows[l->nrows++] = r;
	snapshot_fini(&snap);
	return (rc);
}

static void
widen(int *width, int n)
{
	if (n > *width)
		*width = n;
}

static int
show_rows(struct list *l, struct err *e)
{
	int site = 0, volumes = 0, entries = 0;
	struct buf *b = &l->show.line;
	char size[HUMAN_LEN];
	struct row *r;
	size_t i;

	for (i = 0; i < l->nrows; i++) {
		r = &l->rows[i];
		assert(r->ref != NULL);
		widen(&site, (int)strlen(r->ref->site));
		widen(&volumes, snprintf(NULL, 0, "%zu", r->volumes));
		widen(&entries, snprintf(NULL, 0, "%llu",
		    (unsigned long long)r->entries));
	}
	for (i = 0; i < l->nrows; i++) {
		r = &l->rows[i];
		human_bytes(r->bytes, size);
		buf_clear(b);
		/* Without milliseconds; SITE@TIME takes it all the same. */
		buf_printf(b, "%s  %.19sZ  %-*s  %-8s  %*zu %-7s  "
		    "%*llu entries  %7s", r->ref->id, r->when, site,
		    r->ref->site, r->partial ? "partial" : "complete",
		    volumes, r->volumes,
		    r->volumes == 1 ? "volume" : "volumes", entries,
		    (unsigned long long)r->entries, size);
		if (buf_ok(b, e) == -1 ||
		    show_line(&l->show, b->data, b->len, e) == -1)
			return (-1);
	}
	return (0);
}

static int
list_snapshots(struct list *l, const struct cli *cli, struct err *e)
{
	const char *path;
	size_t i;

	if ((path = cli_vault(cli, e)) == NULL ||
	    (l->vault = vault_open(path, e)) == NULL ||
	    snapshot_list_load(&l->refs, l->vault, e) == -1)
		return (-1);
	l->rows = calloc(l->refs.n + 1, sizeof(*l->rows));
	if (l->rows == NULL)
		return (err_nomem(e));
	for (i = 0; i < l->refs.n; i++)
		if (take(l, &l->refs.refs[i], e) == -1)
			return (-1);
	if (show_rows(l, e) == -1)
		return (-1);
	return (show_end(&l->show, e));
}

static int
parse_options(struct list *l, struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		CLI_LONG,
		{ "site", required_argument, NULL, OPT_SITE },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1) {
		if (opt == OPT_SITE)
			l->site = optarg;
		else if (cli_option(cli, opt, optarg) == -1)
			return (-1);
	}
	return (optind == argc ? 0 : -1);
}

int
list_main(struct cli *cli, int argc, char **argv)
{
	struct list l;
	struct err e;

	memset(&l, 0, sizeof(l));
	if (parse_options(&l, cli, argc, argv) == -1)
		return (cli_usage(LIST_USAGE));
	show_init(&l.show, cli, 0);
	if (list_snapshots(&l, cli, &e) == -1)
		l.status = cli_fail(&e);
	free(l.rows);
	snapshot_list_fini(&l.refs);
	vault_close(l.vault);
	show_fini(&l.show);
	return (l.status);
}
