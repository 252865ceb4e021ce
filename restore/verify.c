#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cancel.h"
#include "base/cpu.h"
#include "base/human.h"
#include "base/io.h"
#include "restore/oscmd.h"
#include "restore/restore.h"
#include "restore/scrub.h"
#include "restore/view.h"
#include "vault/catalog.h"
#include "vault/idset.h"
#include "vault/packname.h"
#include "vault/snapshots.h"
#include "vault/tree.h"

#define TELL_PATHS 50	/* of lost files, on standard error */
#define TELL_BLOBS 4	/* of one pack, likewise */
#define THREADS_MAX 16

enum { OPT_READ_DATA = CLI_OPT_OWN, OPT_OSIMAGES };

static const struct option options[] = {
	CLI_LONG,
	{ "read-data", optional_argument, NULL, OPT_READ_DATA },
	{ "osimages", no_argument, NULL, OPT_OSIMAGES },
	{ NULL, 0, NULL, 0 },
};

struct verify {
	const struct cli *cli;
	struct vault *vault;
	struct index *index;
	struct fetch *fetch;
	struct idset *good;	/* leaves in which nothing is missing */
	struct buf missing;	/* ids of lost blobs, a line each */
	uint64_t snapshots, bad_snapshots, entries, lost_files, lost_leaves;
	json_t *damage;		/* everything wrong, for --json */
};

/* One thing wrong: a line for people, an object for machines. */
static void
tell(struct verify *v, int print, const char *kind, const char *what,
    const char *why)
{
	if (print)
		cli_warn("%s: %s: %s", what, kind, why);
	json_array_append_new(v->damage, json_pack("{s:s, s:s+, s:s+}",
	    "kind", kind, "what", what, "", "why", why, ""));
}

/* A blob that no pack has, or only damaged; kept for the next backup. */
static void
note_missing(struct verify *v, const uint8_t id[DIGEST_LEN])
{
	digest_put(&v->missing, id);
	buf_putc(&v->missing, '\n');
}

/* 1 present, 0 lost, -1 failure. */
static int
check_blob(struct verify *v, const uint8_t id[DIGEST_LEN], char hex[17],
    struct err *e)
{
	char all[DIGEST_HEX + 1];
	struct blob_loc loc;
	int rc;

	rc = index_find(v->index, PACK_DATA, id, &loc, e);
	if (rc == 0) {
		digest_hexz(id, all);
		snprintf(hex, 17, "%.16s", all);
		note_missing(v, id);
	}
	return (rc);
}

static int
check_list(struct verify *v, const struct entry *ent, char hex[17],
    struct err *e)
{
	uint8_t id[DIGEST_LEN];
	struct tree_reader *t;
	struct err why;
	uint64_t bytes, all = 0;
	int rc, lost = 0;

	t = tree_reader_new(v->fetch, TREE_LIST, ent->list, ent->list_depth,
	    e);
	if (t == NULL)
		return (-1);
	while (!lost && (rc = tree_reader_next(t, id, &bytes, &why)) == 1) {
		all += bytes;
		if ((rc = check_blob(v, id, hex, e)) == -1)
			break;
		lost = rc == 0;
	}
	tree_reader_free(t);
	if (!lost && rc == -1 && store_lost(v->vault->store, e))
		return (-1);
	if (!lost && rc == 0 && all == ent->size)
		return (1);
	if (!lost && rc != -1)
		snprintf(hex, 17, "list");
	return (rc == -1 && e->kind != ERR_NONE ? -1 : 0);
}

/* 1 when all of a file's contents are in the vault, 0 when not, -1. */
static int
check_file(struct verify *v, const struct entry *ent, char hex[17],
    struct err *e)
{
	struct scan s = mtree_scan(&ent->blobs);
	uint8_t id[DIGEST_LEN];
	int rc = 1;

	if (ent->list_depth > 0)
		return (check_list(v, ent, hex, e));
	if (ent->blobs.len == 0)
		return (ent->size == 0 ? 1 :
		    check_blob(v, ent->digest, hex, e));
	while (rc == 1 && s.p < s.end && mtree_next_blob(&s, id))
		rc = check_blob(v, id, hex, e);
	return (rc);
}

