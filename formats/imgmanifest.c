#include <string.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>

#include "formats/imgmanifest.h"

/* The texts that have a field of their own. */
static const struct field {
	const char *name;
	size_t off;
} fields[] = {
#define FIELD(f) { #f, offsetof(struct imgmanifest, f) }
	FIELD(kernel), FIELD(litefile), FIELD(media), FIELD(postbootscripts),
	FIELD(postscripts), FIELD(ramdisk), FIELD(rootimg), FIELD(rootimgtree),
#undef FIELD
};
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

static const struct field *
field_of(const char *name)
{
	size_t i;

	for (i = 0; i < NFIELDS; i++)
		if (strcmp(fields[i].name, name) == 0)
			return (&fields[i]);
	return (NULL);
}

static const char *
field_get(const struct imgmanifest *m, const struct field *f)
{
	const char *const *at = (const void *)((const char *)m + f->off);

	return (*at);
}

static void
field_set(struct imgmanifest *m, const struct field *f, const char *value)
{
	const char **at = (void *)((char *)m + f->off);

	*at = value;
}

/* Rows that there may be several of, told apart by <name>. */
static int
is_keyed(const char *table)
{
	return (strcmp(table, "kit") == 0 || strcmp(table, "kitrepo") == 0 ||
	    strcmp(table, "kitcomp") == 0);
}

struct parse {
	struct imgmanifest *m;
	xmlParserCtxtPtr xml;
	struct buf text;	/* of the innermost element */
	struct buf tables, columns, extras, others;	/* of structs */
	const char *name[3];	/* of the open elements */
	int depth;
	size_t elements;
	struct err *e;
	int failed;
};

static void
refuse(struct parse *p, const char *what, const char *name)
{
	if (p->failed)
		return;
	p->failed = 1;
	err_set(p->e, ERR_DAMAGED, "line %d: %s%s%s",
	    xmlSAX2GetLineNumber(p->xml), what, name != NULL ? " " : "",
	    name != NULL ? name : "");
	xmlStopParser(p->xml);
}

static void
nomem(struct parse *p)
{
	if (p->failed)
		return;
	p->failed = 1;
	err_nomem(p->e);
	xmlStopParser(p->xml);
}

static const char *
keep(struct parse *p, const void *bytes, size_t len)
{
	char *s = arena_alloc(&p->m->arena, len + 1);

	if (s == NULL) {
		nomem(p);
		return (NULL);
	}
	if (len > 0)
		memcpy(s, bytes, len);
	s[len] = '\0';
	return (s);
}

static int
is_blank(const struct buf *b)
{
	size_t i;

	for (i = 0; i < b->len; i++)
		if (strchr(" \t\r\n", b->data[i]) == NULL)
			return (0);
	return (1);
}

/*
 * An element opens.  One at depth 1 turns out to be a row when another opens
 * in it.
 */
static void
on_start(void *arg, const xmlChar *local, const xmlChar *prefix,
    const xmlChar *uri, int nns, const xmlChar **ns, int nattrs,
    int ndefault, const xmlChar **attrs)
{
	struct parse *p = arg;
	const char *name = (const char *)local;

	(void)uri;
	(void)ns;
	(void)ndefault;
	(void)attrs;
	if (p->failed)
		return;
	if (prefix != NULL || nns > 0 || nattrs > 0)
		refuse(p, "attributes or name spaces in", name);
	else if (p->depth == 3)
		refuse(p, "elements too deep at", name);
	else if (++p->elements > IMGMANIFEST_ELEMENTS)
		refuse(p, "too many elements", NULL);
	else if (!is_blank(&p->text))
		refuse(p, "text beside the element", name);
	else if (p->depth == 0 && strcmp(name, "xcatimage") != 0)
		refuse(p, "the root is not xcatimage but", name);
	else if (p->depth == 2 && field_of(p->name[1]) != NULL)
		refuse(p, "elements in", p->name[1]);
	else {
		p->name[p->depth] = keep(p, name, strlen(name));
		p->depth++;
		buf_clear(&p->text);
	}
}

static void
on_text(void *arg, const xmlChar *s, int len)
{
	struct parse *p = arg;

	if (!p->failed)
		buf_append(&p->text, s, (size_t)len);
}

