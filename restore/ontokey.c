#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "remote/quote.h"
#include "restore/ontokey.h"

#define ASK_S 60
#define ANSWER_MAX ((size_t)16 << 10)

/* Where a volume has them, as its catalog says it; NULL: nowhere. */
static const char *
folder(const struct snapshot_volume *vol)
{
	return (strcmp(vol->path, "/etc/ssh") == 0 ? "." :
	    strcmp(vol->path, "/etc") == 0 ? "./ssh" :
	    strcmp(vol->path, "/") == 0 ? "./etc/ssh" : NULL);
}

int
ontokey_covers(const struct onto *o, const struct snapshot_volume *vol)
{
	struct buf glob = BUF_INIT, text = BUF_INIT;
	struct span dir, top;
	size_t i;
	int is = 0;

	if ((dir.p = folder(vol)) == NULL)
		return (0);
	dir.len = strlen(dir.p);
	buf_printf(&glob, "%s/ssh_host_*_key", dir.p);
	for (i = 0; i < o->sel.n; i++) {
		if (o->sel.tops[i].volume != vol)
			continue;
		top.p = (const char *)o->sel.tops[i].path.data;
		top.len = o->sel.tops[i].path.len;
		buf_clear(&text);
		buf_append(&text, top.p, top.len);
		is = is || view_is_below(&dir, &top) ||
		    fnmatch(buf_cstr(&glob), buf_cstr(&text),
		    FNM_PATHNAME) == 0;
	}
	buf_fini(&glob);
	buf_fini(&text);
	return (is);
}

void
ontokey_expect(struct onto *o, const struct snapshot_volume *vol)
{
	const char *key = o->view.snap.node.fingerprint;

	if (key == NULL || !ontokey_covers(o, vol) ||
	    strcmp(key, remote_fingerprint(o->node.control)) == 0)
		return;
	remote_expect_key(o->node.control, key);
	o->new_key = 1;
}

/* The keys that it has, line by line; "unknown" without ssh-keygen. */
static int
ask(struct onto *o, struct buf *out, struct err *e)
{
	static const char script[] =
	    "command -v ssh-keygen >/dev/null || exec echo unknown\n"
	    "for f in /etc/ssh/ssh_host_*_key; do\n"
	    "	ssh-keygen -l -f \"$f\" </dev/null 2>/dev/null\n"
	    "done\n"
	    ":\n";
	struct buf command = BUF_INIT;
	struct remote_io io = { .max = ANSWER_MAX, .out = out,
	    .limit_s = ASK_S };
	int rc;

	if (node_wake(&o->node, e) == -1)
		return (-1);
	remote_command(&command, script, NULL, 0);
	if ((rc = buf_ok(&command, e)) == 0 &&
	    remote_run(o->node.control, buf_cstr(&command), &io, e) == -1) {
		rc = remote_lost(o->node.control) ? -1 : 0;
		buf_clear(out);
		buf_puts(out, "unknown");
	}
	buf_fini(&command);
	return (rc);
}

int
ontokey_tell(struct onto *o, struct err *e)
{
	const char *key = o->view.snap.node.fingerprint, *has;
	struct buf answer = BUF_INIT;
	int rc;

	if (!o->new_key)
		return (0);
	if ((rc = ask(o, &answer, e)) == 0) {
		has = strncmp(buf_cstr(&answer), "unknown", 7) == 0 ?
		    "may have" : strstr(buf_cstr(&answer), key) != NULL ?
		    "has" : NULL;
		if (has != NULL)
			report_note(o->report, "note", "/etc/ssh", "the "
			    "node %s the host key of the snapshot now (%s): "
			    "forget the other one (ssh-keygen -R), then "
			    "\"xcatvault site trust %s\"", has, key,
			    o->args->site);
	}
	buf_fini(&answer);
	return (rc);
}
