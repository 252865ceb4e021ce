#ifndef FORMATS_XCATSET_H_
#define FORMATS_XCATSET_H_

#include "base/err.h"
#include "formats/xcatdump.h"

/*
 * The part of xcatdump_finish() that judges the tables of a dump as a set:
 * against what xCAT has, what an earlier dump had, and what restorexCATdb
 * would make of other entries of the directory.  What is wrong is added to
 * the dump's findings; -1 when memory runs out.
 */
int xcatset_judge(struct xcatdump *d, const struct xcatdump_expect *x,
    struct err *e);

#endif
