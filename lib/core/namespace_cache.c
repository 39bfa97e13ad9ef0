#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "id.h"
#include "namespace.h"

/*
 * Paths of folders: a fixed table of sets of four, each with a lock of its own by shard. In a set the entry that was used longest
 * ago gives way; one of an older epoch does so first.
 */
#define SHARDS 64
#define SETS 64			/* of a shard: 16,384 paths in all */
#define WAYS 4

struct known {
	uint64_t hash;
	int64_t workspace, folder, epoch;
	uint64_t used;
	char *path;		/* NULL: free */
	size_t len;
};

struct shard {
	pthread_mutex_t lock;
	uint64_t clock;
	struct known sets[SETS][WAYS];
};

struct namespace {
	uint64_t seed;
	struct shard shards[SHARDS];
};

int
namespace_new(struct namespace **ns)
{
	struct namespace *n = calloc(1, sizeof(*n));

	if (!n)
		return ERR_NOMEM;
	random_bytes(&n->seed, sizeof(n->seed));
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_init(&n->shards[i].lock, NULL);
	*ns = n;
	return 0;
}

void
namespace_free(struct namespace *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		for (size_t s = 0; s < SETS; s++)
			for (size_t w = 0; w < WAYS; w++)
				free(n->shards[i].sets[s][w].path);
		pthread_mutex_destroy(&n->shards[i].lock);
	}
	free(n);
}

/* FNV-1a with a seed, and the last step of splitmix64 to spread it. */
static uint64_t
hash_path(const struct namespace *n, int64_t workspace, struct slice path)
{
	uint64_t h = n->seed ^ (uint64_t)workspace * 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < path.len; i++)
		h = (h ^ (uint8_t)path.p[i]) * 0x100000001b3u;
	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
	h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
	return h ^ (h >> 31);
}

static struct known *
find(struct known *set, uint64_t hash, int64_t workspace, struct slice path)
{
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].path && set[i].hash == hash && set[i].workspace == workspace && set[i].len == path.len &&
		    !memcmp(set[i].path, path.p, path.len))
			return &set[i];
	return NULL;
}

bool
namespace_cached(struct namespace *n, int64_t epoch, int64_t workspace, struct slice path, int64_t *folder)
{
	uint64_t hash = hash_path(n, workspace, path);
	struct shard *s = &n->shards[hash % SHARDS];
	struct known *k;
	bool found;

	pthread_mutex_lock(&s->lock);
	k = find(s->sets[hash / SHARDS % SETS], hash, workspace, path);
	found = k && k->epoch == epoch;
	if (found) {
		*folder = k->folder;
		k->used = ++s->clock;
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

/* Who gives way: a free one, one of an older epoch, else the one unused for longest. */
static struct known *
victim(struct known *set, int64_t epoch)
{
	struct known *worst = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (!set[i].path || set[i].epoch < epoch)
			return &set[i];
		if (set[i].used < worst->used)
			worst = &set[i];
	}
	return worst;
}

void
namespace_remember(struct namespace *n, int64_t epoch, int64_t workspace, struct slice path, int64_t folder)
{
	uint64_t hash = hash_path(n, workspace, path);
	struct shard *s = &n->shards[hash % SHARDS];
	char *copy, *old = NULL;
	struct known *k, *set;

	if (path.len > LIMIT_KEY || !(copy = malloc(path.len + 1)))
		return;	/* not cached, only slower */
	memcpy(copy, path.p, path.len);
	pthread_mutex_lock(&s->lock);
	set = s->sets[hash / SHARDS % SETS];
	if ((k = find(set, hash, workspace, path)) && k->epoch > epoch) {
		old = copy;	/* somebody knows better */
	} else {
		k = k ? k : victim(set, epoch);
		old = k->path;
		*k = (struct known) { hash, workspace, folder, epoch, ++s->clock, copy, path.len };
	}
	pthread_mutex_unlock(&s->lock);
	free(old);
}
