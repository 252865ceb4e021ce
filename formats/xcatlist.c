#include <string.h>

#include "formats/xcatlist.h"

static int
is_blank(char c)
{
	return (c == ' ' || (c >= '\t' && c <= '\r'));
}

static struct span
trim(const char *p, const char *end)
{
	struct span s;

	while (p < end && is_blank(*p))
		p++;
	while (end > p && is_blank(end[-1]))
		end--;
	s.p = p;
	s.len = (size_t)(end - p);
	return (s);
}

static const char *
end_of(const struct span *s)
{
	return (s->p + s->len);
}

static int
begins(const char *p, const char *end, const char *with)
{
	size_t n = strlen(with);

	return ((size_t)(end - p) >= n && memcmp(p, with, n) == 0);
}

/* Up to a byte, or to the end. */
static const char *
upto(const char *p, const char *end, char c)
{
	const char *at = p < end ? memchr(p, c, (size_t)(end - p)) : NULL;

	return (at != NULL ? at : end);
}

/* The first word of what has no blanks around it. */
static struct span
first_word(struct span s)
{
	size_t n;

	for (n = 0; n < s.len && !is_blank(s.p[n]); n++)
		;
	s.len = n;
	return (s);
}

int
xcatlist_items(const struct span *value, enum xcatlist_item how,
    xcatlist_fn *fn, void *arg)
{
	const char *p = value->p, *end = end_of(value), *comma;
	struct span item;
	int rc;

	for (; p < end; p = comma + 1) {
		comma = upto(p, end, ',');
		item = trim(p, comma);
		if (how == XCATLIST_WORD)
			item = first_word(item);
		if (item.len > 0 && (rc = fn(arg, &item)) != 0)
			return (rc);
	}
	return (0);
}

/* Includes. */

/*
 * Behind "#INCLUDE:" of a line: where the name ends, NULL when it is none.
 * "#ENV:X#" may be a part of it.
 */
static const char *
name_end(const char *p, const char *end)
{
	const char *begin = p;

	while (p < end) {
		if (begins(p, end, "#ENV:")) {
			p = upto(p + 5, end, '#');
			if (p == end)
				return (NULL);
			p++;
			continue;
		}
		if (*p == '#')
			return (p > begin ? p : NULL);
		if (*p == '^')
			return (NULL);
		p++;
	}
	return (NULL);
}

/* Length of the keyword of an include at p, 0 when there is none. */
static size_t
include_word(const char *p, const char *end, enum xcatlist_form form)
{
	static const char *const words[] = { "#INCLUDE:",
	    "#INCLUDE_PKGLIST:", "#INCLUDE_PTRNLIST:",
	    "#INCLUDE_RMPKGLIST:", "#INCLUDE_NOP:" };
	size_t i, n = form == XCATLIST_TEXT ?
	    sizeof(words) / sizeof(words[0]) : 1;

	for (i = 0; i < n; i++)
		if (begins(p, end, words[i]))
			return (strlen(words[i]));
	return (0);
}

static int
line_includes(const char *p, const char *end, enum xcatlist_form form,
    xcatlist_fn *fn, void *arg)
{
	const char *stop;
	struct span name;
	size_t n;
	int rc;

	for (; (p = upto(p, end, '#')) < end; p++) {
		n = include_word(p, end, form);
		if (n == 0 || (stop = name_end(p + n, end)) == NULL)
			continue;
		name = trim(p + n, stop);
		if (name.len > 0 && (rc = fn(arg, &name)) != 0)
			return (rc);
		p = stop;
	}
	return (0);
}

/* A line that xCAT's readers of package lists drop. */
static int
is_comment(const struct span *line)
{
	return (line->len > 0 && line->p[0] == '#' &&
	    !begins(line->p, end_of(line), "#INCLUDE:") &&
	    !begins(line->p, end_of(line), "#ENV:"));
}

int
xcatlist_includes(const struct span *text, enum xcatlist_form form,
    xcatlist_fn *fn, void *arg)
{
	const char *p = text->p, *end = end_of(text), *nl;
	struct span line;
	int rc;

	for (; p < end; p = nl + 1) {
		nl = upto(p, end, '\n');
		line = trim(p, nl);
		if (form == XCATLIST_PACKAGES && is_comment(&line))
			continue;
		if ((rc = line_includes(line.p, end_of(&line), form, fn,
		    arg)) != 0)
			return (rc);
	}
	return (0);
}

/* Synclists. */

/* Whether a line begins a clause, wherever in it the word stands. */
static int
begins_clause(const char *p, const char *end, enum xcatlist_clause *clause)
{
	static const struct {
		const char *word;
		enum xcatlist_clause clause;
	} words[] = {
		{ "EXECUTE:", XCATLIST_EXECUTE },
		{ "EXECUTEALWAYS:", XCATLIST_EXECUTEALWAYS },
		{ "APPEND:", XCATLIST_APPEND },
		{ "MERGE:", XCATLIST_MERGE },
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(p, (size_t)(end - p), words[i].word,
		    strlen(words[i].word)) != NULL) {
			*clause = words[i].clause;
			return (1);
		}
	return (0);
}

