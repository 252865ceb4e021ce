#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imgxfer/bootparts.h"
#include "imgxfer/noderange.h"
#include "imgxfer/ready.h"
#include "remote/quote.h"

#define PEOPLE_MAX 3		/* names of nodes in a sentence */

/* What the checks are written with. */

static const char *
keep(struct ready *r, struct buf *b)
{
	const char *s = NULL;

	if (!b->nomem)
		s = arena_copy(&r->arena, buf_cstr(b), b->len + 1);
	buf_fini(b);
	if (s == NULL) {
		r->nomem = 1;
		return ("");
	}
	return (s);
}

const char *
ready_text(struct ready *r, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	char *p = NULL;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) == -1) {
		p = NULL;
		b.nomem = 1;
	}
	va_end(ap);
	if (p != NULL)
		buf_puts(&b, p);
	free(p);
	return (keep(r, &b));
}

const char *
ready_word(struct ready *r, const char *s)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
	struct buf b = BUF_INIT;

	if (s[0] != '\0' && s[strspn(s, safe)] == '\0')
		buf_puts(&b, s);
	else
		remote_quote(&b, s, strlen(s));
	return (keep(r, &b));
}

void
ready_add(struct ready *r, enum ready_level level, const char *area,
    const char *what, const char *why, const char *command)
{
	struct ready_item *more;
	size_t cap;

	if (r->n == r->cap) {
		cap = r->cap == 0 ? 16 : 2 * r->cap;
		more = reallocarray(r->items, cap, sizeof(*more));
		if (more == NULL) {
			r->nomem = 1;
			return;
		}
		r->items = more;
		r->cap = cap;
	}
	r->items[r->n++] = (struct ready_item){ level, area, what, why,
	    command };
	r->lacking += level == READY_LACKS;
	r->broken += level == READY_BROKEN;
}

size_t
ready_nodes(struct ready *r, ready_pick *pick, const void *arg,
    const char **range, const char **people)
{
	const char **names = calloc(r->nodes.n + 1, sizeof(*names));
	struct buf all = BUF_INIT, said = BUF_INIT;
	size_t i, n = 0;

	*range = *people = "";
	if (names == NULL) {
		r->nomem = 1;
		return (0);
	}
	for (i = 0; i < r->nodes.n; i++)
		if (pick(r, &r->nodes.at[i], arg))
			names[n++] = r->nodes.at[i].name;
	noderange_put(&all, names, n);
	buf_printf(&said, "%zu node%s (", n, n == 1 ? "" : "s");
	for (i = 0; i < n && i < PEOPLE_MAX; i++)
		buf_printf(&said, "%s%s", i > 0 ? ", " : "", names[i]);
	buf_puts(&said, n > PEOPLE_MAX ? ", ...)" : ")");
	*range = ready_word(r, buf_cstr(&all));
	r->nomem |= all.nomem;
	buf_fini(&all);
	*people = keep(r, &said);
	free(names);
	return (n);
}

static int
pick_ours(const struct ready *r, const struct readynode *n, const void *arg)
{
	(void)r;
	(void)arg;
	return (n->set && n->fits);
}

static int
pick_fits(const struct ready *r, const struct readynode *n, const void *arg)
{
	(void)r;
	(void)arg;
	return (n->fits);
}

const char *
ready_range(struct ready *r)
{
	const char *range, *people;

	if (ready_nodes(r, pick_ours, NULL, &range, &people) == 0 &&
	    ready_nodes(r, pick_fits, NULL, &range, &people) == 0)
		return ("NODERANGE");
	return (range);
}

static int
is_grub2(const char *method)
{
	return (strncasecmp(method, "grub2", 5) == 0);
}

/* Its ways to load what follows make no difference here. */
static int
was_seen(const struct ready *r, size_t upto, const char *method)
{
	const char *other;
	size_t i;

	for (i = 0; i < upto; i++) {
		other = r->nodes.at[i].v[READYNODE_NETBOOT];
		if (other != NULL && (strcasecmp(other, method) == 0 ||
		    (is_grub2(other) && is_grub2(method))))
			return (1);
	}
	return (0);
}

