#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "formats/pathtext.h"
#include "formats/snapshot.h"
#include "formats/treenode.h"

#define FORMAT 1

#define TOTAL(field) { #field, offsetof(struct snapshot_totals, field) }
const struct snapshot_total_name snapshot_total_names[] = {
	TOTAL(entries), TOTAL(files), TOTAL(directories), TOTAL(bytes),
	TOTAL(new_files), TOTAL(changed_files), TOTAL(unchanged_files),
	TOTAL(read_bytes),
};
const size_t snapshot_total_count =
    sizeof(snapshot_total_names) / sizeof(snapshot_total_names[0]);

static uint64_t *
total_at(struct snapshot_totals *t, size_t i)
{
	return ((uint64_t *)(void *)((char *)t +
	    snapshot_total_names[i].offset));
}

static const char *const dump_names[] = {
	[SNAPSHOT_DUMP_NONE] = "none", [SNAPSHOT_DUMP_WHOLE] = "whole",
	[SNAPSHOT_DUMP_WARNED] = "warned", [SNAPSHOT_DUMP_FAILED] = "failed",
};
#define NDUMPS (sizeof(dump_names) / sizeof(dump_names[0]))

const char *
snapshot_dump_name(enum snapshot_dump dump)
{
	return (dump_names[dump]);
}

/* The node's texts by name. */
static const struct {
	const char *name;
	size_t offset;
} node_fields[] = {
	{ "address", offsetof(struct snapshot_node, address) },
	{ "fingerprint", offsetof(struct snapshot_node, fingerprint) },
	{ "hostname", offsetof(struct snapshot_node, hostname) },
	{ "os", offsetof(struct snapshot_node, os) },
	{ "arch", offsetof(struct snapshot_node, arch) },
	{ "xcat", offsetof(struct snapshot_node, xcat) },
	{ "database", offsetof(struct snapshot_node, engine) },
};
#define NNODE_FIELDS (sizeof(node_fields) / sizeof(node_fields[0]))

static char **
node_field(struct snapshot_node *n, size_t i)
{
	return ((char **)(void *)((char *)n + node_fields[i].offset));
}

static void
fini_database(struct snapshot *s)
{
	size_t i;

	for (i = 0; i < s->database.ntables; i++)
		free(s->database.tables[i].name);
	free(s->database.tables);
	free(s->database.reason);
	for (i = 0; i < NNODE_FIELDS; i++)
		free(*node_field(&s->node, i));
}

const struct snapshot_table *
snapshot_table_named(const struct snapshot *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->database.ntables; i++)
		if (strcmp(s->database.tables[i].name, name) == 0)
			return (&s->database.tables[i]);
	return (NULL);
}

int
snapshot_set(char **to, const char *from, struct err *e)
{
	if (from != NULL && (*to = strdup(from)) == NULL)
		return (err_nomem(e));
	return (0);
}

void
snapshot_fini(struct snapshot *s)
{
	size_t i;

	fini_database(s);

	for (i = 0; i < s->nvolumes; i++) {
		free(s->volumes[i].path);
		free(s->volumes[i].source);
	}
	for (i = 0; i < s->nreports; i++) {
		free(s->reports[i].kind);
		free(s->reports[i].path);
		free(s->reports[i].message);
	}
	free(s->volumes);
	free(s->reports);
	free(s->site);
	free(s->host);
	free(s->tool);
	free(s->previous);
	free(s->undoes);
	memset(s, 0, sizeof(*s));
}