/* What stands before the last arrow of a line; nothing without one. */
static struct span
before_arrow(const char *p, const char *end)
{
	const char *at;

	/* Something must stand on either side. */
	if (end - p < 6)
		return (trim(p, p));
	for (at = end - 5; at > p; at--)
		if (memcmp(at, " -> ", 4) == 0)
			return (trim(p, at));
	return (trim(p, p));
}

static int
sync_line(const char *p, const char *end, enum xcatlist_clause clause,
    size_t number, xcatlist_sync_fn *fn, void *arg)
{
	struct span all, one;
	int rc;

	if (clause == XCATLIST_EXECUTE || clause == XCATLIST_EXECUTEALWAYS)
		all = first_word(trim(p, end));
	else
		all = before_arrow(p, end);
	if (all.len == 0)
		return (0);
	if (clause != XCATLIST_COPY)
		return (fn(arg, clause, number, &all));
	while (all.len > 0) {
		one = first_word(all);
		if ((rc = fn(arg, clause, number, &one)) != 0)
			return (rc);
		all = trim(end_of(&one), end_of(&all));
	}
	return (0);
}

int
xcatlist_sync(const struct span *text, xcatlist_sync_fn *fn, void *arg)
{
	enum xcatlist_clause clause = XCATLIST_COPY;
	const char *p = text->p, *end = end_of(text), *nl;
	size_t number = 0;
	int rc;

	for (; p < end; p = nl + 1) {
		nl = upto(p, end, '\n');
		number++;
		if (*p == '#' || begins_clause(p, nl, &clause))
			continue;
		if ((rc = sync_line(p, nl, clause, number, fn, arg)) != 0)
			return (rc);
	}
	return (0);
}

/* Partition files. */

struct partition {
	xcatlist_fn *fn;
	void *arg;
};

static int
partition_item(void *arg, const struct span *item)
{
	const struct partition *pt = arg;
	const char *p = item->p, *end = end_of(item);
	struct span file;

	if (begins(p, end, "s:"))
		p += 2;
	if (begins(p, end, "d:") || begins(p, end, "c:"))
		p += 2;
	file = trim(p, end);
	return (file.len > 0 ? pt->fn(pt->arg, &file) : 0);
}

int
xcatlist_partition(const struct span *value, xcatlist_fn *fn, void *arg)
{
	struct partition pt = { fn, arg };

	return (xcatlist_items(value, XCATLIST_WHOLE, partition_item, &pt));
}

/* Variables. */

struct variable {
	const struct span *name;
	struct span value;
	int found;
};

/* The last of several settings counts. */
static int
match_setting(void *arg, const struct span *item)
{
	struct variable *v = arg;
	const char *eq = upto(item->p, end_of(item), '=');
	struct span name = trim(item->p, eq);

	if (eq == end_of(item) || name.len != v->name->len ||
	    memcmp(name.p, v->name->p, name.len) != 0)
		return (0);
	v->value = first_word(trim(eq + 1, end_of(item)));
	v->found = v->value.len > 0;
	return (0);
}

static int
is_name(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_');
}

/* A variable at p: its name, and what follows it; NULL: none. */
static const char *
take_variable(const char *p, const char *end, struct span *name)
{
	const char *stop;
	int brace;

	if (begins(p, end, "#ENV:")) {
		stop = upto(p + 5, end, '#');
		*name = trim(p + 5, stop);
		return (stop < end && name->len > 0 ? stop + 1 : NULL);
	}
	if (*p++ != '$')
		return (NULL);
	brace = p < end && *p == '{';
	p += brace;
	for (stop = p; stop < end && is_name(*stop); stop++)
		;
	name->p = p;
	name->len = (size_t)(stop - p);
	if (name->len == 0 || (brace && (stop == end || *stop != '}')))
		return (NULL);
	return (stop + brace);
}

int
xcatlist_expand(struct buf *out, const struct span *text,
    const struct span *environvar)
{
	const char *p = text->p, *end = end_of(text), *next;
	struct span name;
	struct variable v;
	int all = 1;

	while (p < end) {
		if ((next = take_variable(p, end, &name)) == NULL) {
			buf_putc(out, *p++);
			continue;
		}
		memset(&v, 0, sizeof(v));
		v.name = &name;
		(void)xcatlist_items(environvar, XCATLIST_WHOLE,
		    match_setting, &v);
		if (v.found)
			buf_append(out, v.value.p, v.value.len);
		else
			buf_append(out, p, (size_t)(next - p));
		all &= v.found;
		p = next;
	}
	return (all);
}
