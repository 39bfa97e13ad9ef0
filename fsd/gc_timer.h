#ifndef FSD_GC_TIMER_H
#define FSD_GC_TIMER_H

#include <stdint.h>

/* What the daemon does by itself now and then; it logs what a pass did. */
struct timer;
struct daemon;

/* Collects garbage. every_ms 0: never, *timer is NULL then. */
int gc_timer_start(struct daemon *daemon, int64_t every_ms, struct timer **timer);
/* Finds out the hashes of contents that came without (hashes.h). */
int gc_timer_hashes(struct daemon *daemon, struct timer **timer);

#endif
