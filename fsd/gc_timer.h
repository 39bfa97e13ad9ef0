#ifndef FSD_GC_TIMER_H
#define FSD_GC_TIMER_H

#include <stdint.h>

/* A thread that collects garbage now and then, and logs what a pass freed. */
struct gc_timer;
struct daemon;

/* every_ms 0: never, *timer is NULL then. */
int gc_timer_start(struct daemon *daemon, int64_t every_ms, struct gc_timer **timer);
void gc_timer_stop(struct gc_timer *timer);	/* a pass that runs is told to end; NULL is fine */
void gc_timer_free(struct gc_timer *timer);	/* joins; NULL is fine */

#endif
