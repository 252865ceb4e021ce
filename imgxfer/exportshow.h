#ifndef IMGXFER_EXPORTSHOW_H_
#define IMGXFER_EXPORTSHOW_H_

#include <stdio.h>

#include "base/cli.h"
#include "imgxfer/exportrun.h"
#include "imgxfer/sidecar.h"

/* What an export says, to people and to programs. */

/* A dry run's plan; returns the exit status, or -1. */
int exportshow_plan(const struct exportrun *run, const struct cli *cli,
    struct err *e);

/* What is in the plan, as an object; NULL when memory runs out. */
json_t *exportshow_plan_json(const struct exportrun *run);

/* Warnings, on standard error. */
void exportshow_warnings(const struct exportrun *run, const struct cli *cli);

/* What has been made. */
void exportshow_done(const struct exportrun *run, const struct sidecar *s,
    const char *file, FILE *f);
int exportshow_json(const struct exportrun *run, const struct sidecar *s,
    const char *file, int status, FILE *f, struct err *e);

#endif
