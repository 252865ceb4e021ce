#include <pthread.h>

#include "tests/unit/unit.h"
#include "vault/idset.h"

#define IDS 20000
#define THREADS 4

/* Id number n; ids of equal first byte crowd one part. */
static void
make_id(size_t n, uint8_t id[DIGEST_LEN])
{
	struct rng r = { n };

	rng_fill(&r, id, DIGEST_LEN);
	if (n % 3 == 0)
		id[0] = 7;
}

static void
test_once(void **state)
{
	struct idset *s = idset_new();
	uint8_t id[DIGEST_LEN];
	size_t i;

	(void)state;
	assert_non_null(s);
	for (i = 0; i < IDS; i++) {
		make_id(i, id);
		assert_int_equal(idset_has(s, id), 0);
		assert_int_equal(idset_add(s, id), 1);
		assert_int_equal(idset_has(s, id), 1);
		assert_int_equal(idset_add(s, id), 0);
	}
	for (i = 0; i < IDS; i++) {
		make_id(i, id);
		assert_int_equal(idset_has(s, id), 1);
		id[31] ^= 1;
		assert_int_equal(idset_has(s, id), 0);
		id[31] ^= 1;
		id[0] ^= 1;
		assert_int_equal(idset_has(s, id), 0);
	}
	idset_free(s);
	idset_free(NULL);
}

/* Ids that collide wherever the table looks first. */
static void
test_collisions(void **state)
{
	struct idset *s = idset_new();
	uint8_t id[DIGEST_LEN];
	size_t i;

	(void)state;
	memset(id, 1, sizeof(id));
	for (i = 0; i < 1000; i++) {
		id[30] = (uint8_t)i;
		id[31] = (uint8_t)(i >> 8);
		assert_int_equal(idset_add(s, id), 1);
	}
	for (i = 0; i < 2000; i++) {
		id[30] = (uint8_t)i;
		id[31] = (uint8_t)(i >> 8);
		assert_int_equal(idset_has(s, id), i < 1000);
	}
	idset_free(s);
}

struct crowd {
	struct idset *set;
	size_t added;		/* by this thread */
	size_t start;
};

static void *
add_all(void *arg)
{
	struct crowd *c = arg;
	uint8_t id[DIGEST_LEN];
	size_t i;

	for (i = 0; i < IDS; i++) {
		make_id((i + c->start) % IDS, id);
		if (idset_add(c->set, id) == 1)
			c->added++;
		if (idset_has(c->set, id) != 1)
			c->added += IDS;
	}
	return (NULL);
}

/* Each id is new to exactly one thread. */
static void
test_threads(void **state)
{
	struct crowd crowd[THREADS];
	pthread_t t[THREADS];
	struct idset *s = idset_new();
	size_t i, added = 0;

	(void)state;
	for (i = 0; i < THREADS; i++) {
		crowd[i].set = s;
		crowd[i].added = 0;
		crowd[i].start = i * 500;
		assert_int_equal(pthread_create(&t[i], NULL, add_all,
		    &crowd[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		added += crowd[i].added;
	}
	assert_int_equal(added, IDS);
	idset_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_collisions),
		cmocka_unit_test(test_threads),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
