#ifndef FORMATS_XCATLOSS_H_
#define FORMATS_XCATLOSS_H_

#include "base/buf.h"
#include "formats/scan.h"

/*
 * What a value of xCAT's database becomes on its way through a dump and
 * restorexCATdb: the changes that are known and cannot be helped.  ('' turns
 * into NULL besides, which no dump shows.)
 */
enum xcatloss {
	XCATLOSS_CR = 1,	/* CR LF, or CR alone, becomes a newline:
				   so does any reader of XML 1.0 (2.11) */
	XCATLOSS_BLANKS = 2,	/* blanks before a newline go */
	XCATLOSS_LINES = 4,	/* blank lines go */
};

/*
 * Append what becomes of the value; returns which losses it met, or'ed, 0
 * when it stays as it is.
 */
unsigned xcatloss_apply(struct buf *out, const struct span *value);

/*
 * The same, over and over until nothing changes any more: a blank before a CR
 * is at the end of a line from the second trip on.  Of a value that has been
 * through a restore, with xcatd running or not (which leaves CR within lines
 * as it is), and of the one that went in, this makes the same.
 */
unsigned xcatloss_settle(struct buf *out, const struct span *value);

/*
 * Whether "now" is what a restore makes of "was": 1, and the losses met in
 * *loss.  0 also when memory runs out.
 */
int xcatloss_explains(const struct span *was, const struct span *now,
    unsigned *loss);

/* "carriage returns", "blanks at line ends", "blank lines". */
const char *xcatloss_name(enum xcatloss loss);

#endif
