#include <fnmatch.h>
#include <limits.h>
#include <string.h>

#include "formats/osfs.h"

#define GLOB_ENTRIES_MAX 100000	/* looked at for one pattern */

static int
any_name(void *arg, const char *name, struct err *e)
{
	(void)arg;
	(void)name;
	(void)e;
	return (1);
}

int
osfs_has_entries(const struct osfs *fs, const struct osfs_found *f,
    struct err *e)
{
	return (fs->list(fs->arg, f, any_name, NULL, e));
}

struct globbing {
	const struct osfs *fs;
	const struct buf *base;	/* directory that is listed */
	const char *pattern;	/* of a name in it */
	const char *rest;	/* that must lie below it */
	unsigned *left;		/* entries that may be looked at */
};

static int glob_below(const struct osfs *fs, const struct buf *base,
    const char *pattern, unsigned *left, struct err *e);

static int
glob_name(void *arg, const char *name, struct err *e)
{
	struct globbing *g = arg;
	struct buf path = BUF_INIT;
	int rc;

	if (*g->left == 0)
		return (err_set(e, ERR_FAILED, "too many names for the "
		    "pattern"));
	--*g->left;
	if (fnmatch(g->pattern, name, FNM_PERIOD) != 0)
		return (0);
	buf_append(&path, g->base->data, g->base->len);
	buf_putc(&path, '/');
	buf_puts(&path, name);
	rc = buf_ok(&path, e) == -1 ? -1 :
	    glob_below(g->fs, &path, g->rest, g->left, e);
	buf_fini(&path);
	return (rc);
}

/* Whether something matches the pattern below a path: 1, 0, -1. */
static int
glob_below(const struct osfs *fs, const struct buf *base,
    const char *pattern, unsigned *left, struct err *e)
{
	char name[NAME_MAX + 1];
	struct globbing g = { fs, base, name, NULL, left };
	struct buf path = BUF_INIT;
	struct osfs_found f;
	size_t n;
	int rc;

	pattern += strspn(pattern, "/");
	n = strcspn(pattern, "/");
	g.rest = pattern + n;
	buf_append(&path, base->data, base->len);
	if (n > 0 && (n > NAME_MAX || memchr(pattern, '*', n) != NULL ||
	    memchr(pattern, '?', n) != NULL ||
	    memchr(pattern, '[', n) != NULL)) {
		buf_puts(&path, "/");
		rc = n > NAME_MAX ? 0 : fs->look(fs->arg, buf_cstr(&path),
		    &f, e);
		if (rc == 0 && n <= NAME_MAX) {
			memcpy(name, pattern, n);
			name[n] = '\0';
			rc = fs->list(fs->arg, &f, glob_name, &g, e);
		}
	} else if (n > 0) {
		buf_putc(&path, '/');
		buf_append(&path, pattern, n);
		rc = buf_ok(&path, e) == -1 ? -1 :
		    glob_below(fs, &path, g.rest, left, e);
	} else if ((rc = fs->look(fs->arg, buf_cstr(&path), &f, e)) == 0)
		rc = f.what <= OSFS_OTHER;
	buf_fini(&path);
	return (rc);
}

int
osfs_glob(const struct osfs *fs, const char *pattern, struct err *e)
{
	struct buf base = BUF_INIT;
	unsigned left = GLOB_ENTRIES_MAX;

	/* Its depth is that of the recursion. */
	if (strlen(pattern) > PATH_MAX)
		return (0);
	return (glob_below(fs, &base, pattern, &left, e));
}
