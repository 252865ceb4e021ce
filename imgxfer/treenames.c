#include <string.h>
#include <sys/stat.h>

#include "imgxfer/treenames.h"

static const char *
bad_name(const char *name, size_t len)
{
	static const char top[] = "rootimg";
	const size_t n = sizeof(top) - 1;
	size_t i, from;

	if (len > 0 && name[0] == '/')
		return ("its name is absolute");
	if (len < n || memcmp(name, top, n) != 0 ||
	    (len > n && name[n] != '/'))
		return ("it does not lie in rootimg");
	for (from = i = 0; i <= len; i++) {
		if (i < len && name[i] != '/')
			continue;
		if (i == from)
			return ("its name has an empty part");
		if (name[from] == '.' && (i - from == 1 ||
		    (i - from == 2 && name[from + 1] == '.')))
			return ("its name has a \".\" or \"..\" part");
		from = i + 1;
	}
	return (NULL);
}

/* What cpio would read in another way than it is read here. */
static const char *
bad_head(const struct newc *ent)
{
	switch (ent->mode & S_IFMT) {
	case S_IFREG:
	case S_IFLNK:
		break;
	case S_IFDIR:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		if (ent->size != 0)
			return ("it has contents, and is no file");
		break;
	default:
		return ("it is of no type that is known");
	}
	return (ent->name_len + 1 == ent->name_size ? NULL :
	    "its name has a byte 0 in it, or none behind it");
}

static const char *
add_link(struct treenames *t, const char *name, size_t len)
{
	if (t->links.n == TREENAMES_LINKS_MAX ||
	    len > TREENAMES_BYTES_MAX - t->bytes)
		return ("there are too many links before it");
	if (nametab_add(&t->links, name, len, 0) == NULL)
		return ("there is too little memory for its name");
	t->bytes += len;
	return (NULL);
}

const char *
treenames_add(struct treenames *t, const struct newc *ent)
{
	const char *why;
	size_t i;

	if ((why = bad_name(ent->name, ent->name_len)) != NULL ||
	    (why = bad_head(ent)) != NULL)
		return (why);
	if (memchr(ent->name, '/', ent->name_len) == NULL &&
	    !S_ISDIR(ent->mode))
		return ("it is no directory");
	for (i = 1; t->links.n > 0 && i < ent->name_len; i++)
		if (ent->name[i] == '/' &&
		    nametab_find(&t->links, ent->name, i) != NULL)
			return ("it lies below a symbolic link of the "
			    "archive");
	if (nametab_find(&t->links, ent->name, ent->name_len) != NULL)
		return ("it is a symbolic link before");
	return (S_ISLNK(ent->mode) ? add_link(t, ent->name, ent->name_len) :
	    NULL);
}

void
treenames_fini(struct treenames *t)
{
	nametab_fini(&t->links);
}