static void
tell_lost_file(struct verify *v, const struct snapshot *s,
    const struct snapshot_volume *vol, const struct entry *ent,
    const char *hex)
{
	struct buf what = BUF_INIT;
	char why[64];

	buf_printf(&what, "snapshot %s (%s) ", s->id, s->site);
	view_full_path(&what, vol, &ent->path);
	snprintf(why, sizeof(why), "blob %s has no good copy", hex);
	tell(v, v->lost_files < TELL_PATHS, "contents lost",
	    buf_cstr(&what), why);
	if (v->lost_files++ == TELL_PATHS)
		cli_warn("more files than these are lost; --json lists all");
	buf_fini(&what);
}

/* One leaf of a catalog; those in which all was well are not read again. */
static int
check_leaf(struct verify *v, const struct snapshot *s,
    const struct snapshot_volume *vol, const uint8_t id[DIGEST_LEN],
    struct err *e)
{
	struct entry ent;
	struct scan scan;
	struct buf text = BUF_INIT;
	const uint8_t *p;
	char hex[17];
	size_t len;
	int rc, lost = 0;

	if (fetch_blob(v->fetch, PACK_CATALOG, id, &p, &len, e) == -1)
		return (-1);
	/* A copy: looking into lists of blobs uses the same fetch. */
	buf_append(&text, p, len);
	if (buf_ok(&text, e) == -1)
		return (-1);
	scan.p = (const char *)text.data;
	scan.end = scan.p + text.len;
	while ((rc = mtree_decode(&scan, &ent, e)) == 1) {
		v->entries++;
		if (ent.type != ENTRY_FILE)
			continue;
		e->kind = ERR_NONE;
		if ((rc = check_file(v, &ent, hex, e)) == -1)
			break;
		if (rc == 0) {
			tell_lost_file(v, s, vol, &ent, hex);
			lost = 1;
		}
	}
	buf_fini(&text);
	if (rc == 0 && !lost && idset_add(v->good, id) == -1)
		return (err_nomem(e));
	return (rc);
}

static void
tell_lost_leaf(struct verify *v, const struct snapshot *s,
    const struct snapshot_volume *vol, const struct err *why)
{
	struct buf what = BUF_INIT;

	buf_printf(&what, "snapshot %s (%s) %s", s->id, s->site, vol->path);
	tell(v, v->lost_leaves++ < TELL_PATHS, "part of the catalog lost",
	    buf_cstr(&what), why->msg);
	buf_fini(&what);
}

static int
check_volume(struct verify *v, const struct snapshot *s,
    const struct snapshot_volume *vol, struct err *e)
{
	uint8_t id[DIGEST_LEN];
	struct tree_reader *t;
	uint64_t bytes;
	int rc;

	t = tree_reader_new(v->fetch, TREE_CATALOG, vol->root, vol->depth, e);
	if (t == NULL)
		return (-1);
	while ((rc = tree_reader_next(t, id, &bytes, e)) != 0) {
		if (cancel_check(e) == -1)
			break;
		if (rc == 1 && idset_has(v->good, id))
			continue;
		if (rc == 1)
			rc = check_leaf(v, s, vol, id, e);
		if (rc == -1 && e->kind != ERR_DAMAGED)
			break;
		if (rc == -1)
			tell_lost_leaf(v, s, vol, e);
	}
	tree_reader_free(t);
	return (rc == -1 ? -1 : 0);
}

static int
check_snapshot(struct verify *v, const struct snapshot_ref *ref,
    struct err *e)
{
	struct snapshot s;
	struct err why;
	size_t i;
	int rc = 0;

	v->snapshots++;
	if (snapshot_load(&s, v->vault, ref, &why) == -1) {
		if (store_lost(v->vault->store, e))
			return (-1);
		v->bad_snapshots++;
		tell(v, 1, "snapshot damaged", ref->id, why.msg);
		return (0);
	}
	for (i = 0; i < s.nvolumes && rc == 0; i++)
		rc = check_volume(v, &s, &s.volumes[i], e);
	snapshot_fini(&s);
	return (rc);
}

static int
check_snapshots(struct verify *v, const char *name, struct err *e)
{
	const struct snapshot_ref *ref;
	struct snapshot_list l;
	size_t i;
	int rc = 0;

	if (snapshot_list_load(&l, v->vault, e) == -1)
		return (-1);
	if (name != NULL) {
		ref = snapshot_list_find(&l, name, e);
		rc = ref != NULL ? check_snapshot(v, ref, e) : -1;
	} else
		for (i = 0; i < l.n && rc == 0; i++)
			rc = check_snapshot(v, &l.refs[i], e);
	snapshot_list_fini(&l);
	return (rc);
}

