#ifndef BLOB_SEG_CACHE_H
#define BLOB_SEG_CACHE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Open descriptors of segments, by number, each counted: it stays open while someone holds it, and a bounded
 * number of idle ones is kept, the least recently used closed first. The lanes' files are held from their
 * creation to their sealing, so that readers share the writer's descriptor. Any thread.
 */
struct seg_cache;

struct seg_fd {
	int fd;			/* constant while held */
	uint64_t home;
	unsigned holders;	/* the rest belongs to the cache */
	int gone;		/* not to be found any more: closed by the last holder */
	struct seg_fd *chain;
	struct seg_fd *newer, *older;
};

/* `dirfd` is borrowed; up to `max` idle descriptors stay open. */
int seg_cache_new(int dirfd, size_t max, struct seg_cache **c);
void seg_cache_free(struct seg_cache *c);	/* nobody holds any; NULL is fine */

/* ERR_NOTFOUND if there is no such file. */
int seg_cache_get(struct seg_cache *c, uint64_t home, struct seg_fd **h);
/* Takes over `fd` (also on failure), which was made for a new file. ERR_NOMEM. */
int seg_cache_adopt(struct seg_cache *c, uint64_t home, int fd, struct seg_fd **h);
void seg_cache_put(struct seg_cache *c, struct seg_fd *h);	/* NULL is fine */

/* The file was unlinked: who holds it may read on, nobody finds it again. */
void seg_cache_forget(struct seg_cache *c, uint64_t home);

#endif
