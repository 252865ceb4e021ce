#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/confrule.h"
#include "formats/xcatcsv.h"
#include "remote/node/probetext.h"

#define VOLUMES_MAX 8
#define TABLES_MAX 10000
#define LINE_LONGEST 500

/* What is kept while the answer is read. */
struct answer {
	struct probe *p;
	struct err *e;
	struct probe_tool *tool;	/* that "version" and "trouble" mean */
	uint64_t status;	/* of the command whose output comes next */
	int done;
};

static int
bad(struct answer *a, const char *what)
{
	return (err_set(a->e, ERR_FAILED, "its answer to the probe makes no "
	    "sense (%s)", what));
}

/* ---------------------------------------------------------------- texts */

char *
probetext_line(const char *value)
{
	size_t n = strcspn(value, "\n");
	char *s, *p;

	if ((s = strndup(value, n < LINE_LONGEST ? n : LINE_LONGEST)) == NULL)
		return (NULL);
	if (*s != '\0' && confrule_text(s) != NULL)
		for (p = s; *p != '\0'; p++)
			if (*p < 0x20 || *p > 0x7e)
				*p = '?';
	return (s);
}

/* Put such a line into *field; it stays NULL for an empty one. */
static int
take_line(struct answer *a, char **field, const char *value)
{
	if (*field != NULL)
		return (bad(a, "something twice"));
	if (value[0] == '\0' || value[0] == '\n')
		return (0);
	if ((*field = probetext_line(value)) == NULL)
		return (err_nomem(a->e));
	return (0);
}

static int
read_os(struct answer *a, char *value, size_t len)
{
	if (len >= 2 && (value[0] == '"' || value[0] == '\'') &&
	    value[len - 1] == value[0]) {
		value[len - 1] = '\0';
		value++;
	}
	return (take_line(a, &a->p->os, value));
}

/* -------------------------------------------------------------- numbers */

static int
read_word(struct answer *a, const char *value, const char *const *words,
    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(value, words[i]) == 0)
			return ((int)i);
	return (bad(a, value));
}

static int
read_xcatd(struct answer *a, char *value, size_t len)
{
	static const char *const words[] = { "absent", "up", "down", "hung" };
	int i = read_word(a, value, words, 4);

	(void)len;
	if (i == -1)
		return (-1);
	a->p->xcatd = (enum probe_xcatd)i;
	return (0);
}

static int
read_layout(struct answer *a, char *value, size_t len)
{
	static const char *const words[] = { "bare", "container", "xcatdata" };
	int i = read_word(a, value, words, 3);

	(void)len;
	if (i == -1)
		return (-1);
	a->p->layout = (enum probe_layout)i;
	return (0);
}

static int
read_mounted(struct answer *a, char *value, size_t len)
{
	static const char *const words[] = { "0", "1" };

	(void)len;
	a->p->dbbackup.mounted = read_word(a, value, words, 2);
	return (a->p->dbbackup.mounted == -1 ? -1 : 0);
}

/* "BLOCKS BLOCK_SIZE"; PROBE_UNKNOWN for anything else. */
static uint64_t
blocks(const char *value, size_t len)
{
	struct scan s = { value, value + len };
	uint64_t n, size;

	if (!scan_u64(&s, &n) || !scan_char(&s, ' ') ||
	    !scan_u64(&s, &size) || s.p != s.end ||
	    __builtin_mul_overflow(n, size, &n))
		return (PROBE_UNKNOWN);
	return (n);
}

/* -------------------------------------------------------------- volumes */

static int
read_volume(struct answer *a, char *value, size_t len)
{
	struct probe *p = a->p;
	struct probe_volume *v;

	(void)len;
	if (p->nvolumes == VOLUMES_MAX)
		return (bad(a, "too many volumes"));
	if (confrule_path(value) != NULL || strcmp(value, "/") == 0)
		return (bad(a, "path of a volume"));
	v = realloc(p->volumes, (p->nvolumes + 1) * sizeof(*v));
	if (v == NULL)
		return (err_nomem(a->e));
	p->volumes = v;
	v = &p->volumes[p->nvolumes];
	memset(v, 0, sizeof(*v));
	v->bytes = v->free_bytes = PROBE_UNKNOWN;
	if ((v->path = strdup(value)) == NULL)
		return (err_nomem(a->e));
	p->nvolumes++;
	return (0);
}

