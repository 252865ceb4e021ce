#include <string.h>

#include "imgxfer/look.h"

/* The part of a path behind its last slash. */
static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return (slash != NULL ? slash + 1 : path);
}

/*
 * A member is wanted under that name, for that path.  1: nobody has wanted
 * it before.
 */
static int
claim(struct look *l, const char *element, const char *name,
    const char *path)
{
	struct look_name *n, *had;

	if ((n = judge_name(l, &l->claims, name, &had)) != NULL) {
		n->path = path;
		n->element = element;
		return (1);
	}
	if (had == NULL)
		return (0);
	if (strcmp(had->path, path) == 0)
		look_say(l, INSPECT_BAD, element, "%s is named by %s, too: "
		    "imgimport would move it away again, to %s.ORIG", path,
		    had->element, base_of(path));
	else
		look_say(l, INSPECT_BAD, element, "%s has the same name as "
		    "%s (%s): the bundle holds only one of the two", path,
		    had->path, had->element);
	return (0);
}

/* A file that imgimport moves to that path. */
static void
want_file(struct look *l, const char *element, const char *path,
    enum inspect_role role)
{
	const char *why = inspect_path(path, l->opt), *name = base_of(path);
	struct inspect_member *m;

	if (why != NULL) {
		if (role == INSPECT_ROOTIMG && path[0] == '/' &&
		    name[0] == '\0')
			why = "it names no file: the image was exported "
			    "without its root image";
		look_say(l, INSPECT_BAD, element, "%s: %s", path, why);
		return;
	}
	if (strcmp(name, "manifest.xml") == 0 || strcmp(name, "extra") == 0)
		look_say(l, INSPECT_BAD, element, "%s: a name that bundles "
		    "use for something else", path);
	else if (!claim(l, element, name, path))
		return;
	else if ((m = judge_member(l, name)) == NULL)
		look_say(l, INSPECT_BAD, name, "it is missing (%s wants it "
		    "for %s)", element, path);
	else if (m->type != '0')
		look_say(l, INSPECT_BAD, m->name, "it is no file");
	else {
		m->role = role;
		m->target = path;
		if (m->size == 0)
			look_say(l, role == INSPECT_LIST || role ==
			    INSPECT_LITEFILE ? INSPECT_WARNING : INSPECT_BAD,
			    m->name, "it is empty: so imgexport leaves files "
			    "when its disk is full");
	}
}

/* xCAT cuts such values at commas; perl's split passes over the last ones. */
static void
want_files(struct look *l, const char *element, const char *value,
    enum inspect_role role)
{
	struct buf b = BUF_INIT;
	size_t n;

	if (value == NULL)
		return;
	for (;;) {
		n = strcspn(value, ",");
		buf_clear(&b);
		buf_append(&b, value, n);
		want_file(l, element, look_keep(l, buf_cstr(&b)), role);
		value += n;
		if (value[strspn(value, ",")] == '\0')
			break;
		value++;
	}
	buf_fini(&b);
}

static void
want_lists(struct look *l)
{
	static const struct {
		const char *table, *column, *element;
	} lists[] = {
		{ "linuximage", "template", "<template>" },
		{ "linuximage", "pkglist", "<pkglist>" },
		{ "osimage", "synclists", "<synclists>" },
		{ "linuximage", "otherpkglist", "<otherpkglist>" },
		{ "linuximage", "postinstall", "<postinstall>" },
		{ "linuximage", "exlist", "<exlist>" },
	};
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		want_files(l, lists[i].element,
		    imgmanifest_value(&l->in->manifest, lists[i].table,
		    lists[i].column), INSPECT_LIST);
}

/* All members below "IMAGE/dir/" get a role, and targets below to. */
static size_t
take_tree(struct look *l, const char *dir, const char *to,
    enum inspect_role role)
{
	struct buf at = BUF_INIT, target = BUF_INIT;
	struct inspect_member *m;
	size_t i, n = 0;

	buf_printf(&at, "%s/%s/", l->in->image, dir);
	for (i = 0; i < l->in->nmembers; i++) {
		m = &l->in->members[i];
		if (strncmp(m->name, buf_cstr(&at), at.len) != 0)
			continue;
		n++;
		if (m->role == INSPECT_OTHER)
			m->role = role;
		if (m->type == '5')
			continue;
		buf_clear(&target);
		buf_printf(&target, "%s/%s", to, m->name + at.len);
		m->target = look_keep(l, buf_cstr(&target));
	}
	buf_fini(&at);
	buf_fini(&target);
	return (n);
}

/* Where a directory goes: a root itself may be that. */
static const char *
bad_directory(const struct look *l, const char *path)
{
	struct buf b = BUF_INIT;
	const char *why;

	buf_printf(&b, "%s/x", path);
	why = path[0] != '\0' && path[strlen(path) - 1] == '/' ?
	    "it ends in \"/\"" : inspect_path(buf_cstr(&b), l->opt);
	buf_fini(&b);
	return (why);
}