int
ready_methods(struct ready *r, ready_method *fn, void *arg, struct err *e)
{
	const char *methods = bootparts_methods(r->arch, r->osvers);
	const char *method;
	size_t i, used = 0;

	if (methods == NULL)
		return (0);
	for (i = 0; i < r->nodes.n; i++) {
		method = r->nodes.at[i].v[READYNODE_NETBOOT];
		if (method == NULL || !bootparts_allows(methods, method))
			continue;
		used++;
		if (!was_seen(r, i, method) && fn(r, method, arg, e) == -1)
			return (-1);
	}
	if (used > 0)
		return (0);
	method = bootparts_choice(r->arch, r->osvers, 0);
	if (fn(r, method, arg, e) == -1)
		return (-1);
	/* Machines, and guests of KVM. */
	if (strcmp(method, "petitboot") == 0)
		return (fn(r, "grub2", arg, e));
	return (0);
}

int
ready_there(struct ready *r, const char *path, struct err *e)
{
	const struct osfs *fs = nodefs_osfs(r->site->fs);
	struct osfs_found f;

	if (fs->look(fs->arg, path, &f, e) == -1)
		return (-1);
	if (f.what == OSFS_DIR)
		return (osfs_has_entries(fs, &f, e));
	return (f.what == OSFS_FILE && f.size > 0);
}

int
ready_installer(struct ready *r, const char **command, int *debian,
    struct err *e)
{
	static const char *const programs[] = { "/usr/bin/apt-get",
	    "/usr/bin/zypper", "/usr/bin/dnf" };
	static const char *const commands[] = { "apt-get install",
	    "zypper install", "dnf install", "yum install" };
	size_t i;
	int rc = 0;

	for (i = 0; i < 3; i++)
		if ((rc = ready_there(r, programs[i], e)) != 0)
			break;
	*debian = i == 0;
	*command = commands[i];
	return (rc == -1 ? -1 : 0);
}

/* The osimage itself. */

static const char *
mend(struct ready *r, const char *what)
{
	const char *image = ready_word(r, r->image);

	if (strcmp(what, "rootimg") == 0)
		return (ready_text(r, "packimage %s", image));
	return (ready_text(r, "xcatvault restore latest --site %s --image "
	    "%s", ready_word(r, r->site_name), image));
}

static void
check_definition(struct ready *r)
{
	const struct {
		const char *name;
		const char *value;
	} needed[] = { { "osvers", r->osvers }, { "osarch", r->arch },
	    { "profile", r->profile } };
	size_t i;

	for (i = 0; i < 3; i++)
		if (needed[i].value[0] == '\0')
			ready_add(r, READY_BROKEN, "image", ready_text(r,
			    "osimage.%s is not set", needed[i].name),
			    "nodeset refuses such an osimage",
			    ready_text(r, "chdef -t osimage -o %s %s=VALUE",
			    ready_word(r, r->image), needed[i].name));
}

static void
check_image(struct ready *r)
{
	const struct osimages_finding *f;

	check_definition(r);
	for (f = r->img->findings; f != NULL; f = f->next)
		if (f->level == OSIMAGES_MISSING)
			ready_add(r, READY_BROKEN, "image", ready_text(r,
			    "%s %s", f->what, f->path), f->why,
			    mend(r, f->what));
		else
			ready_add(r, READY_NOTE, "image", ready_text(r,
			    "%s %s", f->what, f->path), f->why, "");
}

/* "rocky9.4" as columns of osdistro. */
static const char *
distro_values(struct ready *r)
{
	size_t n = strcspn(r->osvers, "0123456789");
	const char *dot = strchr(r->osvers + n, '.');
	int major = dot != NULL ? (int)(dot - (r->osvers + n)) :
	    (int)strlen(r->osvers + n);

	return (ready_text(r, "%s %s %s %s type=Linux",
	    ready_word(r, ready_text(r, "basename=%.*s", (int)n, r->osvers)),
	    ready_word(r, ready_text(r, "majorversion=%.*s", major,
	    r->osvers + n)), ready_word(r, ready_text(r, "minorversion=%s",
	    dot != NULL ? dot + 1 : "")),
	    ready_word(r, ready_text(r, "arch=%s", r->arch))));
}

