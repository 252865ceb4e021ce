#include "formats/pathtext.h"
#include "tests/fuzz/fuzz.h"

/*
 * Two names, parted by the first newline: as texts to decode, and as raw
 * names whose order must be that of their texts.
 */
static void
check_text(const char *text, size_t len)
{
	struct buf raw = BUF_INIT, again = BUF_INIT;

	if (pathtext_decode(&raw, text, len) == 0) {
		MUST(pathtext_valid(text, len) && raw.len <= len);
		MUST(raw.len == 0 || memchr(raw.data, 0, raw.len) == NULL);
		pathtext_encode(&again, raw.data, raw.len);
		must_equal(&again, text, len);
	} else {
		MUST(!pathtext_valid(text, len));
		MUST(!pathtext_is_path(text, len));
	}
	buf_fini(&raw);
	buf_fini(&again);
}

/* A path has no component that leads out of its folder. */
static void
check_path(const char *text, size_t len)
{
	struct buf b = BUF_INIT;
	const char *s;

	if (!pathtext_is_path(text, len))
		return;
	buf_append(&b, text, len);
	buf_putc(&b, '/');
	s = buf_cstr(&b);
	MUST(s[0] == '.' && s[1] == '/');
	MUST(strstr(s, "/../") == NULL && strstr(s, "//") == NULL);
	MUST(strstr(s + 1, "/./") == NULL);
	buf_fini(&b);
}

static int
sign(int v)
{
	return ((v > 0) - (v < 0));
}

static void
check_order(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	int c;

	/* Names have no NUL. */
	if (alen == 0 || blen == 0 || memchr(a, 0, alen) != NULL ||
	    memchr(b, 0, blen) != NULL)
		return;
	pathtext_encode(&x, a, alen);
	pathtext_encode(&y, b, blen);
	c = sign(pathtext_compare_raw(a, alen, b, blen));
	MUST(c == sign(pathtext_compare((char *)x.data, x.len,
	    (char *)y.data, y.len)));
	MUST(-c == sign(pathtext_compare((char *)y.data, y.len,
	    (char *)x.data, x.len)));
	MUST((c == 0) == (alen == blen && memcmp(a, b, alen) == 0));
	check_text((char *)x.data, x.len);
	buf_fini(&x);
	buf_fini(&y);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nl = size > 0 ? memchr(data, '\n', size) : NULL;
	const uint8_t *b = nl != NULL ? nl + 1 : data + size;
	size_t alen = nl != NULL ? (size_t)(nl - data) : size;
	size_t blen = (size_t)(data + size - b);

	check_text((const char *)data, alen);
	check_text((const char *)b, blen);
	check_path((const char *)data, alen);
	check_path((const char *)b, blen);
	check_order(data, alen, b, blen);
	/* Malformed texts too must be compared without a stray read. */
	(void)pathtext_compare((const char *)data, alen, (const char *)b,
	    blen);
	return (0);
}