static void
tell_problems(struct verify *v)
{
	const struct index_problem *p;
	char name[PACK_NAME_LEN];
	const char *why;
	size_t i, n;

	for (i = 0; i < index_problems(v->index); i++) {
		p = index_get_problem(v->index, i);
		pack_name(p->id, name);
		n = strlen(name);
		why = p->reason;
		if (strncmp(why, name, n) == 0 && why[n] == ':')
			why += n + 2;
		tell(v, 1, "pack unreadable", name, why);
	}
}

static int
compare_bad(const void *a, const void *b)
{
	const struct scrub_bad *x = a, *y = b;

	if (x->pack != y->pack)
		return (x->pack < y->pack ? -1 : 1);
	return (memcmp(x->id, y->id, DIGEST_LEN));
}

static int
is_healed(struct verify *v, const uint8_t id[DIGEST_LEN])
{
	struct blob_loc loc;
	struct err ignored;

	return (index_find(v->index, PACK_DATA, id, &loc, &ignored) == 1 ||
	    index_find(v->index, PACK_CATALOG, id, &loc, &ignored) == 1);
}

/* The bad blobs of one pack: a line, with the first of them by name. */
static void
tell_bad_pack(struct verify *v, const struct scrub_bad *bad, size_t n)
{
	char name[PACK_NAME_LEN], hex[DIGEST_HEX + 1];
	struct buf why = BUF_INIT;
	size_t i, healed = 0;

	pack_name(index_pack_id(v->index, bad->pack), name);
	for (i = 0; i < n; i++)
		healed += (size_t)is_healed(v, bad[i].id);
	buf_printf(&why, "%zu blob%s without the digest that names %s", n,
	    n == 1 ? "" : "s", n == 1 ? "it" : "them");
	if (healed == n)
		buf_puts(&why, "; healed: other packs have good copies");
	else if (healed > 0)
		buf_printf(&why, "; %zu healed by copies in other packs",
		    healed);
	for (i = 0; i < n && (v->cli->json || i < TELL_BLOBS); i++) {
		digest_hexz(bad[i].id, hex);
		buf_printf(&why, "%s %.16s", i == 0 ? ":" : ",", hex);
	}
	if (i < n)
		buf_puts(&why, ", ...");
	tell(v, 1, "damaged", name, buf_cstr(&why));
	buf_fini(&why);
}

static void
tell_bad(struct verify *v, struct scrub *s)
{
	size_t i, n;

	if (s->nbad > 0)
		qsort(s->bad, s->nbad, sizeof(*s->bad), compare_bad);
	for (i = 0; i < s->nbad; i += n) {
		for (n = 1; i + n < s->nbad &&
		    s->bad[i + n].pack == s->bad[i].pack; n++)
			;
		tell_bad_pack(v, &s->bad[i], n);
	}
}

/* What is missing is on record until a verify of everything finds none. */
static void
record_missing(struct verify *v, int everything)
{
	struct err ignored;

	if (v->missing.len > 0)
		(void)store_put(v->vault->store, "damaged/" INDEX_MISSING,
		    v->missing.data, v->missing.len, &ignored);
	else if (everything && v->lost_leaves == 0)
		(void)store_remove(v->vault->store, "damaged/" INDEX_MISSING,
		    &ignored);
}

static int
is_damaged(const struct verify *v)
{
	return (v->lost_files > 0 || v->lost_leaves > 0 ||
	    v->bad_snapshots > 0);
}

static void
print_text(const struct verify *v, const struct scrub *s, int read_data)
{
	char bytes[HUMAN_LEN];
	int damaged = is_damaged(v);

	printf("%s: %llu snapshot%s, %llu entries, %zu packs",
	    damaged ? "DAMAGED" : "whole", (unsigned long long)v->snapshots,
	    v->snapshots == 1 ? "" : "s", (unsigned long long)v->entries,
	    index_packs(v->index));
	if (read_data) {
		human_bytes(s->bytes, bytes);
		printf("; read %llu blobs, %s", (unsigned long long)s->blobs,
		    bytes);
	}
	printf("\n");
	if (damaged)
		printf("What to do: back up the same sites.  The next backup "
		    "stores anew whatever their volumes still have, which "
		    "heals older snapshots too; then verify again.  "
		    "\"restore\" brings back all but what is named above.\n");
	if (v->bad_snapshots > 0)
		printf("A damaged snapshot file cannot be healed; delete it "
		    "(below %s/snapshots) to be rid of it.\n",
		    store_path(v->vault->store));
	if (!damaged && (index_problems(v->index) > 0 ||
	    s->nbad > 0))
		printf("Nothing is lost: what is damaged has good copies "
		    "elsewhere, or no snapshot needs it.\n");
}

