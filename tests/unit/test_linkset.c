#include <string.h>

#include "restore/linkset.h"
#include "unit.h"

static struct entry
entry(enum entry_type type, const char *path, const char *first,
    uint64_t nlink)
{
	struct entry ent;

	memset(&ent, 0, sizeof(ent));
	ent.type = type;
	ent.path.p = path;
	ent.path.len = strlen(path);
	ent.hardlink.p = first;
	ent.hardlink.len = first == NULL ? 0 : strlen(first);
	ent.nlink = nlink;
	return (ent);
}

static void
the_first_name_carries(void **state)
{
	struct linkset l = LINKSET_EMPTY;
	struct entry a = entry(ENTRY_FILE, "./a", NULL, 2);
	struct entry b = entry(ENTRY_FILE, "./b", "./a", 2);
	struct linkset_item *i, *j;
	struct err e;

	(void)state;
	i = linkset_of(&l, &a, 7, &e);
	assert_non_null(i);
	assert_int_equal(i->number, 7);
	j = linkset_of(&l, &b, 8, &e);
	assert_ptr_equal(i, j);
	assert_string_equal(j->text, "./a");
	linkset_fini(&l);
}

static void
without_the_first_the_next_one_does(void **state)
{
	struct linkset l = LINKSET_EMPTY;
	struct entry b = entry(ENTRY_FILE, "./b", "./a", 3);
	struct entry c = entry(ENTRY_FILE, "./c", "./a", 3);
	struct linkset_item *i;
	struct err e;

	(void)state;
	i = linkset_of(&l, &b, 1, &e);
	assert_non_null(i);
	assert_int_equal(i->number, 1);
	i = linkset_of(&l, &c, 2, &e);
	assert_int_equal(i->number, 1);
	assert_string_equal(i->text, "./b");
	linkset_fini(&l);
}

static void
a_first_name_that_is_no_file_is_known_by_its_path(void **state)
{
	struct linkset l = LINKSET_EMPTY;
	struct entry a = entry(ENTRY_FIFO, "./a", NULL, 0);
	struct entry b = entry(ENTRY_FIFO, "./b", "./a", 0);
	struct linkset_item *i;
	struct err e;

	(void)state;
	assert_null(linkset_of(&l, &a, 1, &e));
	assert_int_equal(e.kind, ERR_NONE);
	assert_int_equal(linkset_note(&l, &a, &e), 0);
	i = linkset_of(&l, &b, 2, &e);
	assert_non_null(i);
	assert_true(i->number == LINKSET_FIRST);
	assert_string_equal(i->text, "./a");
	linkset_fini(&l);
}

/* It may lie behind a symbolic link. */
static void
a_first_name_that_was_not_met_is_none(void **state)
{
	static const char *const there[] = { "./a", "./c", "./d/x", "./e" };
	struct linkset l = LINKSET_EMPTY;
	struct entry b = entry(ENTRY_LINK, "./z", "./d/y", 0);
	struct entry f = entry(ENTRY_FILE, "./zz", "./c", 2);
	struct entry a;
	struct linkset_item *i;
	struct err e;
	size_t k;

	(void)state;
	for (k = 0; k < COUNT(there); k++) {
		a = entry(ENTRY_LINK, there[k], NULL, 0);
		assert_int_equal(linkset_note(&l, &a, &e), 0);
	}
	i = linkset_of(&l, &b, 8, &e);
	assert_non_null(i);
	assert_int_equal(i->number, 8);
	assert_string_equal(i->text, "./z");
	/* A file is no second name of a symbolic link. */
	i = linkset_of(&l, &f, 9, &e);
	assert_non_null(i);
	assert_int_equal(i->number, 9);
	linkset_fini(&l);
}

static void
what_cannot_be_restored_carries_nothing(void **state)
{
	struct linkset l = LINKSET_EMPTY;
	struct entry a = entry(ENTRY_FILE, "./a", NULL, 3);
	struct entry b = entry(ENTRY_FILE, "./b", "./a", 3);
	struct entry c = entry(ENTRY_FILE, "./c", "./a", 3);
	struct linkset_item *i;
	struct err e;

	(void)state;
	i = linkset_of(&l, &a, 1, &e);
	assert_non_null(i);
	linkset_pass_on(i);
	assert_ptr_equal(linkset_of(&l, &b, 2, &e), i);
	assert_int_equal(i->number, 2);
	assert_string_equal(i->text, "./b");
	assert_ptr_equal(linkset_of(&l, &c, 3, &e), i);
	assert_int_equal(i->number, 2);
	linkset_fini(&l);
}

static void
a_file_with_one_name_is_in_no_set(void **state)
{
	struct linkset l = LINKSET_EMPTY;
	struct entry a = entry(ENTRY_FILE, "./a", NULL, 1);
	struct err e;

	(void)state;
	assert_null(linkset_of(&l, &a, 1, &e));
	assert_int_equal(e.kind, ERR_NONE);
	linkset_fini(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_name_carries),
		cmocka_unit_test(without_the_first_the_next_one_does),
		cmocka_unit_test(
		    a_first_name_that_is_no_file_is_known_by_its_path),
		cmocka_unit_test(a_first_name_that_was_not_met_is_none),
		cmocka_unit_test(what_cannot_be_restored_carries_nothing),
		cmocka_unit_test(a_file_with_one_name_is_in_no_set),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
