#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/human.h"
#include "formats/dbtext.h"
#include "formats/osshow.h"
#include "imgxfer/imgsite.h"
#include "imgxfer/keptcmd.h"
#include "imgxfer/verbs.h"

enum column { NAME, METHOD, ARCH, OS, SIZE, BOOTS, STATE, COLUMNS };

static const char *const titles[COLUMNS] = { "OSIMAGE", "PROVMETHOD", "ARCH",
    "OS", "SIZE", "BOOTS", "STATE" };

/* Texts of a line, or of the titles. */
struct line {
	struct buf at[COLUMNS];
};

static void
line_fini(struct line *l)
{
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		buf_fini(&l->at[i]);
}

static void
put(struct buf *b, const struct span *value)
{
	if (value->len == 0)
		buf_putc(b, '-');
	else
		dbtext_put(b, value);
}

static int
make_line(struct line *l, const struct osimage *img, struct err *e)
{
	char size[HUMAN_LEN];
	size_t i;

	put(&l->at[NAME], &img->name);
	put(&l->at[METHOD], &img->provmethod);
	put(&l->at[ARCH], &img->osarch);
	put(&l->at[OS], &img->osvers);
	human_bytes(img->boot_bytes, size);
	buf_puts(&l->at[SIZE], img->boot_bytes > 0 ? size : "-");
	buf_puts(&l->at[BOOTS], img->boots != NULL ? img->boots : "-");
	buf_puts(&l->at[STATE], img->state == OSIMAGES_COMPLETE ? "complete" :
	    img->state == OSIMAGES_INCOMPLETE ? "INCOMPLETE" :
	    "not checked");
	if (img->reason != NULL)
		buf_printf(&l->at[STATE], " (%s)", img->reason);
	else if (img->warnings > 0)
		buf_printf(&l->at[STATE], ", %zu warning%s", img->warnings,
		    img->warnings == 1 ? "" : "s");
	for (i = 0; i < COLUMNS; i++)
		if (buf_ok(&l->at[i], e) == -1)
			return (-1);
	return (0);
}

static void
widen(int width[COLUMNS], const struct line *l)
{
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		if ((int)l->at[i].len > width[i])
			width[i] = (int)l->at[i].len;
}

static void
print_line(struct line *l, const int width[COLUMNS])
{
	size_t i;

	for (i = 0; i < STATE; i++)
		printf("%*s  ", i == SIZE ? width[i] : -width[i],
		    buf_cstr(&l->at[i]));
	printf("%s\n", buf_cstr(&l->at[STATE]));
}

static int
print_findings(const struct osimage *img, int all, struct err *e)
{
	const struct osimages_finding *f;
	struct buf b = BUF_INIT;
	int rc;

	for (f = img->findings; f != NULL; f = f->next) {
		if (f->level == OSIMAGES_WARNING && !all)
			continue;
		buf_puts(&b, f->level == OSIMAGES_WARNING ? "  warning: " :
		    "  ");
		osshow_finding(&b, f);
		buf_putc(&b, '\n');
	}
	if ((rc = buf_ok(&b, e)) == 0 && b.len > 0)
		fwrite(b.data, 1, b.len, stdout);
	buf_fini(&b);
	return (rc);
}

static int
print_text(const struct osimages *o, const struct cli *cli, struct err *e)
{
	struct line *lines = calloc(o->n + 1, sizeof(*lines));
	int width[COLUMNS] = { 0 }, rc = 0;
	size_t i, k;

	if (lines == NULL)
		return (err_nomem(e));
	for (k = 0; k < COLUMNS; k++)
		buf_puts(&lines[o->n].at[k], titles[k]);
	for (i = 0; i < o->n && rc == 0; i++)
		rc = make_line(&lines[i], &o->at[i], e);
	for (i = 0; i <= o->n; i++)
		widen(width, &lines[i]);
	if (rc == 0 && o->n > 0 && !cli->quiet)
		print_line(&lines[o->n], width);
	for (i = 0; i < o->n && rc == 0; i++) {
		print_line(&lines[i], width);
		if (!cli->quiet)
			rc = print_findings(&o->at[i], cli->verbose, e);
	}
	for (i = 0; i <= o->n; i++)
		line_fini(&lines[i]);
	free(lines);
	return (rc);
}

static int
print_json(const struct osimages *o, const struct imgsite *s, struct err *e)
{
	json_t *j;

	j = json_pack("{s:s, s:I, s:I, s:I, s:o}", "node",
	    remote_name(s->remote), "complete", (json_int_t)o->complete,
	    "incomplete", (json_int_t)o->incomplete, "not_checked",
	    (json_int_t)o->unchecked, "osimages", osshow_json(o));
	return (cli_json(j, e));
}

static int
list_site(struct cli *cli, const char *site, struct err *e)
{
	static const char *const names[] = { OSIMAGES_TABLES };
	struct osimages o;
	struct imgsite s;
	int rc, status = STATUS_DONE;

	memset(&o, 0, sizeof(o));
	rc = imgsite_open(&s, cli, site, names,
	    sizeof(names) / sizeof(names[0]), e);
	if (rc == 0 && (rc = osimages_check(&o, &s.place, e)) == 0)
		rc = cli->json ? print_json(&o, &s, e) :
		    print_text(&o, cli, e);
	if (rc == 0)
		rc = cli_flush(e);
	if (rc == 0 && o.incomplete > 0)
		status = STATUS_DAMAGED;
	osimages_fini(&o);
	imgsite_close(&s);
	return (rc == -1 ? cli_fail(e) : status);
}

int
imglist_main(struct cli *cli, int argc, char **argv)
{
	const char *site;
	struct err e;

	if (imgsite_options(cli, argc, argv, &site) == -1 || optind != argc)
		return (cli_usage(IMAGE_LIST_USAGE));
	if (site == NULL)
		return (keptcmd_list(cli));
	cancel_catch_signals();
	return (list_site(cli, site, &e));
}
