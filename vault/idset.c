#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "vault/idset.h"

#define PARTS 256	/* by the first byte of the id */

/* Open addressing; the all-zero slot is empty (no blob has that digest). */
struct part {
	pthread_mutex_t lock;
	uint8_t (*slots)[DIGEST_LEN];
	size_t cap;
	size_t used;
};

struct idset {
	struct part parts[PARTS];
};

struct idset *
idset_new(void)
{
	struct idset *s;
	size_t i;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	for (i = 0; i < PARTS; i++)
		pthread_mutex_init(&s->parts[i].lock, NULL);
	return (s);
}

void
idset_free(struct idset *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < PARTS; i++) {
		pthread_mutex_destroy(&s->parts[i].lock);
		free(s->parts[i].slots);
	}
	free(s);
}

static const uint8_t no_id[DIGEST_LEN];

/* The slot that holds the id, or the empty one where it belongs. */
static size_t
find_slot(const struct part *p, const uint8_t id[DIGEST_LEN])
{
	uint64_t h;
	size_t i;

	memcpy(&h, id + 8, sizeof(h));
	for (i = (size_t)h % p->cap;; i = i + 1 == p->cap ? 0 : i + 1)
		if (memcmp(p->slots[i], id, DIGEST_LEN) == 0 ||
		    memcmp(p->slots[i], no_id, DIGEST_LEN) == 0)
			return (i);
}

/* Half as large again once more than four of five slots are used. */
static int
grow(struct part *p)
{
	struct part bigger;
	size_t i;

	if (p->cap > 0 && p->used + 1 <= p->cap / 5 * 4)
		return (0);
	bigger.cap = p->cap == 0 ? 20 : p->cap + p->cap / 2;
	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return (-1);
	for (i = 0; i < p->cap; i++)
		if (memcmp(p->slots[i], no_id, DIGEST_LEN) != 0)
			memcpy(bigger.slots[find_slot(&bigger, p->slots[i])],
			    p->slots[i], DIGEST_LEN);
	free(p->slots);
	p->slots = bigger.slots;
	p->cap = bigger.cap;
	return (0);
}

int
idset_add(struct idset *s, const uint8_t id[DIGEST_LEN])
{
	struct part *p = &s->parts[id[0]];
	size_t i;
	int rc = -1;

	pthread_mutex_lock(&p->lock);
	if (grow(p) == 0) {
		i = find_slot(p, id);
		rc = memcmp(p->slots[i], no_id, DIGEST_LEN) == 0;
		if (rc == 1) {
			memcpy(p->slots[i], id, DIGEST_LEN);
			p->used++;
		}
	}
	pthread_mutex_unlock(&p->lock);
	return (rc);
}

int
idset_has(struct idset *s, const uint8_t id[DIGEST_LEN])
{
	struct part *p = &s->parts[id[0]];
	int found;

	pthread_mutex_lock(&p->lock);
	found = p->cap > 0 && memcmp(p->slots[find_slot(p, id)], id,
	    DIGEST_LEN) == 0;
	pthread_mutex_unlock(&p->lock);
	return (found);
}
