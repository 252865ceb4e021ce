#ifndef BASE_NAMETAB_H_
#define BASE_NAMETAB_H_

#include <stddef.h>

/*
 * What is known of single names, which may be any bytes.  Looking one up
 * takes the same time however many there are.  All zero is a valid empty
 * table.
 */
struct nametab {
	struct nametab_item *items;
	size_t n;
};

/* What nametab_add() gave for the name, or NULL. */
void *nametab_find(const struct nametab *t, const void *name, size_t len);

/*
 * Take in a name that is not there yet.  Returns size bytes for what is known
 * of it (size may be 0, for a mere set of names), all zero, fit for any type;
 * they are the table's until nametab_fini().  NULL: out of memory, and the
 * table is as it was.
 */
void *nametab_add(struct nametab *t, const void *name, size_t len, size_t size);

/* Empty it. */
void nametab_fini(struct nametab *t);

#endif