int
snapshot_valid_site(const char *site)
{
	size_t n = strlen(site);

	return (n >= 1 && n <= 64 && site[0] != '.' && site[0] != '-' &&
	    strspn(site, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789._-") == n);
}

void
snapshot_time_text(const struct timespec *t, int compact,
    char out[SNAPSHOT_TIME_LEN])
{
	struct tm tm;
	size_t n;

	gmtime_r(&t->tv_sec, &tm);
	n = strftime(out, SNAPSHOT_TIME_LEN,
	    compact ? "%Y%m%dT%H%M%S" : "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, SNAPSHOT_TIME_LEN - n, ".%03ldZ",
	    t->tv_nsec / 1000000);
}

static int
parse_time(const char *s, struct timespec *t)
{
	struct tm tm;
	char again[SNAPSHOT_TIME_LEN];
	const char *p;
	int ms;

	memset(&tm, 0, sizeof(tm));
	p = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	if (p == NULL || sscanf(p, ".%3dZ", &ms) != 1 || ms < 0)
		return (-1);
	t->tv_sec = timegm(&tm);
	t->tv_nsec = ms * 1000000L;
	/* strptime and sscanf are lenient; the format is not. */
	snapshot_time_text(t, 0, again);
	return (strcmp(s, again) == 0 ? 0 : -1);
}

static json_t *
volume_json(struct snapshot_volume *v)
{
	char root[DIGEST_HEX + 1];
	json_t *j;
	size_t i;

	digest_hexz(v->root, root);
	j = json_pack("{s:o, s:o, s:s, s:i}", "path", pathtext_json(v->path),
	    "source", pathtext_json(v->source), "root", root,
	    "depth", (int)v->depth);
	if (j == NULL)
		return (NULL);
	if (v->selected)
		json_object_set_new(j, "selected", json_true());
	for (i = 0; i < snapshot_total_count; i++)
		if (json_object_set_new(j, snapshot_total_names[i].name,
		    json_integer((json_int_t)*total_at(&v->totals, i))) ==
		    -1) {
			json_decref(j);
			return (NULL);
		}
	return (j);
}

/* Every append is checked: a volume must not be missing silently. */
static int
add_volumes(json_t *j, struct snapshot *s)
{
	json_t *list = json_array();
	size_t i;

	if (json_object_set_new(j, "volumes", list) == -1)
		return (-1);
	for (i = 0; i < s->nvolumes; i++)
		if (json_array_append_new(list,
		    volume_json(&s->volumes[i])) == -1)
			return (-1);
	return (0);
}

static int
add_reports(json_t *j, struct snapshot *s)
{
	json_t *list = json_array();
	size_t i;

	if (json_object_set_new(j, "reports", list) == -1)
		return (-1);
	for (i = 0; i < s->nreports; i++)
		if (json_array_append_new(list, json_pack("{s:s, s:o, s:o}",
		    "kind", s->reports[i].kind,
		    "path", pathtext_json(s->reports[i].path),
		    "message", json_string(s->reports[i].message))) == -1)
			return (-1);
	return (0);
}

static int
add_node(json_t *j, struct snapshot *s)
{
	json_t *o;
	size_t i;
	char *text;

	if (s->node.address == NULL)
		return (0);
	o = json_object();
	if (json_object_set_new(j, "node", o) == -1)
		return (-1);
	for (i = 0; i < NNODE_FIELDS; i++) {
		text = *node_field(&s->node, i);
		if (text != NULL && json_object_set_new(o,
		    node_fields[i].name, json_string(text)) == -1)
			return (-1);
	}
	return (0);
}

static json_t *
table_json(const struct snapshot_table *t)
{
	char hex[DIGEST_HEX + 1];

	digest_hexz(t->digest, hex);
	return (json_pack("{s:s, s:I, s:I, s:I, s:s}", "table", t->name,
	    "rows", (json_int_t)t->rows, "columns", (json_int_t)t->columns,
	    "bytes", (json_int_t)t->bytes, "sha256", hex));
}

static int
add_database(json_t *j, struct snapshot *s)
{
	const struct snapshot_database *d = &s->database;
	json_t *o, *list;
	size_t i;

	if (d->dump == SNAPSHOT_DUMP_NONE)
		return (0);
	o = json_pack("{s:s, s:s?, s:b}", "dump",
	    snapshot_dump_name(d->dump), "reason", d->reason,
	    "bypass", d->bypass);
	if (json_object_set_new(j, "database", o) == -1)
		return (-1);
	list = json_array();
	if (json_object_set_new(o, "tables", list) == -1)
		return (-1);
	for (i = 0; i < d->ntables; i++)
		if (json_array_append_new(list,
		    table_json(&d->tables[i])) == -1)
			return (-1);
	return (0);
}

static json_t *
snapshot_json(struct snapshot *s)
{
	char start[SNAPSHOT_TIME_LEN], end[SNAPSHOT_TIME_LEN];
	json_t *j;

	snapshot_time_text(&s->start, 0, start);
	snapshot_time_text(&s->end, 0, end);
	j = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:I}",
	    "format", FORMAT, "site", s->site, "host", s->host,
	    "time", start, "end", end,
	    "status", s->partial ? "partial" : "complete",
	    "tool", s->tool, "previous", s->previous,
	    "stored_bytes", (json_int_t)s->stored_bytes);
	if (j == NULL)
		return (NULL);
	if ((s->undoes != NULL && json_object_set_new(j, "undoes",
	    json_string(s->undoes)) == -1) ||
	    add_volumes(j, s) == -1 || add_reports(j, s) == -1 ||
	    add_node(j, s) == -1 || add_database(j, s) == -1) {
		json_decref(j);
		return (NULL);
	}
	return (j);
}

static int
set_id(struct snapshot *s, const void *text, size_t len, struct err *e)
{
	uint8_t id[DIGEST_LEN];
	char hex[DIGEST_HEX + 1];
	struct digest *d;

	if ((d = digest_new()) == NULL)
		return (err_nomem(e));
	digest_bytes(d, text, len, id);
	digest_free(d);
	digest_hexz(id, hex);
	memcpy(s->id, hex, SNAPSHOT_ID_LEN);
	s->id[SNAPSHOT_ID_LEN] = '\0';
	return (0);
}

