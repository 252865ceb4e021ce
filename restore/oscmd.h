#ifndef RESTORE_OSCMD_H_
#define RESTORE_OSCMD_H_

#include "base/cli.h"

/* verify --osimages SNAP; returns the exit status. */
int oscmd_verify(const struct cli *cli, const char *snap);

#endif
