#include <string.h>

#include "restore/attrs.h"
#include "restore/pump.h"
#include "restore/sendpass.h"

#define BATCH_BYTES ((size_t)1 << 20)

struct batch {
	struct sendpass *pass;
	struct buf text;	/* as attrs.pl is given it */
	struct buf name;
};

static int
give(void *arg, struct buf *to, struct err *e)
{
	const struct buf *text = arg;

	(void)e;
	buf_append(to, text->data, text->len);
	return (0);
}

/* What could not be set, the proof will find. */
static int
run(struct batch *b, struct err *e)
{
	static const char script[] =
	    "exec perl -e \"$1\" set \"$(uname -m)\"\n";
	const struct survey *s = b->pass->survey;
	const char *args[] = { restore_attrs_pl };
	struct pump p = {
		.root = s->root, .script = script, .args = args, .nargs = 1,
		.in = give, .arg = &b->text,
	};
	struct buf line = BUF_INIT;
	int rc;

	if (b->text.len == 0)
		return (0);
	if ((rc = pump_run(s->opt->node, &p, e)) == -1)
		(void)sendpass_failed(b->pass);
	else if (p.status != 0)
		rc = err_set(e, ERR_FAILED, "%s: setting attributes: status "
		    "%d: %.300s", s->root, p.status,
		    pump_first_line(&line, &p.said));
	reasons_add(&b->pass->said, &p.said);
	buf_clear(&b->text);
	buf_fini(&line);
	pump_fini(&p);
	return (rc);
}

static int
add(void *arg, const struct entry *ent, size_t number, struct err *e)
{
	struct batch *b = arg;
	const struct survey *s = b->pass->survey;
	uint8_t act = s->acts[number];

	if ((act & SURVEY_ACT) != SURVEY_ADJUST ||
	    (act & SURVEY_ABOVE) != 0)
		return (0);
	if (b->text.len > BATCH_BYTES && run(b, e) == -1)
		return (-1);
	if (survey_name(&b->name, &ent->path, e) == -1)
		return (-1);
	buf_append(&b->text, b->name.data, b->name.len + 1);
	if (ent->type == ENTRY_FILE)
		buf_printf(&b->text, "%lld %lu", (long long)ent->mtime,
		    (unsigned long)ent->mtime_ns);
	else
		buf_putc(&b->text, '-');
	buf_putc(&b->text, '\0');
	if (ent->xattrs.len == 0 && !survey_all_attrs(s))
		buf_putc(&b->text, '-');
	else if (attrs_text(&b->text, &ent->xattrs, e) == -1)
		return (-1);
	buf_putc(&b->text, '\0');
	return (buf_ok(&b->text, e));
}

int
sendpass_attrs(struct sendpass *p, struct err *e)
{
	struct batch b = { p, BUF_INIT, BUF_INIT };
	int rc;

	if (p->survey->opt->no_attrs != NULL)
		return (0);
	rc = sendpass_each(p, add, &b, e);
	if (rc == 0)
		rc = run(&b, e);
	buf_fini(&b.text);
	buf_fini(&b.name);
	return (rc);
}
