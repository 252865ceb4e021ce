#ifndef IMGXFER_NODERANGE_H_
#define IMGXFER_NODERANGE_H_

#include <stddef.h>

#include "base/buf.h"

/*
 * Append names of nodes as a noderange of xCAT (noderange(3)), sorted, three
 * and more in a row as "cn001-cn160".  The names are put into order.
 */
void noderange_put(struct buf *out, const char **names, size_t n);

#endif
