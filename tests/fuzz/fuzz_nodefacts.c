#include "formats/nodefacts.h"
#include "tests/fuzz/fuzz.h"

struct state {
	int within;
	size_t bytes, files;
};

static int
begin(void *arg, const char *name, struct err *e)
{
	struct state *s = arg;

	(void)e;
	MUST(!s->within && ++s->files <= NODEFACTS_FILES_MAX);
	MUST(name[0] != '\0' && name[0] != '.');
	MUST(strlen(name) < NODEFACTS_NAME_MAX && strchr(name, '/') == NULL);
	s->within = 1;
	s->bytes = 0;
	return (0);
}

static int
line(void *arg, const char *p, size_t len, struct err *e)
{
	struct state *s = arg;
	const char *path;
	int config;

	(void)e;
	s->bytes += len + 1;
	MUST(s->within && s->bytes <= NODEFACTS_FILE_MAX);
	MUST(len == 0 || memchr(p, '\n', len) == NULL);
	if ((path = nodefacts_changed(p, len, &config)) != NULL)
		MUST(path > p && path < p + len && *path == '/');
	return (0);
}

static int
end(void *arg, unsigned status, int cut, struct err *e)
{
	struct state *s = arg;

	(void)e;
	MUST(s->within && status <= 999 && (cut == 0 || cut == 1));
	s->within = 0;
	return (0);
}

/* In two pieces it says what it says in one. */
static int
feed(const uint8_t *data, size_t size, size_t first, struct state *s)
{
	const struct nodefacts_sink sink = { s, begin, line, end };
	struct nodefacts f;
	struct err e = { 0 };
	int rc;

	memset(s, 0, sizeof(*s));
	nodefacts_init(&f, &sink);
	rc = nodefacts_feed(&f, data, first, &e);
	if (rc == 0)
		rc = nodefacts_feed(&f, data + first, size - first, &e);
	if (rc == -1)
		must_explain(&e, ERR_FAILED);
	nodefacts_fini(&f);
	return (rc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state a, b;

	if (size == 0)
		return (0);
	MUST(feed(data, size, size, &a) ==
	    feed(data, size, data[0] % size, &b));
	MUST(a.files == b.files && a.bytes == b.bytes);
	return (0);
}