/* Columns in order; those of equal name stay as they were. */
static void
sort_pairs(struct imgmanifest_pair *v, size_t n)
{
	struct imgmanifest_pair x;
	size_t i, j;

	for (i = 1; i < n; i++) {
		x = v[i];
		for (j = i; j > 0 && strcmp(v[j - 1].name, x.name) > 0; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

static int
add_pair(struct parse *p, struct buf *to, const char *name,
    const char *value, int repeat)
{
	const struct imgmanifest_pair *had = (const void *)to->data;
	struct imgmanifest_pair one = { name, value };
	size_t i, n = to->len / sizeof(*had);

	/* They are few, or it is none that imgexport has written. */
	if (n >= 1024) {
		refuse(p, "too many elements beside", name);
		return (-1);
	}
	for (i = 0; i < n && !repeat; i++)
		if (strcmp(had[i].name, name) == 0) {
			refuse(p, "a second", name);
			return (-1);
		}
	buf_append(to, &one, sizeof(one));
	return (0);
}

static void
end_extra(struct parse *p)
{
	const struct imgmanifest_pair *c = (const void *)p->columns.data;
	size_t i, n = p->columns.len / sizeof(*c);
	struct imgmanifest_extra x = { NULL, NULL };

	for (i = 0; i < n; i++) {
		if (strcmp(c[i].name, "src") == 0)
			x.src = c[i].value;
		else if (strcmp(c[i].name, "dest") == 0)
			x.dest = c[i].value;
		else {
			refuse(p, "an <extra> with", c[i].name);
			return;
		}
	}
	if (x.src == NULL || x.dest == NULL) {
		refuse(p, "an <extra> without src or dest", NULL);
		return;
	}
	buf_append(&p->extras, &x, sizeof(x));
}

static const char *
column_of(const struct imgmanifest_table *t, const char *column)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->columns[i].name, column) == 0)
			return (t->columns[i].value);
	return (NULL);
}

/* Whether a row of that name, or key, has been there. */
static int
is_second(const struct parse *p, const struct imgmanifest_table *t)
{
	const struct imgmanifest_table *had = (const void *)p->tables.data;
	const char *key = column_of(t, "name"), *other;
	const struct imgmanifest_pair *empty = (const void *)p->others.data;
	size_t i, n = p->tables.len / sizeof(*had);

	for (i = 0; i < n; i++) {
		if (strcmp(had[i].name, t->name) != 0)
			continue;
		other = column_of(&had[i], "name");
		if (!is_keyed(t->name) || key == NULL || other == NULL ||
		    strcmp(key, other) == 0)
			return (1);
	}
	n = p->others.len / sizeof(*empty);
	for (i = 0; i < n; i++)
		if (strcmp(empty[i].name, t->name) == 0)
			return (1);
	return (0);
}

static void
end_table(struct parse *p)
{
	struct imgmanifest_table t = { p->name[1], NULL, 0 };

	if (!is_blank(&p->text)) {
		refuse(p, "text among the elements of", t.name);
		return;
	}
	if (strcmp(t.name, "extra") == 0) {
		end_extra(p);
		return;
	}
	t.n = p->columns.len / sizeof(*t.columns);
	t.columns = arena_copy(&p->m->arena, p->columns.data, p->columns.len);
	if (t.columns == NULL) {
		nomem(p);
		return;
	}
	sort_pairs(t.columns, t.n);
	if (p->tables.len / sizeof(t) >= 1024 || is_second(p, &t))
		refuse(p, "a second", t.name);
	else
		buf_append(&p->tables, &t, sizeof(t));
}

/* A text of the root. */
static void
end_single(struct parse *p, const char *value)
{
	const struct field *f = field_of(p->name[1]);
	const struct imgmanifest_table t = { p->name[1], NULL, 0 };

	if (f == NULL) {
		if (strcmp(t.name, "extra") == 0 || is_second(p, &t))
			refuse(p, "a second, or an empty,", t.name);
		else
			(void)add_pair(p, &p->others, t.name, value, 0);
	} else if (field_get(p->m, f) != NULL)
		refuse(p, "a second", f->name);
	else
		field_set(p->m, f, value);
}

static void
on_end(void *arg, const xmlChar *local, const xmlChar *prefix,
    const xmlChar *uri)
{
	struct parse *p = arg;
	const char *value;

	(void)local;
	(void)prefix;
	(void)uri;
	if (p->failed)
		return;
	p->depth--;
	if (p->depth == 0) {
		if (!is_blank(&p->text))
			refuse(p, "text among the elements of", p->name[0]);
	} else if (p->depth == 1 && p->columns.len > 0) {
		end_table(p);
		buf_clear(&p->columns);
	} else if ((value = keep(p, p->text.data, p->text.len)) == NULL)
		return;
	else if (p->depth == 2)
		(void)add_pair(p, &p->columns, p->name[2], value,
		    strcmp(p->name[1], "rawimagefiles") == 0);
	else
		end_single(p, value);
	buf_clear(&p->text);
}

