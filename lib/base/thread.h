#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Single named threads, and waits that no change of the clock disturbs. Any thread may call. */

/* One thread with all signals blocked but those of its own faults (SIGSEGV and kin); `stack` bytes or 0 for the
 * default. Joined by the caller with pthread_join. ERR_NOMEM, ERR_BUSY. */
int thread_start(pthread_t *thread, const char *name, unsigned long stack, void *(*run)(void *), void *arg);

/* A condition whose waits end by clock_mono_us(), which nobody sets. */
void thread_cond_init(pthread_cond_t *cond);
/* Waits for it, until then at most. false: that time has come. */
bool thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us);

#endif
