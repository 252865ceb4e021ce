#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vault/snapshots.h"

/* "<when>-<id>.json" */
static int
parse_name(struct snapshot_ref *ref, const char *name)
{
	const size_t idlen = SNAPSHOT_ID_LEN, whenlen = SNAPSHOT_WHEN_LEN;

	if (strlen(name) != whenlen + 1 + idlen + 5 ||
	    name[whenlen] != '-' || name[8] != 'T' ||
	    strcmp(name + whenlen + 1 + idlen, ".json") != 0 ||
	    strspn(name + whenlen + 1, "0123456789abcdef") != idlen)
		return (-1);
	memcpy(ref->when, name, whenlen);
	ref->when[whenlen] = '\0';
	memcpy(ref->id, name + whenlen + 1, idlen);
	ref->id[idlen] = '\0';
	return (0);
}

/* "<site>/<when>-<id>.json" */
static int
add_ref(void *arg, const char *name, uint64_t bytes, struct err *e)
{
	struct snapshot_list *l = arg;
	struct snapshot_ref *refs, ref;
	size_t n = strcspn(name, "/");

	(void)bytes;
	memset(&ref, 0, sizeof(ref));
	if (n >= sizeof(ref.site) || parse_name(&ref, name + n + 1) == -1)
		return (0);
	memcpy(ref.site, name, n);
	if (!snapshot_valid_site(ref.site))
		return (0);
	refs = realloc(l->refs, (l->n + 1) * sizeof(*refs));
	if (refs == NULL)
		return (err_nomem(e));
	l->refs = refs;
	refs[l->n++] = ref;
	return (0);
}

static int
older_first(const void *a, const void *b)
{
	const struct snapshot_ref *x = a, *y = b;
	int c = strcmp(x->when, y->when);

	return (c != 0 ? c : strcmp(x->id, y->id));
}

int
snapshot_list_load(struct snapshot_list *l, struct vault *v, struct err *e)
{
	memset(l, 0, sizeof(*l));
	if (store_list_below(v->store, "snapshots", add_ref, l, e) == -1) {
		snapshot_list_fini(l);
		return (-1);
	}
	if (l->n > 0)
		qsort(l->refs, l->n, sizeof(*l->refs), older_first);
	return (0);
}

void
snapshot_list_fini(struct snapshot_list *l)
{
	free(l->refs);
	memset(l, 0, sizeof(*l));
}

const struct snapshot_ref *
snapshot_list_newest(const struct snapshot_list *l, const char *site)
{
	size_t i;

	for (i = l->n; i-- > 0;)
		if (strcmp(l->refs[i].site, site) == 0)
			return (&l->refs[i]);
	return (NULL);
}

/*
 * A time as people write it, "2026-11-22", "2026-11-22T11:42", ..., in the
 * form of file names; what is left out is the latest it can be.
 */
static int
compact_time(const char *s, char out[SNAPSHOT_WHEN_LEN + 1])
{
	static const char latest[] = "00000000T235959.999Z";
	size_t n = 0;

	for (; *s != '\0' && strcmp(s, "Z") != 0; s++) {
		if (strchr("-: ", *s) != NULL)
			continue;
		if (n >= SNAPSHOT_WHEN_LEN - 1)
			return (-1);
		if (n == 8 && *s != 'T')
			out[n++] = 'T';
		if (latest[n] == 'T' || latest[n] == '.' ? *s != latest[n] :
		    !isdigit((unsigned char)*s))
			return (-1);
		out[n++] = *s;
	}
	if (n < 8)
		return (-1);
	memcpy(out + n, latest + n, sizeof(latest) - n);
	return (0);
}

static const struct snapshot_ref *
find_at(const struct snapshot_list *l, const char *name, const char *at,
    struct err *e)
{
	char when[SNAPSHOT_WHEN_LEN + 1];
	size_t i, n = (size_t)(at - name);

	if (compact_time(at + 1, when) == -1) {
		err_set(e, ERR_USAGE, "%s: not a time (2026-11-22, or "
		    "2026-11-22T11:42:44, in UTC)", at + 1);
		return (NULL);
	}
	for (i = l->n; i-- > 0;)
		if (strlen(l->refs[i].site) == n &&
		    memcmp(l->refs[i].site, name, n) == 0 &&
		    strcmp(l->refs[i].when, when) <= 0)
			return (&l->refs[i]);
	err_set(e, ERR_USAGE, "%s: no snapshot that old; \"xcatvault list\" "
	    "shows them", name);
	return (NULL);
}