/* vet() lets none pass; should one come by, it is not believed. */
static void
on_doctype(void *arg, const xmlChar *name, const xmlChar *external,
    const xmlChar *system)
{
	(void)name;
	(void)external;
	(void)system;
	refuse(arg, "a document type", NULL);
}

static xmlEntityPtr
on_entity(void *arg, const xmlChar *name)
{
	(void)arg;
	return (xmlGetPredefinedEntity(name));
}

static void
on_error(void *arg, xmlErrorPtr error)
{
	(void)arg;
	(void)error;	/* libxml2 keeps it in the context */
}

/*
 * Before the parser sees it: nothing but elements without attributes, text,
 * comments, CDATA sections and one plain XML declaration.  A parser's work
 * may grow with the square of the number of attributes, and that of entities
 * without bound.
 */
struct vet {
	const char *p, *end, *start;
};

static int
vet_refuse(const struct vet *v, const char *what, struct err *e)
{
	const char *c;
	size_t line = 1;

	for (c = v->start; c < v->p; c++)
		line += *c == '\n';
	return (err_set(e, ERR_DAMAGED, "line %zu: %s", line, what));
}

static int
begins(const struct vet *v, const char *with)
{
	size_t n = strlen(with);

	return ((size_t)(v->end - v->p) >= n && memcmp(v->p, with, n) == 0);
}

/* Go behind what ends a comment or a section. */
static int
vet_skip(struct vet *v, const char *stop, struct err *e)
{
	const char *at = memmem(v->p, (size_t)(v->end - v->p), stop,
	    strlen(stop));

	if (at == NULL)
		return (vet_refuse(v, "a comment or section without its end",
		    e));
	v->p = at + strlen(stop);
	return (0);
}

