#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "backup/siteshow.h"
#include "base/buf.h"
#include "base/cli.h"
#include "base/human.h"

/* -------------------------------------------------------------- the list */

static void
put_volumes(const struct config_site *s, struct buf *b)
{
	size_t i;

	buf_clear(b);
	for (i = 0; i < s->nvolumes; i++)
		buf_printf(b, "%s%s%s", i > 0 ? " " : "", s->volumes[i].path,
		    s->volumes[i].local != NULL ? " (local)" : "");
	if (s->nvolumes == 0)
		buf_puts(b, "volumes as found");
	for (i = 0; i < s->extra.n; i++)
		buf_printf(b, " %s", s->extra.at[i]);
	if (s->full)
		buf_puts(b, ", full profile");
}

static const char *
or_dash(const char *s)
{
	return (s != NULL ? s : "-");
}

static int
list_text(const struct config *c, struct err *e)
{
	int name = 0, address = 0, vault = 0, n;
	const struct config_site *s;
	struct buf b = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; i < c->nsites; i++) {
		s = &c->sites[i];
		n = (int)strlen(s->name);
		name = n > name ? n : name;
		n = (int)strlen(or_dash(s->address));
		address = n > address ? n : address;
		n = (int)strlen(or_dash(s->vault));
		vault = n > vault ? n : vault;
	}
	for (i = 0; i < c->nsites && rc == 0; i++) {
		s = &c->sites[i];
		put_volumes(s, &b);
		if ((rc = buf_ok(&b, e)) == 0)
			printf("%-*s  %-*s  %-*s  %s\n", name, s->name,
			    address, or_dash(s->address), vault,
			    or_dash(s->vault), buf_cstr(&b));
	}
	buf_fini(&b);
	return (rc);
}

static json_t *
strings_json(const struct config_strings *v)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < v->n; i++)
		json_array_append_new(a, json_string(v->at[i]));
	return (a);
}

static json_t *
site_json(const struct config_site *s)
{
	json_t *volumes = json_array();
	size_t i;

	for (i = 0; i < s->nvolumes; i++)
		json_array_append_new(volumes, json_pack("{s:s, s:s?}",
		    "path", s->volumes[i].path,
		    "local", s->volumes[i].local));
	return (json_pack("{s:s, s:s?, s:s?, s:o, s:o, s:o, s:s, s:b, s:i, "
	    "s:i, s:s?, s:i}", "name", s->name, "address", s->address,
	    "vault", s->vault, "volumes", volumes,
	    "exclude", strings_json(&s->excludes),
	    "extra", strings_json(&s->extra),
	    "profile", s->full ? "full" : "standard",
	    "one_file_system", s->one_file_system,
	    "max_loss", (int)s->max_loss, "lanes", (int)s->lanes,
	    "container", s->container, "line", s->line));
}

int
siteshow_list(const struct config *c, int json, struct err *e)
{
	json_t *sites;
	size_t i;

	if (!json)
		return (list_text(c, e));
	sites = json_array();
	for (i = 0; i < c->nsites; i++)
		json_array_append_new(sites, site_json(&c->sites[i]));
	return (cli_json(sites, e));
}

/* ------------------------------------------------------------- the probe */

static const char *
xcatd_name(enum probe_xcatd state)
{
	switch (state) {
	case PROBE_XCATD_UP:
		return ("up");
	case PROBE_XCATD_DOWN:
		return ("down");
	case PROBE_XCATD_HUNG:
		return ("hung");
	case PROBE_XCATD_ABSENT:
		break;
	}
	return ("absent");
}

static void
line(const char *what, const char *value)
{
	if (value != NULL)
		printf("  %-12s %s\n", what, value);
}

static void
show_volume(const struct probe_volume *v)
{
	char bytes[HUMAN_LEN] = "", room[HUMAN_LEN] = "?";

	if (v->bytes != PROBE_UNKNOWN)
		human_bytes(v->bytes, bytes);
	if (v->free_bytes != PROBE_UNKNOWN)
		human_bytes(v->free_bytes, room);
	printf("  %-12s %s", "volume", v->path);
	if (strcmp(v->path, v->source) != 0)
		printf(" (%s)", v->source);
	if (!v->there)
		printf(": not there");
	else if (bytes[0] != '\0')
		printf(": %s", bytes);
	printf("%s %s free\n", v->there && bytes[0] == '\0' ? ":" : ",",
	    room);
}

static void
show_database(const struct probe *p)
{
	const char *engine = p->db_engine != NULL ? p->db_engine : "unknown";

	if (p->ntables > 0)
		printf("  %-12s %s, %zu tables\n", "database", engine,
		    p->ntables);
	else
		printf("  %-12s %s, tables not listed\n", "database", engine);
}

/* An option of tar's is no trouble of its own where tar is one. */
static int
is_told(const struct probe *p, size_t i)
{
	return (p->tools[PROBE_TAR].trouble != NULL &&
	    (i == PROBE_TAR_XATTRS || i == PROBE_TAR_ACLS ||
	    i == PROBE_TAR_SPARSE));
}

static void
show_tools(const struct probe *p)
{
	const struct probe_tool *t;
	size_t i;

	for (i = 0; i < PROBE_TOOLS; i++) {
		t = &p->tools[i];
		if (t->trouble == NULL && t->version != NULL)
			line(t->name, t->version);
		else if (t->trouble != NULL && !is_told(p, i))
			printf("  %-12s %s\n", t->name, t->trouble);
	}
}

