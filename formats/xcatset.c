#include <string.h>

#include "base/buf.h"
#include "formats/xcatschema.h"
#include "formats/xcatset.h"

#define SMALL 10		/* rows of tables that may well go */

static int
in_list(const char *const *list, size_t n, const char *name)
{
	size_t i;

	for (i = 0; list != NULL && i < n; i++)
		if (strcmp(list[i], name) == 0)
			return (1);
	return (0);
}

/* Whether site.skiptables names a table. */
static int
site_skips(const struct xcatdump *d, const char *name)
{
	const char *p = xcatdump_fact(d, XCATDUMP_SKIPTABLES);
	size_t len = strlen(name), n;

	for (; p != NULL && *p != '\0'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (n == len && memcmp(p, name, n) == 0)
			return (1);
	}
	return (0);
}

static void
check_listed(struct xcatdump *d, const struct xcatdump_expect *x)
{
	const char *name;
	size_t i;

	for (i = 0; i < x->ntables; i++) {
		name = x->tables[i];
		if (xcatdump_table_named(d, name) != NULL ||
		    in_list(x->skips, x->nskips, name) ||
		    site_skips(d, name))
			continue;
		if (xcatschema_is_skipped(name) && !(x->all &&
		    (strncmp(name, "auditlog", 8) == 0 ||
		    strncmp(name, "eventlog", 8) == 0)))
			continue;
		xcatdump_add(d, XCATCSV_BROKEN, name,
		    "xCAT has this table, the dump has not");
	}
	for (i = 0; i < xcatdump_tables(d); i++) {
		name = xcatdump_table(d, i)->name;
		if (!in_list(x->tables, x->ntables, name))
			xcatdump_add(d, XCATCSV_BROKEN, name,
			    "the dump has this table, xCAT has not");
	}
}

struct missing {
	struct xcatdump *d;
	struct buf names;
	size_t n;
};

static void
miss_core(void *arg, const char *table)
{
	struct missing *m = arg;

	if (xcatdump_table_named(m->d, table) != NULL ||
	    site_skips(m->d, table))
		return;
	if (m->n++ > 0)
		buf_puts(&m->names, ", ");
	buf_puts(&m->names, table);
}

/* Without xCAT's own list: a dump that ended early lacks old tables. */
static int
check_core(struct xcatdump *d, struct err *e)
{
	struct missing m = { d, BUF_INIT, 0 };
	const char *name;
	size_t i;
	int rc;

	xcatschema_each_core(miss_core, &m);
	if ((rc = buf_ok(&m.names, e)) == 0 && m.n > 0)
		xcatdump_add(d, XCATCSV_BROKEN, "", "%zu of the tables that "
		    "every xCAT has are missing: %s", m.n,
		    buf_cstr(&m.names));
	buf_fini(&m.names);
	for (i = 0; i < xcatdump_tables(d); i++) {
		name = xcatdump_table(d, i)->name;
		if (!xcatschema_known(name))
			xcatdump_add(d, XCATCSV_NOTE, name,
			    "not a table of xCAT itself");
	}
	return (rc);
}

/*
 * tabrestore takes a file's name up to its first dot for the table, and
 * restorexCATdb gives it all there is.
 */
static void
check_strays(struct xcatdump *d, const struct xcatdump_expect *x)
{
	char stem[XCATSCHEMA_TABLE_MAX + 1];
	const char *name;
	size_t i, len;

	for (i = 0; i < xcatdump_strays(d); i++) {
		name = xcatdump_stray(d, i);
		len = strcspn(name, ".");
		if (!xcatschema_valid_table(name, len))
			len = 0;
		memcpy(stem, name, len);
		stem[len] = '\0';
		if (!xcatschema_is_skipped(stem) &&
		    (xcatschema_known(stem) ||
		    xcatdump_table_named(d, stem) != NULL ||
		    in_list(x->tables, x->ntables, stem)))
			xcatdump_add(d, XCATCSV_BROKEN, name, "stray: "
			    "restorexCATdb would load it into table %s", stem);
		else
			xcatdump_add(d, XCATCSV_WARNING, name, "stray: not "
			    "TABLE.csv, restorexCATdb would try to load it");
	}
}

/* Whether more than the share of the earlier rows is gone. */
static int
collapsed(uint64_t before, uint64_t now, unsigned max_loss)
{
	if (now >= before)
		return (0);
	return ((double)(before - now) * 100 > (double)before * max_loss);
}

static void
check_earlier(struct xcatdump *d, const struct xcatdump_expect *x)
{
	const struct xcatdump_table *t;
	uint64_t rows;
	size_t i;

	for (i = 0; i < x->nearlier; i++) {
		rows = x->earlier[i].rows;
		t = xcatdump_table_named(d, x->earlier[i].name);
		if (t == NULL) {
			if (rows > 0 && !site_skips(d, x->earlier[i].name) &&
			    !xcatschema_is_skipped(x->earlier[i].name))
				xcatdump_add(d, XCATCSV_WARNING,
				    x->earlier[i].name, "had %llu rows in the "
				    "earlier dump, is not in this one",
				    (unsigned long long)rows);
			continue;
		}
		if (!collapsed(rows, t->rows, x->max_loss))
			continue;
		if (strcmp(t->name, "nodelist") == 0)
			xcatdump_add(d, XCATCSV_BROKEN, t->name, "collapsed "
			    "from %llu rows to %llu: more than %u percent "
			    "are gone",
			    (unsigned long long)rows,
			    (unsigned long long)t->rows, x->max_loss);
		else if (rows >= SMALL && !xcatschema_is_volatile(t->name))
			xcatdump_add(d, XCATCSV_WARNING, t->name, "shrank from "
			    "%llu rows to %llu", (unsigned long long)rows,
			    (unsigned long long)t->rows);
	}
}

int
xcatset_judge(struct xcatdump *d, const struct xcatdump_expect *x,
    struct err *e)
{
	const char *skips = xcatdump_fact(d, XCATDUMP_SKIPTABLES);
	int rc = 0;

	if (x->tables != NULL)
		check_listed(d, x);
	else
		rc = check_core(d, e);
	check_strays(d, x);
	if (skips != NULL)
		xcatdump_add(d, XCATCSV_WARNING, "site", "skiptables = %s: "
		    "xCAT neither dumps nor restores these tables", skips);
	check_earlier(d, x);
	return (rc);
}
