#include "tests/unit/unit.h"

#include "restore/pax.h"

/* Holes as an archive may have them: whole blocks, or up to the end. */
static void
test_round_holes(void **state)
{
	static const struct {
		uint64_t size;
		const char *holes, *rounded;
	} cases[] = {
		{ 0, "", "" },
		{ 8192, "0 4096", "0 4096" },
		{ 5000, "1000 3096", "1024 3072" },
		{ 5000, "1000 4000", "1024 3976" },
		{ 5000, "0 511", "" },
		{ 511, "0 511", "0 511" },
		{ 5000, "1 1022", "" },
		{ 5000, "1 1023 2048 512 4097 903", "512 512 2048 512 "
		    "4608 392" },
	};
	struct buf out = BUF_INIT;
	struct entry ent = { .type = ENTRY_FILE };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		ent.size = cases[i].size;
		ent.holes.p = cases[i].holes;
		ent.holes.len = strlen(cases[i].holes);
		pax_round_holes(&out, &ent);
		assert_string_equal(buf_cstr(&out), cases[i].rounded);
	}
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_holes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
