#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "formats/xcatcsv.h"

enum state {
	HEADER,
	ROW,		/* before the first byte of a row */
	VALUE,		/* before the first byte of a value */
	BARE,		/* in a value without quotes */
	QUOTED,
	QUOTE,		/* behind a quote within a quoted value */
	TRAIL,		/* blanks behind a closing quote */
	LOST,		/* where rows begin is not known any more */
};

/* UTF-8 as in the Unicode Standard, table 3-7. */
struct utf8 {
	int need;		/* bytes that must follow */
	uint8_t low, high;	/* bounds of the next one */
	uint8_t lead;
	uint32_t point;
};

struct xcatcsv {
	struct xcatcsv_user user;
	enum state state;
	uint64_t row, line;
	uint64_t row_line;	/* where the row began */
	uint64_t bytes;
	uint8_t last;		/* byte of the file */
	int value_last;		/* byte of the value, 0: none yet */
	int bad_told;		/* of this value */
	unsigned told;		/* 1 << kind of notes */
	enum xcatcsv_level worst;
	struct utf8 utf8;
	size_t raw;		/* bytes of this row */
	size_t col;		/* of the value */
	struct buf values;	/* unescaped, one behind the other */
	struct buf head;	/* the header; then its names, each with NUL */
	size_t ncols;
	const char *names[XCATCSV_COLUMNS_MAX];
	size_t ends[XCATCSV_COLUMNS_MAX];	/* of values in their buffer */
	struct span spans[XCATCSV_COLUMNS_MAX];
};

struct xcatcsv *
xcatcsv_new(const struct xcatcsv_user *user, struct err *e)
{
	struct xcatcsv *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		err_nomem(e);
		return (NULL);
	}
	c->user = *user;
	xcatcsv_begin(c);
	return (c);
}

void
xcatcsv_free(struct xcatcsv *c)
{
	if (c == NULL)
		return;
	buf_fini(&c->values);
	buf_fini(&c->head);
	free(c);
}

void
xcatcsv_begin(struct xcatcsv *c)
{
	c->state = HEADER;
	c->row = c->row_line = c->bytes = 0;
	c->line = 1;
	c->last = 0;
	c->value_last = c->bad_told = 0;
	c->told = 0;
	c->worst = 0;
	memset(&c->utf8, 0, sizeof(c->utf8));
	c->raw = c->col = c->ncols = 0;
	/* A table with one huge row must not cost memory for ever. */
	if (c->values.cap > (size_t)1 << 20)
		buf_fini(&c->values);
	buf_clear(&c->values);
	buf_clear(&c->head);
}

static enum xcatcsv_level
level_of(enum xcatcsv_kind kind)
{
	switch (kind) {
	case XCATCSV_TWICE:
	case XCATCSV_CONTROL:
	case XCATCSV_UTF8:
		return (XCATCSV_UNRESTORABLE);
	case XCATCSV_NOTE_CR:
	case XCATCSV_NOTE_BLANKS:
	case XCATCSV_NOTE_EMPTY_LINE:
		return (XCATCSV_NOTE);
	default:
		return (XCATCSV_BROKEN);
	}
}

/* About the row and the value where the reader stands. */
static void
__attribute__((format(printf, 3, 4)))
tell(struct xcatcsv *c, enum xcatcsv_kind kind, const char *fmt, ...)
{
	struct xcatcsv_finding f;
	char text[256];
	va_list ap;
	int in_row = c->state > ROW && c->state != LOST;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f.kind = kind;
	f.level = level_of(kind);
	f.row = in_row && kind != XCATCSV_BLANK ? c->row : 0;
	f.line = kind == XCATCSV_EMPTY ? 0 : c->line;
	f.column = in_row && c->col < c->ncols && kind != XCATCSV_COUNT &&
	    kind != XCATCSV_BLANK && kind != XCATCSV_TOO_LONG ?
	    c->names[c->col] : "";
	f.text = text;
	if (f.level > c->worst)
		c->worst = f.level;
	if (c->user.finding != NULL)
		c->user.finding(c->user.arg, &f);
}

static void
note(struct xcatcsv *c, enum xcatcsv_kind kind, const char *text)
{
	if (c->told & 1U << kind)
		return;
	c->told |= 1U << kind;
	tell(c, kind, "%s", text);
}

static void
lose(struct xcatcsv *c)
{
	c->state = LOST;
	c->bad_told = 0;
}