static int
vet_tag(struct vet *v, struct err *e)
{
	const char *name, *at = v->p + 1;
	size_t len;

	if (at < v->end && *at == '/')
		at++;
	for (name = at; at < v->end && (*at == '_' || *at == '-' ||
	    *at == '.' || (*at >= '0' && *at <= '9') ||
	    ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z')); at++)
		;
	if ((len = (size_t)(at - name)) == 0 || len > IMGMANIFEST_NAME)
		return (vet_refuse(v, "an element whose name is none of "
		    "xCAT's", e));
	while (at < v->end && strchr(" \t\r\n", *at) != NULL && *at != '\0')
		at++;
	if (at < v->end && *at == '/')
		at++;
	if (at == v->end || *at != '>')
		return (vet_refuse(v, "an element with attributes, or without "
		    "its end: imgexport writes none", e));
	v->p = at + 1;
	return (0);
}

/* <?xml version="1.0"?>, at the very beginning. */
static int
vet_declaration(struct vet *v, struct err *e)
{
	static const char *const plain[] = {
		"<?xml version=\"1.0\"?>", "<?xml version='1.0'?>",
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
		"<?xml version=\"1.0\" encoding=\"utf-8\"?>",
	};
	size_t i;

	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (v->p == v->start && begins(v, plain[i])) {
			v->p += strlen(plain[i]);
			return (0);
		}
	return (vet_refuse(v, "a declaration or instruction other than "
	    "<?xml version=\"1.0\"?>", e));
}

static int
vet(const char *xml, size_t len, struct err *e)
{
	struct vet v = { xml, xml + len, xml };
	const char *at;
	int rc = 0;

	if (len > IMGMANIFEST_MAX)
		return (err_set(e, ERR_DAMAGED, "larger than %zu bytes",
		    IMGMANIFEST_MAX));
	/* Other encodings would pass by what follows. */
	if (len == 0 || xml[0] != '<')
		return (vet_refuse(&v, "not XML in UTF-8", e));
	if ((at = memchr(xml, '\0', len)) != NULL) {
		v.p = at;
		return (vet_refuse(&v, "a byte 0", e));
	}
	while (rc == 0 && (at = memchr(v.p, '<', (size_t)(v.end - v.p))) !=
	    NULL) {
		v.p = at;
		if (begins(&v, "<!--"))
			rc = vet_skip(&v, "-->", e);
		else if (begins(&v, "<![CDATA["))
			rc = vet_skip(&v, "]]>", e);
		else if (begins(&v, "<!"))
			rc = vet_refuse(&v, "a document type: entities and "
			    "external files are not read", e);
		else if (begins(&v, "<?"))
			rc = vet_declaration(&v, e);
		else
			rc = vet_tag(&v, e);
	}
	return (rc);
}

/* What libxml2 has found, if it has. */
static int
syntax(struct parse *p)
{
	const xmlError *x = xmlCtxtGetLastError(p->xml);
	struct buf b = BUF_INIT;
	const char *msg = x != NULL && x->message != NULL ? x->message : "";

	if (p->failed)
		return (-1);
	if (x != NULL && x->code == XML_ERR_NO_MEMORY)
		return (err_nomem(p->e));
	buf_put_printable(&b, msg, strcspn(msg, "\n"));
	err_set(p->e, ERR_DAMAGED, "line %d: not well-formed XML%s%s",
	    x != NULL ? x->line : 0, msg[0] != '\0' ? ": " : "",
	    buf_cstr(&b));
	buf_fini(&b);
	return (-1);
}

static int
run(struct parse *p, const char *xml, size_t len)
{
	xmlSAXHandler sax;

	memset(&sax, 0, sizeof(sax));
	sax.initialized = XML_SAX2_MAGIC;
	sax.startElementNs = on_start;
	sax.endElementNs = on_end;
	sax.characters = on_text;
	sax.ignorableWhitespace = on_text;
	sax.cdataBlock = on_text;
	sax.internalSubset = on_doctype;
	sax.getEntity = on_entity;
	sax.serror = on_error;
	p->xml = xmlCreatePushParserCtxt(&sax, p, NULL, 0, NULL);
	if (p->xml == NULL)
		return (err_nomem(p->e));
	xmlCtxtUseOptions(p->xml, XML_PARSE_NONET | XML_PARSE_NOWARNING);
	/* In one piece: vet() has bounded it. */
	if (xmlParseChunk(p->xml, xml, (int)len, 1) != 0 ||
	    !p->xml->wellFormed || p->failed || p->depth != 0 ||
	    p->elements == 0)
		return (syntax(p));
	return (0);
}

static int
table_order(const void *a, const void *b)
{
	const struct imgmanifest_table *const *x = a, *const *y = b;
	int c = strcmp((*x)->name, (*y)->name);

	/* Those of one name stay in the document's order. */
	return (c != 0 ? c : *x < *y ? -1 : *x > *y);
}

static int
finish(struct parse *p)
{
	struct imgmanifest *m = p->m;
	struct imgmanifest_table **order;
	size_t i;

	if (buf_ok(&p->text, p->e) == -1 || buf_ok(&p->tables, p->e) == -1 ||
	    buf_ok(&p->columns, p->e) == -1 ||
	    buf_ok(&p->extras, p->e) == -1 || buf_ok(&p->others, p->e) == -1)
		return (-1);
	m->ntables = p->tables.len / sizeof(*m->tables);
	m->nextras = p->extras.len / sizeof(*m->extras);
	m->nothers = p->others.len / sizeof(*m->others);
	m->tables = arena_alloc(&m->arena, p->tables.len);
	order = arena_alloc(&m->arena, m->ntables * sizeof(struct
	    imgmanifest_table *));
	m->extras = arena_copy(&m->arena, p->extras.data, p->extras.len);
	m->others = arena_copy(&m->arena, p->others.data, p->others.len);
	if (m->tables == NULL || order == NULL || m->extras == NULL ||
	    m->others == NULL) {
		m->ntables = m->nextras = m->nothers = 0;
		return (err_nomem(p->e));
	}
	for (i = 0; i < m->ntables; i++)
		order[i] = (struct imgmanifest_table *)(void *)p->tables.data +
		    i;
	if (m->ntables > 0)
		qsort(order, m->ntables, sizeof(struct imgmanifest_table *),
		    table_order);
	for (i = 0; i < m->ntables; i++)
		m->tables[i] = *order[i];
	sort_pairs(m->others, m->nothers);
	return (0);
}

int
imgmanifest_parse(struct imgmanifest *m, const void *xml, size_t len,
    struct err *e)
{
	struct parse p = { 0 };
	int rc;

	memset(m, 0, sizeof(*m));
	p.m = m;
	p.e = e;
	rc = vet(xml, len, e);
	if (rc == 0)
		rc = run(&p, xml, len);
	if (rc == 0)
		rc = finish(&p);
	if (p.xml != NULL) {
		xmlFreeDoc(p.xml->myDoc);
		xmlFreeParserCtxt(p.xml);
	}
	buf_fini(&p.text);
	buf_fini(&p.tables);
	buf_fini(&p.columns);
	buf_fini(&p.extras);
	buf_fini(&p.others);
	return (rc);
}

void
imgmanifest_fini(struct imgmanifest *m)
{
	arena_fini(&m->arena);
	memset(m, 0, sizeof(*m));
}

const char *
imgmanifest_value(const struct imgmanifest *m, const char *table,
    const char *column)
{
	size_t i;

	for (i = 0; i < m->ntables; i++)
		if (strcmp(m->tables[i].name, table) == 0)
			return (column_of(&m->tables[i], column));
	return (NULL);
}

/* Writing: what XML::Simple escapes, and its indentation. */
static void
put_pair(struct buf *out, const char *indent, const char *name,
    const char *value)
{
	if (value == NULL)
		return;
	buf_puts(out, indent);
	buf_putc(out, '<');
	buf_puts(out, name);
	buf_putc(out, '>');
	for (; *value != '\0'; value++)
		switch (*value) {
		case '&':
			buf_puts(out, "&amp;");
			break;
		case '<':
			buf_puts(out, "&lt;");
			break;
		case '>':
			buf_puts(out, "&gt;");
			break;
		case '"':
			buf_puts(out, "&quot;");
			break;
		default:
			buf_putc(out, *value);
		}
	buf_puts(out, "</");
	buf_puts(out, name);
	buf_puts(out, ">\n");
}

static void
put_table(struct buf *out, const struct imgmanifest_table *t)
{
	const char *key = is_keyed(t->name) ? column_of(t, "name") : NULL;
	size_t i;

	buf_printf(out, "  <%s>\n", t->name);
	if (key != NULL)
		put_pair(out, "    ", "name", key);
	for (i = 0; i < t->n; i++)
		if (key == NULL || strcmp(t->columns[i].name, "name") != 0)
			put_pair(out, "    ", t->columns[i].name,
			    t->columns[i].value);
	buf_printf(out, "  </%s>\n", t->name);
}

/* The name that comes next of all kinds of elements; NULL at the end. */
struct cursor {
	size_t table, other, field;
	int extras;		/* written */
};

static const char *
next_name(const struct imgmanifest *m, struct cursor *c)
{
	const char *best = NULL, *name;

	while (c->field < NFIELDS && field_get(m, &fields[c->field]) == NULL)
		c->field++;
	if (m->nextras > 0 && !c->extras)
		best = "extra";
	name = c->field < NFIELDS ? fields[c->field].name : NULL;
	if (name != NULL && (best == NULL || strcmp(name, best) < 0))
		best = name;
	name = c->table < m->ntables ? m->tables[c->table].name : NULL;
	if (name != NULL && (best == NULL || strcmp(name, best) < 0))
		best = name;
	name = c->other < m->nothers ? m->others[c->other].name : NULL;
	if (name != NULL && (best == NULL || strcmp(name, best) < 0))
		best = name;
	return (best);
}

static void
put_extras(struct buf *out, const struct imgmanifest *m)
{
	size_t i;

	for (i = 0; i < m->nextras; i++) {
		buf_puts(out, "  <extra>\n");
		put_pair(out, "    ", "dest", m->extras[i].dest);
		put_pair(out, "    ", "src", m->extras[i].src);
		buf_puts(out, "  </extra>\n");
	}
}

int
imgmanifest_write(const struct imgmanifest *m, struct buf *out,
    struct err *e)
{
	struct cursor c = { 0 };
	const char *name;

	buf_puts(out, "<?xml version=\"1.0\"?>\n<xcatimage>\n");
	while ((name = next_name(m, &c)) != NULL) {
		if (c.table < m->ntables &&
		    strcmp(m->tables[c.table].name, name) == 0)
			put_table(out, &m->tables[c.table++]);
		else if (c.other < m->nothers &&
		    strcmp(m->others[c.other].name, name) == 0) {
			put_pair(out, "  ", name, m->others[c.other].value);
			c.other++;
		} else if (c.field < NFIELDS &&
		    strcmp(fields[c.field].name, name) == 0) {
			put_pair(out, "  ", name,
			    field_get(m, &fields[c.field]));
			c.field++;
		} else {
			put_extras(out, m);
			c.extras = 1;
		}
	}
	buf_puts(out, "</xcatimage>\n");
	return (buf_ok(out, e));
}
