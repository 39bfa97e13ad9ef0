#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "err.h"
#include "http.h"
#include "thread.h"
#include "watch.h"

/*
 * A watcher is in the hub's list of its bucket from watch_add() until it is woken, its time is over, or
 * watch_remove(). A number that was told is kept in `told` until the hub's thread comes round to it, which it does
 * WATCH_COALESCE_MS later, so that a burst of commits wakes a waiter once. When too many numbers are told at once, all
 * waiters are woken: they look and wait on.
 *
 * Lock order: hub.lock, then what http_resume() takes. No handler calls the hub with those held.
 */
#define BUCKETS 1024
#define TOLD 256
#define SWEEP_US 100000		/* how late the end of a wait may be noticed */

struct watch_hub {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool stopped;		/* nobody may wait any more */
	bool end;		/* of the thread */
	unsigned count;
	int64_t told[TOLD];
	unsigned ntold;
	bool told_all;
	LIST_HEAD(watchers, watcher) buckets[BUCKETS];
};

static struct watchers *
bucket_of(struct watch_hub *hub, int64_t what)
{
	/* Ids differ in their low bits and in time; both count. */
	uint64_t h = (uint64_t)what * 0x9e3779b97f4a7c15u;

	return &hub->buckets[h >> 54];
}

static void
unlink_watcher(struct watch_hub *hub, struct watcher *w)
{
	LIST_REMOVE(w, waiting);
	hub->count--;
}

static void
wake_watcher(struct watch_hub *hub, struct watcher *w)
{
	struct http_request *http = w->http;

	unlink_watcher(hub, w);
	w->http = NULL;
	http_resume(http);
}

static void
wake_number(struct watch_hub *hub, int64_t what)
{
	struct watcher *next;

	for (struct watcher *w = LIST_FIRST(bucket_of(hub, what)); w; w = next) {
		next = LIST_NEXT(w, waiting);
		if (w->what == what)
			wake_watcher(hub, w);
	}
}

/* Those whose time ends by `now`; INT64_MAX: everybody. */
static void
wake_until(struct watch_hub *hub, int64_t now)
{
	struct watcher *next;

	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct watcher *w = LIST_FIRST(&hub->buckets[i]); w; w = next) {
			next = LIST_NEXT(w, waiting);
			if (w->until_us <= now)
				wake_watcher(hub, w);
		}
}

static void
wake_told(struct watch_hub *hub)
{
	if (hub->told_all)
		wake_until(hub, INT64_MAX);
	else
		for (unsigned i = 0; i < hub->ntold; i++)
			wake_number(hub, hub->told[i]);
	hub->ntold = 0;
	hub->told_all = false;
}

static void *
run(void *arg)
{
	const struct timespec coalesce = { .tv_nsec = WATCH_COALESCE_MS * 1000000 };
	struct watch_hub *hub = arg;
	int64_t swept = 0, now;

	pthread_mutex_lock(&hub->lock);
	while (!hub->end) {
		if (!hub->ntold && !hub->told_all) {
			if (hub->count)
				(void)thread_cond_wait(&hub->wake, &hub->lock, clock_mono_us() + SWEEP_US);
			else
				(void)pthread_cond_wait(&hub->wake, &hub->lock);
		}
		if (hub->ntold || hub->told_all) {
			pthread_mutex_unlock(&hub->lock);
			nanosleep(&coalesce, NULL);
			pthread_mutex_lock(&hub->lock);
			wake_told(hub);
		}
		now = clock_mono_us();
		if (now - swept >= SWEEP_US) {
			wake_until(hub, now);
			swept = now;
		}
	}
	pthread_mutex_unlock(&hub->lock);
	return NULL;
}

int
watch_hub_new(struct watch_hub **hub)
{
	struct watch_hub *h = calloc(1, sizeof(*h));
	int rc;

	if (!h)
		return ERR_NOMEM;
	pthread_mutex_init(&h->lock, NULL);
	thread_cond_init(&h->wake);
	if ((rc = thread_start(&h->thread, "fsd-watch", 0, run, h)) != 0) {
		free(h);
		return rc;
	}
	*hub = h;
	return 0;
}

void
watch_hub_free(struct watch_hub *hub)
{
	if (!hub)
		return;
	pthread_mutex_lock(&hub->lock);
	hub->end = true;
	pthread_cond_signal(&hub->wake);
	pthread_mutex_unlock(&hub->lock);
	pthread_join(hub->thread, NULL);
	pthread_cond_destroy(&hub->wake);
	pthread_mutex_destroy(&hub->lock);
	free(hub);
}

void
watch_hub_stop(struct watch_hub *hub)
{
	pthread_mutex_lock(&hub->lock);
	hub->stopped = true;
	wake_until(hub, INT64_MAX);
	pthread_mutex_unlock(&hub->lock);
}

int
watch_add(struct watch_hub *hub, struct watcher *w, struct http_request *http, int64_t what, int64_t until_us)
{
	int rc = 0;

	watch_remove(hub, w);
	pthread_mutex_lock(&hub->lock);
	if (hub->stopped) {
		rc = ERR_CLOSED;
	} else {
		*w = (struct watcher) { .http = http, .what = what, .until_us = until_us };
		LIST_INSERT_HEAD(bucket_of(hub, what), w, waiting);
		/* With nobody waiting the thread sleeps without end. */
		if (!hub->count++)
			pthread_cond_signal(&hub->wake);
	}
	pthread_mutex_unlock(&hub->lock);
	return rc;
}

void
watch_remove(struct watch_hub *hub, struct watcher *w)
{
	pthread_mutex_lock(&hub->lock);
	if (w->http) {
		unlink_watcher(hub, w);
		w->http = NULL;
	}
	pthread_mutex_unlock(&hub->lock);
}

void
watch_tell(struct watch_hub *hub, int64_t what)
{
	unsigned i = 0;

	pthread_mutex_lock(&hub->lock);
	if (hub->count) {
		while (i < hub->ntold && hub->told[i] != what)
			i++;
		if (i == TOLD)
			hub->told_all = true;
		else if (i == hub->ntold)
			hub->told[hub->ntold++] = what;
		pthread_cond_signal(&hub->wake);
	}
	pthread_mutex_unlock(&hub->lock);
}

unsigned
watch_count(struct watch_hub *hub)
{
	unsigned n;

	pthread_mutex_lock(&hub->lock);
	n = hub->count;
	pthread_mutex_unlock(&hub->lock);
	return n;
}
