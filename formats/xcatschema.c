#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "formats/xcatschema.h"

enum {
	CORE = 1,		/* in every xCAT from 2.9 to 2.19 */
	VOLATILE = 2,
	LOG = 4,		/* its key is made anew by a restore */
};

struct table {
	const char *name;
	const char *keys[XCATSCHEMA_KEYS_MAX];
	unsigned flags;
};

/* Facts of perl-xCAT/xCAT/Schema.pm; sorted by name. */
static const struct table tables[] = {
	{ "auditlog", { "recid" }, VOLATILE | LOG },
	{ "bootparams", { "node" }, CORE },
	{ "boottarget", { "bprofile" }, CORE },
	{ "cfgmgt", { "node" }, CORE },
	{ "chain", { "node" }, CORE },
	{ "deps", { "node", "cmd" }, CORE },
	{ "discoverydata", { "uuid" }, CORE | VOLATILE },
	{ "domain", { "node" }, CORE },
	{ "eventlog", { "recid" }, VOLATILE | LOG },
	{ "firmware", { "node" }, CORE },
	{ "hosts", { "node" }, CORE },
	{ "hwinv", { "node" }, CORE },
	{ "hypervisor", { "node" }, CORE },
	{ "ipmi", { "node" }, CORE },
	{ "iscsi", { "node" }, CORE },
	{ "kit", { "kitname" }, CORE },
	{ "kitcomponent", { "kitcompname" }, CORE },
	{ "kitrepo", { "kitreponame" }, CORE },
	{ "kvm_masterdata", { "name" }, CORE },
	{ "kvm_nodedata", { "node" }, CORE },
	{ "linuximage", { "imagename" }, CORE },
	{ "litefile", { "image", "file" }, CORE },
	{ "litetree", { "priority" }, CORE },
	{ "mac", { "node" }, CORE },
	{ "mic", { "node" }, CORE },
	{ "monitoring", { "name" }, CORE },
	{ "monsetting", { "name", "key" }, CORE },
	{ "mp", { "node" }, CORE },
	{ "mpa", { "mpa", "username" }, CORE },
	{ "networks", { "net", "mask" }, CORE },
	{ "nics", { "node" }, CORE },
	{ "nimimage", { "imagename" }, CORE },
	{ "nodegroup", { "groupname" }, CORE },
	{ "nodehm", { "node" }, CORE },
	{ "nodelist", { "node" }, CORE },
	{ "nodepos", { "node" }, CORE },
	{ "noderes", { "node" }, CORE },
	{ "nodetype", { "node" }, CORE },
	{ "notification", { "filename" }, CORE | VOLATILE },
	{ "openbmc", { "node" }, 0 },
	{ "osdistro", { "osdistroname" }, CORE },
	{ "osdistroupdate", { "osupdatename" }, CORE },
	{ "osimage", { "imagename" }, CORE },
	{ "passwd", { "key", "username" }, CORE },
	{ "pdu", { "node" }, 0 },
	{ "pduoutlet", { "node" }, 0 },
	{ "performance", { "timestamp", "node", "attrname" },
	    CORE | VOLATILE },
	{ "policy", { "priority" }, CORE },
	{ "postscripts", { "node" }, CORE },
	{ "ppc", { "node" }, CORE },
	{ "ppcdirect", { "hcp", "username" }, CORE },
	{ "ppchcp", { "hcp" }, CORE },
	{ "prescripts", { "node" }, CORE },
	{ "prodkey", { "node", "product" }, CORE },
	{ "rack", { "rackname" }, CORE },
	{ "routes", { "routename" }, CORE },
	{ "servicenode", { "node" }, CORE },
	{ "site", { "key" }, CORE },
	{ "statelite", { "node" }, CORE },
	{ "storage", { "node" }, CORE },
	{ "switch", { "node", "switch", "port" }, CORE },
	{ "switches", { "switch" }, CORE },
	{ "taskstate", { "node" }, VOLATILE },
	{ "token", { "tokenid" }, CORE | VOLATILE },
	{ "virtsd", { "node" }, CORE },
	{ "vm", { "node" }, CORE },
	{ "vmmaster", { "name" }, CORE },
	{ "vpd", { "node" }, CORE },
	{ "websrv", { "node" }, CORE },
	{ "winimage", { "imagename" }, CORE },
	{ "zone", { "zonename" }, CORE },
	{ "zvm", { "node" }, CORE },
	{ "zvmivp", { "id" }, 0 },
};
#define NTABLES (sizeof(tables) / sizeof(tables[0]))

struct column {
	const char *table;	/* NULL: the end */
	const char *column;
};

/* NOT NULL, keys apart: those a restore fills in. */
static const struct column required[] = {
	{ "litetree", "directory" }, { "notification", "tables" },
	{ "statelite", "statemnt" }, { NULL, NULL },
};

