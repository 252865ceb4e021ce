#ifndef IMGXFER_IMPORTSEND_H_
#define IMGXFER_IMPORTSEND_H_

#include "base/err.h"
#include "imgxfer/held.h"
#include "imgxfer/importrun.h"

/*
 * Lay the bundle of an import into a held directory in r->work, where it
 * outlives a lost connection; it is proved by its digest.  NULL and
 * ERR_FAILED, also when it is not what was inspected.
 */
struct held *importsend_lay(const struct importrun *r, struct err *e);

#endif
