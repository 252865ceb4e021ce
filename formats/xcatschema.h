#ifndef FORMATS_XCATSCHEMA_H_
#define FORMATS_XCATSCHEMA_H_

#include <stddef.h>

/*
 * What xCAT's schema says of its tables, for those of 2.19 (perl-xCAT,
 * xCAT/Schema.pm).  Tables and columns that are not known, from newer ones
 * or a site's own, get the defaults named below.
 */
#define XCATSCHEMA_KEYS_MAX 3
#define XCATSCHEMA_TABLE_MAX 64	/* bytes of a table's name */

/* Whether it is a table of xCAT 2.19. */
int xcatschema_known(const char *table);

/*
 * Calls fn for each table that every xCAT from 2.9 to 2.19 has and dumps:
 * they are missed when nothing better than this list is known.
 */
void xcatschema_each_core(void (*fn)(void *arg, const char *table),
    void *arg);

/*
 * Names of the key columns; returns how many.  0: unknown table, whose first
 * column is to be taken, or one whose key xCAT makes anew (auditlog,
 * eventlog) when unique is asked for.
 */
size_t xcatschema_keys(const char *table, int unique,
    const char *keys[XCATSCHEMA_KEYS_MAX]);

/* Whether the database refuses a row with nothing in that column. */
int xcatschema_is_required(const char *table, const char *column);

/*
 * Whether a value is a password, community string, token or such.  key: the
 * row's value in the table's column "key", of key_len bytes, or NULL; of
 * site and monsetting it decides.  Of unknown tables those columns are
 * secret whose names say so.
 */
int xcatschema_is_secret(const char *table, const char *column,
    const char *key, size_t key_len);

/* Whether rows come and go by themselves: no alarm when they are fewer. */
int xcatschema_is_volatile(const char *table);

/*
 * Whether dumpxCATdb and restorexCATdb, without -a, pass over a table or a
 * file whose name begins so: auditlog, eventlog, x_teal, isnm_perf.
 */
int xcatschema_is_skipped(const char *name);

/*
 * Whether a column names files or directories of the management node, one
 * or several separated by commas.
 */
int xcatschema_has_paths(const char *table, const char *column);

/*
 * The name of a table: a letter or "_", then letters, digits, "_"; not longer
 * than XCATSCHEMA_TABLE_MAX.
 */
int xcatschema_valid_table(const char *name, size_t len);

#endif
