#include <stdlib.h>
#include <string.h>

#include "imgxfer/look.h"

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

/* The tar of imgimport, and its cp of extras, follow what is there. */
static void
judge_type(struct look *l, size_t i)
{
	const struct inspect_member *m = &l->in->members[i];
	const char *const *links = (const void *)l->links.data;

	switch (m->type) {
	case '0':
	case '5':
		break;
	case '1':
	case '2':
		look_say(l, INSPECT_BAD, m->name, "it is a %s link to %s: an "
		    "image has files and directories only", m->type == '2' ?
		    "symbolic" : "hard", links[i]);
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
}

void
judge_mode(struct look *l, const char *name, unsigned mode)
{
	if ((mode & 06000) != 0)
		look_say(l, INSPECT_BAD, name, "it is %s%s: mode %04o",
		    (mode & 04000) != 0 ? "setuid" : "setgid",
		    (mode & 06000) == 06000 ? " and setgid" : "", mode);
	if ((mode & 02) != 0)
		look_say(l, INSPECT_BAD, name, "anybody may write to it: "
		    "mode %04o", mode);
}

/*
 * tar gives files back to their owners, and cp -a the extras as well; the
 * others are root's in what imgexport makes.
 */
static void
judge_owners(struct look *l)
{
	const struct inspect_member *m, *first = NULL;
	size_t i, n = 0;

	for (i = 0; i < l->in->nmembers; i++) {
		m = &l->in->members[i];
		if (m->owner == NULL)
			continue;
		if (judge_is_extra(l, m))
			look_say(l, INSPECT_BAD, m->name, "it belongs to %s, "
			    "not to root, and would on the target",
			    m->owner);
		else if (n++ == 0)
			first = m;
	}
	if (n > 0)
		look_say(l, INSPECT_WARNING, first->name, "it belongs to %s, "
		    "not to root%s", first->owner, n > 1 ?
		    ", and it is not the only one" : "");
}

int
judge_is_extra(const struct look *l, const struct inspect_member *m)
{
	const char *rest;
	size_t n;

	if (l->in->image == NULL)
		return (0);
	n = strlen(l->in->image);
	if (strncmp(m->name, l->in->image, n) != 0 || m->name[n] != '/')
		return (0);
	rest = m->name + n + 1;
	return (strncmp(rest, "extra", 5) == 0 &&
	    (rest[5] == '/' || rest[5] == '\0'));
}

/*
 * What lies below something that is no directory would go elsewhere.  Where a
 * directory is not there itself, tar makes it nevertheless: nothing would be
 * known of it, and imgexport leaves none out.
 */
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
		/* The image's own is not missed by anybody. */
		if (parent == NULL && memchr(m->name, '/',
		    (size_t)(p - m->name)) != NULL) {
			look_say(l, INSPECT_BAD, m->name, "its directory is "
			    "not in the archive");
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
		judge_type(l, i);
		if (m->type == '0' || m->type == '5')
			judge_mode(l, m->name, m->mode);
		if ((n = judge_name(l, &l->by_name, m->name, &had)) != NULL)
			n->member = i;
		else if (had != NULL && (m->type != '5' ||
		    l->in->members[had->member].type != '5'))
			look_say(l, INSPECT_BAD, m->name, "it is in the "
			    "archive twice");
	}
	for (i = 0; i < l->in->nmembers; i++)
		judge_parents(l, &l->in->members[i]);
	judge_owners(l);
	if ((m = judge_member(l, "manifest.xml")) != NULL) {
		m->role = INSPECT_MANIFEST;
		if (m->type != '0')
			look_say(l, INSPECT_BAD, m->name, "it is no file");
	}
}