int
snapshot_encode(struct buf *out, struct snapshot *s, struct err *e)
{
	json_t *j;
	char *text;
	size_t start = out->len;

	j = snapshot_json(s);
	text = j != NULL ? json_dumps(j, JSON_INDENT(1)) : NULL;
	json_decref(j);
	if (text == NULL)
		return (err_set(e, ERR_FAILED, "snapshot: cannot be written "
		    "as JSON (out of memory, or a name that is not UTF-8)"));
	buf_puts(out, text);
	buf_putc(out, '\n');
	free(text);
	if (buf_ok(out, e) == -1)
		return (-1);
	return (set_id(s, out->data + start, out->len - start, e));
}

/* "/" or "/a/b": what restore will put below its target. */
static int
valid_volume_path(const char *text)
{
	struct buf b = BUF_INIT;
	int ok;

	if (text[0] != '/')
		return (0);
	if (text[1] == '\0')
		return (1);
	buf_putc(&b, '.');
	buf_puts(&b, text);
	ok = !b.nomem && pathtext_is_path((const char *)b.data, b.len);
	buf_fini(&b);
	return (ok);
}

static int
decode_volume(struct snapshot_volume *v, json_t *j)
{
	const char *path, *source, *root;
	json_int_t depth;
	json_t *n;
	size_t i;

	if (json_unpack(j, "{s:s, s:s, s:s, s:I}", "path", &path,
	    "source", &source, "root", &root, "depth", &depth) == -1 ||
	    strlen(root) != DIGEST_HEX || digest_parse(root, v->root) == -1 ||
	    depth < 0 || depth > TREENODE_DEPTH_MAX ||
	    !valid_volume_path(path))
		return (-1);
	v->selected = json_is_true(json_object_get(j, "selected"));
	v->depth = (uint32_t)depth;
	v->path = pathtext_dup(path);
	v->source = pathtext_dup(source);
	if (v->path == NULL || v->source == NULL)
		return (-1);
	for (i = 0; i < snapshot_total_count; i++) {
		n = json_object_get(j, snapshot_total_names[i].name);
		if (!json_is_integer(n) || json_integer_value(n) < 0)
			return (-1);
		*total_at(&v->totals, i) = (uint64_t)json_integer_value(n);
	}
	return (0);
}

static int
decode_volumes(struct snapshot *s, json_t *list)
{
	size_t i, n = json_array_size(list);

	if (!json_is_array(list) || n == 0 || n > 4096)
		return (-1);
	if ((s->volumes = calloc(n, sizeof(*s->volumes))) == NULL)
		return (-1);
	s->nvolumes = n;
	for (i = 0; i < n; i++)
		if (decode_volume(&s->volumes[i],
		    json_array_get(list, i)) == -1)
			return (-1);
	return (0);
}

static int
decode_reports(struct snapshot *s, json_t *list)
{
	const char *kind, *path, *message;
	size_t i, n = json_array_size(list);

	if (!json_is_array(list))
		return (-1);
	if (n > 0 && (s->reports = calloc(n, sizeof(*s->reports))) == NULL)
		return (-1);
	s->nreports = n;
	for (i = 0; i < n; i++) {
		if (json_unpack(json_array_get(list, i), "{s:s, s:s, s:s}",
		    "kind", &kind, "path", &path, "message", &message) == -1)
			return (-1);
		s->reports[i].kind = strdup(kind);
		s->reports[i].path = pathtext_dup(path);
		s->reports[i].message = strdup(message);
		if (s->reports[i].kind == NULL ||
		    s->reports[i].path == NULL ||
		    s->reports[i].message == NULL)
			return (-1);
	}
	return (0);
}

static int
decode_node(struct snapshot *s, json_t *o)
{
	json_t *text;
	size_t i;

	if (o == NULL)
		return (0);
	if (json_string_value(json_object_get(o, "address")) == NULL)
		return (-1);
	for (i = 0; i < NNODE_FIELDS; i++) {
		text = json_object_get(o, node_fields[i].name);
		if (text == NULL)
			continue;
		if (!json_is_string(text) || (*node_field(&s->node, i) =
		    strdup(json_string_value(text))) == NULL)
			return (-1);
	}
	return (0);
}

