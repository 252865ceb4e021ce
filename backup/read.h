#ifndef BACKUP_READ_H_
#define BACKUP_READ_H_

#include "backup/pool.h"

#define READ_HOLES_MAX 65536	/* kept in one entry; later ones are filled */
#define READ_XATTRS_MAX (BLOB_MAX / 2)	/* text of one entry's attributes */

/*
 * Read what an entry is made of: contents, holes, link target, extended
 * attributes.  Fills in it->ent (spans in the batch's arena).  Trouble with
 * the file is reported and sets it->failed, or leaves an entry that the
 * next backup reads again; -1 is trouble with the vault or memory.
 */
int read_item(struct worker *w, struct batch *b, struct item *it,
    struct err *e);

/* Fill in the entry's fields that stat gives. */
void read_set_stat(struct entry *ent, const struct walk_stat *st);

/* Have the next backup read the file again whatever its times say. */
void read_distrust(struct entry *ent);

#endif