static int
check_distro(struct ready *r, struct err *e)
{
	const struct span *s = &r->img->osdistroname;
	char *name, *row;

	if (s->len == 0)
		return (0);
	if ((name = strndup(s->p, s->len)) == NULL)
		return (err_nomem(e));
	row = tables_value(r->site->tables, "osdistro", "osdistroname", name,
	    "osdistroname");
	if (row == NULL)
		ready_add(r, READY_LACKS, "osdistro", ready_text(r,
		    "no row %s in table osdistro", name), "the osimage names "
		    "it; copycds makes it of the distribution's media",
		    ready_text(r, "mkdef -t osdistro -o %s %s",
		    ready_word(r, name), distro_values(r)));
	free(row);
	free(name);
	return (0);
}

/* The nodes. */

static int
pick_arch(const struct ready *r, const struct readynode *n, const void *arg)
{
	(void)r;
	return (n->set && !n->fits && n->v[READYNODE_ARCH] != NULL &&
	    strcmp(n->v[READYNODE_ARCH], arg) == 0);
}

/* Once for each other architecture. */
static void
check_archs(struct ready *r)
{
	const char *range, *people, *arch;
	size_t i, k;

	for (i = 0; i < r->nodes.n; i++) {
		arch = r->nodes.at[i].v[READYNODE_ARCH];
		if (arch == NULL || !pick_arch(r, &r->nodes.at[i], arch))
			continue;
		for (k = 0; k < i; k++)
			if (pick_arch(r, &r->nodes.at[k], arch))
				break;
		if (k < i)
			continue;
		(void)ready_nodes(r, pick_arch, arch, &range, &people);
		ready_add(r, READY_LACKS, "nodes", ready_text(r, "%s set to "
		    "boot it, whose nodetype.arch is %s", people,
		    arch[0] != '\0' ? arch : "not set"), ready_text(r, "the "
		    "osimage is for %s; nodeset would change nodetype.arch "
		    "without a word, and other machines do not boot it",
		    r->arch), ready_text(r, "chdef -t node -o %s arch=%s",
		    range, ready_word(r, r->arch)));
	}
}

static int
pick_netboot(const struct ready *r, const struct readynode *n,
    const void *arg)
{
	const char *method = n->v[READYNODE_NETBOOT];
	const char *want = bootparts_choice(r->arch, r->osvers,
	    n->v[READYNODE_MGT] != NULL &&
	    strcmp(n->v[READYNODE_MGT], "kvm") == 0);

	return (method != NULL && !bootparts_allows(bootparts_methods(r->arch,
	    r->osvers), method) && (n->set || n->fits) &&
	    strcmp(want, arg) == 0);
}

static void
check_netboot(struct ready *r)
{
	static const char *const choices[] = { "xnba", "petitboot", "grub2",
	    "yaboot" };
	const char *range, *people;
	const char *methods = bootparts_methods(r->arch, r->osvers);
	size_t i;

	if (methods == NULL) {
		ready_add(r, READY_NOTE, "nodes", ready_text(r, "%s is no "
		    "architecture that nodeset knows how to boot", r->arch),
		    "boot loaders and DHCP were not looked at", "");
		return;
	}
	for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		if (ready_nodes(r, pick_netboot, choices[i], &range,
		    &people) == 0)
			continue;
		ready_add(r, READY_LACKS, "nodes", ready_text(r, "%s whose "
		    "noderes.netboot does not boot %s", people, r->arch),
		    ready_text(r, "nodeset wants one of %s%s", methods,
		    strcmp(choices[i], "petitboot") == 0 ? " (grub2 for "
		    "guests of KVM)" : ""), ready_text(r, "chdef -t node -o "
		    "%s netboot=%s", range, choices[i]));
	}
}

