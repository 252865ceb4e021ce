#include "formats/dockerdef.h"
#include "tests/fuzz/fuzz.h"

static void
check(const struct dockerdef *d)
{
	size_t i;

	MUST(dockerdef_is_name(d->id));
	MUST(d->image == NULL || dockerdef_is_name(d->image));
	MUST(d->nnetworks <= DOCKERDEF_LIST_MAX);
	MUST(d->nfiles <= DOCKERDEF_LIST_MAX);
	for (i = 0; i < d->nnetworks; i++)
		MUST(dockerdef_is_name(d->networks[i]));
	for (i = 0; i < d->nfiles; i++)
		MUST(d->files[i][0] == '/');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf clean = BUF_INIT, again = BUF_INIT, id = BUF_INIT;
	struct dockerdef d;
	struct err e = { 0 };

	if (dockerdef_publisher(&id, 2200, data, size, &e) == 1)
		MUST(dockerdef_is_name(buf_cstr(&id)));
	if (dockerdef_decode(&d, &clean, data, size, &e) == -1)
		must_explain(&e, ERR_FAILED);
	else {
		check(&d);
		dockerdef_fini(&d);
		/* Clean text stays as it is. */
		MUST(dockerdef_clean(&again, clean.data, clean.len, &e) == 0);
		must_equal(&again, clean.data, clean.len);
	}
	buf_fini(&clean);
	buf_fini(&again);
	buf_fini(&id);
	return (0);
}
