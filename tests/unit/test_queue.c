#include <pthread.h>
#include <time.h>

#include "base/queue.h"
#include "tests/unit/unit.h"

#define PRODUCERS 4
#define CONSUMERS 3
#define ITEMS 5000		/* of each producer */

static char items[8];		/* addresses to push */

static void
test_order(void **state)
{
	struct queue *q = queue_new(4);

	(void)state;
	assert_non_null(q);
	assert_null(queue_try_pop(q));
	assert_int_equal(queue_push(q, &items[0]), 0);
	assert_int_equal(queue_push(q, &items[1]), 0);
	assert_int_equal(queue_push_front(q, &items[2]), 0);
	assert_int_equal(queue_try_push_front(q, &items[3]), 0);
	assert_int_equal(queue_try_push_front(q, &items[4]), -1);
	assert_ptr_equal(queue_pop(q), &items[3]);
	assert_ptr_equal(queue_try_pop(q), &items[2]);
	assert_ptr_equal(queue_pop(q), &items[0]);
	assert_ptr_equal(queue_pop(q), &items[1]);
	assert_null(queue_try_pop(q));
	queue_free(q);
	queue_free(NULL);
}

/* The ring against a plain list, through many turns. */
static void
test_model(void **state)
{
	struct queue *q = queue_new(5);
	void *model[5];
	struct rng r = { 11 };
	size_t len = 0, i;
	char *item;

	(void)state;
	for (i = 0; i < 20000; i++) {
		item = &items[rng_below(&r, sizeof(items))];
		switch (rng_below(&r, 3)) {
		case 0:
			if (len == 5)
				break;
			assert_int_equal(queue_push(q, item), 0);
			model[len++] = item;
			break;
		case 1:
			assert_int_equal(queue_try_push_front(q, item),
			    len == 5 ? -1 : 0);
			if (len == 5)
				break;
			memmove(model + 1, model, len++ * sizeof(*model));
			model[0] = item;
			break;
		default:
			assert_ptr_equal(queue_try_pop(q),
			    len == 0 ? NULL : model[0]);
			if (len > 0)
				memmove(model, model + 1,
				    --len * sizeof(*model));
		}
	}
	queue_free(q);
}

static void
test_closed(void **state)
{
	struct queue *q = queue_new(4);

	(void)state;
	assert_int_equal(queue_push(q, &items[0]), 0);
	assert_int_equal(queue_push(q, &items[1]), 0);
	queue_close(q);
	queue_close(q);
	assert_int_equal(queue_push(q, &items[2]), -1);
	assert_int_equal(queue_push_front(q, &items[2]), -1);
	assert_int_equal(queue_try_push_front(q, &items[2]), -1);
	assert_ptr_equal(queue_pop(q), &items[0]);
	assert_ptr_equal(queue_pop(q), &items[1]);
	assert_null(queue_pop(q));
	assert_null(queue_try_pop(q));
	queue_free(q);
}

struct crowd {
	struct queue *q;
	size_t numbers[PRODUCERS][ITEMS];
	uint8_t seen[PRODUCERS][ITEMS];
	pthread_mutex_t lock;
	size_t next;		/* number of the next thread */
	int disorder;
};

static size_t
my_number(struct crowd *c)
{
	size_t n;

	pthread_mutex_lock(&c->lock);
	n = c->next++;
	pthread_mutex_unlock(&c->lock);
	return (n);
}

static void *
produce(void *arg)
{
	struct crowd *c = arg;
	size_t me = my_number(c), i;

	for (i = 0; i < ITEMS; i++) {
		c->numbers[me][i] = me * ITEMS + i;
		if (queue_push(c->q, &c->numbers[me][i]) == -1)
			return (c);
	}
	return (NULL);
}

/* Each consumer sees the items of one producer in their order. */
static void *
consume(void *arg)
{
	struct crowd *c = arg;
	size_t last[PRODUCERS] = { 0 }, *n, who, what;

	while ((n = queue_pop(c->q)) != NULL) {
		who = *n / ITEMS;
		what = *n % ITEMS;
		pthread_mutex_lock(&c->lock);
		if (what < last[who])
			c->disorder = 1;
		c->seen[who][what]++;
		pthread_mutex_unlock(&c->lock);
		last[who] = what;
	}
	return (NULL);
}

static void
test_crowd(void **state)
{
	struct crowd *c = calloc(1, sizeof(*c));
	pthread_t p[PRODUCERS], s[CONSUMERS];
	void *failed;
	size_t i, k;

	(void)state;
	assert_non_null(c);
	c->q = queue_new(7);
	pthread_mutex_init(&c->lock, NULL);
	for (i = 0; i < PRODUCERS; i++)
		assert_int_equal(pthread_create(&p[i], NULL, produce, c), 0);
	for (i = 0; i < CONSUMERS; i++)
		assert_int_equal(pthread_create(&s[i], NULL, consume, c), 0);
	for (i = 0; i < PRODUCERS; i++) {
		pthread_join(p[i], &failed);
		assert_null(failed);
	}
	queue_close(c->q);
	for (i = 0; i < CONSUMERS; i++)
		pthread_join(s[i], NULL);
	assert_int_equal(c->disorder, 0);
	for (i = 0; i < PRODUCERS; i++)
		for (k = 0; k < ITEMS; k++)
			assert_int_equal(c->seen[i][k], 1);
	queue_free(c->q);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static void *
push_once(void *arg)
{
	return (queue_push(arg, items) == -1 ? items : NULL);
}

static void *
push_front_once(void *arg)
{
	return (queue_push_front(arg, items) == -1 ? items : NULL);
}

static void *
pop_once(void *arg)
{
	return (queue_pop(arg));
}

/* Closing wakes those who wait for room and those who wait for items. */
static void
test_close_wakes(void **state)
{
	struct queue *full = queue_new(1), *empty = queue_new(1);
	struct timespec pause = { 0, 20000000 };
	pthread_t t[5];
	void *got;
	size_t i;

	(void)state;
	assert_int_equal(queue_push(full, &items[1]), 0);
	pthread_create(&t[0], NULL, push_once, full);
	pthread_create(&t[1], NULL, push_once, full);
	pthread_create(&t[2], NULL, push_front_once, full);
	pthread_create(&t[3], NULL, pop_once, empty);
	pthread_create(&t[4], NULL, pop_once, empty);
	nanosleep(&pause, NULL);
	queue_close(full);
	queue_close(empty);
	for (i = 0; i < 5; i++) {
		pthread_join(t[i], &got);
		if (i < 3)
			assert_ptr_equal(got, items);
		else
			assert_null(got);
	}
	assert_ptr_equal(queue_pop(full), &items[1]);
	assert_null(queue_pop(full));
	queue_free(full);
	queue_free(empty);
}

/* A push that waits gets its room. */
static void
test_room(void **state)
{
	struct queue *q = queue_new(1);
	struct timespec pause = { 0, 10000000 };
	pthread_t t;
	void *failed;

	(void)state;
	assert_int_equal(queue_push(q, &items[1]), 0);
	pthread_create(&t, NULL, push_front_once, q);
	nanosleep(&pause, NULL);
	assert_ptr_equal(queue_pop(q), &items[1]);
	pthread_join(t, &failed);
	assert_null(failed);
	assert_ptr_equal(queue_pop(q), &items[0]);
	queue_free(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_close_wakes),
		cmocka_unit_test(test_room),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