static int
print_json(struct verify *v, const struct scrub *s, struct err *e)
{
	json_t *j;

	j = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}",
	    "status", is_damaged(v) ? "damaged" : "whole",
	    "snapshots", (json_int_t)v->snapshots,
	    "entries", (json_int_t)v->entries,
	    "packs", (json_int_t)index_packs(v->index),
	    "read_blobs", (json_int_t)s->blobs,
	    "read_bytes", (json_int_t)s->bytes,
	    "damaged_blobs", (json_int_t)s->nbad,
	    "lost_files", (json_int_t)v->lost_files, "damage", v->damage);
	return (cli_json(j, e));
}

static int
scrub(struct verify *v, struct scrub *s, unsigned percent, struct err *e)
{
	struct progress *p;
	int rc;

	p = progress_new("verified", !v->cli->quiet && !v->cli->json);
	rc = scrub_run(s, v->vault, v->index, percent,
	    cpu_count(THREADS_MAX), p, e);
	progress_free(p);
	return (rc);
}

static int
run(struct verify *v, const char *name, unsigned percent, struct err *e)
{
	struct scrub s = { 0 };
	const char *path;
	int rc = -1;

	if ((path = cli_vault(v->cli, e)) == NULL ||
	    (v->vault = vault_open(path, e)) == NULL ||
	    (v->index = index_open(v->vault, INDEX_STRICT | INDEX_FRESH,
	    e)) == NULL ||
	    (v->fetch = fetch_new(v->vault, v->index, 64, e)) == NULL)
		return (-1);
	if ((v->good = idset_new()) == NULL ||
	    (v->damage = json_array()) == NULL)
		return (err_nomem(e));
	cancel_catch_signals();
	tell_problems(v);
	if (percent > 0 && scrub(v, &s, percent, e) == -1)
		goto out;
	tell_bad(v, &s);
	if (check_snapshots(v, name, e) == -1)
		goto out;
	record_missing(v, name == NULL);
	rc = 0;
	if (v->cli->json)
		rc = print_json(v, &s, e);
	else if (!v->cli->quiet)
		print_text(v, &s, percent > 0);
	if (rc == 0)
		rc = cli_flush(e);
out:
	scrub_fini(&s);
	return (rc);
}

static int
parse_percent(const char *arg, unsigned *percent)
{
	char *end;
	double v;

	*percent = 100;
	if (arg == NULL)
		return (0);
	v = strtod(arg, &end);
	if (*end == '%')
		end++;
	if (*arg == '\0' || *end != '\0' || !(v > 0 && v <= 100))
		return (-1);
	*percent = v < 1 ? 1 : (unsigned)v;
	return (0);
}

int
verify_main(struct cli *cli, int argc, char **argv)
{
	struct verify v;
	struct err e = { .kind = ERR_NONE };
	unsigned percent = 0;
	int opt, status, osimages = 0;

	while ((opt = getopt_long(argc, argv, CLI_SHORT, options,
	    NULL)) != -1) {
		if (opt == OPT_OSIMAGES) {
			osimages = 1;
			continue;
		}
		if (opt == OPT_READ_DATA) {
			if (parse_percent(optarg, &percent) == 0)
				continue;
			cli_warn("--read-data=%s: a percentage is wanted",
			    optarg);
			return (STATUS_USAGE);
		}
		if (cli_option(cli, opt, optarg) == -1)
			return (cli_usage(VERIFY_USAGE));
	}
	if (argc - optind > 1 || (osimages && (argc == optind || percent > 0)))
		return (cli_usage(VERIFY_USAGE));
	if (osimages)
		return (oscmd_verify(cli, argv[optind]));
	memset(&v, 0, sizeof(v));
	v.cli = cli;
	(void)io_max_files();
	if (run(&v, optind < argc ? argv[optind] : NULL, percent, &e) == -1)
		status = cli_fail(&e);
	else
		status = is_damaged(&v) ? STATUS_DAMAGED : STATUS_DONE;
	fetch_free(v.fetch);
	index_free(v.index);
	vault_close(v.vault);
	idset_free(v.good);
	buf_fini(&v.missing);
	json_decref(v.damage);
	return (status);
}
