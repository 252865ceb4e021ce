#ifndef IMGXFER_HELDSAID_H_
#define IMGXFER_HELDSAID_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "imgxfer/held.h"

/*
 * What held.pl prints on the node, line by line; from the beginning in each
 * connection.
 */
struct heldsaid {
	char *dir;		/* stays when the rest is forgotten */
	int greeted;		/* "dir" has been said */
	int exported, has_digest, no_digest, summed, gone;
	struct held_export export;
	uint8_t digest[DIGEST_LEN];
	struct held_sum *sums;	/* as many as were asked for */
	size_t nsums;
	struct buf left;	/* printable */
};

/* For so many files; all zero before. */
int heldsaid_init(struct heldsaid *h, size_t nsums, struct err *e);
void heldsaid_fini(struct heldsaid *h);

/* A new connection: it is said again. */
void heldsaid_forget(struct heldsaid *h);

/* A line without its newline; ERR_FAILED when it is none of them. */
int heldsaid_line(struct heldsaid *h, const char *p, size_t len,
    struct err *e);

/* A printable copy, to free; NULL when memory runs out. */
char *heldsaid_printable(const char *p, size_t len);

#endif