static int
pick_no_mac(const struct ready *r, const struct readynode *n,
    const void *arg)
{
	(void)r;
	(void)arg;
	return (n->set && n->v[READYNODE_MAC] != NULL &&
	    n->v[READYNODE_MAC][0] == '\0');
}

static int
pick_served(const struct ready *r, const struct readynode *n,
    const void *arg)
{
	(void)r;
	(void)arg;
	return (n->set && n->v[READYNODE_SERVICENODE] != NULL &&
	    n->v[READYNODE_SERVICENODE][0] != '\0');
}

static int
pick_pattern(const struct ready *r, const struct readynode *n,
    const void *arg)
{
	size_t i;

	(void)r;
	(void)arg;
	for (i = 0; i < READYNODE_VALUES; i++)
		if (n->v[i] == NULL)
			return (1);
	return (0);
}

static void
check_nodes(struct ready *r)
{
	const char *range, *people;

	if (r->nodes.nset == 0)
		ready_add(r, READY_NOTE, "nodes", "no node is set to boot it",
		    ready_text(r, "%zu of %zu nodes are %s", r->nodes.n,
		    r->nodes.all, r->arch), "");
	check_archs(r);
	check_netboot(r);
	if (ready_nodes(r, pick_no_mac, NULL, &range, &people) > 0)
		ready_add(r, READY_LACKS, "nodes", ready_text(r, "%s without "
		    "a MAC address", people), "nodeset leaves them out",
		    ready_text(r, "getmacs %s", range));
	if (ready_nodes(r, pick_served, NULL, &range, &people) > 0)
		ready_add(r, READY_NOTE, "nodes", ready_text(r, "%s have "
		    "service nodes", people), "what lies on these was not "
		    "looked at", "");
	if (ready_nodes(r, pick_pattern, NULL, &range, &people) > 0)
		ready_add(r, READY_NOTE, "nodes", ready_text(r, "%s have "
		    "attributes that are patterns", people),
		    "these are not worked out", "");
}

/* All of it. */

static const char *
string_of(struct ready *r, const struct span *s)
{
	return (ready_text(r, "%.*s", (int)s->len, s->p));
}

/* A directory of table site. */
static const char *
site_dir(struct ready *r, const char *key, const char *otherwise)
{
	char *dir = tables_value(r->site->tables, "site", "key", key,
	    "value");
	const char *kept = ready_text(r, "%s", dir != NULL && dir[0] == '/' ?
	    dir : otherwise);

	free(dir);
	return (kept);
}

static int
begin(struct ready *r, struct err *e)
{
	if (osimages_files(&r->images, &r->site->place, r->image, NULL, NULL,
	    e) == -1)
		return (-1);
	r->img = &r->images.at[0];
	r->arch = string_of(r, &r->img->osarch);
	r->osvers = string_of(r, &r->img->osvers);
	r->profile = string_of(r, &r->img->profile);
	r->tftpdir = site_dir(r, "tftpdir", "/tftpboot");
	r->installdir = site_dir(r, "installdir", "/install");
	return (readynodes_load(&r->nodes, r->site->tables, r->image,
	    r->arch, e));
}

int
ready_check(struct ready *r, struct imgsite *site, const char *site_name,
    const char *image, struct err *e)
{
	memset(r, 0, sizeof(*r));
	r->site = site;
	r->site_name = site_name;
	r->image = image;
	if (begin(r, e) == -1)
		return (-1);
	if (site->bypass)
		ready_add(r, READY_LACKS, "xcatd", "xcatd does not answer",
		    "nodes ask it for their configuration",
		    "systemctl restart xcatd");
	check_image(r);
	if (check_distro(r, e) == -1)
		return (-1);
	/* Without it there is nothing to go by. */
	if (r->arch[0] != '\0') {
		check_nodes(r);
		if (readyboot_check(r, e) == -1 ||
		    readydhcp_check(r, e) == -1)
			return (-1);
	}
	return (r->nomem ? err_nomem(e) : 0);
}

void
ready_fini(struct ready *r)
{
	osimages_fini(&r->images);
	readynodes_fini(&r->nodes);
	free(r->items);
	arena_fini(&r->arena);
}