/* imgimport gives both of them to a shell. */
static void
want_extra(struct look *l, const struct imgmanifest_extra *x)
{
	static const char *const root = "";
	const struct inspect_options anywhere = { &root, 1, 0 };
	const char *why, *name = base_of(x->src);
	struct buf b = BUF_INIT, to = BUF_INIT;
	struct inspect_member *m;
	size_t n;

	if ((why = bad_directory(l, x->dest)) != NULL)
		look_say(l, INSPECT_BAD, "<extra>", "dest %s: %s", x->dest,
		    why);
	if (inspect_path(x->src, &anywhere) != NULL) {
		look_say(l, INSPECT_BAD, "<extra>", "src %s: %s", x->src,
		    inspect_path(x->src, &anywhere));
		why = "";
	}
	if (why != NULL)
		return;
	/* A directory has its whole path, a file only its name. */
	buf_printf(&b, "extra%s", x->src);
	m = judge_member(l, buf_cstr(&b));
	n = take_tree(l, buf_cstr(&b), x->dest, INSPECT_EXTRA);
	if (n == 0 && (m == NULL || m->type != '5')) {
		buf_clear(&b);
		buf_printf(&b, "extra/%s", name);
		buf_printf(&to, "%s/%s", x->dest, name);
		m = judge_member(l, buf_cstr(&b));
		if (m == NULL || m->type != '0')
			look_say(l, INSPECT_BAD, buf_cstr(&b), "it is "
			    "missing (<extra> wants it for %s)", x->dest);
		else if (claim(l, "<extra>", look_keep(l, buf_cstr(&b)),
		    look_keep(l, x->src))) {
			m->role = INSPECT_EXTRA;
			m->target = look_keep(l, buf_cstr(&to));
		}
	}
	buf_fini(&b);
	buf_fini(&to);
}

static const char *
column(const struct imgmanifest_table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->columns[i].name, name) == 0)
			return (t->columns[i].value);
	return (NULL);
}

static void
want_kits(struct look *l)
{
	const struct imgmanifest *m = &l->in->manifest;
	const struct imgmanifest_table *t;
	const char *name, *dir, *why;
	struct buf b = BUF_INIT;
	size_t i, n = 0;

	for (i = 0; i < m->ntables; i++) {
		t = &m->tables[i];
		if (strcmp(t->name, "kit") != 0)
			continue;
		n++;
		name = column(t, "name");
		if ((dir = column(t, "kitdir")) == NULL)
			continue;
		if (name == NULL || inspect_name(name) != NULL)
			look_say(l, INSPECT_BAD, "<kit>", "its name: %s",
			    name == NULL ? "there is none" :
			    inspect_name(name));
		else if ((why = inspect_path(dir, l->opt)) != NULL)
			look_say(l, INSPECT_BAD, "<kit>", "%s: %s", dir,
			    why);
		else if (strcmp(base_of(dir), name) != 0)
			look_say(l, INSPECT_BAD, "<kit>", "%s: imgimport "
			    "would look for it under the name %s", dir, name);
		else if (claim(l, "<kit>", name, dir) &&
		    take_tree(l, name, dir, INSPECT_KIT) == 0)
			look_say(l, INSPECT_BAD, name, "the kit's directory "
			    "is missing");
		buf_clear(&b);
		buf_printf(&b, "%s/plugins", name != NULL ? name : "");
		if (judge_member(l, buf_cstr(&b)) != NULL)
			look_say(l, INSPECT_WARNING, "<kit>", "%s has "
			    "plugins: code that xcatd itself will run",
			    name);
	}
	if (n == 1)
		look_say(l, INSPECT_WARNING, "<kit>", "there is one: "
		    "imgimport can read two or more, but not one");
	buf_fini(&b);
}

/* s390x: files that go to a directory of xCAT's choice. */
static void
want_raw(struct look *l)
{
	const struct imgmanifest *m = &l->in->manifest;
	const struct imgmanifest_table *t;
	size_t i, j;

	for (i = 0; i < m->ntables; i++) {
		t = &m->tables[i];
		for (j = 0; strcmp(t->name, "rawimagefiles") == 0 && j < t->n;
		    j++)
			if (strcmp(t->columns[j].name, "files") == 0)
				want_file(l, "<rawimagefiles>",
				    t->columns[j].value, INSPECT_RAW);
	}
}

