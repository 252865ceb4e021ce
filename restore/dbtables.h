#ifndef RESTORE_DBTABLES_H_
#define RESTORE_DBTABLES_H_

#include "base/arena.h"
#include "formats/mtree.h"
#include "formats/xcatschema.h"
#include "restore/view.h"
#include "vault/content.h"

#define DBTABLES_DIR "/.dbbackup"

/* The tables of the dump of xCAT's database in a snapshot. */
struct dbtable {
	char name[XCATSCHEMA_TABLE_MAX + 1];
	struct entry ent;	/* TABLE.csv; spans are the list's */
};

struct dbtables {
	struct dbtable *at;	/* sorted by name */
	size_t n, cap;
	int gap;		/* what is not there may be lost */
	struct arena arena;
};

/*
 * List them.  The view's vault has the snapshot, which need not be the
 * view's own; what cannot be read of the catalog is the view's trouble.
 * ERR_USAGE when there is no dump.  The list is to be finished also on -1.
 */
int dbtables_list(struct dbtables *t, struct view *v,
    const struct snapshot *snap, struct err *e);
void dbtables_fini(struct dbtables *t);

/* By name; NULL when there is none. */
const struct dbtable *dbtables_find(const struct dbtables *t,
    const char *name);

#endif
