#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "err.h"
#include "errand.h"
#include "http.h"
#include "request.h"
#include "workers.h"

/*
 * An errand: none -> sent -> done, with its result, from which on its request goes on -> over, when its thread has let go of it.
 * The lock guards the last step alone; nothing is held over run() or http_resume().
 */
enum state { NONE, SENT, DONE, OVER };

struct errand_pool {
	struct workers *workers;
	pthread_mutex_t lock;
	pthread_cond_t over;
};

int
errand_pool_new(unsigned threads, unsigned queue, struct errand_pool **errands)
{
	struct errand_pool *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return ERR_NOMEM;
	if ((rc = workers_new("fsd-errand", threads, queue, &s->workers)) != 0) {
		free(s);
		return rc;
	}
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->over, NULL);
	*errands = s;
	return 0;
}

void
errand_pool_free(struct errand_pool *s)
{
	if (!s)
		return;
	workers_free(s->workers);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->over);
	free(s);
}

static void
run(void *arg)
{
	struct errand *e = arg;
	struct errand_pool *s = e->errands;

	e->rc = e->run(e->req);
	assert(e->rc != ERR_AGAIN);
	atomic_store_explicit(&e->state, DONE, memory_order_release);
	http_resume(e->req->http);
	pthread_mutex_lock(&s->lock);
	atomic_store_explicit(&e->state, OVER, memory_order_release);
	pthread_cond_broadcast(&s->over);
	pthread_mutex_unlock(&s->lock);
}

int
errand_send(struct errand_pool *s, struct errand *e, struct request *req, int (*what)(struct request *req))
{
	int rc;

	e->errands = s;
	e->req = req;
	e->run = what;
	atomic_store_explicit(&e->state, SENT, memory_order_relaxed);
	if ((rc = workers_add(s->workers, run, e)) != 0)
		atomic_store_explicit(&e->state, NONE, memory_order_relaxed);
	return rc;
}

bool
errand_sent(const struct errand *e)
{
	return atomic_load_explicit(&e->state, memory_order_relaxed) != NONE;
}

int
errand_result(const struct errand *e)
{
	int state = atomic_load_explicit(&e->state, memory_order_acquire);

	return state == DONE || state == OVER ? e->rc : ERR_AGAIN;
}

void
errand_end(struct errand *e)
{
	struct errand_pool *s = e->errands;
	int state = atomic_load_explicit(&e->state, memory_order_acquire);

	if (state == SENT || state == DONE) {
		pthread_mutex_lock(&s->lock);
		while (atomic_load_explicit(&e->state, memory_order_relaxed) != OVER)
			pthread_cond_wait(&s->over, &s->lock);
		pthread_mutex_unlock(&s->lock);
	}
	atomic_store_explicit(&e->state, NONE, memory_order_relaxed);
}
