#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/cancel.h"
#include "formats/dbtext.h"
#include "imgxfer/ready.h"
#include "imgxfer/verbs.h"

static const char *const levels[] = {
	[READY_NOTE] = "note", [READY_LACKS] = "lacks",
	[READY_BROKEN] = "broken",
};

static const char *
verdict(const struct ready *r)
{
	return (r->broken > 0 ? "incomplete" : r->lacking > 0 ? "not ready" :
	    "ready");
}

static void
put(struct buf *b, const char *s)
{
	struct span sp = { s, strlen(s) };

	dbtext_put(b, &sp);
}

/* Sentences have blanks, but are of one line and print. */
static void
put_words(struct buf *b, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	for (; *p != '\0'; p++)
		buf_putc(b, *p < ' ' || *p == 0x7f ? '?' : (char)*p);
}

static void
put_head(struct buf *b, const struct ready *r)
{
	put(b, r->image);
	buf_puts(b, " (");
	dbtext_put(b, &r->img->provmethod);
	buf_puts(b, ", ");
	put(b, r->osvers);
	buf_puts(b, ", ");
	put(b, r->arch);
	buf_printf(b, ") on %s: ", remote_name(r->site->remote));
	if (r->broken > 0)
		buf_puts(b, "INCOMPLETE");
	else if (r->lacking > 0)
		buf_printf(b, "NOT READY: %zu thing%s to do", r->lacking,
		    r->lacking == 1 ? "" : "s");
	else
		buf_puts(b, "ready");
	if (r->nodes.nset > 0)
		buf_printf(b, "; %zu node%s set to boot it", r->nodes.nset,
		    r->nodes.nset == 1 ? " is" : "s are");
	buf_putc(b, '\n');
}

static int
print_text(const struct ready *r, const struct cli *cli, struct err *e)
{
	const struct ready_item *it;
	struct buf b = BUF_INIT;
	size_t i;
	int rc;

	put_head(&b, r);
	for (i = 0; i < r->n; i++) {
		it = &r->items[i];
		if (it->level == READY_NOTE && cli->quiet)
			continue;
		buf_printf(&b, "%s%s: ", it->level == READY_NOTE ? "note: " :
		    "", it->area);
		put_words(&b, it->what);
		buf_puts(&b, "\n    why: ");
		put_words(&b, it->why);
		if (it->command[0] != '\0') {
			buf_puts(&b, "\n    do:  ");
			put_words(&b, it->command);
		}
		buf_putc(&b, '\n');
	}
	if ((rc = buf_ok(&b, e)) == 0)
		fwrite(b.data, 1, b.len, stdout);
	buf_fini(&b);
	return (rc);
}

static json_t *
item_json(const struct ready_item *it)
{
	json_t *command = it->command[0] != '\0' ?
	    dbtext_string_json(it->command) : json_null();

	return (json_pack("{s:s, s:s, s:o, s:o, s:o}", "level",
	    levels[it->level], "area", it->area, "what",
	    dbtext_string_json(it->what), "why",
	    dbtext_string_json(it->why), "command", command));
}

static int
print_json(const struct ready *r, struct err *e)
{
	json_t *j, *nodes = json_array(), *items = json_array();
	size_t i;

	for (i = 0; i < r->nodes.n; i++)
		if (r->nodes.at[i].set)
			json_array_append_new(nodes,
			    dbtext_string_json(r->nodes.at[i].name));
	for (i = 0; i < r->n; i++)
		json_array_append_new(items, item_json(&r->items[i]));
	j = json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "osimage",
	    dbtext_string_json(r->image), "node", remote_name(r->site->remote),
	    "verdict", verdict(r), "provmethod",
	    dbtext_json(&r->img->provmethod), "osvers",
	    dbtext_string_json(r->osvers), "osarch",
	    dbtext_string_json(r->arch), "nodes", nodes, "items", items);
	return (cli_json(j, e));
}

static int
look(struct cli *cli, const char *site, const char *image, struct err *e)
{
	static const char *const names[] = { READY_TABLES };
	struct imgsite s;
	struct ready r;
	int rc, status = STATUS_DONE;

	memset(&r, 0, sizeof(r));
	rc = imgsite_open(&s, cli, site, names,
	    sizeof(names) / sizeof(names[0]), e);
	if (rc == 0 && (rc = ready_check(&r, &s, site, image, e)) == 0)
		rc = cli->json ? print_json(&r, e) : print_text(&r, cli, e);
	if (rc == 0)
		rc = cli_flush(e);
	if (rc == 0)
		status = r.broken > 0 ? STATUS_DAMAGED : r.lacking > 0 ?
		    STATUS_REPORTED : STATUS_DONE;
	ready_fini(&r);
	imgsite_close(&s);
	return (rc == -1 ? cli_fail(e) : status);
}

int
imgready_main(struct cli *cli, int argc, char **argv)
{
	const char *site;
	struct err e;

	if (imgsite_options(cli, argc, argv, &site) == -1 ||
	    optind + 1 != argc || site == NULL)
		return (cli_usage(IMAGE_READY_USAGE));
	cancel_catch_signals();
	return (look(cli, site, argv[optind], &e));
}
