#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libconfig.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/confrule.h"
#include "base/io.h"

#define DEPTH_MAX 8		/* of groups in groups; five are in use */
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct reader {
	struct config *c;
	const config_setting_t *vaults;		/* or NULL */
	const char *checked;	/* the included file last looked at */
	char folder[PATH_MAX];	/* where includes are looked for, or "" */
	struct err *e;
};

/* A setting: its name, how to read it, and where it goes. */
struct key {
	const char *name;
	int (*read)(struct reader *r, const struct key *k,
	    const config_setting_t *s, void *to);
	size_t offset;		/* of the field in what "to" points at */
	const char *(*rule)(const char *);	/* of a text, or of each */
	long min, max;		/* of a number */
};

/* The path of a file that libconfig names; NULL is the main one. */
static const char *
file_path(const struct reader *r, const char *file, char out[PATH_MAX])
{
	if (file == NULL)
		return (r->c->path);
	if (r->folder[0] == '\0' ||
	    snprintf(out, PATH_MAX, "%s/%s", r->folder, file) >= PATH_MAX)
		return (file);
	return (out);
}

static int
__attribute__((format(printf, 3, 4)))
fail(struct reader *r, const config_setting_t *s, const char *fmt, ...)
{
	const char *name = config_setting_name(s);
	char text[sizeof(r->e->msg)], file[PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (name == NULL && config_setting_parent(s) != NULL)
		name = config_setting_name(config_setting_parent(s));
	return (err_set(r->e, ERR_USAGE, "%s:%u: %s%s%s",
	    file_path(r, config_setting_source_file(s), file),
	    (unsigned)config_setting_source_line(s),
	    name != NULL ? name : "", name != NULL ? ": " : "", text));
}

/* -------------------------------------------------------------- values */

static int
read_number(struct reader *r, const struct key *k, const config_setting_t *s,
    void *to)
{
	long long v = 0;
	int ok = 1;

	if (config_setting_type(s) == CONFIG_TYPE_INT)
		v = config_setting_get_int(s);
	else if (config_setting_type(s) == CONFIG_TYPE_INT64)
		v = config_setting_get_int64(s);
	else
		ok = 0;
	if (!ok || v < k->min || v > k->max)
		return (fail(r, s, "a number from %ld to %ld is wanted",
		    k->min, k->max));
	*(unsigned *)(void *)((char *)to + k->offset) = (unsigned)v;
	return (0);
}

static int
read_flag(struct reader *r, const struct key *k, const config_setting_t *s,
    void *to)
{
	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		return (fail(r, s, "true or false is wanted"));
	*(int *)(void *)((char *)to + k->offset) = config_setting_get_bool(s);
	return (0);
}

/* A text that keeps to a rule, in memory of its own; NULL: r->e is set. */
static char *
text_of(struct reader *r, const config_setting_t *s,
    const char *(*rule)(const char *))
{
	const char *v = NULL, *why;
	char *copy;

	if (config_setting_type(s) == CONFIG_TYPE_STRING)
		v = config_setting_get_string(s);
	if (v == NULL) {
		fail(r, s, "a text in double quotes is wanted");
		return (NULL);
	}
	if ((why = rule(v)) != NULL) {
		fail(r, s, "\"%.200s\": %s", v, why);
		return (NULL);
	}
	if ((copy = strdup(v)) == NULL)
		err_nomem(r->e);
	return (copy);
}

static int
read_text(struct reader *r, const struct key *k, const config_setting_t *s,
    void *to)
{
	char **field = (char **)(void *)((char *)to + k->offset);
	char *v;

	if ((v = text_of(r, s, k->rule)) == NULL)
		return (-1);
	free(*field);
	*field = v;
	return (0);
}

static int
is_sequence(const config_setting_t *s)
{
	return (config_setting_type(s) == CONFIG_TYPE_ARRAY ||
	    config_setting_type(s) == CONFIG_TYPE_LIST);
}

static const config_setting_t *
element(const config_setting_t *s, size_t i)
{
	return (config_setting_get_elem(s, (unsigned)i));
}

static size_t
length(const config_setting_t *s)
{
	return ((size_t)config_setting_length(s));
}

/* [ "a", "b" ], ( "a", "b" ) or a single "a". */
static int
read_strings(struct reader *r, const struct key *k,
    const config_setting_t *s, void *to)
{
	void *field = (char *)to + k->offset;
	struct config_strings *v = field;
	size_t i, n = is_sequence(s) ? length(s) : 1;

	if ((v->at = calloc(n + 1, sizeof(*v->at))) == NULL)
		return (err_nomem(r->e));
	for (i = 0; i < n; i++) {
		v->at[i] = text_of(r, is_sequence(s) ? element(s, i) : s,
		    k->rule);
		if (v->at[i] == NULL)
			return (-1);
		v->n++;
	}
	return (0);
}

static int
read_profile(struct reader *r, const struct key *k,
    const config_setting_t *s, void *to)
{
	const char *v = config_setting_type(s) == CONFIG_TYPE_STRING ?
	    config_setting_get_string(s) : "";

	if (strcmp(v, "full") != 0 && strcmp(v, "standard") != 0)
		return (fail(r, s, "\"full\" or \"standard\" is wanted"));
	*(int *)(void *)((char *)to + k->offset) = strcmp(v, "full") == 0;
	return (0);
}

static const char *
any_vault(const char *s)
{
	(void)s;
	return (NULL);
}

/* A name of "vaults", or the vault itself. */
static int
read_vault(struct reader *r, const struct key *k, const config_setting_t *s,
    void *to)
{
	char **field = (char **)(void *)((char *)to + k->offset);
	const config_setting_t *named = NULL;
	char *v;
	size_t i;

	if ((v = text_of(r, s, any_vault)) == NULL)
		return (-1);
	for (i = 0; r->vaults != NULL && i < length(r->vaults); i++)
		if (strcmp(config_setting_name(element(r->vaults, i)),
		    v) == 0)
			named = element(r->vaults, i);
	free(v);
	*field = text_of(r, named != NULL ? named : s, confrule_vault);
	return (*field != NULL ? 0 : -1);
}

/* ------------------------------------------------------------- groups */

/* Read each setting of a group into the struct that "to" points at. */
static int
read_group(struct reader *r, const config_setting_t *group,
    const struct key *keys, size_t nkeys, void *to)
{
	const config_setting_t *s;
	const char *name, *near;
	size_t i, j;

	if (config_setting_type(group) != CONFIG_TYPE_GROUP)
		return (fail(r, group, "a group in braces is wanted"));
	for (i = 0; i < length(group); i++) {
		s = element(group, i);
		name = config_setting_name(s);
		for (j = 0; j < nkeys; j++)
			if (strcmp(keys[j].name, name) == 0)
				break;
		if (j < nkeys) {
			if (keys[j].read(r, &keys[j], s, to) == -1)
				return (-1);
			continue;
		}
		near = confrule_nearest(name, keys, nkeys, sizeof(*keys));
		return (fail(r, s, "no such setting%s%s%s",
		    near != NULL ? "; is \"" : "", near != NULL ? near : "",
		    near != NULL ? "\" meant?" : ""));
	}
	return (0);
}

static const struct key volume_keys[] = {
	{ "path", read_text, offsetof(struct config_volume, path),
	    confrule_path, 0, 0 },
	{ "local", read_text, offsetof(struct config_volume, local),
	    confrule_path, 0, 0 },
};

static int
read_volumes(struct reader *r, const struct key *k,
    const config_setting_t *s, void *to)
{
	struct config_site *site = to;
	const config_setting_t *v;
	struct config_volume *vol;
	size_t i;

	(void)k;
	if (!is_sequence(s) || length(s) == 0)
		return (fail(r, s, "a list of one or more volumes is wanted, "
		    "( \"/install\", ... )"));
	site->volumes = calloc(length(s), sizeof(*site->volumes));
	if (site->volumes == NULL)
		return (err_nomem(r->e));
	for (i = 0; i < length(s); i++) {
		v = element(s, i);
		vol = &site->volumes[site->nvolumes++];
		if (config_setting_type(v) == CONFIG_TYPE_GROUP) {
			if (read_group(r, v, volume_keys, COUNT(volume_keys),
			    vol) == -1)
				return (-1);
			if (vol->path == NULL)
				return (fail(r, v, "a volume without path"));
		} else if ((vol->path = text_of(r, v,
		    confrule_path)) == NULL)
			return (-1);
	}
	return (0);
}

#define FIELD(name) offsetof(struct config_site, name)
static const struct key site_keys[] = {
	{ "name", read_text, FIELD(name), confrule_site, 0, 0 },
	{ "address", read_text, FIELD(address), confrule_address, 0, 0 },
	{ "identity", read_text, FIELD(identity), confrule_path, 0, 0 },
	{ "password_file", read_text, FIELD(password_file), confrule_path,
	    0, 0 },
	{ "vault", read_vault, FIELD(vault), NULL, 0, 0 },
	{ "volumes", read_volumes, 0, NULL, 0, 0 },
	{ "exclude", read_strings, FIELD(excludes), confrule_text, 0, 0 },
	{ "extra", read_strings, FIELD(extra), confrule_path, 0, 0 },
	{ "profile", read_profile, FIELD(full), NULL, 0, 0 },
	{ "one_file_system", read_flag, FIELD(one_file_system), NULL, 0, 0 },
	{ "max_loss", read_number, FIELD(max_loss), NULL, 1, 100 },
	{ "lanes", read_number, FIELD(lanes), NULL, 0, 16 },
	{ "connect_timeout", read_number, FIELD(connect_s), NULL, 1, 600 },
	{ "idle_timeout", read_number, FIELD(idle_s), NULL, 1, 86400 },
	{ "dump_timeout", read_number, FIELD(dump_s), NULL, 1, 86400 },
	{ "before", read_text, FIELD(before), confrule_text, 0, 0 },
	{ "after", read_text, FIELD(after), confrule_text, 0, 0 },
	{ "container", read_text, FIELD(container), confrule_container,
	    0, 0 },
};
#undef FIELD

/* Two paths of a site of which one is, or lies within, the other. */
static int
check_overlap(struct reader *r, const config_setting_t *s,
    const struct config_site *site)
{
	size_t i, j, n = site->nvolumes + site->extra.n;
	const char *a, *b;

	for (i = 0; i < n; i++) {
		a = i < site->nvolumes ? site->volumes[i].path :
		    site->extra.at[i - site->nvolumes];
		for (j = 0; j < i; j++) {
			b = j < site->nvolumes ? site->volumes[j].path :
			    site->extra.at[j - site->nvolumes];
			if (confrule_within(a, b) || confrule_within(b, a))
				return (fail(r, s, "%s and %s are the same or "
				    "one within the other; name the outer one "
				    "only", b, a));
		}
	}
	return (0);
}

/* What no setting can tell by itself. */
static int
check_site(struct reader *r, const config_setting_t *s,
    const struct config_site *site)
{
	const char *why;
	size_t i;

	if ((why = confrule_site(site->name)) != NULL)
		return (fail(r, s, "%s", why));
	for (i = 0; &r->c->sites[i] != site; i++)
		if (strcmp(r->c->sites[i].name, site->name) == 0)
			return (fail(r, s, "site %s is there already, in "
			    "line %d", site->name, r->c->sites[i].line));
	if (site->address == NULL) {
		if (site->nvolumes == 0 || site->extra.n > 0 || site->full)
			return (fail(r, s, "a site without address needs "
			    "volumes, each with local, and has no extra and "
			    "no profile"));
		for (i = 0; i < site->nvolumes; i++)
			if (site->volumes[i].local == NULL)
				return (fail(r, s, "there is no address to "
				    "read %s from, and no local",
				    site->volumes[i].path));
	}
	return (check_overlap(r, s, site));
}

static int
read_sites(struct reader *r, const struct key *k, const config_setting_t *s,
    void *to)
{
	struct config *c = to;
	struct config_site *site;
	const config_setting_t *v;
	size_t i;

	(void)k;
	if (config_setting_type(s) != CONFIG_TYPE_GROUP)
		return (fail(r, s, "a group in braces is wanted, "
		    "{ name = { ... }; }"));
	if ((c->sites = calloc(length(s) + 1, sizeof(*c->sites))) == NULL)
		return (err_nomem(r->e));
	for (i = 0; i < length(s); i++) {
		v = element(s, i);
		site = &c->sites[c->nsites++];
		site->line = (int)config_setting_source_line(v);
		site->max_loss = CONFIG_MAX_LOSS;
		if ((site->name = strdup(config_setting_name(v))) == NULL)
			return (err_nomem(r->e));
		if (read_group(r, v, site_keys, COUNT(site_keys), site) == -1 ||
		    check_site(r, v, site) == -1)
			return (-1);
	}
	return (0);
}

/* They were found before all else; here they are held against the rule. */
static int
read_vaults(struct reader *r, const struct key *k, const config_setting_t *s,
    void *to)
{
	char *v;
	size_t i;

	(void)k;
	(void)to;
	if (config_setting_type(s) != CONFIG_TYPE_GROUP)
		return (fail(r, s, "a group in braces is wanted, "
		    "{ name = \"/dir\"; }"));
	for (i = 0; i < length(s); i++) {
		if ((v = text_of(r, element(s, i), confrule_vault)) == NULL)
			return (-1);
		free(v);
	}
	return (0);
}

static const struct key top_keys[] = {
	{ "vault", read_vault, offsetof(struct config, vault), NULL, 0, 0 },
	{ "vaults", read_vaults, 0, NULL, 0, 0 },
	{ "ssh_dir", read_text, offsetof(struct config, ssh_dir),
	    confrule_path, 0, 0 },
	{ "log", read_text, offsetof(struct config, log), confrule_path,
	    0, 0 },
	{ "sites", read_sites, 0, NULL, 0, 0 },
};

/* -------------------------------------------------------------- files */

static int
check_mode(const char *path, const struct stat *st, struct err *e)
{
	if (!S_ISREG(st->st_mode))
		return (err_set(e, ERR_USAGE, "%s: not a regular file",
		    path));
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return (err_set(e, ERR_USAGE, "%s: owned by neither root nor "
		    "you; who may write it commands what is run", path));
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return (err_set(e, ERR_USAGE, "%s: others may write it; "
		    "chmod go-w %s", path, path));
	return (0);
}

/* Included files are trusted no more than the one that includes them. */
static int
check_tree(struct reader *r, const config_setting_t *s, int depth)
{
	const char *file = config_setting_source_file(s);
	char buf[PATH_MAX];
	const char *path;
	struct stat st;
	size_t i;

	if (file != NULL && file != r->checked) {
		path = file_path(r, file, buf);
		if (stat(path, &st) == -1)
			return (err_sys(r->e, "%s", path));
		if (check_mode(path, &st, r->e) == -1)
			return (-1);
		r->checked = file;
	}
	if (!config_setting_is_group(s) && !is_sequence(s))
		return (0);
	if (depth == DEPTH_MAX)
		return (fail(r, s, "too many groups within groups"));
	for (i = 0; i < length(s); i++)
		if (check_tree(r, element(s, i), depth + 1) == -1)
			return (-1);
	return (0);
}

/* A site without a vault of its own has the default one. */
static int
share_vault(struct config *c, struct err *e)
{
	size_t i;

	for (i = 0; c->vault != NULL && i < c->nsites; i++)
		if (c->sites[i].vault == NULL &&
		    (c->sites[i].vault = strdup(c->vault)) == NULL)
			return (err_nomem(e));
	return (0);
}

/* Includes are looked for beside the file that has them. */
static void
set_folder(struct reader *r, config_t *lib)
{
	const char *path = r->c->path, *slash = strrchr(path, '/');
	size_t n;

	if (slash == NULL)
		return;
	n = slash == path ? 1 : (size_t)(slash - path);
	if (n >= sizeof(r->folder))
		return;
	snprintf(r->folder, sizeof(r->folder), "%.*s", (int)n, path);
	config_set_include_dir(lib, r->folder);
}

struct config *
config_parse(const char *text, const char *path, struct err *e)
{
	struct config *c = calloc(1, sizeof(*c));
	struct reader r = { .c = c, .e = e };
	const config_setting_t *root;
	char file[PATH_MAX];
	config_t lib;
	int rc = -1;

	if (c == NULL || (c->path = strdup(path)) == NULL) {
		free(c);
		err_nomem(e);
		return (NULL);
	}
	config_init(&lib);
	set_folder(&r, &lib);
	if (config_read_string(&lib, text) != CONFIG_TRUE) {
		err_set(e, ERR_USAGE, "%s:%d: %s", file_path(&r,
		    config_error_file(&lib), file), config_error_line(&lib),
		    config_error_text(&lib));
		goto out;
	}
	root = config_root_setting(&lib);
	r.vaults = config_lookup(&lib, "vaults");
	if (r.vaults != NULL && !config_setting_is_group(r.vaults))
		r.vaults = NULL;	/* which is said when it is read */
	if (check_tree(&r, root, 0) == 0 &&
	    read_group(&r, root, top_keys, COUNT(top_keys), c) == 0)
		rc = share_vault(c, e);
out:
	config_destroy(&lib);
	if (rc == 0)
		return (c);
	config_free(c);
	return (NULL);
}

/* 0, 1 when it is not there, -1. */
static int
load(const char *path, struct buf *text, struct err *e)
{
	struct stat st;
	uint8_t *p;
	ssize_t n = -1;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 && errno == ENOENT)
		return (1);
	if (fd == -1) {
		err_sys(e, "%s", path);
		e->kind = ERR_USAGE;
		return (-1);
	}
	if (fstat(fd, &st) == -1)
		err_sys(e, "%s", path);
	else if (check_mode(path, &st, e) == -1)
		n = -1;
	else if ((p = buf_reserve(text, CONFIG_MAX + 1)) == NULL)
		err_nomem(e);
	else if ((n = io_read(fd, p, CONFIG_MAX + 1)) == -1)
		err_sys(e, "%s", path);
	else
		buf_advance(text, (size_t)n);
	close(fd);
	if (n == -1)
		return (-1);
	if (text->len > CONFIG_MAX)
		return (err_set(e, ERR_USAGE, "%s: larger than %zu bytes",
		    path, CONFIG_MAX));
	if (text->len > 0 && memchr(text->data, '\0', text->len) != NULL)
		return (err_set(e, ERR_USAGE, "%s: has NUL bytes", path));
	return (0);
}

