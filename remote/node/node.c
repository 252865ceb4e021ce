#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "formats/gnuname.h"
#include "formats/pathtext.h"
#include "remote/node/node.h"
#include "remote/quote.h"

#define READ_BYTES ((size_t)128 << 10)
#define TRIES 6			/* when the connection is lost */
#define NO_DIRECTORY 90		/* our own exit status: cd failed */

/*
 * The directory is entered, so that a volume that is a symbolic link is
 * followed and no path that find prints begins with what was configured.
 */
static const char list_script[] =
    "cd -- \"$1\" || exit 90\n"
    "exec find . $2 -printf '" LISTING_FORMAT "'\n";

/*
 * Paths of a selection; or with "-maxdepth 0" the directories on the way to
 * them, without their contents.
 */
static const char list_some_script[] =
    "cd -- \"$1\" || exit 90\n"
    "opt=$2\n"
    "shift 2\n"
    "exec find \"$@\" $opt -printf '" LISTING_FORMAT "'\n";

/* A command is one argument of the node's shell: at most 128 KiB. */
#define ARGS_BYTES ((size_t)48 << 10)

int
node_wake(struct node *n, struct err *e)
{
	struct remote *again;

	if (remote_alive(n->control))
		return (0);
	if ((again = remote_sibling(n->control, e)) == NULL)
		return (-1);
	remote_close(n->control);
	n->control = again;
	return (0);
}

/* "'./a\nb': text": the raw name, and where the text begins; 0: otherwise. */
static size_t
quoted_name(const char *line, size_t len, struct buf *name)
{
	size_t n;

	if (len == 0 || line[0] != '\'')
		return (0);
	n = gnuname_take(line + 1, len - 1, "': ", name);
	return (n == 0 ? 0 : n + 1);
}

/* "find: './a': Permission denied" */
static void
report_line(const struct node_tree *t, const char *line, size_t len)
{
	struct buf name = BUF_INIT, path = BUF_INIT, why = BUF_INIT;
	struct span sp = { ".", 1 };
	size_t text;

	if (len > 6 && memcmp(line, "find: ", 6) == 0) {
		line += 6;
		len -= 6;
	}
	text = quoted_name(line, len, &name);
	buf_put_printable(&why, line + text, len - text);
	pathtext_encode(&path, name.data, name.len);
	if (text > 0 && !path.nomem &&
	    pathtext_is_path(buf_cstr(&path), path.len)) {
		sp.p = buf_cstr(&path);
		sp.len = path.len;
	}
	t->trouble(t->arg, strstr(buf_cstr(&why), "No such file") != NULL ?
	    "vanished" : "unreadable", &sp, buf_cstr(&why));
	buf_fini(&name);
	buf_fini(&path);
	buf_fini(&why);
}

static void
report_errors(const struct node_tree *t, const struct buf *b)
{
	const char *at = (const char *)b->data, *end = at + b->len, *nl;

	for (; at < end; at = nl + 1) {
		if ((nl = memchr(at, '\n', (size_t)(end - at))) == NULL)
			nl = end;
		if (nl > at)
			report_line(t, at, (size_t)(nl - at));
	}
}

static int
read_listing(struct remote_exec *x, struct listing *l, struct err *e)
{
	uint8_t *p;
	ssize_t n = 0;
	int rc = 0;

	if ((p = malloc(READ_BYTES)) == NULL)
		return (err_nomem(e));
	while (rc == 0 && !remote_exec_ended(x)) {
		if ((n = remote_exec_read(x, p, READ_BYTES, -1, e)) == -1)
			rc = -1;
		else
			rc = listing_feed(l, p, (size_t)n, e);
	}
	free(p);
	return (rc);
}

/* How find ended says whether all of its output came. */
static int
judge(struct node *n, const struct node_tree *t, struct remote_exec *x,
    const struct listing *l, int status, struct err *e)
{
	struct buf *said = remote_exec_stderr(x);
	const char *first = buf_cstr(said), *nl = strchr(first, '\n');

	if ((status == 0 || status == 1) && listing_count(l) > 0) {
		report_errors(t, said);
		return (0);
	}
	if (status == NO_DIRECTORY)
		return (err_set(e, ERR_FAILED, "%s: volume %s: no such "
		    "directory, or it may not be entered",
		    remote_name(n->control), t->root));
	if (status == 127)
		return (err_set(e, ERR_FAILED, "%s: there is no find; install "
		    "GNU findutils there", remote_name(n->control)));
	return (err_set(e, ERR_FAILED, "%s: find gave no listing of %s (is "
	    "it GNU find?); status %d: %.*s", remote_name(n->control),
	    t->root, status, nl != NULL ? (int)(nl - first) : 200, first));
}

