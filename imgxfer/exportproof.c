#include <stdlib.h>
#include <string.h>

#include "imgxfer/exportrun.h"

/*
 * What imgexport made, against the database and the files on the node: it
 * ends with status 0 when a copy ran out of room, when a shell made two names
 * of one, and when one list overwrote another.
 */

static const struct inspect_member *
find_member(const struct inspect *in, const char *image, const char *name)
{
	size_t n = strlen(image), i;
	const char *m;

	for (i = 0; i < in->nmembers; i++) {
		m = in->members[i].name;
		if (strncmp(m, image, n) == 0 && m[n] == '/' &&
		    strcmp(m + n + 1, name) == 0)
			return (&in->members[i]);
	}
	return (NULL);
}

/* What has been touched must still be what the bundle has. */
static int
check_changed(struct exportrun *run, const struct exportplan_file *f,
    const struct inspect_member *m, struct err *e)
{
	uint8_t digest[DIGEST_LEN];
	uint64_t bytes;

	if (nodefs_digest(run->node->fs, f->path, digest, &bytes, e) == -1)
		return (-1);
	if (bytes != m->size || memcmp(digest, m->digest, DIGEST_LEN) != 0)
		return (err_set(e, ERR_DAMAGED, "%s: %s %s changed while it "
		    "was exported", f->name, f->role, f->path));
	return (exportplan_warn(&run->plan, e, "%s: was touched while it was "
	    "exported; the bundle has what is there now", f->path));
}

static int
check_file(struct exportrun *run, const struct exportplan_file *f,
    const struct held_sum *sum, struct err *e)
{
	const struct inspect_member *m;

	m = find_member(&run->in, run->plan.image, f->name);
	if (m == NULL)
		return (err_set(e, ERR_DAMAGED, "%s: %s %s is not in the "
		    "bundle, and imgexport said nothing", f->name, f->role,
		    f->path));
	if (!sum->known)
		return (err_set(e, ERR_DAMAGED, "%s: %s %s could not be read "
		    "on the node: %s", f->name, f->role, f->path,
		    sum->why != NULL ? sum->why : "no reason"));
	if (sum->changed)
		return (check_changed(run, f, m, e));
	if (m->type == '0' && m->size == sum->bytes &&
	    memcmp(m->digest, sum->digest, DIGEST_LEN) == 0)
		return (0);
	if (m->size != sum->bytes)
		return (err_set(e, ERR_DAMAGED, "%s: has %llu bytes in the "
		    "bundle, and %s %s has %llu: the copy is cut off",
		    f->name, (unsigned long long)m->size, f->role, f->path,
		    (unsigned long long)sum->bytes));
	return (err_set(e, ERR_DAMAGED, "%s: is not what %s %s is", f->name,
	    f->role, f->path));
}

static int
check_files(struct exportrun *run, struct err *e)
{
	size_t i;

	for (i = 0; i < run->plan.nfiles; i++)
		if (check_file(run, &run->plan.files[i], &run->sums[i],
		    e) == -1)
			return (-1);
	return (0);
}

/* Lists that xCAT has found by its own rules. */
static int
check_others(struct exportrun *run, struct err *e)
{
	const struct inspect_member *m;
	uint8_t digest[DIGEST_LEN];
	uint64_t bytes;
	size_t i, j;

	for (i = 0; i < run->in.nmembers; i++) {
		m = &run->in.members[i];
		if (m->role != INSPECT_LIST || m->target == NULL)
			continue;
		for (j = 0; j < run->plan.nfiles; j++)
			if (strcmp(run->plan.files[j].path, m->target) == 0)
				break;
		if (j < run->plan.nfiles)
			continue;
		if (nodefs_digest(run->node->fs, m->target, digest, &bytes,
		    e) == -1)
			return (-1);
		if (bytes != m->size ||
		    memcmp(digest, m->digest, DIGEST_LEN) != 0)
			return (err_set(e, ERR_DAMAGED, "%s: is not what %s "
			    "is", m->name, m->target));
	}
	return (0);
}

static const struct imgmanifest_table *
find_table(const struct imgmanifest *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->ntables; i++)
		if (strcmp(m->tables[i].name, name) == 0)
			return (&m->tables[i]);
	return (NULL);
}

/* Where the database has none, imgexport puts in what it has found. */
static int
is_found_by_xcat(const char *table, const char *column)
{
	return (strcmp(table, "linuximage") == 0 &&
	    (strcmp(column, "pkglist") == 0 ||
	    strcmp(column, "template") == 0));
}

