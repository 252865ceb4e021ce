#ifndef RESTORE_ONTOPLAN_H_
#define RESTORE_ONTOPLAN_H_

#include <stdio.h>

#include <jansson.h>

#include "remote/node/probe.h"
#include "remote/node/reach.h"
#include "restore/onto.h"
#include "restore/ontodb.h"
#include "restore/ontofacts.h"
#include "restore/ontoimage.h"
#include "restore/send.h"

/* For onto.c: all that is known before anything is changed, and told. */
struct onto_volume {
	const struct snapshot_volume *vol;
	const char *local;	/* directory of this host, or NULL: by ssh */
	struct survey survey;	/* by ssh */
	struct survey_totals totals;	/* either way */
	struct send_totals sent;
	int done;
	uint64_t room, inodes;	/* free where it goes */
};

struct onto {
	const struct onto_arguments *args;
	struct view view;
	struct reach reach;
	struct node node;
	struct probe probe;
	struct ontofacts facts;
	struct selection sel;
	struct onto_volume *volumes;
	size_t nvolumes;
	struct survey_options survey;
	struct report *report;
	char old_name[64];	/* --keep-old */
	int whole;		/* no paths were named */
	int new_key;		/* the host's key may be another now */
	struct ontodb db;
	struct ontoimage image;
};

/*
 * Why it is not done: replaces out with one line, empty when it may be done.
 * forced: what --force does not get over.
 */
void ontoplan_refusal(const struct onto *o, struct buf *out, int forced);

/* On f for people; for programs a new object, or NULL. */
void ontoplan_print(const struct onto *o, FILE *f);
json_t *ontoplan_json(const struct onto *o);

/* What has been done. */
void ontoplan_print_result(const struct onto *o, FILE *f);
json_t *ontoplan_result_json(const struct onto *o);

#endif