/* Values that end up in the database. */
static void
judge_columns(struct look *l)
{
	const struct imgmanifest *m = &l->in->manifest;
	const struct imgmanifest_table *t;
	const struct imgmanifest_pair *c;
	struct buf b = BUF_INIT;
	size_t i, j;

	for (i = 0; i < m->ntables; i++) {
		t = &m->tables[i];
		for (j = 0; j < t->n; j++) {
			c = &t->columns[j];
			buf_clear(&b);
			buf_printf(&b, "<%s>", c->name);
			if (c->value[strspn(c->value, " \t\r\n")] == '\0')
				look_say(l, INSPECT_WARNING, buf_cstr(&b),
				    "it is empty: imgimport would write "
				    "\"HASH(0x...)\" into the database");
			if (strcmp(t->name, "linuximage") == 0 &&
			    (strcmp(c->name, "pkgdir") == 0 ||
			    strcmp(c->name, "otherpkgdir") == 0) &&
			    strpbrk(c->value, ";&|$`<>()\"'\\\n*?[]{}!") !=
			    NULL)
				look_say(l, INSPECT_BAD, buf_cstr(&b), "%s: "
				    "it has characters in it that a shell "
				    "would take", c->value);
		}
	}
	for (i = 0; i < m->nothers; i++) {
		buf_clear(&b);
		buf_printf(&b, "<%s>", m->others[i].name);
		look_say(l, INSPECT_WARNING, buf_cstr(&b), "an element that "
		    "imgimport does not know");
	}
	buf_fini(&b);
}

static const char *
osimage(const struct look *l, const char *name)
{
	return (imgmanifest_value(&l->in->manifest, "osimage", name));
}

static int
judge_names(struct look *l)
{
	static const char *const names[] = { "imagename", "provmethod",
		"profile", "osvers", "osarch" };
	const char *value, *why;
	struct buf b = BUF_INIT;
	size_t i;
	int all = 1;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		buf_clear(&b);
		buf_printf(&b, "<%s>", names[i]);
		if ((value = osimage(l, names[i])) == NULL) {
			look_say(l, INSPECT_BAD, buf_cstr(&b), "it is "
			    "missing in <osimage>");
			all = 0;
		} else if ((why = inspect_name(value)) != NULL) {
			look_say(l, INSPECT_BAD, buf_cstr(&b), "%s: %s",
			    value, why);
			all = 0;
		}
	}
	buf_fini(&b);
	return (all);
}

/* The parts of an image's name that are names of architectures. */
static void
judge_name_arch(struct look *l, const char *name, const char *arch)
{
	enum osarch a, claimed = osarch_named(arch, strlen(arch));
	const char *p = name;
	size_t n;

	for (;; p += n + 1) {
		n = strcspn(p, "-");
		a = osarch_named(p, n);
		if (a != OSARCH_OTHER && a != claimed)
			look_say(l, INSPECT_WARNING, "<osarch>", "%s, but "
			    "the image's name has %.*s in it", arch, (int)n,
			    p);
		if (p[n] == '\0')
			break;
	}
}

static void
judge_consistency(struct look *l)
{
	const char *name = osimage(l, "imagename");
	const char *other = imgmanifest_value(&l->in->manifest, "linuximage",
	    "imagename");
	const char *type = osimage(l, "imagetype"), *arch = osimage(l,
	    "osarch");

	if (other == NULL)
		look_say(l, INSPECT_BAD, "<linuximage>", "it is missing, or "
		    "has no imagename");
	else if (strcmp(name, other) != 0)
		look_say(l, INSPECT_BAD, "<imagename>", "%s in <osimage>, "
		    "but %s in <linuximage>", name, other);
	if (l->in->image != NULL && strcmp(name, l->in->image) != 0)
		look_say(l, INSPECT_WARNING, "<imagename>", "%s, but the "
		    "directory is %s", name, l->in->image);
	if (type != NULL && strcmp(type, "linux") != 0)
		look_say(l, INSPECT_WARNING, "<imagetype>", "%s: only linux "
		    "is known here", type);
	judge_name_arch(l, name, arch);
}

/* What is named, but not carried. */
static void
judge_left_behind(struct look *l)
{
	static const char *const columns[] = { "partitionfile",
		"driverupdatesrc", "cfmdir", "otherpkgdir", "pkgdir" };
	const struct imgmanifest *m = &l->in->manifest;
	const char *value;
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		value = imgmanifest_value(m, "linuximage", columns[i]);
		if (value == NULL)
			value = osimage(l, columns[i]);
		buf_clear(&b);
		buf_printf(&b, "<%s>", columns[i]);
		if (value != NULL && value[0] != '\0')
			look_say(l, INSPECT_NOTE, buf_cstr(&b), "%s is not "
			    "in a bundle: the target must have it", value);
	}
	if (m->postscripts != NULL || m->postbootscripts != NULL ||
	    osimage(l, "postscripts") != NULL ||
	    osimage(l, "postbootscripts") != NULL)
		look_say(l, INSPECT_NOTE, "<postscripts>", "a bundle names "
		    "postscripts, but has none but those among its extras");
	buf_fini(&b);
}

