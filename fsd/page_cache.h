#ifndef FSD_PAGE_CACHE_H
#define FSD_PAGE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/*
 * Pages of the change feed as they go out, for all readers of a whole workspace. What a key stands for never changes: events don't, and the
 * paths in them are those of the structure epoch. Bounded by bytes; the page that was used longest ago gives way. Any thread.
 */
#define PAGE_CACHE_BYTES (32u << 20)

struct page_cache;

struct page_key {
	int64_t workspace, from, to;	/* events behind `from`, up to `to` */
	int64_t epoch;
};

int page_cache_new(size_t bytes, struct page_cache **cache);	/* ERR_NOMEM */
void page_cache_free(struct page_cache *cache);			/* NULL is fine */
/* Appends the page to `to` if it is there. */
bool page_cache_get(struct page_cache *cache, const struct page_key *key, struct buf *to);
void page_cache_put(struct page_cache *cache, const struct page_key *key, const void *bytes, size_t len);

#endif
