#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "clock.h"
#include "crew.h"
#include "exit_status.h"
#include "peer.h"
#include "say.h"
#include "tally.h"
#include "thread.h"

#define THREADS 16
#define DRAW_US 100000

struct member {
	struct crew *crew;
	struct peer *peer;
	pthread_t thread;
};

struct crew {
	pthread_mutex_t lock;
	pthread_cond_t more, less;	/* a task came; one was taken or is done */
	struct task *first, **last;
	unsigned queued, busy, threads;
	bool over;
	struct tally *tally;
	struct member members[THREADS];
};

static void *
work(void *arg)
{
	struct member *m = arg;
	struct crew *c = m->crew;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		struct task *t;

		while (!c->first && !c->over)
			pthread_cond_wait(&c->more, &c->lock);
		if (!(t = c->first))
			break;
		if (!(c->first = t->next))
			c->last = &c->first;
		c->queued--;
		c->busy++;
		pthread_cond_signal(&c->less);
		pthread_mutex_unlock(&c->lock);
		t->run(t, m->peer);
		pthread_mutex_lock(&c->lock);
		c->busy--;
		pthread_cond_signal(&c->less);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

int
crew_new(struct ctl *ctl, unsigned threads, struct tally *tally, struct crew **crew)
{
	struct crew *c = calloc(1, sizeof(*c));
	int status = STATUS_OK;

	if (!c)
		return say_error(STATUS_FAILED, "out of memory");
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->more, NULL);
	thread_cond_init(&c->less);
	c->last = &c->first;
	c->tally = tally;
	for (unsigned i = 0; i < threads && i < THREADS && status == STATUS_OK; i++) {
		struct member *m = &c->members[i];

		m->crew = c;
		if ((status = peer_new(ctl, &m->peer)) != STATUS_OK)
			break;
		if (thread_start(&m->thread, "transfer", 0, work, m) == 0)
			c->threads++;
		else
			status = say_error(STATUS_FAILED, "the system gives no thread");
	}
	if (status != STATUS_OK)
		crew_free(c);
	else
		*crew = c;
	return status;
}

/* With the lock, which nobody has to wait for while a terminal or a pipe takes its time. */
static void
wait_a_bit(struct crew *c)
{
	(void)thread_cond_wait(&c->less, &c->lock, clock_mono_us() + DRAW_US);
	pthread_mutex_unlock(&c->lock);
	tally_tick(c->tally);
	pthread_mutex_lock(&c->lock);
}

void
crew_add(struct crew *c, struct task *task)
{
	pthread_mutex_lock(&c->lock);
	while (c->queued >= c->threads)
		wait_a_bit(c);
	task->next = NULL;
	*c->last = task;
	c->last = &task->next;
	c->queued++;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
	tally_tick(c->tally);
}

void
crew_wait(struct crew *c)
{
	pthread_mutex_lock(&c->lock);
	while (c->queued || c->busy)
		wait_a_bit(c);
	pthread_mutex_unlock(&c->lock);
}

void
crew_free(struct crew *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->over = true;
	pthread_cond_broadcast(&c->more);
	pthread_mutex_unlock(&c->lock);
	for (unsigned i = 0; i < c->threads; i++)
		pthread_join(c->members[i].thread, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		peer_free(c->members[i].peer);
	pthread_cond_destroy(&c->more);
	pthread_cond_destroy(&c->less);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
