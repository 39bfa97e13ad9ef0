#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "err.h"
#include "thread.h"
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