static const struct column secret[] = {
	{ "auditlog", "args" },		/* chtab passwd.password=... */
	{ "domain", "adminpassword" }, { "ipmi", "password" },
	{ "iscsi", "passwd" }, { "mpa", "password" },
	{ "openbmc", "password" }, { "passwd", "password" },
	{ "pdu", "authkey" }, { "pdu", "community" },
	{ "pdu", "password" }, { "pdu", "privkey" },
	{ "ppcdirect", "password" }, { "ppchcp", "password" },
	{ "prodkey", "key" }, { "switches", "password" },
	{ "switches", "sshpassword" }, { "token", "tokenid" },
	{ "vm", "vidpassword" }, { "websrv", "password" },
	/* libvirt's text, with the password of the console */
	{ "kvm_masterdata", "xml" }, { "kvm_nodedata", "xml" },
	{ NULL, NULL },
};

static const struct column paths[] = {
	{ "kit", "kitdir" }, { "kitrepo", "kitrepodir" },
	{ "linuximage", "driverupdatesrc" }, { "linuximage", "exlist" },
	{ "linuximage", "kerneldir" }, { "linuximage", "otherpkgdir" },
	{ "linuximage", "otherpkglist" }, { "linuximage", "partitionfile" },
	{ "linuximage", "pkgdir" }, { "linuximage", "pkglist" },
	{ "linuximage", "postinstall" }, { "linuximage", "rootimgdir" },
	{ "linuximage", "template" }, { "notification", "filename" },
	{ "osdistro", "dirpaths" }, { "osdistroupdate", "dirpath" },
	{ "osimage", "cfmdir" }, { "osimage", "synclists" },
	{ "winimage", "partitionfile" }, { "winimage", "template" },
	{ "zone", "sshkeydir" }, { NULL, NULL },
};

static const struct table *
find(const char *name)
{
	size_t low = 0, high = NTABLES, mid;
	int c;

	while (low < high) {
		mid = (low + high) / 2;
		c = strcmp(name, tables[mid].name);
		if (c == 0)
			return (&tables[mid]);
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return (NULL);
}

static int
listed(const struct column *list, const char *table, const char *column)
{
	for (; list->table != NULL; list++)
		if (strcmp(list->table, table) == 0 &&
		    strcmp(list->column, column) == 0)
			return (1);
	return (0);
}

int
xcatschema_known(const char *table)
{
	return (find(table) != NULL);
}

void
xcatschema_each_core(void (*fn)(void *arg, const char *table), void *arg)
{
	size_t i;

	for (i = 0; i < NTABLES; i++)
		if (tables[i].flags & CORE)
			fn(arg, tables[i].name);
}

size_t
xcatschema_keys(const char *table, int unique,
    const char *keys[XCATSCHEMA_KEYS_MAX])
{
	const struct table *t = find(table);
	size_t n;

	if (t == NULL || (unique && t->flags & LOG))
		return (0);
	for (n = 0; n < XCATSCHEMA_KEYS_MAX && t->keys[n] != NULL; n++)
		keys[n] = t->keys[n];
	return (n);
}

int
xcatschema_is_required(const char *table, const char *column)
{
	return (listed(required, table, column));
}

/* A name that says it: snmpc, adminpassword, my_secret. */
static int
sounds_secret(const char *name)
{
	static const char *const words[] = { "passw", "secret", "communit",
	    "privkey", "authkey", "apikey", "token", "credential" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(name, words[i]) != NULL)
			return (1);
	return (0);
}

/* Settings of xCAT that sound secret and are switches. */
static int
is_secret_setting(const char *key, size_t len)
{
	static const char *const plain[] = { "genpasswords",
	    "tokenexpiredays" };
	char name[128];
	size_t i;

	if (len >= sizeof(name))
		return (1);
	memcpy(name, key, len);
	name[len] = '\0';
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(name, plain[i]) == 0)
			return (0);
	return (strcmp(name, "snmpc") == 0 || sounds_secret(name));
}

int
xcatschema_is_secret(const char *table, const char *column, const char *key,
    size_t key_len)
{
	if (strcmp(column, "value") == 0 && key != NULL &&
	    (strcmp(table, "site") == 0 || strcmp(table, "monsetting") == 0))
		return (is_secret_setting(key, key_len));
	if (listed(secret, table, column))
		return (1);
	return (find(table) == NULL && sounds_secret(column));
}

int
xcatschema_is_volatile(const char *table)
{
	const struct table *t = find(table);

	return (t != NULL && t->flags & VOLATILE);
}

int
xcatschema_is_skipped(const char *name)
{
	static const char *const begins[] = { "auditlog", "eventlog",
	    "x_teal", "isnm_perf" };
	size_t i;

	for (i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (strncmp(name, begins[i], strlen(begins[i])) == 0)
			return (1);
	return (0);
}

int
xcatschema_has_paths(const char *table, const char *column)
{
	return (listed(paths, table, column));
}

int
xcatschema_valid_table(const char *name, size_t len)
{
	size_t i;

	if (len == 0 || len > XCATSCHEMA_TABLE_MAX ||
	    (name[0] >= '0' && name[0] <= '9'))
		return (0);
	for (i = 0; i < len; i++)
		if (!isascii((unsigned char)name[i]) ||
		    (!isalnum((unsigned char)name[i]) && name[i] != '_'))
			return (0);
	return (1);
}
