#ifndef FORMATS_OSSHOW_H_
#define FORMATS_OSSHOW_H_

#include <jansson.h>

#include "base/buf.h"
#include "formats/osimages.h"

/* What osimages_check() found, for people and for machines. */

/* Append a line without newline: an osimage; one of its findings. */
void osshow_line(struct buf *out, const struct osimage *img);
void osshow_finding(struct buf *out, const struct osimages_finding *f);

/* "3 osimages: 2 complete, 1 incomplete, 0 not checked". */
void osshow_summary(struct buf *out, const struct osimages *o);

/* An array; NULL when memory runs out. */
json_t *osshow_json(const struct osimages *o);

#endif
