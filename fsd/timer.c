#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "thread.h"
#include "timer.h"

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
	int64_t until = clock_mono_us() + t->o.every_ms * 1000;
	bool early = true;

	pthread_mutex_lock(&t->lock);
	while (!atomic_load(&t->stop) && early)
		early = thread_cond_wait(&t->wake, &t->lock, until);
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
	struct timer *t;
	int rc;

	*timer = NULL;
	if (!(t = calloc(1, sizeof(*t))))
		return ERR_NOMEM;
	t->o = *options;
	pthread_mutex_init(&t->lock, NULL);
	thread_cond_init(&t->wake);
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
