#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "daemon.h"
#include "err.h"
#include "gc.h"
#include "gc_timer.h"
#include "log.h"
#include "workers.h"

struct gc_timer {
	struct daemon *daemon;
	int64_t every_ms;
	pthread_t thread;
	pthread_mutex_t lock;	/* leaf */
	pthread_cond_t wake;
	atomic_bool stop;
};

static int
must_stop(void *arg)
{
	struct gc_timer *t = arg;

	return atomic_load(&t->stop);
}

/* True when the time came, false to end. */
static bool
wait_turn(struct gc_timer *t)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += t->every_ms / 1000;
	until.tv_nsec += t->every_ms % 1000 * 1000000;
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

static void
pass(struct gc_timer *t)
{
	struct gc_report r = { 0 };
	int rc = gc_run(t->daemon->store, false, -1, must_stop, t, &r);

	if (rc == 0 && (r.chunks_freed || r.segments_dropped || r.uploads_expired || r.versions_expired))
		log_info("gc: %lld chunks of %llu bytes freed, %lld segments rewritten, %lld dropped, "
			 "%llu bytes returned; %lld uploads and %lld versions expired",
		    (long long)r.chunks_freed, (unsigned long long)r.bytes_freed, (long long)r.segments_rewritten,
		    (long long)r.segments_dropped, (unsigned long long)r.bytes_returned,
		    (long long)r.uploads_expired, (long long)r.versions_expired);
	/* Another pass is somebody's job; the next turn comes. */
	if (rc && rc != ERR_BUSY && rc != ERR_CLOSED)
		log_error("gc: %s", err_text(rc));
}

static void *
run(void *arg)
{
	struct gc_timer *t = arg;

	while (wait_turn(t))
		pass(t);
	return NULL;
}

int
gc_timer_start(struct daemon *daemon, int64_t every_ms, struct gc_timer **timer)
{
	pthread_condattr_t attr;
	struct gc_timer *t;
	int rc;

	*timer = NULL;
	if (!every_ms)
		return 0;
	if (!(t = calloc(1, sizeof(*t))))
		return ERR_NOMEM;
	t->daemon = daemon;
	t->every_ms = every_ms;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_condattr_destroy(&attr);
	if ((rc = thread_start(&t->thread, "fsd-gc", 0, run, t)) != 0) {
		free(t);
		return rc;
	}
	*timer = t;
	return 0;
}

void
gc_timer_stop(struct gc_timer *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	atomic_store(&t->stop, true);
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

void
gc_timer_free(struct gc_timer *t)
{
	if (!t)
		return;
	gc_timer_stop(t);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
}