/* The volume that was named last, or NULL. */
static struct probe_volume *
last_volume(struct answer *a)
{
	if (a->p->nvolumes == 0) {
		bad(a, "no volume");
		return (NULL);
	}
	return (&a->p->volumes[a->p->nvolumes - 1]);
}

static int
read_source(struct answer *a, char *value, size_t len)
{
	struct probe_volume *v = last_volume(a);

	(void)len;
	if (v == NULL)
		return (-1);
	if (v->source != NULL || confrule_path(value) != NULL ||
	    strcmp(value, "/") == 0)
		return (bad(a, "directory of a volume"));
	if ((v->source = strdup(value)) == NULL)
		return (err_nomem(a->e));
	return (0);
}

static int
read_there(struct answer *a, char *value, size_t len)
{
	static const char *const words[] = { "0", "1" };
	struct probe_volume *v = last_volume(a);
	int i = read_word(a, value, words, 2);

	(void)len;
	if (v == NULL || i == -1)
		return (-1);
	v->there = i;
	return (0);
}

static int
read_free(struct answer *a, char *value, size_t len)
{
	struct probe_volume *v = last_volume(a);

	if (v == NULL)
		return (-1);
	v->free_bytes = blocks(value, len);
	return (0);
}

static int
read_kilobytes(struct answer *a, char *value, size_t len)
{
	struct probe_volume *v = last_volume(a);
	struct scan s = { value, value + len };
	uint64_t n;

	if (v == NULL)
		return (-1);
	if (scan_u64(&s, &n) && s.p == s.end && n < UINT64_MAX / 1024)
		v->bytes = n * 1024;
	return (0);
}

/* ---------------------------------------------------------------- tools */

static int
read_tool(struct answer *a, char *value, size_t len)
{
	size_t i;

	(void)len;
	for (i = 0; i < PROBE_TOOLS; i++)
		if (strcmp(value, a->p->tools[i].name) == 0) {
			a->tool = &a->p->tools[i];
			return (0);
		}
	return (bad(a, "tool"));
}

static int
read_version(struct answer *a, char *value, size_t len)
{
	(void)len;
	return (a->tool == NULL ? bad(a, "no tool") :
	    take_line(a, &a->tool->version, value));
}

/* Tools are in trouble until something else is said of them. */
static int
read_trouble(struct answer *a, char *value, size_t len)
{
	(void)len;
	if (a->tool == NULL)
		return (bad(a, "no tool"));
	free(a->tool->trouble);
	a->tool->trouble = NULL;
	return (take_line(a, &a->tool->trouble, value));
}

/* --------------------------------------------------------------- tables */

static int
by_name(const void *a, const void *b)
{
	return (strcmp(*(char *const *)a, *(char *const *)b));
}

static int
read_status(struct answer *a, char *value, size_t len)
{
	struct scan s = { value, value + len };

	if (!scan_u64(&s, &a->status) || s.p != s.end || a->status > 255)
		return (bad(a, "status"));
	return (0);
}

/* A list that broke off is none. */
static int
refuse_tables(struct answer *a, const char *why)
{
	struct probe *p = a->p;
	char text[64];

	while (p->ntables > 0)
		free(p->tables[--p->ntables]);
	if (a->status == 124)
		snprintf(text, sizeof(text), "tabdump did not end in time");
	else
		snprintf(text, sizeof(text), "tabdump ended with status %u%s",
		    (unsigned)a->status, a->status == 0 ?
		    " and listed nothing" : "");
	return (take_line(a, &p->tables_reason,
	    *why != '\0' ? why : text));
}

