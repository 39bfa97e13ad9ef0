#ifndef CORE_MISSES_H
#define CORE_MISSES_H

#include <stdint.h>

/*
 * Who asked for users that are not there, so that nobody finds out names by trying: MISSES_AT_ONCE may miss, and one more each
 * MISSES_EVERY_US. Kept in memory of constant size, where those that missed least recently make room; it ends with
 * the process. Times are of the monotonic clock. Any thread.
 */
#define MISSES_AT_ONCE 30
#define MISSES_EVERY_US (120 * 1000000ll)

struct misses;
int misses_new(struct misses **misses);		/* ERR_NOMEM */
void misses_free(struct misses *misses);	/* NULL is fine */

/* Microseconds until `who` may ask again; 0: now. */
int64_t misses_wait(struct misses *misses, int64_t who, int64_t now_us);
void misses_add(struct misses *misses, int64_t who, int64_t now_us);

#endif