static void
probe_text(const char *name, const char *host, const struct probe *p)
{
	size_t i;

	printf("%s:", name);
	if (strcmp(name, host) != 0)
		printf(" %s,", host);
	if (p->xcat_version != NULL)
		printf(" xCAT %s,", p->xcat_version);
	printf(" xcatd %s\n", xcatd_name(p->xcatd));
	line("host name", p->hostname);
	line("architecture", p->arch);
	line("system", p->os);
	line("layout", probe_layout_text(p->layout));
	if (p->xcatd != PROBE_XCATD_ABSENT)
		show_database(p);
	line("installdir", p->installdir);
	line("master", p->master);
	line("domain", p->domain);
	line("tmpdir", p->tmpdir);
	line("skiptables", p->skiptables);
	for (i = 0; i < p->nvolumes; i++)
		show_volume(&p->volumes[i]);
	line("/.dbbackup", !p->dbbackup.there ? "not there" :
	    p->dbbackup.mounted ? "a mount point" : "a directory");
	show_tools(p);
}

static json_t *
size_json(uint64_t v)
{
	return (v > INT64_MAX ? json_null() : json_integer((json_int_t)v));
}

static json_t *
volumes_json(const struct probe *p)
{
	const struct probe_volume *v;
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < p->nvolumes; i++) {
		v = &p->volumes[i];
		json_array_append_new(a, json_pack("{s:s, s:s, s:b, s:o, s:o}",
		    "path", v->path, "source", v->source, "there", v->there,
		    "bytes", size_json(v->bytes),
		    "free_bytes", size_json(v->free_bytes)));
	}
	return (a);
}

static json_t *
tools_json(const struct probe *p)
{
	const struct probe_tool *t;
	json_t *o = json_object();
	size_t i;

	for (i = 0; i < PROBE_TOOLS; i++) {
		t = &p->tools[i];
		json_object_set_new(o, t->name, json_pack("{s:b, s:b, s:s?, "
		    "s:s?}", "works", t->trouble == NULL,
		    "needed", t->needed, "version", t->version,
		    "trouble", t->trouble));
	}
	return (o);
}

static json_t *
probe_json(const char *name, const char *host, const struct probe *p)
{
	json_t *tables = json_array(), *j;
	size_t i;

	for (i = 0; i < p->ntables; i++)
		json_array_append_new(tables, json_string(p->tables[i]));
	j = json_pack("{s:s, s:s, s:s?, s:s, s:s?, s:s?, s:s?, s:s?, s:s, "
	    "s:s?}", "site", name, "host", host,
	    "xcat_version", p->xcat_version,
	    "xcatd", xcatd_name(p->xcatd), "xcatd_reason", p->xcatd_reason,
	    "hostname", p->hostname, "architecture", p->arch,
	    "system", p->os, "layout", probe_layout_name(p->layout),
	    "database", p->db_engine);
	json_object_set_new(j, "site_table", json_pack("{s:s?, s:s?, s:s?, "
	    "s:s?, s:s?}", "installdir", p->installdir,
	    "skiptables", p->skiptables, "master", p->master,
	    "tmpdir", p->tmpdir, "domain", p->domain));
	json_object_set_new(j, "tables", tables);
	json_object_set_new(j, "volumes", volumes_json(p));
	json_object_set_new(j, "dbbackup", json_pack("{s:b, s:b, s:o}",
	    "there", p->dbbackup.there, "mounted", p->dbbackup.mounted,
	    "free_bytes", size_json(p->dbbackup.free_bytes)));
	json_object_set_new(j, "tools", tools_json(p));
	return (j);
}

int
siteshow_probe(const char *name, const char *host, const struct probe *p,
    int json, struct err *e)
{
	if (json)
		return (cli_json(probe_json(name, host, p), e));
	probe_text(name, host, p);
	return (0);
}

/* ----------------------------------------------------------- the warnings */

static void
warn_xcat(const char *name, const struct probe *p)
{
	const char *why = p->xcatd_reason;

	if (p->xcatd == PROBE_XCATD_ABSENT)
		cli_warn("%s: no xCAT there: no database to back up", name);
	else
		cli_warn("%s: xcatd is %s (%s): its database is read past it",
		    name, xcatd_name(p->xcatd),
		    why != NULL ? why : "it does not say why");
}

unsigned
siteshow_warn(const char *name, const struct probe *p)
{
	const struct probe_tool *t;
	unsigned n = 0;
	size_t i;

	if (p->xcatd != PROBE_XCATD_UP) {
		warn_xcat(name, p);
		n++;
	}
	if (p->xcatd != PROBE_XCATD_ABSENT && p->ntables == 0) {
		cli_warn("%s: the tables cannot be listed: %s", name,
		    p->tables_reason != NULL ? p->tables_reason :
		    "no reason given");
		n++;
	}
	if (p->skiptables != NULL) {
		cli_warn("%s: site.skiptables is set: dumps will lack %s",
		    name, p->skiptables);
		n++;
	}
	for (i = 0; i < p->nvolumes; i++)
		if (!p->volumes[i].there &&
		    strcmp(p->volumes[i].path, "/.dbbackup") != 0) {
			cli_warn("%s: volume %s is not there", name,
			    p->volumes[i].path);
			n++;
		}
	for (i = 0; i < PROBE_TOOLS; i++) {
		t = &p->tools[i];
		if (t->trouble == NULL || is_told(p, i) ||
		    (!t->needed && i >= PROBE_MKTEMP))
			continue;
		cli_warn("%s: %s on the node: %s", name, t->name,
		    t->trouble);
		n++;
	}
	return (n);
}
