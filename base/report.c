#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/report.h"

#define PRINT_MAX 100
#define KEEP_MAX 1000

struct report {
	pthread_mutex_t lock;
	struct report_item *items;
	size_t kept;
	size_t seen;		/* all, notes included */
	size_t trouble;
	enum report_mode mode;
};

struct report *
report_new(enum report_mode mode)
{
	struct report *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	if ((r->items = calloc(KEEP_MAX, sizeof(*r->items))) == NULL) {
		free(r);
		return (NULL);
	}
	pthread_mutex_init(&r->lock, NULL);
	r->mode = mode;
	return (r);
}

void
report_free(struct report *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->kept; i++) {
		free(r->items[i].path);
		free(r->items[i].message);
	}
	pthread_mutex_destroy(&r->lock);
	free(r->items);
	free(r);
}

static void
keep(struct report *r, const char *kind, const char *path,
    const char *message)
{
	struct report_item *item = &r->items[r->kept];

	if (r->kept == KEEP_MAX)
		return;
	item->kind = kind;
	item->path = strdup(path);
	item->message = strdup(message);
	if (item->path != NULL && item->message != NULL)
		r->kept++;
	else {
		free(item->path);
		free(item->message);
	}
}

static void
__attribute__((format(printf, 5, 0)))
add(struct report *r, int trouble, const char *kind, const char *path,
    const char *fmt, va_list ap)
{
	char message[512];

	vsnprintf(message, sizeof(message), fmt, ap);
	pthread_mutex_lock(&r->lock);
	if (r->mode == REPORT_SILENT ||
	    (r->mode == REPORT_TROUBLE && !trouble))
		;
	else if (r->seen < PRINT_MAX)
		cli_warn("%s: %s%s%s", path, kind,
		    message[0] != '\0' ? ": " : "", message);
	else if (r->seen == PRINT_MAX)
		cli_warn("more like these are not printed");
	r->seen++;
	r->trouble += trouble != 0;
	keep(r, kind, path, message);
	pthread_mutex_unlock(&r->lock);
}

void
report_add(struct report *r, const char *kind, const char *path,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(r, 1, kind, path, fmt, ap);
	va_end(ap);
}

void
report_note(struct report *r, const char *kind, const char *path,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(r, 0, kind, path, fmt, ap);
	va_end(ap);
}

size_t
report_count(struct report *r)
{
	size_t n;

	pthread_mutex_lock(&r->lock);
	n = r->trouble;
	pthread_mutex_unlock(&r->lock);
	return (n);
}

size_t
report_kept(const struct report *r)
{
	return (r->kept);
}

const struct report_item *
report_get(const struct report *r, size_t i)
{
	return (&r->items[i]);
}

int
report_has(struct report *r, const char *kind, const char *path)
{
	size_t i;
	int has = 0;

	pthread_mutex_lock(&r->lock);
	for (i = 0; i < r->kept && !has; i++)
		has = strcmp(r->items[i].kind, kind) == 0 &&
		    strcmp(r->items[i].path, path) == 0;
	pthread_mutex_unlock(&r->lock);
	return (has);
}