/* Bytes of a value that XML cannot carry; the first is told. */

static void
tell_control(struct xcatcsv *c, uint8_t b)
{
	if (!c->bad_told)
		tell(c, XCATCSV_CONTROL, "control byte 0x%02x", b);
	c->bad_told = 1;
}

static void
tell_utf8(struct xcatcsv *c)
{
	if (!c->bad_told)
		tell(c, XCATCSV_UTF8, "byte 0x%02x is not UTF-8",
		    c->utf8.lead);
	c->bad_told = 1;
	c->utf8.need = 0;
}

static void
utf8_lead(struct xcatcsv *c, uint8_t b)
{
	struct utf8 *u = &c->utf8;

	u->lead = b;
	u->low = 0x80;
	u->high = 0xbf;
	if (b < 0xc2 || b > 0xf4) {
		tell_utf8(c);
	} else if (b < 0xe0) {
		u->need = 1;
		u->point = b & 0x1f;
	} else if (b < 0xf0) {
		u->need = 2;
		u->point = b & 0x0f;
		u->low = b == 0xe0 ? 0xa0 : 0x80;
		u->high = b == 0xed ? 0x9f : 0xbf;
	} else {
		u->need = 3;
		u->point = b & 0x07;
		u->low = b == 0xf0 ? 0x90 : 0x80;
		u->high = b == 0xf4 ? 0x8f : 0xbf;
	}
}

/* Before the reader takes the byte, so that what is told has its place. */
static void
check_byte(struct xcatcsv *c, uint8_t b)
{
	struct utf8 *u = &c->utf8;

	if (u->need > 0) {
		if (b >= u->low && b <= u->high) {
			u->point = u->point << 6 | (b & 0x3f);
			u->low = 0x80;
			u->high = 0xbf;
			if (--u->need == 0 && (u->point == 0xfffe ||
			    u->point == 0xffff) && !c->bad_told) {
				tell(c, XCATCSV_UTF8,
				    "U+%04X is no character", u->point);
				c->bad_told = 1;
			}
			return;
		}
		tell_utf8(c);
	}
	if (b >= 0x80)
		utf8_lead(c, b);
	else if (b < 0x20 && b != '\t' && b != '\n' && b != '\r')
		tell_control(c, b);
}

/* The header. */

static int
valid_name(const char *p, size_t len)
{
	size_t i;

	if (len == 0 || len > XCATCSV_NAME_MAX)
		return (0);
	for (i = 0; i < len; i++)
		if (!isascii((unsigned char)p[i]) ||
		    (!isalnum((unsigned char)p[i]) && p[i] != '_' &&
		    p[i] != '.' && p[i] != '-'))
			return (0);
	return (1);
}

/* As tabrestore: no quotes, no blanks at the end. */
static void
trim_header(struct buf *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->len; i++)
		if (b->data[i] != '"')
			b->data[n++] = b->data[i];
	while (n > 0 && isspace(b->data[n - 1]))
		n--;
	b->len = n;
}

/* 0, or -1: it is not a list of names, and that was told. */
static int
split_header(struct xcatcsv *c)
{
	char *p = (char *)c->head.data + 1, *comma;
	size_t i;

	for (;; p = comma + 1) {
		if ((comma = strchr(p, ',')) != NULL)
			*comma = '\0';
		if (!valid_name(p, strlen(p))) {
			tell(c, XCATCSV_BAD_HEADER,
			    "the header is not a list of column names");
			return (-1);
		}
		if (c->ncols == XCATCSV_COLUMNS_MAX) {
			tell(c, XCATCSV_BAD_HEADER,
			    "more than %d columns", XCATCSV_COLUMNS_MAX);
			return (-1);
		}
		for (i = 0; i < c->ncols; i++)
			if (strcmp(c->names[i], p) == 0)
				tell(c, XCATCSV_TWICE,
				    "column %s twice in the header", p);
		c->names[c->ncols++] = p;
		if (comma == NULL)
			return (0);
	}
}

static int
end_header(struct xcatcsv *c, struct err *e)
{
	int rc;

	trim_header(&c->head);
	buf_putc(&c->head, '\0');
	if (buf_ok(&c->head, e) == -1)
		return (-1);
	if (memchr(c->head.data, '\0', c->head.len - 1) != NULL) {
		tell(c, XCATCSV_BAD_HEADER,
		    "the header is not a list of column names");
		rc = -1;
	} else {
		rc = split_header(c);
	}
	if (rc == -1) {
		c->ncols = 0;
		lose(c);
		return (0);
	}
	c->state = ROW;
	return (c->user.header == NULL ? 0 :
	    c->user.header(c->user.arg, c, e));
}