static void
require(struct look *l, const char *element, const char *value)
{
	if (value == NULL || value[0] == '\0')
		look_say(l, INSPECT_BAD, element, "it is missing: an image "
		    "of this kind needs it");
}

/* What imgimport demands, and what it forgets to. */
static void
judge_kind(struct look *l, const char *method)
{
	const struct imgmanifest *m = &l->in->manifest;
	const char *arch = osimage(l, "osarch"), *vers = osimage(l, "osvers");

	if (strcmp(method, "install") == 0) {
		require(l, "<template>", imgmanifest_value(m, "linuximage",
		    "template"));
		if (m->media == NULL || strcmp(m->media, "required") != 0)
			look_say(l, INSPECT_WARNING, "<media>", "an install "
			    "image without \"required\": imgimport would not "
			    "look for the distribution's media");
		else
			look_say(l, INSPECT_NOTE, "<media>", "imgimport "
			    "wants the media of %s %s to be there "
			    "(/install/%s/%s)", vers, arch, vers, arch);
		return;
	}
	if (strcmp(method, "netboot") != 0 &&
	    strcmp(method, "statelite") != 0) {
		if (strcmp(method, "raw") == 0 ||
		    strcmp(method, "sysclone") == 0)
			look_say(l, INSPECT_WARNING, "<provmethod>", "%s: "
			    "images of this kind are not judged any further",
			    method);
		else
			look_say(l, INSPECT_BAD, "<provmethod>", "%s: "
			    "imgimport knows install, netboot, statelite, "
			    "raw and sysclone", method);
		return;
	}
	if (strcmp(arch, "s390x") == 0 || strstr(vers, "esx") != NULL)
		return;		/* raw image files; none at all */
	require(l, "<kernel>", m->kernel);
	require(l, "<ramdisk>", m->ramdisk);
	if (strcmp(method, "netboot") == 0) {
		require(l, "<rootimg>", m->rootimg);
		return;
	}
	require(l, "<rootimgtree>", m->rootimgtree);
	require(l, "<litefile>", m->litefile);
}

/* xCAT boots what lies in rootimgdir, whatever the manifest moves. */
static void
judge_rootimgdir(struct look *l)
{
	const struct imgmanifest *m = &l->in->manifest;
	const char *paths[] = { m->kernel, m->ramdisk, m->rootimg,
		m->rootimgtree };
	const char *dir = imgmanifest_value(m, "linuximage", "rootimgdir");
	const char *why;
	size_t i, n;

	if (dir == NULL)
		return;
	if ((why = bad_directory(l, dir)) != NULL) {
		look_say(l, INSPECT_BAD, "<rootimgdir>", "%s: %s", dir, why);
		return;
	}
	n = strlen(dir);
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (paths[i] != NULL && (strncmp(paths[i], dir, n) != 0 ||
		    strrchr(paths[i], '/') != paths[i] + n))
			look_say(l, INSPECT_WARNING, "<rootimgdir>", "%s, "
			    "but %s lies elsewhere: xCAT would not boot that",
			    dir, paths[i]);
}

void
judge_manifest(struct look *l)
{
	const struct imgmanifest *m = &l->in->manifest;
	const char *method;
	size_t i;

	l->in->arch_claimed = osimage(l, "osarch") != NULL ?
	    osimage(l, "osarch") : "";
	if (judge_names(l)) {
		method = osimage(l, "provmethod");
		judge_kind(l, method);
		judge_consistency(l);
	}
	want_files(l, "<kernel>", m->kernel, INSPECT_KERNEL);
	want_files(l, "<ramdisk>", m->ramdisk, INSPECT_RAMDISK);
	want_files(l, "<rootimg>", m->rootimg, INSPECT_ROOTIMG);
	want_files(l, "<rootimgtree>", m->rootimgtree, INSPECT_ROOTIMGTREE);
	want_files(l, "<litefile>", m->litefile, INSPECT_LITEFILE);
	want_lists(l);
	want_kits(l);
	want_raw(l);
	for (i = 0; i < m->nextras; i++)
		want_extra(l, &m->extras[i]);
	judge_rootimgdir(l);
	judge_columns(l);
	judge_left_behind(l);
}

/* What nobody has claimed. */
void
judge_surplus(struct look *l)
{
	const struct inspect_member *m;
	size_t i;

	if (!l->in->has_manifest)
		return;
	for (i = 0; i < l->in->nmembers; i++) {
		m = &l->in->members[i];
		if (m->role != INSPECT_OTHER || m->type != '0')
			continue;
		if (judge_is_extra(l, m))
			look_say(l, INSPECT_BAD, m->name, "no <extra> wants "
			    "it");
		else
			look_say(l, INSPECT_WARNING, m->name, "nothing in "
			    "the manifest wants it: imgimport would drop it");
	}
}