/* Names a line; anything else is a message instead of a list. */
static int
read_tables(struct answer *a, char *value, size_t len)
{
	struct probe *p = a->p;
	char *line, *next = value;

	(void)len;
	if (p->tables != NULL)
		return (bad(a, "something twice"));
	if ((p->tables = calloc(TABLES_MAX, sizeof(*p->tables))) == NULL)
		return (err_nomem(a->e));
	if (a->status != 0)
		return (refuse_tables(a, ""));
	while ((line = strsep(&next, "\n")) != NULL) {
		if (p->ntables == TABLES_MAX || *line == '\0' ||
		    strlen(line) > 128 || line[strspn(line,
		    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789_")] != '\0')
			return (refuse_tables(a, line));
		if ((p->tables[p->ntables] = strdup(line)) == NULL)
			return (err_nomem(a->e));
		p->ntables++;
	}
	qsort(p->tables, p->ntables, sizeof(*p->tables), by_name);
	return (0);
}


/* Where a row of the site table belongs, or NULL. */
static char **
site_field(struct probe *p, const struct span *key)
{
	struct {
		const char *name;
		char **field;
	} fields[] = {
		{ "installdir", &p->installdir },
		{ "skiptables", &p->skiptables },
		{ "master", &p->master },
		{ "tmpdir", &p->tmpdir },
		{ "domain", &p->domain },
	};
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strlen(fields[i].name) == key->len &&
		    memcmp(fields[i].name, key->p, key->len) == 0)
			return (fields[i].field);
	return (NULL);
}

struct site_table {
	struct answer *a;
	int key, value, disable;
};

static int
site_header(void *arg, const struct xcatcsv *c, struct err *e)
{
	struct site_table *t = arg;

	(void)e;
	t->key = xcatcsv_find(c, "key");
	t->value = xcatcsv_find(c, "value");
	t->disable = xcatcsv_find(c, "disable");
	return (0);
}

static int
site_row(void *arg, const struct xcatcsv_row *r, struct err *e)
{
	struct site_table *t = arg;
	const struct span *off;
	char **field, *value;
	int rc;

	if (r->values == NULL || t->key == -1 || t->value == -1)
		return (0);
	off = t->disable == -1 ? NULL : &r->values[t->disable];
	if (off != NULL && off->len > 0 && strchr("1yY", off->p[0]) != NULL)
		return (0);
	field = site_field(t->a->p, &r->values[t->key]);
	if (field == NULL || *field != NULL)
		return (0);
	value = strndup(r->values[t->value].p, r->values[t->value].len);
	if (value == NULL)
		return (err_nomem(e));
	rc = take_line(t->a, field, value);
	free(value);
	return (rc);
}

/* What "tabdump site" printed, but for its last newline. */
static int
read_site(struct answer *a, char *value, size_t len)
{
	struct site_table t = { .a = a, .key = -1, .value = -1,
	    .disable = -1 };
	struct xcatcsv_user user = {
		.header = site_header, .row = site_row, .arg = &t,
	};
	struct xcatcsv *c;
	int rc;

	if (len == 0 || a->status != 0)
		return (0);
	if ((c = xcatcsv_new(&user, a->e)) == NULL)
		return (-1);
	xcatcsv_begin(c);
	rc = xcatcsv_feed(c, value, len, a->e);
	if (rc == 0)
		rc = xcatcsv_feed(c, "\n", 1, a->e);
	if (rc == 0)
		rc = xcatcsv_end(c, a->e);
	xcatcsv_free(c);
	return (rc);
}

/* ----------------------------------------------------------- the answer */

static int
read_end(struct answer *a, char *value, size_t len)
{
	(void)value;
	(void)len;
	a->done = 1;
	return (0);
}

/* A line is a line of text that goes to a field; others know what to do. */
#define LINE(name) NULL, offsetof(struct probe, name)
static const struct {
	const char *name;
	int (*read)(struct answer *, char *, size_t);
	size_t line;
} keys[] = {
	{ "arch", LINE(arch) },
	{ "hostname", LINE(hostname) },
	{ "os", read_os, 0 },
	{ "xcatd", read_xcatd, 0 },
	{ "xcatd_said", LINE(xcatd_reason) },
	{ "package", LINE(xcat_version) },
	{ "db", LINE(db_engine) },
	{ "site_status", read_status, 0 },
	{ "site", read_site, 0 },
	{ "tables_status", read_status, 0 },
	{ "tables", read_tables, 0 },
	{ "dbbackup_mounted", read_mounted, 0 },
	{ "layout", read_layout, 0 },
	{ "volume", read_volume, 0 },
	{ "source", read_source, 0 },
	{ "there", read_there, 0 },
	{ "free", read_free, 0 },
	{ "kilobytes", read_kilobytes, 0 },
	{ "tool", read_tool, 0 },
	{ "version", read_version, 0 },
	{ "trouble", read_trouble, 0 },
	{ "end", read_end, 0 },
};
#undef LINE

static int
read_pair(struct answer *a, const char *key, char *value, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i].name) == 0)
			break;
	if (i == sizeof(keys) / sizeof(keys[0]))
		return (bad(a, key));
	if (keys[i].read != NULL)
		return (keys[i].read(a, value, len));
	return (take_line(a, (char **)(void *)((char *)a->p + keys[i].line),
	    value));
}

