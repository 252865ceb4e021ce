#include <stdlib.h>
#include <string.h>

#include "imgxfer/look.h"

const char *
judge_link_of(const struct look *l, size_t i)
{
	const char *const *links = (const void *)l->links.data;

	return (links[i]);
}

struct look_name *
judge_name(struct look *l, struct look_name **hash, const char *name,
    struct look_name **had)
{
	struct look_name *n;

	HASH_FIND_STR(*hash, name, n);
	*had = n;
	if (n != NULL)
		return (NULL);
	if ((n = calloc(1, sizeof(*n))) == NULL) {
		l->nomem = 1;
		return (NULL);
	}
	n->name = name;
	HASH_ADD_KEYPTR(hh, *hash, n->name, strlen(n->name), n);
	return (n);
}

static void
free_names(struct look_name **hash)
{
	struct look_name *n, *tmp;

	HASH_ITER(hh, *hash, n, tmp) {
		HASH_DEL(*hash, n);
		free(n);
	}
}

void
judge_fini(struct look *l)
{
	free_names(&l->by_name);
	free_names(&l->claims);
}

static struct inspect_member *
find(const struct look *l, const char *name)
{
	struct look_name *n;

	HASH_FIND_STR(l->by_name, name, n);
	return (n != NULL ? &l->in->members[n->member] : NULL);
}

struct inspect_member *
judge_member(const struct look *l, const char *name)
{
	struct inspect_member *m;
	struct buf b = BUF_INIT;

	if (l->in->image == NULL)
		return (NULL);
	buf_printf(&b, "%s/%s", l->in->image, name);
	m = find(l, buf_cstr(&b));
	buf_fini(&b);
	return (m);
}

/* Why a member must not have such a name; NULL: it may. */
static const char *
bad_member_name(const char *name)
{
	const char *p = name;
	size_t n;

	if (name[0] == '/')
		return ("its name is absolute");
	for (;;) {
		n = strcspn(p, "/");
		if (n == 0)
			return ("its name has \"//\" in it");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return ("its name has a \"..\" part: it would leave "
			    "the directory");
		if (n == 1 && p[0] == '.')
			return ("its name has a \".\" part");
		if (p[n] == '\0')
			break;
		p += n + 1;
	}
	for (p = name; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return ("its name has control characters in it");
	return (NULL);
}

/*
 * Whether a link stays within the directory that the first base bytes of its
 * name are.  ".." may only come first, where it climbs what is known to be
 * directories: behind a name, which may be a link, it can lead anywhere.
 */
static int
link_stays(const char *name, const char *target, int symbolic, size_t base)
{
	const char *p;
	size_t n;
	long depth = 0;
	int named = 0;

	if (target[0] == '/' || target[0] == '\0')
		return (0);
	if (!symbolic) {	/* named from the archive's root */
		while (target[0] == '.' && target[1] == '/')
			target += 2;
		return (bad_member_name(target) == NULL &&
		    strncmp(name, target, base) == 0);
	}
	for (p = name + base; (p = strchr(p, '/')) != NULL; p++)
		depth++;
	for (p = target; *p != '\0'; p += n + (p[n] == '/')) {
		n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			if (named || --depth < 0)
				return (0);
		} else if (n > 0 && !(n == 1 && p[0] == '.'))
			named = 1;
	}
	return (1);
}

void
judge_link(struct look *l, size_t i, size_t base)
{
	const struct inspect_member *m = &l->in->members[i];
	const char *link = judge_link_of(l, i);

	if (link_stays(m->name, link, m->type == '2', base))
		look_say(l, INSPECT_NOTE, m->name, "a %s link to %s",
		    m->type == '2' ? "symbolic" : "hard", link);
	else
		look_say(l, INSPECT_BAD, m->name, "it is a %s link to %s: "
		    "that leaves its directory", m->type == '2' ?
		    "symbolic" : "hard", link);
}

static void
judge_type(struct look *l, const struct inspect_member *m)
{
	switch (m->type) {
	case '0':
	case '1':	/* links: when it is known what they are part of */
	case '2':
	case '5':
		break;
	case '3':
	case '4':
		look_say(l, INSPECT_BAD, m->name, "it is a device: an image "
		    "has files and directories only");
		break;
	default:
		look_say(l, INSPECT_BAD, m->name, "it is a fifo: an image "
		    "has files and directories only");
	}
	if (m->type == '0' && (m->mode & 06000) != 0)
		look_say(l, INSPECT_WARNING, m->name, "it is %s%s: mode %04o",
		    (m->mode & 04000) != 0 ? "setuid" : "setgid",
		    (m->mode & 06000) == 06000 ? " and setgid" : "", m->mode);
}

