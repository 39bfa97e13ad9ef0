#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "err.h"
#include "id.h"

#define WAYS 4
#define LOCKS 16

/* epoch 0: never used. The value stands behind it in its place. */
struct slot {
	int64_t epoch;
	uint32_t used;			/* by the cache's count of calls: the smallest goes first */
	uint8_t len;
	bool negative;
	char key[CACHE_KEY_MAX];
};

struct cache {
	size_t sets, value_size, place_size;
	uint64_t seed;			/* so that nobody outside can choose keys that meet in one set */
	struct {
		pthread_mutex_t lock;
		uint32_t calls;
	} shards[LOCKS];
	char *places;
};

int
cache_new(size_t entries, size_t value_size, struct cache **cache)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		return ERR_NOMEM;
	for (c->sets = LOCKS; c->sets * WAYS < entries;)
		c->sets *= 2;
	c->value_size = value_size;
	c->place_size = (sizeof(struct slot) + value_size + 15) & ~(size_t)15;
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&c->shards[i].lock, NULL);
	random_bytes(&c->seed, sizeof(c->seed));
	if (!(c->places = calloc(c->sets * WAYS, c->place_size))) {
		cache_free(c);
		return ERR_NOMEM;
	}
	*cache = c;
	return 0;
}

void
cache_free(struct cache *c)
{
	if (!c)
		return;
	if (c->places)
		explicit_bzero(c->places, c->sets * WAYS * c->place_size);
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&c->shards[i].lock);
	free(c->places);
	free(c);
}

static size_t
set_of(const struct cache *c, const void *key, size_t len)
{
	const uint8_t *p = key;
	uint64_t h = c->seed ^ len;

	for (size_t i = 0; i < len; i++) {
		h = (h ^ p[i]) * 0x9fb21c651e98df25u;
		h ^= h >> 29;
	}
	return (size_t)(h >> 20) & (c->sets - 1);
}

static struct slot *
slot_at(const struct cache *c, size_t set, int way)
{
	void *place = c->places + (set * WAYS + (size_t)way) * c->place_size;

	return place;
}

static bool
holds(const struct slot *s, const void *key, size_t len)
{
	return s->epoch != 0 && s->len == len && !memcmp(s->key, key, len);
}

int
cache_get(struct cache *c, const void *key, size_t len, int64_t epoch, void *value)
{
	size_t set = set_of(c, key, len), shard = set % LOCKS;
	int rc = ERR_AGAIN;

	assert(len <= CACHE_KEY_MAX);
	pthread_mutex_lock(&c->shards[shard].lock);
	for (int i = 0; i < WAYS; i++) {
		struct slot *s = slot_at(c, set, i);

		if (s->epoch != epoch || !holds(s, key, len))
			continue;
		s->used = ++c->shards[shard].calls;
		rc = s->negative ? ERR_NOTFOUND : 0;
		if (rc == 0)
			memcpy(value, s + 1, c->value_size);
		break;
	}
	pthread_mutex_unlock(&c->shards[shard].lock);
	return rc;
}

/*
 * Where a key goes: its own old place, else one of an older epoch, else a negative one, else the one that was not
 * used for longest. NULL: a negative fact finds only others in use.
 */
static struct slot *
choose(struct cache *c, size_t set, const void *key, size_t len, int64_t epoch, bool negative)
{
	struct slot *best = NULL;
	int best_rank = 0;

	for (int i = 0; i < WAYS; i++) {
		struct slot *s = slot_at(c, set, i);
		int rank = holds(s, key, len) ? 4 : s->epoch < epoch ? 3 : s->negative ? 2 : negative ? 0 : 1;

		if (rank > best_rank || (rank > 0 && rank == best_rank && (int32_t)(s->used - best->used) < 0)) {
			best = s;
			best_rank = rank;
		}
	}
	return best;
}

void
cache_put(struct cache *c, const void *key, size_t len, int64_t epoch, const void *value)
{
	size_t set = set_of(c, key, len), shard = set % LOCKS;
	struct slot *s;

	assert(len <= CACHE_KEY_MAX);
	pthread_mutex_lock(&c->shards[shard].lock);
	s = choose(c, set, key, len, epoch, !value);
	/* A look-up that began before a change must not push out what is known since. */
	if (s && s->epoch <= epoch) {
		s->epoch = epoch;
		s->used = ++c->shards[shard].calls;
		s->len = (uint8_t)len;
		s->negative = !value;
		memcpy(s->key, key, len);
		if (value)
			memcpy(s + 1, value, c->value_size);
	}
	pthread_mutex_unlock(&c->shards[shard].lock);
}
