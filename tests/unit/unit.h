#ifndef TESTS_UNIT_UNIT_H_
#define TESTS_UNIT_UNIT_H_

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/err.h"

/* What the unit tests share.  Each test is one program, so all is static. */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Pseudo-random numbers, the same in every run. */
struct rng {
	uint64_t state;
};

static inline uint64_t
rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31);
}

/* A number below n. */
static inline size_t
rng_below(struct rng *r, size_t n)
{
	return ((size_t)(rng_next(r) % n));
}

static inline void
rng_fill(struct rng *r, void *p, size_t len)
{
	uint8_t *b = p;
	size_t i;

	for (i = 0; i < len; i++)
		b[i] = (uint8_t)(rng_next(r) >> 56);
}

/* The call failed with this kind, and said why. */
static inline void
check_failed(int rc, struct err *e, enum err_kind kind)
{
	assert_int_equal(rc, -1);
	assert_int_equal(e->kind, kind);
	assert_true(e->msg[0] != '\0');
	memset(e, 0, sizeof(*e));
}

/* The exit status of a shell command, or -1. */
static inline int
shell(const char *command)
{
	int rc = system(command);

	return (rc != -1 && WIFEXITED(rc) ? WEXITSTATUS(rc) : -1);
}

/* Skip the test when a program is not installed. */
static inline void
need(const char *program)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "command -v %s >/dev/null", program);
	if (shell(cmd) != 0)
		skip();
}

/* A new folder for one test, in a static buffer; removed by scratch_end(). */
static inline const char *
scratch_begin(void)
{
	static char dir[256];
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/xcatvault-unit.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	return (dir);
}

static inline void
scratch_end(const char *dir)
{
	char cmd[300];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	assert_int_equal(shell(cmd), 0);
}

#endif
