#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* A message is one line: control bytes of a hostile name must not forge two. */
static void
one_line(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

static void
__attribute__((format(printf, 2, 0)))
format(struct err *e, const char *fmt, va_list ap)
{
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	one_line(e->msg);
}

int
err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	e->kind = kind;
	e->errnum = 0;
	va_start(ap, fmt);
	format(e, fmt, ap);
	va_end(ap);
	return (-1);
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	e->kind = ERR_FAILED;
	e->errnum = errno;
	va_start(ap, fmt);
	format(e, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", strerror(e->errnum));
	return (-1);
}

int
err_nomem(struct err *e)
{
	return (err_set(e, ERR_FAILED, "out of memory"));
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->msg)];
	va_list ap;
	size_t n;

	memcpy(old, e->msg, sizeof(old));
	va_start(ap, fmt);
	format(e, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", old);
	if (e->kind == ERR_NONE)
		e->kind = ERR_FAILED;
	return (-1);
}

int
err_status(const struct err *e)
{
	switch (e->kind) {
	case ERR_NONE:
		return (STATUS_DONE);
	case ERR_USAGE:
		return (STATUS_USAGE);
	case ERR_BUSY:
		return (STATUS_BUSY);
	case ERR_DAMAGED:
		return (STATUS_DAMAGED);
	case ERR_FAILED:
		break;
	}
	return (STATUS_FAILED);
}