static int
run_find(struct node *n, struct listing *l, const struct node_tree *t,
    const char *command, struct err *e)
{
	struct remote_exec *x;
	int status, rc = -1;

	if (node_wake(n, e) == -1)
		return (-1);
	if ((x = remote_exec_new(n->control, command, e)) == NULL)
		return (-1);
	if (remote_exec_end_input(x, e) == 0 &&
	    read_listing(x, l, e) == 0 &&
	    remote_exec_wait(x, &status, e) == 0)
		rc = judge(n, t, x, l, status, e);
	remote_exec_free(x);
	return (rc);
}

struct words {
	char **at;
	size_t n, cap;
};

static int
add_word(struct words *w, const char *p, size_t len)
{
	char **at;
	size_t i;

	for (i = 0; i < w->n; i++)
		if (strlen(w->at[i]) == len &&
		    memcmp(w->at[i], p, len) == 0)
			return (0);
	if (w->n == w->cap) {
		at = realloc(w->at, (w->cap + 64) * sizeof(*at));
		if (at == NULL)
			return (-1);
		w->at = at;
		w->cap += 64;
	}
	if ((w->at[w->n] = strndup(p, len)) == NULL)
		return (-1);
	w->n++;
	return (0);
}

static void
free_words(struct words *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free(w->at[i]);
	free(w->at);
}

/* "." and each directory above a path of the selection, once. */
static int
parents_of(const struct node_tree *v, struct words *w)
{
	const char *slash;
	size_t i;

	for (i = 0; i < v->nonly; i++)
		for (slash = strchr(v->only[i], '/'); slash != NULL;
		    slash = strchr(slash + 1, '/'))
			if (add_word(w, v->only[i],
			    (size_t)(slash - v->only[i])) == -1)
				return (-1);
	return (0);
}

/* As many commands as it takes. */
static int
find_some(struct node *n, struct listing *l, const struct node_tree *t,
    const char *option, char *const *paths, size_t npaths, struct err *e)
{
	struct buf command = BUF_INIT;
	const char **args;
	size_t i = 0, k, bytes;
	int rc = 0;

	if ((args = calloc(npaths + 2, sizeof(*args))) == NULL)
		return (err_nomem(e));
	args[0] = t->root;
	args[1] = option;
	while (rc == 0 && i < npaths) {
		for (k = 2, bytes = 0; i < npaths && (k == 2 ||
		    bytes + strlen(paths[i]) < ARGS_BYTES); i++) {
			bytes += strlen(paths[i]) + 3;
			args[k++] = paths[i];
		}
		buf_clear(&command);
		remote_command(&command, list_some_script, args, k);
		rc = buf_ok(&command, e);
		if (rc == 0)
			rc = run_find(n, l, t, buf_cstr(&command), e);
	}
	free(args);
	buf_fini(&command);
	return (rc);
}

static int
list_selection(struct node *n, struct listing *l, const struct node_tree *t,
    const char *option, struct err *e)
{
	struct words w = { NULL, 0, 0 };
	int rc;

	if (parents_of(t, &w) == -1)
		rc = err_nomem(e);
	else
		rc = find_some(n, l, t, "-maxdepth 0", w.at, w.n, e);
	if (rc == 0)
		rc = find_some(n, l, t, option, t->only, t->nonly, e);
	free_words(&w);
	return (rc);
}

static int
list_all(struct node *n, struct listing *l, const struct node_tree *t,
    const char *option, struct err *e)
{
	const char *args[] = { t->root, option };
	struct buf command = BUF_INIT;
	int rc;

	remote_command(&command, list_script, args, 2);
	rc = buf_ok(&command, e);
	if (rc == 0)
		rc = run_find(n, l, t, buf_cstr(&command), e);
	buf_fini(&command);
	return (rc);
}

static struct listing *
list_once(struct node *n, const struct node_tree *t, struct err *e)
{
	const char *option = t->walk->one_file_system ? "-xdev" : "";
	struct listing *l;
	int rc;

	if ((l = listing_new(t->walk, e)) == NULL)
		return (NULL);
	rc = t->only == NULL ? list_all(n, l, t, option, e) :
	    list_selection(n, l, t, option, e);
	if (rc == 0 && listing_finish(l, e) == 0)
		return (l);
	listing_free(l);
	return (NULL);
}

/* What is listed in part is listed anew, at once and then later and later. */
struct listing *
node_list(struct node *n, const struct node_tree *t, struct err *e)
{
	struct err stop;
	struct listing *l;
	unsigned tries = 0;

	while ((l = list_once(n, t, e)) == NULL && remote_lost(n->control) &&
	    cancel_check(&stop) == 0 && ++tries < TRIES)
		if (cancel_pause(tries > 1 ? 1u << (tries - 2) : 0, e) == -1)
			return (NULL);
	return (l);
}
