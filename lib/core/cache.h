#ifndef CORE_CACHE_H
#define CORE_CACHE_H

#include <stddef.h>
#include <stdint.h>

/*
 * A bounded table of facts that an epoch validates: what was put under an older epoch than the one asked with is not
 * there. A place is one of four that the key's hash chooses, so every call takes constant time, under one of some locks, held
 * for a copy. That a key leads nowhere is a fact too; such facts never push out others, so that guessing keys empties nothing.
 * Any thread.
 *
 * Read the epoch before what is put was looked up: then a change that came between makes the entry stale, not wrong.
 */
struct cache;

#define CACHE_KEY_MAX 64

int cache_new(size_t entries, size_t value_size, struct cache **cache);	/* ERR_NOMEM */
void cache_free(struct cache *cache);	/* NULL is fine; wipes the values */

/* 0: copied to `value`. ERR_NOTFOUND: known not to be. ERR_AGAIN: not known here. `len` is 0 to CACHE_KEY_MAX. */
int cache_get(struct cache *cache, const void *key, size_t len, int64_t epoch, void *value);
/* `value` NULL: known not to be. */
void cache_put(struct cache *cache, const void *key, size_t len, int64_t epoch, const void *value);

#endif