/* What lies below something that is no directory would go elsewhere. */
static void
judge_parents(struct look *l, const struct inspect_member *m)
{
	const struct inspect_member *parent;
	struct buf b = BUF_INIT;
	const char *p = m->name;

	while ((p = strchr(p + 1, '/')) != NULL) {
		buf_clear(&b);
		buf_append(&b, m->name, (size_t)(p - m->name));
		parent = find(l, buf_cstr(&b));
		if (parent != NULL && parent->type != '5') {
			look_say(l, INSPECT_BAD, m->name, "it lies below %s, "
			    "which is no directory", parent->name);
			break;
		}
	}
	buf_fini(&b);
}

/* The image's directory: that with a manifest, or the first. */
static void
find_image(struct look *l)
{
	const struct inspect_member *m;
	const char *slash;
	struct buf b = BUF_INIT;
	size_t i;
	int pass;

	for (pass = 0; pass < 2 && l->in->image == NULL; pass++)
		for (i = 0; i < l->in->nmembers && l->in->image == NULL;
		    i++) {
			m = &l->in->members[i];
			slash = strchr(m->name, '/');
			if (pass == 0 ? slash == NULL ||
			    strcmp(slash, "/manifest.xml") != 0 :
			    slash == NULL && m->type != '5')
				continue;
			buf_clear(&b);
			buf_append(&b, m->name, slash != NULL ?
			    (size_t)(slash - m->name) : strlen(m->name));
			l->in->image = look_keep(l, buf_cstr(&b));
		}
	buf_fini(&b);
}

static int
is_in_image(const struct look *l, const char *name)
{
	size_t n = strlen(l->in->image);

	return (strncmp(name, l->in->image, n) == 0 &&
	    (name[n] == '/' || name[n] == '\0'));
}

static void
judge_place(struct look *l, const struct inspect_member *m)
{
	const char *slash = strchr(m->name, '/');

	if (l->in->image == NULL)
		look_say(l, INSPECT_BAD, m->name, "it lies in no image's "
		    "directory");
	else if (is_in_image(l, m->name))
		return;
	else if (slash == NULL && m->type != '5')
		look_say(l, INSPECT_BAD, m->name, "it lies outside of the "
		    "image's directory %s", l->in->image);
	else if (slash == NULL || strcmp(slash, "/manifest.xml") == 0)
		look_say(l, INSPECT_BAD, m->name, "a second image's "
		    "directory: imgimport would import that, too");
	else
		look_say(l, INSPECT_BAD, m->name, "it lies in another "
		    "image's directory");
}

void
judge_members(struct look *l)
{
	struct look_name *n, *had;
	struct inspect_member *m;
	const char *why;
	size_t i;

	find_image(l);
	if (l->in->nmembers == 0 && (!l->said || l->worst < INSPECT_BAD))
		look_say(l, INSPECT_BAD, "", "the archive is empty");
	if (l->in->image != NULL &&
	    (why = inspect_name(l->in->image)) != NULL)
		look_say(l, INSPECT_BAD, l->in->image, "the name of the "
		    "image's directory: %s", why);
	for (i = 0; i < l->in->nmembers; i++) {
		m = &l->in->members[i];
		if ((why = bad_member_name(m->name)) != NULL)
			look_say(l, INSPECT_BAD, m->name, "%s", why);
		else
			judge_place(l, m);
		judge_type(l, m);
		if ((n = judge_name(l, &l->by_name, m->name, &had)) != NULL)
			n->member = i;
		else if (had != NULL && (m->type != '5' ||
		    l->in->members[had->member].type != '5'))
			look_say(l, INSPECT_BAD, m->name, "it is in the "
			    "archive twice");
	}
	for (i = 0; i < l->in->nmembers; i++)
		judge_parents(l, &l->in->members[i]);
	if ((m = judge_member(l, "manifest.xml")) != NULL) {
		m->role = INSPECT_MANIFEST;
		if (m->type != '0')
			look_say(l, INSPECT_BAD, m->name, "it is no file");
	}
}