static int
check_row(const struct exportrun *run, const char *name,
    const struct exportplan_row *row, struct err *e)
{
	const struct imgmanifest *m = &run->in.manifest;
	const struct imgmanifest_table *t = find_table(m, name);
	const char *value;
	size_t i;

	if (t == NULL)
		return (err_set(e, ERR_DAMAGED, "manifest.xml: has no <%s>",
		    name));
	for (i = 0; i < row->n; i++) {
		value = imgmanifest_value(m, name, row->at[i].name);
		if (value == NULL || strcmp(value, row->at[i].value) != 0)
			return (err_set(e, ERR_DAMAGED, "manifest.xml: "
			    "%s.%s is %s%s%s, and in the database \"%s\"",
			    name, row->at[i].name, value != NULL ? "\"" : "",
			    value != NULL ? value : "not there",
			    value != NULL ? "\"" : "", row->at[i].value));
	}
	for (i = 0; i < t->n; i++)
		if (exportplan_value(row, t->columns[i].name)[0] == '\0' &&
		    t->columns[i].value[0] != '\0' &&
		    !is_found_by_xcat(name, t->columns[i].name))
			return (err_set(e, ERR_DAMAGED, "manifest.xml: %s.%s "
			    "is \"%s\", and in the database it is not set",
			    name, t->columns[i].name, t->columns[i].value));
	return (0);
}

/* xCAT must have taken the very files that it was foretold to take. */
static int
check_element(const struct exportrun *run, const char *role,
    const char *value, struct err *e)
{
	const char *path = exportplan_path(&run->plan, role);

	if (path == NULL && value == NULL)
		return (0);
	if (path != NULL && value != NULL && strcmp(path, value) == 0)
		return (0);
	return (err_set(e, ERR_DAMAGED, "manifest.xml: <%s> is %s, and the "
	    "node has %s", role, value != NULL ? value : "not there",
	    path != NULL ? path : "none"));
}

static int
check_manifest(const struct exportrun *run, struct err *e)
{
	const struct imgmanifest *m = &run->in.manifest;

	if (!run->in.has_manifest)
		return (err_set(e, ERR_DAMAGED, "manifest.xml: is not in the "
		    "bundle"));
	if (check_row(run, "osimage", &run->plan.osimage, e) == -1 ||
	    check_row(run, "linuximage", &run->plan.linuximage, e) == -1 ||
	    check_element(run, "kernel", m->kernel, e) == -1 ||
	    check_element(run, "ramdisk", m->ramdisk, e) == -1)
		return (-1);
	return (check_element(run, "rootimg", m->rootimg, e));
}

static int
check_litefile(const struct exportrun *run, struct err *e)
{
	const char *text = run->plan.litefile;
	const struct inspect_member *m;
	uint8_t digest[DIGEST_LEN];
	struct digest *d;

	if (text == NULL)
		return (0);
	if (find_member(&run->in, run->plan.image, "rootimgtree.gz") == NULL)
		return (err_set(e, ERR_DAMAGED, "rootimgtree.gz: is not in "
		    "the bundle"));
	m = find_member(&run->in, run->plan.image, "litefile.csv");
	if (m == NULL)
		return (err_set(e, ERR_DAMAGED, "litefile.csv: is not in the "
		    "bundle"));
	if ((d = digest_new()) == NULL)
		return (err_nomem(e));
	digest_bytes(d, text, strlen(text), digest);
	digest_free(d);
	return (memcmp(digest, m->digest, DIGEST_LEN) == 0 ? 0 :
	    err_set(e, ERR_DAMAGED, "litefile.csv: is not what the table "
	    "litefile says"));
}

static int
check_bytes(struct exportrun *run, struct err *e)
{
	uint8_t digest[DIGEST_LEN];

	if (held_digest(run->held, digest, e) == -1)
		return (-1);
	if (run->in.bundle_bytes != run->bytes)
		return (err_set(e, ERR_DAMAGED, "the bundle has %llu bytes "
		    "here, and %llu on the node",
		    (unsigned long long)run->in.bundle_bytes,
		    (unsigned long long)run->bytes));
	return (memcmp(digest, run->in.bundle_digest, DIGEST_LEN) == 0 ? 0 :
	    err_set(e, ERR_DAMAGED, "the SHA-256 of the bundle is another "
	    "one here than on the node"));
}

int
exportproof_check(struct exportrun *run, struct err *e)
{
	const struct inspect *in = &run->in;
	struct buf why = BUF_INIT;
	int rc = 0;

	if (run->native != NULL) {
		if (native_sums(run->native, &run->sums, e) == -1)
			return (-1);
	} else if (check_bytes(run, e) == -1 ||
	    held_sums(run->held, &run->sums, e) == -1)
		return (-1);
	/* A cut rootimg is also a bad one: tell of the cut. */
	if (in->status == STATUS_DAMAGED && in->has_manifest &&
	    in->image != NULL &&
	    strcmp(in->image, run->plan.image) == 0 &&
	    check_files(run, e) == -1)
		return (-1);
	if (in->status == STATUS_DAMAGED) {
		inspect_worst(in, &why);
		rc = err_set(e, ERR_DAMAGED, "%s", buf_cstr(&why));
		buf_fini(&why);
		return (rc);
	}
	if (check_manifest(run, e) == -1 || check_files(run, e) == -1 ||
	    check_litefile(run, e) == -1)
		return (-1);
	return (check_others(run, e));
}
