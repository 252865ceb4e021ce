#ifndef RESTORE_WINDOW_H_
#define RESTORE_WINDOW_H_

#include "restore/plan.h"

/* The tables of a plan: directories for good, files of one window. */
int window_init(struct plan *p, struct err *e);
void window_fini(struct plan *p);

/* A new directory record; its position, or UINT32_MAX. */
uint32_t window_add_dir(struct plan *p, uint32_t parent, const char *name,
    struct err *e);

/* Take metadata over from an entry; attributes' text goes to the arena. */
int window_attributes(struct arena *a, struct attributes *at,
    const struct entry *ent, struct err *e);

/*
 * Add a file whose contents are to be written, and its blobs; flushes the
 * plan when the window is full.
 */
int window_add_file(struct plan *p, uint32_t dir, const char *name,
    const struct entry *ent, int exists, struct err *e);

/* Remember a hard link to be made when the window's files are there. */
int window_add_link(struct plan *p, uint32_t dir, const char *name,
    const char *target, int exists, struct err *e);

#endif
