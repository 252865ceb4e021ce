#include "tests/unit/unit.h"
#include "vault/packname.h"

#define HEX "ab112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void
test_names(void **state)
{
	char name[PACK_NAME_LEN];
	uint8_t id[DIGEST_LEN];

	(void)state;
	assert_int_equal(digest_parse(HEX, id), 0);
	pack_name(id, name);
	assert_string_equal(name, "packs/ab/" HEX ".pack");
	pack_damage_name(id, name);
	assert_string_equal(name, "damaged/" HEX);
}

static void
test_parse(void **state)
{
	static const char *const wrong[] = {
		"", ".pack", HEX, HEX ".pac", HEX ".packs", HEX ".tmp!",
		"0" HEX ".pack", "AB" HEX, HEX ".PACK",
	};
	uint8_t want[DIGEST_LEN], got[DIGEST_LEN];
	char name[] = HEX ".pack";
	size_t i;

	(void)state;
	assert_int_equal(digest_parse(HEX, want), 0);
	assert_int_equal(pack_parse_name(name, got), 0);
	assert_memory_equal(want, got, sizeof(want));
	for (i = 0; i < COUNT(wrong); i++)
		assert_int_equal(pack_parse_name(wrong[i], got), -1);
	name[0] = 'A';
	assert_int_equal(pack_parse_name(name, got), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_parse),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
