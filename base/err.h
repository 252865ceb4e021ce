#ifndef BASE_ERR_H_
#define BASE_ERR_H_

#include <stdarg.h>

/*
 * One error, set where it is detected, prefixed on the way up and printed
 * once, by the command layer.  Functions that can fail take a struct err
 * as their last argument and return -1 or NULL after filling it in.
 */
enum err_kind {
	ERR_NONE = 0,
	ERR_FAILED,	/* system call or library failed: status 2 */
	ERR_USAGE,	/* command line or configuration: status 3 */
	ERR_BUSY,	/* locked by a live process: status 4 */
	ERR_DAMAGED,	/* stored bytes are not what they should be: status 5 */
};

/* Exit statuses of the program; also the numbers err_status() returns. */
enum {
	STATUS_DONE = 0,
	STATUS_REPORTED = 1,
	STATUS_FAILED = 2,
	STATUS_USAGE = 3,
	STATUS_BUSY = 4,
	STATUS_DAMAGED = 5,
};

struct err {
	enum err_kind kind;
	int errnum;		/* errno, or 0 */
	char msg[1024];		/* one line, no trailing newline */
};

/* Set the error; a formatted message.  Always returns -1. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Like err_set(ERR_FAILED), appending ": " and the text of errno. */
int err_sys(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Out of memory.  Always returns -1. */
int err_nomem(struct err *e);

/* Put "text: " before the message already there.  Always returns -1. */
int err_wrap(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The exit status that belongs to the error's kind. */
int err_status(const struct err *e);

#endif
