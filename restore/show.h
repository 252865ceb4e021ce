#ifndef RESTORE_SHOW_H_
#define RESTORE_SHOW_H_

#include <jansson.h>

#include "base/buf.h"
#include "base/cli.h"
#include "base/err.h"
#include "formats/mtree.h"
#include "formats/snapshot.h"

/*
 * What the reading commands print on standard output, as it comes: lines,
 * or the elements of one JSON array.  Names are catalog text in both.
 */
struct show {
	int json;
	int long_form;		/* lines with mode, owner, size and time */
	int begun;		/* something was printed */
	struct buf line;
};

void show_init(struct show *s, const struct cli *cli, int long_form);
void show_fini(struct show *s);

/* One entry of a volume, by its whole path. */
int show_entry(struct show *s, const struct snapshot_volume *vol,
    const struct entry *ent, struct err *e);

/* A volume: its path, and what it holds in all. */
int show_volume(struct show *s, const struct snapshot_volume *vol,
    struct err *e);

/* An element of the array; the reference is taken over, NULL: no memory. */
int show_json(struct show *s, json_t *j, struct err *e);

/* A line; its newline is added. */
int show_line(struct show *s, const void *p, size_t len, struct err *e);

/* As JSON; NULL when memory runs out. */
json_t *show_volume_json(const struct snapshot_volume *vol);
json_t *show_entry_json(const struct snapshot_volume *vol,
    const struct entry *ent);

/* Catalog text; as above. */
json_t *show_text_json(const struct span *text);

/* Finish the array and see that all was written. */
int show_end(struct show *s, struct err *e);

#endif
