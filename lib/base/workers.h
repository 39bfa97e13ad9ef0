#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Threads that run small jobs from one bounded queue, and single named threads. Any thread may call.
 */
struct workers;

/* `name` shows in ps and in logs (15 bytes). ERR_NOMEM, ERR_BUSY if the system gives no thread. */
int workers_new(const char *name, unsigned threads, unsigned queue, struct workers **w);
/* Queues run(arg). ERR_BUSY when the queue is full, ERR_CLOSED after workers_stop(). */
int workers_add(struct workers *w, void (*run)(void *arg), void *arg);
void workers_stop(struct workers *w);	/* nothing new is queued from now on; what is queued still runs */
void workers_free(struct workers *w);	/* runs what is queued, joins, frees; NULL is fine */

/* One thread with all signals blocked but those of its own faults (SIGSEGV and kin); `stack` bytes or 0 for the
 * default. Joined by the caller with pthread_join. ERR_NOMEM, ERR_BUSY. */
int thread_start(pthread_t *thread, const char *name, unsigned long stack, void *(*run)(void *), void *arg);

/* A condition whose waits end by clock_mono_us(), which nobody sets. */
void thread_cond_init(pthread_cond_t *cond);
/* Waits for it, until then at most. false: that time has come. */
bool thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us);

#endif
