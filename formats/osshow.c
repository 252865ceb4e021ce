#include <string.h>

#include "formats/dbtext.h"
#include "formats/osshow.h"

static void
put_string(struct buf *out, const char *s)
{
	struct span sp = { s, strlen(s) };

	dbtext_put(out, &sp);
}

static void
put_fact(struct buf *out, const struct span *value, int *any)
{
	if (value->len == 0)
		return;
	if ((*any)++ > 0)
		buf_puts(out, ", ");
	dbtext_put(out, value);
}

void
osshow_line(struct buf *out, const struct osimage *img)
{
	int any = 0;

	dbtext_put(out, &img->name);
	buf_puts(out, img->state == OSIMAGES_COMPLETE ? ": complete" :
	    img->state == OSIMAGES_INCOMPLETE ? ": INCOMPLETE" :
	    ": not checked");
	buf_puts(out, " (");
	put_fact(out, &img->provmethod, &any);
	put_fact(out, &img->osvers, &any);
	put_fact(out, &img->osarch, &any);
	if (any > 0)
		buf_puts(out, "; ");
	if (img->state == OSIMAGES_UNCHECKED)
		buf_puts(out, img->reason);
	else
		buf_printf(out, "%zu files found", img->files);
	if (img->boots != NULL)
		buf_printf(out, "; boots %s", img->boots);
	buf_putc(out, ')');
}

void
osshow_finding(struct buf *out, const struct osimages_finding *f)
{
	buf_puts(out, f->what);
	if (f->path[0] != '\0') {
		buf_putc(out, ' ');
		put_string(out, f->path);
	}
	buf_printf(out, ": %s", f->why);
	if (f->by[0] == '\0')
		return;
	buf_puts(out, " (named by ");
	put_string(out, f->by);
	if (f->line > 0)
		buf_printf(out, ", line %zu", f->line);
	buf_putc(out, ')');
}

void
osshow_summary(struct buf *out, const struct osimages *o)
{
	buf_printf(out, "%zu osimage%s: %zu complete", o->n,
	    o->n == 1 ? "" : "s", o->complete);
	if (o->warned > 0)
		buf_printf(out, " (%zu with warnings)", o->warned);
	buf_printf(out, ", %zu incomplete, %zu not checked", o->incomplete,
	    o->unchecked);
}

static json_t *
finding_json(const struct osimages_finding *f)
{
	json_t *j;

	j = json_pack("{s:s, s:s, s:o, s:s}", "level",
	    f->level == OSIMAGES_WARNING ? "warning" : "missing", "what",
	    f->what, "path", dbtext_string_json(f->path), "why", f->why);
	if (j != NULL && f->by[0] != '\0')
		json_object_set_new(j, "named_by", dbtext_string_json(f->by));
	if (j != NULL && f->line > 0)
		json_object_set_new(j, "line",
		    json_integer((json_int_t)f->line));
	return (j);
}

static json_t *
image_json(const struct osimage *img)
{
	const struct osimages_finding *f;
	json_t *j, *list = json_array();

	for (f = img->findings; f != NULL; f = f->next)
		json_array_append_new(list, finding_json(f));
	j = json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:s?, s:s?, s:I, s:I, "
	    "s:o}",
	    "osimage", dbtext_json(&img->name), "state",
	    img->state == OSIMAGES_COMPLETE ? "complete" :
	    img->state == OSIMAGES_INCOMPLETE ? "incomplete" : "not checked",
	    "provmethod", dbtext_json(&img->provmethod),
	    "osvers", dbtext_json(&img->osvers),
	    "osarch", dbtext_json(&img->osarch),
	    "profile", dbtext_json(&img->profile),
	    "reason", img->reason, "boots", img->boots,
	    "files", (json_int_t)img->files,
	    "boot_bytes", (json_int_t)img->boot_bytes, "findings", list);
	return (j);
}

json_t *
osshow_json(const struct osimages *o)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < o->n; i++)
		json_array_append_new(list, image_json(&o->at[i]));
	if (list != NULL && json_array_size(list) != o->n) {
		json_decref(list);
		list = NULL;
	}
	return (list);
}
