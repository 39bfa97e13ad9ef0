#ifndef FSD_MEMORY_H
#define FSD_MEMORY_H

#include <stdint.h>

/*
 * Fairness among those whose requests hold memory: the budget of bodies that are collected, and, once a second, the cut of
 * clients that hold memory, bring next to nothing and let others wait (limits.stall_bytes, limits.stall_time). While
 * nobody waits a client may be as slow as the idle timeout lets it. Memory that a burst left free goes back to the system.
 */
struct memory;
struct daemon;
struct budget;

int memory_new(struct daemon *daemon, struct memory **memory);	/* ERR_NOMEM */
void memory_free(struct memory *m);	/* after http_stop(); NULL is fine */
struct budget *memory_bodies(struct memory *m);
/* One thread, any number of times a second, while the store is open. */
void memory_tick(struct memory *m);

#endif
