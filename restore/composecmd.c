#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/outfile.h"
#include "formats/dockerdef.h"
#include "restore/compose.h"
#include "restore/subtree.h"
#include "restore/view.h"
#include "vault/content.h"

static int
take_piece(void *arg, const void *p, size_t len, struct err *e)
{
	struct buf *out = arg;

	if (len > DOCKERDEF_MAX - out->len)
		return (err_set(e, ERR_DAMAGED, "too large"));
	buf_append(out, p, len);
	return (buf_ok(out, e));
}

/* A file of the snapshot.  1; 0: it has none of that name; -1. */
static int
read_file(struct view *v, const char *path, struct buf *out, struct err *e)
{
	const struct snapshot_volume *vol;
	struct content *c = NULL;
	struct subtree *t;
	struct entry ent;
	int rc;

	if ((t = subtree_at(v, path, &vol, e)) == NULL)
		return (e->kind == ERR_USAGE ? 0 : -1);
	if ((rc = subtree_first(t, &ent, e)) == 1 && ent.type != ENTRY_FILE)
		rc = 0;
	if (rc == 1 && ((c = content_new(v->vault, v->index, e)) == NULL ||
	    content_read(c, &ent, take_piece, out, e) == -1))
		rc = err_wrap(e, "%s", path);
	content_free(c);
	subtree_free(t);
	return (rc);
}

static int
write_file(const struct buf *text, const char *output, struct err *e)
{
	struct outfile *o;

	if (output == NULL || strcmp(output, "-") == 0)
		return (fwrite(text->data, 1, text->len, stdout) ==
		    text->len ? cli_flush(e) : err_sys(e, "standard output"));
	if ((o = outfile_new(output, e)) == NULL)
		return (-1);
	if (io_write(outfile_fd(o), text->data, text->len) == 0)
		return (outfile_commit(o, e));
	err_sys(e, "%s", output);
	outfile_abort(o);
	return (-1);
}

static int
make(struct view *v, const char *output, struct err *e)
{
	struct compose_source from = { BUF_INIT, BUF_INIT, BUF_INIT };
	struct buf out = BUF_INIT;
	int rc;

	rc = read_file(v, COMPOSE_DIR "/container.json", &from.container, e);
	if (rc == 0)
		rc = err_set(e, ERR_USAGE, "snapshot %s has no definition of "
		    "a container (" COMPOSE_DIR "): one is stored by "
		    "profile = \"full\" where the node's docker runs",
		    v->snap.id);
	else if (rc == 1 && read_file(v, COMPOSE_DIR "/image.json",
	    &from.image, e) != -1 && read_file(v, COMPOSE_DIR
	    "/networks.json", &from.networks, e) != -1 &&
	    compose_encode(&out, &from, e) == 0)
		rc = write_file(&out, output, e);
	else
		rc = -1;
	buf_fini(&out);
	buf_fini(&from.container);
	buf_fini(&from.image);
	buf_fini(&from.networks);
	return (rc);
}

int
compose_main(const struct cli *cli, const char *snap, const char *output)
{
	struct err e = { .kind = ERR_NONE };
	struct view v;
	int status = STATUS_DONE;

	if (view_open(&v, cli, snap, &e) == -1)
		return (cli_fail(&e));
	if (make(&v, output, &e) == -1)
		status = cli_fail(&e);
	view_close(&v);
	return (status);
}