static int
take_header(struct xcatcsv *c, uint8_t b, struct err *e)
{
	if (c->bytes == 0 && b != '#') {
		tell(c, XCATCSV_NO_HEADER,
		    "does not begin with a header (#column,...)");
		lose(c);
		return (0);
	}
	if (b == '\n')
		return (end_header(c, e));
	if (c->head.len == XCATCSV_HEADER_MAX) {
		tell(c, XCATCSV_BAD_HEADER, "a header longer than %zu bytes",
		    XCATCSV_HEADER_MAX);
		lose(c);
		return (0);
	}
	buf_putc(&c->head, (char)b);
	return (buf_ok(&c->head, e));
}

/* Rows. */

static void
begin_row(struct xcatcsv *c)
{
	c->row++;
	c->row_line = c->line;
	c->raw = 0;
	c->col = 0;
	buf_clear(&c->values);
	c->state = VALUE;
	c->value_last = c->bad_told = 0;
}

static void
end_value(struct xcatcsv *c)
{
	if (c->col < XCATCSV_COLUMNS_MAX)
		c->ends[c->col] = c->values.len;
	c->col++;
	c->value_last = c->bad_told = 0;
}

/* tabrestore takes the blanks from the end of each line. */
static void
trim_bare(struct xcatcsv *c)
{
	size_t begin = c->col == 0 ? 0 : c->col <= XCATCSV_COLUMNS_MAX ?
	    c->ends[c->col - 1] : c->values.len;

	while (c->values.len > begin &&
	    isspace(c->values.data[c->values.len - 1]))
		c->values.len--;
}

static int
give_row(struct xcatcsv *c, struct err *e)
{
	struct xcatcsv_row r = { c->row, c->row_line, c->spans, c->ncols };
	const char *base = (const char *)c->values.data;
	size_t i, at = 0;

	if (c->user.row == NULL)
		return (0);
	for (i = 0; i < c->ncols; i++) {
		c->spans[i].p = c->ends[i] > at ? base + at : "";
		c->spans[i].len = c->ends[i] - at;
		at = c->ends[i];
	}
	return (c->user.row(c->user.arg, &r, e));
}

/* At its newline, or at the end of a file that has none. */
static int
end_row(struct xcatcsv *c, int cut, struct err *e)
{
	int rc = 0;

	if (c->state == BARE)
		trim_bare(c);
	if (c->col == 0 && c->values.len == 0 && c->state == BARE) {
		tell(c, XCATCSV_BLANK, "blank line between rows");
		c->row--;
		c->state = ROW;
		return (0);
	}
	end_value(c);
	if (buf_ok(&c->values, e) == -1)
		return (-1);
	if (c->col == c->ncols)
		rc = give_row(c, e);
	else if (!cut)
		tell(c, XCATCSV_COUNT, "%zu values for %zu columns", c->col,
		    c->ncols);
	c->state = ROW;
	return (rc);
}

static void
bad_quote(struct xcatcsv *c, const char *text)
{
	tell(c, XCATCSV_QUOTE, "%s", text);
	lose(c);
}

static void
put(struct xcatcsv *c, uint8_t b)
{
	buf_putc(&c->values, (char)b);
	c->value_last = b;
}

static void
take_quoted(struct xcatcsv *c, uint8_t b)
{
	if (b == '"') {
		c->state = QUOTE;
		return;
	}
	if (b == '\r')
		note(c, XCATCSV_NOTE_CR, "carriage returns in values: a "
		    "restore drops them");
	if (b == '\n' && (c->value_last == ' ' || c->value_last == '\t'))
		note(c, XCATCSV_NOTE_BLANKS, "blanks at the end of a line "
		    "within a value: a restore drops them");
	if (b == '\n' && c->value_last == '\n')
		note(c, XCATCSV_NOTE_EMPTY_LINE, "blank lines within a "
		    "value: a restore drops them");
	put(c, b);
}

/* Behind a value, whichever its form. */
static int
take_end(struct xcatcsv *c, uint8_t b, struct err *e)
{
	if (b == '\n')
		return (end_row(c, 0, e));
	end_value(c);
	c->state = VALUE;
	return (0);
}