/* Of an xcatd that is up, the reason is "Version 2.19.0 (git commit ...)". */
static int
settle_version(struct answer *a)
{
	struct probe *p = a->p;
	char *v;

	if (p->xcatd == PROBE_XCATD_HUNG && p->xcatd_reason == NULL)
		return (take_line(a, &p->xcatd_reason,
		    "gave no answer in 20 s"));
	if (p->xcatd != PROBE_XCATD_UP || p->xcatd_reason == NULL)
		return (0);
	free(p->xcat_version);
	p->xcat_version = NULL;
	v = strstr(p->xcatd_reason, "Version ");
	if (v != NULL && (p->xcat_version = strndup(v + 8,
	    strcspn(v + 8, " "))) == NULL)
		return (err_nomem(a->e));
	free(p->xcatd_reason);
	p->xcatd_reason = NULL;
	return (0);
}

static int
by_path(const void *a, const void *b)
{
	const struct probe_volume *x = a, *y = b;

	return (strcmp(x->path, y->path));
}

/* Each directory once: not again by way of a link into another volume. */
static int
settle_volumes(struct answer *a)
{
	struct probe *p = a->p;
	struct probe_volume *v;
	size_t i, j, n = 0;

	for (i = 0; i < p->nvolumes; i++) {
		v = &p->volumes[i];
		if (v->source == NULL)
			return (bad(a, "volume without directory"));
		if (strcmp(v->path, "/.dbbackup") == 0) {
			p->dbbackup.there = v->there;
			p->dbbackup.free_bytes = v->free_bytes;
		}
	}
	for (i = 0; i < p->nvolumes; i++) {
		for (j = 0; j < n; j++)
			if (confrule_within(p->volumes[i].source,
			    p->volumes[j].source))
				break;
		if (j < n)
			probe_volume_fini(&p->volumes[i]);
		else
			p->volumes[n++] = p->volumes[i];
	}
	p->nvolumes = n;
	if (n > 1)
		qsort(p->volumes, n, sizeof(*p->volumes), by_path);
	return (0);
}

/* Behind what a login shell may have printed, our own first words. */
static char *
find_start(char *text, size_t len)
{
	static const char start[] = "xcatvault-probe\0001";
	char *p = memmem(text, len, start, sizeof(start));

	return (p != NULL ? p + sizeof(start) : NULL);
}

static int
read_answer(struct answer *a, char *text, size_t len)
{
	char *end = text + len, *p = find_start(text, len), *key, *stop;

	if (p == NULL)
		return (bad(a, "no beginning"));
	while (p < end && !a->done) {
		key = p;
		if ((stop = memchr(p, '\0', (size_t)(end - p))) == NULL)
			break;
		p = stop + 1;
		if ((stop = memchr(p, '\0', (size_t)(end - p))) == NULL)
			break;
		if (read_pair(a, key, p, (size_t)(stop - p)) == -1)
			return (-1);
		p = stop + 1;
	}
	if (!a->done)
		return (bad(a, "it was cut off"));
	if (settle_version(a) == -1)
		return (-1);
	return (settle_volumes(a));
}

int
probetext_decode(struct probe *p, const void *answer, size_t len, struct err *e)
{
	struct answer a = { .p = p, .e = e };
	char *text;
	int rc;

	if (probe_init(p, e) == -1)
		return (-1);
	/* The values are cut up in place. */
	if (len > PROBETEXT_MAX || (text = malloc(len + 1)) == NULL) {
		probe_fini(p);
		return (len > PROBETEXT_MAX ? bad(&a, "too long") :
		    err_nomem(e));
	}
	if (len > 0)
		memcpy(text, answer, len);
	text[len] = '\0';
	rc = read_answer(&a, text, len);
	free(text);
	if (rc == -1)
		probe_fini(p);
	return (rc);
}