struct config *
config_load(const char *path, struct err *e)
{
	const char *name = path;
	struct buf text = BUF_INIT;
	struct config *c = NULL;
	int rc;

	if (name == NULL)
		name = getenv("XCATVAULT_CONFIG");
	if (name == NULL || name[0] == '\0')
		name = CONFIG_PATH;
	rc = load(name, &text, e);
	if (rc == 1 && path != NULL)
		rc = err_set(e, ERR_USAGE, "%s: no such file", name);
	if (rc != -1)
		c = config_parse(buf_cstr(&text), name, e);
	buf_fini(&text);
	return (c);
}

/* ------------------------------------------------------------- the rest */

static void
strings_fini(struct config_strings *v)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		free(v->at[i]);
	free(v->at);
}

static void
site_fini(struct config_site *s)
{
	size_t i;

	for (i = 0; i < s->nvolumes; i++) {
		free(s->volumes[i].path);
		free(s->volumes[i].local);
	}
	free(s->volumes);
	strings_fini(&s->excludes);
	strings_fini(&s->extra);
	free(s->name);
	free(s->address);
	free(s->identity);
	free(s->password_file);
	free(s->vault);
	free(s->before);
	free(s->after);
	free(s->container);
}

void
config_free(struct config *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->nsites; i++)
		site_fini(&c->sites[i]);
	free(c->sites);
	free(c->path);
	free(c->vault);
	free(c->ssh_dir);
	free(c->log);
	free(c);
}

const struct config_site *
config_find(const struct config *c, const char *name, struct err *e)
{
	struct buf names = BUF_INIT;
	size_t i;

	for (i = 0; i < c->nsites; i++)
		if (strcmp(c->sites[i].name, name) == 0)
			return (&c->sites[i]);
	for (i = 0; i < c->nsites; i++)
		buf_printf(&names, "%s%s", i > 0 ? ", " : "",
		    c->sites[i].name);
	if (c->nsites == 0)
		err_set(e, ERR_USAGE, "%s: no such site; %s names none",
		    name, c->path);
	else
		err_set(e, ERR_USAGE, "%s: no such site; %s has %s", name,
		    c->path, buf_cstr(&names));
	buf_fini(&names);
	return (NULL);
}
