#include "imgxfer/sidecar.h"
#include "tests/fuzz/fuzz.h"

/* The JSON beside a bundle: what is accepted stays what it is. */
static void
check_usable(const struct sidecar *s)
{
	size_t i;

	MUST(s->image != NULL && s->proof != NULL && s->site != NULL);
	MUST(s->bundle.file != NULL && strchr(s->bundle.file, '/') == NULL);
	MUST(s->extra.file == NULL || strchr(s->extra.file, '/') == NULL);
	for (i = 0; i < s->nmembers; i++)
		MUST(s->members[i].name != NULL && s->members[i].mode <=
		    07777);
	for (i = 0; i < s->nleft; i++) {
		MUST(s->left[i].path[0] == '/');
		MUST(strstr(s->left[i].path, "/../") == NULL);
		MUST(sidecar_find(s, s->left[i].path) != NULL);
	}
	for (i = 0; i < s->nwarnings; i++)
		MUST(s->warnings[i] != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sidecar s, again;
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct err e = { 0 };

	if (sidecar_decode(&s, data, size, &e) == -1) {
		must_explain(&e, e.kind == ERR_USAGE ? ERR_USAGE :
		    ERR_DAMAGED);
		sidecar_fini(&s);
		return (0);
	}
	check_usable(&s);
	MUST(sidecar_encode(&one, &s, &e) == 0);
	MUST(sidecar_decode(&again, one.data, one.len, &e) == 0);
	MUST(sidecar_encode(&two, &again, &e) == 0);
	must_equal(&two, one.data, one.len);
	buf_fini(&one);
	buf_fini(&two);
	sidecar_fini(&s);
	sidecar_fini(&again);
	return (0);
}
