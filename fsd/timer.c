#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "err.h"
#include "timer.h"
#include "workers.h"

struct timer {
	struct timer_options o;
	pthread_t thread;
	pthread_mutex_t lock;	/* leaf */
	pthread_cond_t wake;
	atomic_bool stop;
};

int
timer_must_stop(void *timer)
{
	struct timer *t = timer;

	return atomic_load(&t->stop);
}

/* True when the time came, false to end. */
static bool
wait_turn(struct timer *t)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += t->o.every_ms / 1000;
	until.tv_nsec += t->o.every_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&t->lock);
	while (!atomic_load(&t->stop) && rc == 0)
		rc = pthread_cond_timedwait(&t->wake, &t->lock, &until);
	pthread_mutex_unlock(&t->lock);
	return !atomic_load(&t->stop);
}

static void *
run(void *arg)
{
	struct timer *t = arg;

	while (wait_turn(t))
		t->o.pass(t, t->o.arg);
	return NULL;
}

int
timer_start(const struct timer_options *options, struct timer **timer)
{
	pthread_condattr_t attr;
	struct timer *t;
	int rc;

	*timer = NULL;
	if (!(t = calloc(1, sizeof(*t))))
		return ERR_NOMEM;
	t->o = *options;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_condattr_destroy(&attr);
	if ((rc = thread_start(&t->thread, options->name, 0, run, t)) != 0) {
		free(t);
		return rc;
	}
	*timer = t;
	return 0;
}

void
timer_stop(struct timer *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	atomic_store(&t->stop, true);
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

void
timer_free(struct timer *t)
{
	if (!t)
		return;
	timer_stop(t);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
}