static int
take_row(struct xcatcsv *c, uint8_t b, struct err *e)
{
	switch (c->state) {
	case VALUE:
		if (b == '"') {
			c->state = QUOTED;
			return (0);
		}
		if (b == ',')
			return (take_end(c, b, e));
		c->state = BARE;
		/* FALLTHROUGH */
	case BARE:
		if (b == ',' || b == '\n')
			return (take_end(c, b, e));
		if (b == '"')
			bad_quote(c, "a quote within a value without quotes");
		else
			put(c, b);
		return (0);
	case QUOTED:
		take_quoted(c, b);
		return (0);
	case QUOTE:
		if (b == '"') {
			c->state = QUOTED;
			put(c, b);
			return (0);
		}
		if (b == ',' || b == '\n')
			return (take_end(c, b, e));
		c->state = TRAIL;
		/* FALLTHROUGH */
	default:
		if (b == '\n')
			return (take_end(c, b, e));
		if (!isspace(b))
			bad_quote(c, "a quote that is not doubled within a "
			    "value");
		return (0);
	}
}

static int
take(struct xcatcsv *c, uint8_t b, struct err *e)
{
	if (c->state == ROW && c->ncols > 0)
		begin_row(c);
	/* An ASCII byte outside a sequence needs no look. */
	if (b < 0x20 || b >= 0x7f || c->utf8.need > 0)
		check_byte(c, b);
	if (c->state == HEADER)
		return (take_header(c, b, e));
	if (c->state == LOST)
		return (0);
	if (++c->raw > XCATCSV_ROW_MAX) {
		tell(c, XCATCSV_TOO_LONG, "a row longer than %zu bytes",
		    XCATCSV_ROW_MAX);
		lose(c);
		return (0);
	}
	return (take_row(c, b, e));
}

/* Most bytes are plain ones of quoted values: how many are there? */
static size_t
plain_run(const struct xcatcsv *c, const uint8_t *p, size_t len)
{
	size_t n, max = XCATCSV_ROW_MAX - c->raw;

	if (c->state != QUOTED || c->utf8.need > 0)
		return (0);
	if (max > len)
		max = len;
	for (n = 0; n < max && p[n] >= 0x20 && p[n] < 0x7f && p[n] != '"';
	    n++)
		;
	return (n);
}

int
xcatcsv_feed(struct xcatcsv *c, const void *data, size_t len, struct err *e)
{
	const uint8_t *p = data, *end = p + len;
	size_t n;

	while (p < end) {
		if ((n = plain_run(c, p, (size_t)(end - p))) > 0) {
			buf_append(&c->values, p, n);
			c->raw += n;
			c->bytes += n;
			c->last = (uint8_t)(c->value_last = p[n - 1]);
			p += n;
			continue;
		}
		if (take(c, *p, e) == -1)
			return (-1);
		c->bytes++;
		c->last = *p;
		if (*p++ == '\n')
			c->line++;
	}
	return (buf_ok(&c->values, e));
}

int
xcatcsv_end(struct xcatcsv *c, struct err *e)
{
	if (c->utf8.need > 0)
		tell_utf8(c);
	if (c->bytes == 0) {
		tell(c, XCATCSV_EMPTY, "empty: not even a header");
		return (0);
	}
	if (c->state == QUOTED || c->state == HEADER) {
		tell(c, XCATCSV_CUT, c->state == HEADER ?
		    "ends within the header" : "ends within a value");
		return (0);
	}
	if (c->last == '\n')
		return (0);
	tell(c, XCATCSV_CUT, "no newline at the end");
	return (c->state == LOST ? 0 : end_row(c, 1, e));
}

uint64_t
xcatcsv_rows(const struct xcatcsv *c)
{
	return (c->row);
}

size_t
xcatcsv_columns(const struct xcatcsv *c)
{
	return (c->ncols);
}

const char *
xcatcsv_column(const struct xcatcsv *c, size_t i)
{
	return (c->names[i]);
}

int
xcatcsv_find(const struct xcatcsv *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->ncols; i++)
		if (strcmp(c->names[i], name) == 0)
			return ((int)i);
	return (-1);
}

enum xcatcsv_level
xcatcsv_worst(const struct xcatcsv *c)
{
	return (c->worst);
}

int
xcatcsv_disabled(const struct span *value)
{
	return (value->len > 0 &&
	    !(value->len == 1 && value->p[0] == '0') &&
	    !(value->len == 2 && strncasecmp(value->p, "no", 2) == 0));
}
