#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "formats/osshow.h"
#include "restore/oscmd.h"
#include "restore/ossnap.h"

static int
print_json(const struct view *v, const struct osimages *o, struct err *e)
{
	json_t *j, *list = osshow_json(o);

	j = json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "snapshot",
	    v->snap.id, "complete", (json_int_t)o->complete,
	    "incomplete", (json_int_t)o->incomplete,
	    "not_checked", (json_int_t)o->unchecked,
	    "with_warnings", (json_int_t)o->warned, "osimages", list);
	return (cli_json(j, e));
}

static int
print_text(const struct osimages *o, int quiet, struct err *e)
{
	const struct osimages_finding *f;
	struct buf b = BUF_INIT;
	size_t i;
	int rc;

	for (i = 0; i < o->n; i++) {
		if (quiet && o->at[i].findings == NULL)
			continue;
		osshow_line(&b, &o->at[i]);
		buf_putc(&b, '\n');
		for (f = o->at[i].findings; f != NULL; f = f->next) {
			buf_puts(&b, f->level == OSIMAGES_WARNING ?
			    "  warning: " : "  ");
			osshow_finding(&b, f);
			buf_putc(&b, '\n');
		}
	}
	if (!quiet) {
		osshow_summary(&b, o);
		buf_putc(&b, '\n');
	}
	if ((rc = buf_ok(&b, e)) == 0)
		fwrite(b.data, 1, b.len, stdout);
	buf_fini(&b);
	return (rc);
}

int
oscmd_verify(const struct cli *cli, const char *snap)
{
	struct osimages o;
	struct view v;
	struct err e = { .kind = ERR_NONE };
	int status, rc;

	memset(&o, 0, sizeof(o));
	if (view_open(&v, cli, snap, &e) == -1)
		return (cli_fail(&e));
	cancel_catch_signals();
	if ((rc = ossnap_check(&o, &v, &e)) == 0)
		rc = cli->json ? print_json(&v, &o, &e) :
		    print_text(&o, cli->quiet, &e);
	if (rc == 0)
		rc = cli_flush(&e);
	status = rc == -1 ? cli_fail(&e) : osimages_status(&o);
	if (rc == 0 && v.status > status)
		status = v.status;
	osimages_fini(&o);
	view_close(&v);
	return (status);
}
