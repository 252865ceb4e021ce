#include <string.h>

#include "base/cancel.h"
#include "restore/send.h"
#include "restore/sendpass.h"

#define TRIES 6			/* in a row without anything sent */

static int
carry_out(struct sendpass *p, struct err *e)
{
	struct survey *s = p->survey;

	if (s->work == 0)
		return (0);
	if (sendpass_prepare(p, e) == -1 ||
	    sendpass_dirs(p, 0, e) == -1 ||
	    sendpass_files(p, e) == -1 ||
	    sendpass_clean(p, e) == -1 ||
	    sendpass_links(p, e) == -1 ||
	    sendpass_adjust(p, e) == -1)
		return (-1);
	if (sendpass_dirs(p, 1, e) == -1)
		return (-1);
	return (sendpass_attrs(p, e));
}

/*
 * Digests first: a file whose contents are wrong is told once, and not of its
 * time as well.
 */
static int
prove(struct sendpass *p, int worked, struct err *e)
{
	if (!worked)
		return (0);
	p->survey->said = &p->said;
	if (sendpass_prove(p, e) == -1)
		return (-1);
	if (survey_run(p->survey, SURVEY_PROOF, e) == -1) {
		if (remote_lost(p->survey->opt->node->control))
			p->lost = 1;
		return (-1);
	}
	return (0);
}

/* What is there by now is looked at, and what is missing sent. */
static int
again(struct sendpass *p, struct err *e)
{
	int rc;

	rc = node_wake(p->survey->opt->node, e);
	if (rc == 0)
		rc = survey_run(p->survey, SURVEY_AGAIN, e);
	if (rc == 0)
		return (carry_out(p, e));
	/* It was there before, so that it may come back. */
	p->lost = 1;
	return (-1);
}

int
send_volume(const struct send_options *opt, struct survey *s,
    struct send_totals *t, struct err *e)
{
	struct sendpass p = { .opt = opt, .survey = s, .totals = t };
	unsigned tries = 0;
	int rc, worked = s->work > 0;
	uint64_t left = UINT64_MAX;

	memset(t, 0, sizeof(*t));
	rc = carry_out(&p, e);
	if (rc == 0)
		rc = prove(&p, worked, e);
	while (rc == -1 && p.lost && cancel_check(e) == 0) {
		/* Less to do than the last time: that is progress. */
		if (s->work < left)
			tries = 0;
		left = s->work;
		if (tries++ == TRIES)
			break;
		if (cancel_pause(tries > 1 ? 1u << (tries - 2) : 0,
		    e) == -1)
			break;
		p.lost = 0;
		t->again++;
		rc = again(&p, e);
		if (rc == 0)
			rc = prove(&p, worked, e);
	}
	s->said = NULL;
	reasons_fini(&p.said);
	return (rc);
}
