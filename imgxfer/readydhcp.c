#include <stdlib.h>
#include <string.h>

#include "imgxfer/bootparts.h"
#include "imgxfer/ready.h"

#define CONF_MAX ((size_t)32 << 20)

#define AREA "dhcp"

/* Where the DHCP servers that xCAT writes for have their configuration. */
static const struct {
	const char *path;
	int kea;
} confs[] = {
	{ "/etc/dhcp/dhcpd.conf", 0 },
	{ "/etc/dhcpd.conf", 0 },
	{ "/etc/dhcp3/dhcpd.conf", 0 },
	{ "/etc/kea/kea-dhcp4.conf", 1 },
};

/* Where ISC's server keeps what makedhcp told it. */
static const char *const leases[] = { "/var/lib/dhcpd/dhcpd.leases",
    "/var/lib/dhcp/dhcpd.leases", "/var/lib/dhcp/db/dhcpd.leases" };

struct dhcp {
	const char *path;
	int kea;
	struct buf conf, leases;
};

static int
has(const struct buf *b, const char *text, size_t len)
{
	return (b->len > 0 && memmem(b->data, b->len, text, len) != NULL);
}

static char *
site_value(const struct ready *r, const char *key)
{
	return (tables_value(r->site->tables, "site", "key", key, "value"));
}

static int
count_row(void *arg, const struct span *at, struct err *e)
{
	(void)at;
	(void)e;
	++*(size_t *)arg;
	return (0);
}

static int
check_networks(struct ready *r, struct err *e)
{
	static const char *const columns[] = { "net" };
	size_t n = 0;

	if (tables_rows(r->site->tables, "networks", columns, 1, count_row,
	    &n, e) == -1)
		return (-1);
	if (n == 0)
		ready_add(r, READY_LACKS, AREA, "table networks is empty",
		    "makedhcp serves the networks that are in it",
		    "makenetworks && makedhcp -n");
	return (0);
}

/* 1; 0: there is none of that kind of server. */
static int
find_conf(struct ready *r, struct dhcp *d, struct err *e)
{
	char *backend = site_value(r, "dhcpbackend");
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(confs) / sizeof(confs[0]) && rc == 0; i++) {
		if (backend != NULL && strcmp(backend, confs[i].kea ? "isc" :
		    "kea") == 0)
			continue;
		d->path = confs[i].path;
		d->kea = confs[i].kea;
		rc = ready_there(r, d->path, e);
	}
	free(backend);
	return (rc);
}

static int
read_conf(struct ready *r, struct dhcp *d, struct err *e)
{
	size_t i;
	int rc;

	if (nodefs_read(r->site->fs, d->path, CONF_MAX, &d->conf, e) == -1)
		return (-1);
	for (i = 0; i < 3 && !d->kea; i++) {
		if ((rc = ready_there(r, leases[i], e)) == -1)
			return (-1);
		if (rc == 1)
			return (nodefs_read(r->site->fs, leases[i], CONF_MAX,
			    &d->leases, e));
	}
	return (0);
}

static int
check_clause(struct ready *r, const char *method, void *arg, struct err *e)
{
	const struct dhcp *d = arg;
	const char *clause = bootparts_clause(method, r->arch, d->kea);

	(void)e;
	if (clause == NULL || has(&d->conf, clause, strlen(clause)))
		return (0);
	ready_add(r, READY_LACKS, AREA, ready_text(r, "%s does not know "
	    "clients that are %s (\"%s\")", d->path, r->arch, clause),
	    ready_text(r, "nodes with netboot=%s are told by it what to load",
	    method), "makedhcp -n && makedhcp -a");
	return (0);
}

/* In ISC's leases what comes last counts, and may say that it is gone. */
static int
has_lease(const struct buf *b, const char *head, size_t len)
{
	static const char gone[] = "deleted;";
	const char *p = (const char *)b->data, *end = p + b->len, *last = NULL;

	while (p < end && (p = memmem(p, (size_t)(end - p), head, len)) !=
	    NULL) {
		p += len;
		last = p;
	}
	if (last == NULL)
		return (0);
	if ((p = memchr(last, '}', (size_t)(end - last))) == NULL)
		p = end;
	return (memmem(last, (size_t)(p - last), gone, sizeof(gone) - 1) ==
	    NULL);
}

/* makedhcp leaves a comment in ISC's configuration, and tells the server. */
static int
pick_unknown(const struct ready *r, const struct readynode *n,
    const void *arg)
{
	const struct dhcp *d = arg;
	struct buf b = BUF_INIT;
	int known;

	(void)r;
	if (!n->set)
		return (0);
	buf_printf(&b, d->kea ? "\"%s\"" : "host %s ", n->name);
	known = b.nomem || has(&d->conf, (const char *)b.data, b.len) ||
	    has_lease(&d->leases, (const char *)b.data, b.len);
	buf_fini(&b);
	return (!known);
}

static int
check_server(struct ready *r, struct dhcp *d, struct err *e)
{
	const char *range, *people;
	int rc;

	if ((rc = find_conf(r, d, e)) == -1)
		return (-1);
	if (rc == 0) {
		ready_add(r, READY_LACKS, AREA, "there is no configuration "
		    "of a DHCP server", "nodes boot by what it tells them",
		    "makedhcp -n && makedhcp -a");
		return (0);
	}
	if (read_conf(r, d, e) == -1) {
		if (e->kind != ERR_DAMAGED && e->errnum == 0 &&
		    strstr(e->msg, "longer than") == NULL)
			return (-1);
		ready_add(r, READY_NOTE, AREA, ready_text(r, "%s was not "
		    "looked at", d->path), ready_text(r, "%s", e->msg), "");
		return (0);
	}
	if (ready_methods(r, check_clause, d, e) == -1)
		return (-1);
	if (ready_nodes(r, pick_unknown, d, &range, &people) > 0)
		ready_add(r, READY_LACKS, AREA, ready_text(r, "%s that the "
		    "DHCP server does not know", people),
		    "it gives them no address", ready_text(r, "makedhcp %s",
		    range));
	return (0);
}

int
readydhcp_check(struct ready *r, struct err *e)
{
	struct dhcp d = { .path = NULL };
	char *external = site_value(r, "externaldhcpservers");
	int rc;

	rc = check_networks(r, e);
	if (rc == 0 && external != NULL && external[0] != '\0')
		ready_add(r, READY_NOTE, AREA, ready_text(r, "other hosts "
		    "serve DHCP (%s)", external), "these were not looked at",
		    "");
	else if (rc == 0)
		rc = check_server(r, &d, e);
	free(external);
	buf_fini(&d.conf);
	buf_fini(&d.leases);
	return (rc);
}
