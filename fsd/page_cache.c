#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "page_cache.h"

/*
 * A page is found by a chain of its bucket and stands in a list by use. Who copies one out holds a reference meanwhile, so that the lock is never held
 * for the copy; the last reference frees it.
 */
#define BUCKETS 1024

struct page {
	struct page_key key;
	struct page *chain;
	struct page *newer, *older;
	atomic_uint refs;	/* the cache's and those of who copies */
	size_t len;
	char bytes[];
};

struct page_cache {
	pthread_mutex_t lock;	/* leaf */
	size_t used, max;
	struct page *newest, *oldest;
	struct page *buckets[BUCKETS];
};

static struct page **
bucket_of(struct page_cache *c, const struct page_key *k)
{
	uint64_t h = (uint64_t)k->workspace * 0x9e3779b97f4a7c15u;

	h = (h ^ (uint64_t)k->from) * 0xbf58476d1ce4e5b9u;
	h = (h ^ (uint64_t)k->to) * 0x94d049bb133111ebu;
	return &c->buckets[h >> 54];
}

static bool
same(const struct page_key *a, const struct page_key *b)
{
	return a->workspace == b->workspace && a->from == b->from && a->to == b->to && a->epoch == b->epoch;
}

static void
unref(struct page *p)
{
	if (atomic_fetch_sub(&p->refs, 1) == 1)
		free(p);
}

/* The next four under the lock. */
static struct page *
find(struct page_cache *c, const struct page_key *k)
{
	struct page *p = *bucket_of(c, k);

	while (p && !same(&p->key, k))
		p = p->chain;
	return p;
}

static void
unlist(struct page_cache *c, struct page *p)
{
	*(p->newer ? &p->newer->older : &c->newest) = p->older;
	*(p->older ? &p->older->newer : &c->oldest) = p->newer;
}

static void
list_first(struct page_cache *c, struct page *p)
{
	p->newer = NULL;
	p->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = p;
	c->newest = p;
}

static void
drop(struct page_cache *c, struct page *p)
{
	struct page **at = bucket_of(c, &p->key);

	while (*at != p)
		at = &(*at)->chain;
	*at = p->chain;
	unlist(c, p);
	c->used -= sizeof(*p) + p->len;
	unref(p);
}

int
page_cache_new(size_t bytes, struct page_cache **cache)
{
	struct page_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return ERR_NOMEM;
	pthread_mutex_init(&c->lock, NULL);
	c->max = bytes;
	*cache = c;
	return 0;
}

void
page_cache_free(struct page_cache *c)
{
	if (!c)
		return;
	while (c->oldest)
		drop(c, c->oldest);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

bool
page_cache_get(struct page_cache *c, const struct page_key *key, struct buf *to)
{
	struct page *p;

	pthread_mutex_lock(&c->lock);
	if ((p = find(c, key)) != NULL) {
		unlist(c, p);
		list_first(c, p);
		atomic_fetch_add(&p->refs, 1);
	}
	pthread_mutex_unlock(&c->lock);
	if (!p)
		return false;
	buf_add(to, p->bytes, p->len);
	unref(p);
	return true;
}

void
page_cache_put(struct page_cache *c, const struct page_key *key, const void *bytes, size_t len)
{
	struct page *p, **at;

	if (len > c->max / 8 || !(p = malloc(sizeof(*p) + len)))
		return;
	*p = (struct page) { .key = *key, .len = len };
	atomic_init(&p->refs, 1);
	memcpy(p->bytes, bytes, len);
	pthread_mutex_lock(&c->lock);
	if (find(c, key)) {
		pthread_mutex_unlock(&c->lock);
		free(p);
		return;
	}
	at = bucket_of(c, key);
	p->chain = *at;
	*at = p;
	list_first(c, p);
	c->used += sizeof(*p) + len;
	while (c->used > c->max)
		drop(c, c->oldest);
	pthread_mutex_unlock(&c->lock);
}