static int
decode_table(struct snapshot_table *t, json_t *j)
{
	const char *name, *sha256;
	json_int_t rows, columns, bytes;

	if (json_unpack(j, "{s:s, s:I, s:I, s:I, s:s}", "table", &name,
	    "rows", &rows, "columns", &columns, "bytes", &bytes,
	    "sha256", &sha256) == -1 || rows < 0 || columns < 0 ||
	    bytes < 0 || strlen(sha256) != DIGEST_HEX ||
	    digest_parse(sha256, t->digest) == -1)
		return (-1);
	t->rows = (uint64_t)rows;
	t->columns = (uint64_t)columns;
	t->bytes = (uint64_t)bytes;
	return ((t->name = strdup(name)) != NULL ? 0 : -1);
}

static int
decode_tables(struct snapshot_database *d, json_t *list)
{
	size_t i, n = json_array_size(list);

	if (!json_is_array(list) || n > 65536)
		return (-1);
	if (n > 0 && (d->tables = calloc(n, sizeof(*d->tables))) == NULL)
		return (-1);
	d->ntables = n;
	for (i = 0; i < n; i++)
		if (decode_table(&d->tables[i], json_array_get(list, i)) ==
		    -1)
			return (-1);
	return (0);
}

static int
decode_database(struct snapshot *s, json_t *o)
{
	struct snapshot_database *d = &s->database;
	const char *dump, *reason;
	size_t i;

	if (o == NULL)
		return (0);
	if ((dump = json_string_value(json_object_get(o, "dump"))) == NULL)
		return (-1);
	for (i = 1; i < NDUMPS && strcmp(dump, dump_names[i]) != 0; i++)
		;
	if (i == NDUMPS)
		return (-1);
	d->dump = (enum snapshot_dump)i;
	d->bypass = json_is_true(json_object_get(o, "bypass"));
	reason = json_string_value(json_object_get(o, "reason"));
	if (reason != NULL && (d->reason = strdup(reason)) == NULL)
		return (-1);
	return (decode_tables(d, json_object_get(o, "tables")));
}

/* An id, or null, or not there (json_unpack has no "s?"). */
static int
valid_id(json_t *j, const char **id)
{
	*id = json_string_value(j);
	if (j == NULL || json_is_null(j))
		return (1);
	return (*id != NULL && strlen(*id) == SNAPSHOT_ID_LEN &&
	    strspn(*id, "0123456789abcdef") == SNAPSHOT_ID_LEN);
}

static int
decode_head(struct snapshot *s, json_t *j)
{
	const char *site, *host, *time, *end, *status, *tool, *previous;
	const char *undoes;
	json_int_t stored;

	if (json_unpack(j, "{s:s, s:s, s:s, s:s, s:s, s:s, s:I}",
	    "site", &site, "host", &host, "time", &time, "end", &end,
	    "status", &status, "tool", &tool,
	    "stored_bytes", &stored) == -1 || stored < 0 ||
	    !valid_id(json_object_get(j, "previous"), &previous) ||
	    !valid_id(json_object_get(j, "undoes"), &undoes) ||
	    !snapshot_valid_site(site) || parse_time(time, &s->start) == -1 ||
	    parse_time(end, &s->end) == -1)
		return (-1);
	if (strcmp(status, "partial") == 0)
		s->partial = 1;
	else if (strcmp(status, "complete") != 0)
		return (-1);
	s->stored_bytes = (uint64_t)stored;
	s->site = strdup(site);
	s->host = strdup(host);
	s->tool = strdup(tool);
	s->previous = previous != NULL ? strdup(previous) : NULL;
	s->undoes = undoes != NULL ? strdup(undoes) : NULL;
	if (s->site == NULL || s->host == NULL || s->tool == NULL ||
	    (previous != NULL && s->previous == NULL) ||
	    (undoes != NULL && s->undoes == NULL))
		return (-1);
	return (0);
}

int
snapshot_decode(struct snapshot *s, const void *text, size_t len,
    struct err *e)
{
	json_int_t format = 0;
	json_error_t je;
	json_t *j;
	int rc = -1;

	memset(s, 0, sizeof(*s));
	j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (j == NULL || json_unpack(j, "{s:I}", "format", &format) == -1)
		err_set(e, ERR_DAMAGED, "not a snapshot");
	else if (format > FORMAT)
		err_set(e, ERR_USAGE, "snapshot format %lld is newer than "
		    "this xcatvault knows: use a newer xcatvault",
		    (long long)format);
	else if (format != FORMAT || decode_head(s, j) == -1 ||
	    decode_volumes(s, json_object_get(j, "volumes")) == -1 ||
	    decode_reports(s, json_object_get(j, "reports")) == -1 ||
	    decode_node(s, json_object_get(j, "node")) == -1 ||
	    decode_database(s, json_object_get(j, "database")) == -1)
		err_set(e, ERR_DAMAGED, "snapshot fields missing or wrong");
	else
		rc = set_id(s, text, len, e);
	json_decref(j);
	if (rc == -1)
		snapshot_fini(s);
	return (rc);
}