/* What is kept for an undo, or of an osimage, is nobody's latest backup. */
static int
is_aside(const char *site)
{
	static const char *const suffixes[] = { ".undo", ".osimage" };
	size_t i, len, n = strlen(site);

	for (i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		len = strlen(suffixes[i]);
		if (n > len && strcmp(site + n - len, suffixes[i]) == 0)
			return (1);
	}
	return (0);
}

static const struct snapshot_ref *
latest(const struct snapshot_list *l)
{
	size_t i;

	for (i = l->n; i-- > 0;)
		if (!is_aside(l->refs[i].site))
			return (&l->refs[i]);
	return (&l->refs[l->n - 1]);
}

const struct snapshot_ref *
snapshot_list_find(const struct snapshot_list *l, const char *name,
    struct err *e)
{
	const struct snapshot_ref *found;
	const char *at;
	size_t i, n = strlen(name);

	if (strcmp(name, "latest") == 0 && l->n > 0)
		return (latest(l));
	if ((at = strchr(name, '@')) != NULL)
		return (find_at(l, name, at, e));
	if ((found = snapshot_list_newest(l, name)) != NULL)
		return (found);
	for (i = 0; i < l->n && n >= 2 && n <= SNAPSHOT_ID_LEN; i++) {
		if (memcmp(l->refs[i].id, name, n) != 0)
			continue;
		if (found != NULL) {
			err_set(e, ERR_USAGE, "%s: more than one snapshot "
			    "begins so", name);
			return (NULL);
		}
		found = &l->refs[i];
	}
	if (found == NULL)
		err_set(e, ERR_USAGE, "%s: no such snapshot; \"xcatvault "
		    "list\" shows them", name);
	return (found);
}

static void
file_name(const struct snapshot_ref *ref, char out[160])
{
	snprintf(out, 160, "snapshots/%s/%s-%s.json", ref->site, ref->when,
	    ref->id);
}

int
snapshot_load(struct snapshot *s, struct vault *v,
    const struct snapshot_ref *ref, struct err *e)
{
	struct buf b = BUF_INIT;
	char name[160];
	int rc;

	memset(s, 0, sizeof(*s));
	file_name(ref, name);
	rc = store_get(v->store, name, SNAPSHOT_MAX, &b, e);
	if (rc == 0 && (rc = snapshot_decode(s, b.data, b.len, e)) == -1)
		err_wrap(e, "%s", name);
	if (rc == 0 && strcmp(s->id, ref->id) != 0) {
		snapshot_fini(s);
		rc = err_set(e, ERR_DAMAGED, "%s: its bytes do not have the "
		    "digest in its name", name);
	}
	buf_fini(&b);
	return (rc);
}

int
snapshot_open(struct snapshot *s, struct vault *v, const char *name,
    struct err *e)
{
	const struct snapshot_ref *ref;
	struct snapshot_list l;
	int rc = -1;

	memset(s, 0, sizeof(*s));
	if (snapshot_list_load(&l, v, e) == -1)
		return (-1);
	if ((ref = snapshot_list_find(&l, name, e)) != NULL)
		rc = snapshot_load(s, v, ref, e);
	snapshot_list_fini(&l);
	return (rc);
}

int
snapshot_save(struct snapshot *s, struct vault *v, struct err *e)
{
	struct snapshot_ref ref;
	struct buf b = BUF_INIT;
	char name[160], when[SNAPSHOT_TIME_LEN];
	struct err ignored;
	int rc = -1;

	if (snapshot_encode(&b, s, e) == -1)
		goto out;
	memset(&ref, 0, sizeof(ref));
	snprintf(ref.site, sizeof(ref.site), "%s", s->site);
	snapshot_time_text(&s->start, 1, when);
	snprintf(ref.when, sizeof(ref.when), "%.20s", when);
	memcpy(ref.id, s->id, sizeof(ref.id));
	snprintf(name, sizeof(name), "snapshots/%s", ref.site);
	if (store_mkdir(v->store, name, e) == -1)
		goto out;
	file_name(&ref, name);
	rc = store_put(v->store, name, b.data, b.len, e);
	/* Not sure to be durable is not published. */
	if (rc == -1)
		(void)store_remove(v->store, name, &ignored);
out:
	buf_fini(&b);
	return (rc);
}

const struct snapshot_volume *
snapshot_volume_of(const struct snapshot *s, const char *path)
{
	const struct snapshot_volume *best = NULL;
	size_t i, n, longest = 0;

	for (i = 0; i < s->nvolumes; i++) {
		n = strlen(s->volumes[i].path);
		if (n == 1)
			n = 0;	/* "/" holds everything */
		if (strncmp(path, s->volumes[i].path, n) != 0 ||
		    (path[n] != '\0' && path[n] != '/'))
			continue;
		if (best == NULL || n > longest) {
			best = &s->volumes[i];
			longest = n;
		}
	}
	return (best);
}
