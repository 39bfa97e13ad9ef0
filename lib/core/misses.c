#include <pthread.h>
#include <stdlib.h>

#include "err.h"
#include "misses.h"

/*
 * Each has a time up to which its misses reach: a miss moves it on by MISSES_EVERY_US, from now at least, and it may be
 * MISSES_AT_ONCE of those ahead (the "generic cell rate algorithm", ITU-T I.371).
 */
#define WAYS 4
#define SETS 1024

struct miss {
	int64_t who, until_us;
};

struct misses {
	pthread_mutex_t lock;
	struct miss table[SETS][WAYS];
};

int
misses_new(struct misses **misses)
{
	struct misses *m = calloc(1, sizeof(*m));

	if (!m)
		return ERR_NOMEM;
	pthread_mutex_init(&m->lock, NULL);
	*misses = m;
	return 0;
}

void
misses_free(struct misses *m)
{
	if (!m)
		return;
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* The place of `who`, or the one to be taken for it: whose misses are forgiven first. */
static struct miss *
place_of(struct misses *m, int64_t who)
{
	struct miss *set = m->table[((uint64_t)who * 0x9e3779b97f4a7c15u >> 32) % SETS], *first = set;

	for (int i = 0; i < WAYS; i++) {
		if (set[i].who == who)
			return &set[i];
		if (set[i].until_us < first->until_us)
			first = &set[i];
	}
	return first;
}

int64_t
misses_wait(struct misses *m, int64_t who, int64_t now_us)
{
	const struct miss *p;
	int64_t wait = 0;

	pthread_mutex_lock(&m->lock);
	p = place_of(m, who);
	if (p->who == who)
		wait = p->until_us - now_us - (MISSES_AT_ONCE - 1) * MISSES_EVERY_US;
	pthread_mutex_unlock(&m->lock);
	return wait > 0 ? wait : 0;
}

void
misses_add(struct misses *m, int64_t who, int64_t now_us)
{
	struct miss *p;

	pthread_mutex_lock(&m->lock);
	p = place_of(m, who);
	if (p->who != who || p->until_us < now_us)
		*p = (struct miss) { who, now_us };
	p->until_us += MISSES_EVERY_US;
	pthread_mutex_unlock(&m->lock);
}
