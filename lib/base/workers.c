#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "log.h"
#include "workers.h"

/*
 * Open, then stopped (workers_stop(): nothing new is queued), then freed (the threads run what is queued, end and
 * are joined).
 */
struct job {
	void (*run)(void *arg);
	void *arg;
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t changed;		/* a job came, or the end */
	struct job *jobs;		/* a ring */
	unsigned size, first, count;
	bool stopped, ending;
	pthread_t *threads;
	unsigned running;
};

static void *
work(void *arg)
{
	struct workers *w = arg;
	struct job job;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->count && !w->ending)
			pthread_cond_wait(&w->changed, &w->lock);
		if (!w->count)
			break;
		job = w->jobs[w->first];
		w->first = (w->first + 1) % w->size;
		w->count--;
		pthread_mutex_unlock(&w->lock);
		job.run(job.arg);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int
workers_new(const char *name, unsigned threads, unsigned queue, struct workers **workers)
{
	struct workers *w;
	int rc = 0;

	assert(threads > 0 && queue > 0);
	if (!(w = calloc(1, sizeof(*w))))
		return ERR_NOMEM;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->size = queue;
	w->jobs = calloc(queue, sizeof(*w->jobs));
	w->threads = calloc(threads, sizeof(*w->threads));
	if (!w->jobs || !w->threads)
		rc = ERR_NOMEM;
	for (; !rc && w->running < threads; w->running += !rc)
		rc = thread_start(&w->threads[w->running], name, 0, work, w);
	if (rc) {
		workers_free(w);
		return rc;
	}
	*workers = w;
	return 0;
}

int
workers_add(struct workers *w, void (*run)(void *arg), void *arg)
{
	int rc = 0;

	pthread_mutex_lock(&w->lock);
	if (w->stopped) {
		rc = ERR_CLOSED;
	} else if (w->count == w->size) {
		rc = ERR_BUSY;
	} else {
		w->jobs[(w->first + w->count++) % w->size] = (struct job) { run, arg };
		pthread_cond_signal(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return rc;
}

void
workers_stop(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	w->stopped = true;
	pthread_mutex_unlock(&w->lock);
}

void
workers_free(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopped = true;
	w->ending = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->running; i++)
		pthread_join(w->threads[i], NULL);
	free(w->threads);
	free(w->jobs);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* A signal of a fault stays deliverable: blocked, the kernel would kill without any report. */
static void
block_signals(sigset_t *before)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&set, faults[i]);
	pthread_sigmask(SIG_SETMASK, &set, before);
}

int
thread_start(pthread_t *thread, const char *name, unsigned long stack, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t started;
	char shown[16];
	sigset_t before;
	int error;

	if (pthread_attr_init(&attr))
		return ERR_NOMEM;
	if (stack)
		pthread_attr_setstacksize(&attr, stack < (unsigned long)PTHREAD_STACK_MIN ?
		    (unsigned long)PTHREAD_STACK_MIN : stack);
	block_signals(&before);
	error = pthread_create(&started, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (error) {
		errno = error;
		return log_errno(error == ENOMEM ? ERR_NOMEM : ERR_BUSY, "start thread %s", name);
	}
	snprintf(shown, sizeof(shown), "%s", name);
	pthread_setname_np(started, shown);
	*thread = started;
	return 0;
}

void
thread_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

bool
thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us)
{
	const struct timespec until = { .tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000 };

	return pthread_cond_timedwait(cond, lock, &until) == 0;
}
