#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "commit.h"
#include "err.h"
#include "heads.h"
#include "hint.h"
#include "http.h"
#include "thread.h"

/*
 * A stream stands in the hub's list from hint_open() to hint_close(), and with each of its workspaces in the list of that one's bucket. Commits are
 * put into `told`; the thread carries them to the streams. A stream that was woken is not woken again until it has asked (hint_take()) and found nothing.
 *
 * Lock order: hub.lock, then what http_resume() takes. No handler calls the hub with those held.
 */
#define BUCKETS 4096
#define TOLD 1024
#define ROUND_US (HINT_COALESCE_MS * 1000)
#define IDLE_US 100000		/* how late a change of rights may be noticed */
#define SWEEP_US 500000		/* how late a heartbeat may be */
#define CHECKS 100		/* streams of a round that look at their rights */

struct hint_sub {
	struct hint_stream *stream;
	int64_t workspace, head, said;
	LIST_ENTRY(hint_sub) same_bucket;
};

struct hint_hub {
	struct store *store;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool stopped, end;
	unsigned count, woken;
	LIST_HEAD(, hint_stream) streams;
	struct head told[TOLD];
	unsigned ntold;
	bool told_all;			/* too many at once: everybody looks for itself */
	int64_t told_us;		/* when the oldest of them was told */
	int64_t round_us, sweep_us;	/* when the last ones were */
	int64_t epoch;			/* of the authorisation, as seen last */
	bool checking;			/* not every stream has seen it */
	LIST_HEAD(hint_subs, hint_sub) buckets[BUCKETS];
};

static struct hint_subs *
bucket_of(struct hint_hub *hub, int64_t workspace)
{
	return &hub->buckets[((uint64_t)workspace * 0x9e3779b97f4a7c15u) >> 52];
}

/* ---- under the lock ---- */

static void
wake_stream(struct hint_hub *hub, struct hint_stream *s)
{
	if (s->woken)
		return;
	s->woken = true;
	hub->woken++;
	http_resume(s->http);
}

static void
asleep(struct hint_hub *hub, struct hint_stream *s)
{
	if (s->woken)
		hub->woken--;
	s->woken = false;
}

static void
carry(struct hint_hub *hub)
{
	struct hint_stream *s;
	struct hint_sub *sub;

	for (unsigned i = 0; i < hub->ntold; i++)
		LIST_FOREACH(sub, bucket_of(hub, hub->told[i].workspace), same_bucket)
			if (sub->workspace == hub->told[i].workspace && sub->head < hub->told[i].sequence) {
				sub->head = hub->told[i].sequence;
				wake_stream(hub, sub->stream);
			}
	if (hub->told_all)
		LIST_FOREACH(s, &hub->streams, all)
			s->epoch = -1;
	hub->checking |= hub->told_all;
	hub->ntold = 0;
	hub->told_all = false;
}

/* Some of those that have not seen the newest rights. */
static void
check_some(struct hint_hub *hub)
{
	struct hint_stream *s;
	unsigned n = 0;

	hub->checking = false;
	LIST_FOREACH(s, &hub->streams, all) {
		if (s->epoch == hub->epoch || s->check)
			continue;
		if (n++ == CHECKS) {
			hub->checking = true;
			return;
		}
		s->check = true;
		wake_stream(hub, s);
	}
}

static void
sweep(struct hint_hub *hub, int64_t now)
{
	struct hint_stream *s;

	LIST_FOREACH(s, &hub->streams, all)
		if (s->beat_us <= now)
			wake_stream(hub, s);
	hub->sweep_us = now;
}

/* ---- the thread ---- */

/* Whether what was told is due; if not, *at gets when it may be. */
static bool
due(struct hint_hub *hub, int64_t now, int64_t *at)
{
	*at = now + (hub->checking ? ROUND_US : IDLE_US);
	if (!hub->ntold && !hub->told_all)
		return false;
	if (now < hub->round_us + ROUND_US)
		*at = hub->round_us + ROUND_US;
	else if (hub->woken > HINT_CROWD && now < hub->told_us + HINT_WAIT_MS * 1000)
		*at = now + ROUND_US;
	else
		return true;
	return false;
}

static void
turn(struct hint_hub *hub)
{
	int64_t now = clock_mono_us(), at, epoch = store_auth_epoch(hub->store);

	if (epoch != hub->epoch) {
		hub->epoch = epoch;
		hub->checking = true;
	}
	if (due(hub, now, &at)) {
		carry(hub);
		hub->round_us = now;
	}
	if (hub->checking)
		check_some(hub);
	if (now - hub->sweep_us >= SWEEP_US)
		sweep(hub, now);
	(void)due(hub, now, &at);
	(void)thread_cond_wait(&hub->wake, &hub->lock, at);
}

static void *
run(void *arg)
{
	struct hint_hub *hub = arg;

	pthread_mutex_lock(&hub->lock);
	while (!hub->end) {
		if (hub->count)
			turn(hub);
		else
			(void)pthread_cond_wait(&hub->wake, &hub->lock);
	}
	pthread_mutex_unlock(&hub->lock);
	return NULL;
}

int
hint_hub_new(struct store *store, struct hint_hub **hub)
{
	struct hint_hub *h = calloc(1, sizeof(*h));
	int rc;

	if (!h)
		return ERR_NOMEM;
	h->store = store;
	h->epoch = store_auth_epoch(store);
	pthread_mutex_init(&h->lock, NULL);
	thread_cond_init(&h->wake);
	if ((rc = thread_start(&h->thread, "fsd-hint", 0, run, h)) != 0) {
		free(h);
		return rc;
	}
	*hub = h;
	return 0;
}

void
hint_hub_stop(struct hint_hub *hub)
{
	struct hint_stream *s;

	pthread_mutex_lock(&hub->lock);
	hub->stopped = true;
	LIST_FOREACH(s, &hub->streams, all)
		wake_stream(hub, s);
	pthread_mutex_unlock(&hub->lock);
}

void
hint_hub_free(struct hint_hub *hub)
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
hint_tell(struct hint_hub *hub, int64_t workspace, int64_t sequence)
{
	unsigned i = 0;

	pthread_mutex_lock(&hub->lock);
	if (hub->count) {
		if (!hub->ntold && !hub->told_all) {
			hub->told_us = clock_mono_us();
			pthread_cond_signal(&hub->wake);
		}
		while (i < hub->ntold && hub->told[i].workspace != workspace)
			i++;
		if (i == TOLD)
			hub->told_all = true;
		else
			hub->told[i] = (struct head) { workspace, sequence };
		hub->ntold += i == hub->ntold && i < TOLD;
	}
	pthread_mutex_unlock(&hub->lock);
}

/* ---- streams ---- */

int
hint_open(struct hint_hub *hub, struct hint_stream *s, struct http_request *http)
{
	int rc = 0;

	pthread_mutex_lock(&hub->lock);
	if (hub->stopped) {
		rc = ERR_CLOSED;
	} else {
		/* It asks before it waits for the first time. */
		*s = (struct hint_stream) { .http = http, .epoch = hub->epoch, .woken = true,
			.beat_us = clock_mono_us() + HINT_BEAT_MS * 1000 };
		hub->woken++;
		LIST_INSERT_HEAD(&hub->streams, s, all);
		if (!hub->count++)
			pthread_cond_signal(&hub->wake);
	}
	pthread_mutex_unlock(&hub->lock);
	return rc;
}

static void
drop_subs(struct hint_stream *s)
{
	for (unsigned i = 0; i < s->count; i++)
		LIST_REMOVE(&s->subs[i], same_bucket);
	free(s->subs);
	s->subs = NULL;
	s->count = 0;
}

void
hint_close(struct hint_hub *hub, struct hint_stream *s)
{
	if (!s->http)
		return;
	pthread_mutex_lock(&hub->lock);
	drop_subs(s);
	asleep(hub, s);
	LIST_REMOVE(s, all);
	hub->count--;
	s->http = NULL;
	pthread_mutex_unlock(&hub->lock);
}

static struct hint_sub *
find_sub(struct hint_stream *s, int64_t workspace)
{
	for (unsigned low = 0, high = s->count; low < high;) {
		unsigned mid = (low + high) / 2;

		if (s->subs[mid].workspace == workspace)
			return &s->subs[mid];
		if (s->subs[mid].workspace < workspace)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static bool
same_set(const struct hint_stream *s, const struct head *heads, unsigned n)
{
	bool same = s->count == n;

	for (unsigned i = 0; same && i < n; i++)
		same = s->subs[i].workspace == heads[i].workspace;
	return same;
}

/* Takes `fresh` in place of what it had; what was said is remembered. */
static void
replace_subs(struct hint_hub *hub, struct hint_stream *s, struct hint_sub *fresh, const struct head *heads, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct hint_sub *old = find_sub(s, heads[i].workspace);

		fresh[i] = (struct hint_sub) { .stream = s, .workspace = heads[i].workspace,
			.head = old ? old->head : -1, .said = old ? old->said : -1 };
	}
	drop_subs(s);
	for (unsigned i = 0; i < n; i++)
		LIST_INSERT_HEAD(bucket_of(hub, fresh[i].workspace), &fresh[i], same_bucket);
	s->subs = fresh;
	s->count = n;
}

int
hint_watch(struct hint_hub *hub, struct hint_stream *s, const struct head *heads, unsigned n, bool *changed)
{
	struct hint_sub *fresh = NULL;

	pthread_mutex_lock(&hub->lock);
	*changed = !same_set(s, heads, n);
	if (*changed && n && !(fresh = calloc(n, sizeof(*fresh)))) {
		pthread_mutex_unlock(&hub->lock);
		return ERR_NOMEM;
	}
	if (*changed)
		replace_subs(hub, s, fresh, heads, n);
	for (unsigned i = 0; i < n; i++)
		if (s->subs[i].head < heads[i].sequence)
			s->subs[i].head = heads[i].sequence;
	pthread_mutex_unlock(&hub->lock);
	return 0;
}

void
hint_known(struct hint_hub *hub, struct hint_stream *s, int64_t workspace, int64_t sequence)
{
	struct hint_sub *sub;

	pthread_mutex_lock(&hub->lock);
	if ((sub = find_sub(s, workspace)) != NULL && sub->said < sequence && sequence <= sub->head)
		sub->said = sequence;
	pthread_mutex_unlock(&hub->lock);
}

static int
find_hint(struct hint_hub *hub, struct hint_stream *s, struct hint *hint)
{
	int64_t now = clock_mono_us();

	if (hub->stopped)
		return ERR_CLOSED;
	if (s->check || s->beat_us <= now) {
		*hint = (struct hint) { .kind = s->check ? HINT_CHECK : HINT_BEAT };
		if (s->check)
			s->epoch = hub->epoch;
		else
			s->beat_us = now + HINT_BEAT_MS * 1000;
		s->check = false;
		return 0;
	}
	for (unsigned i = 0; i < s->count; i++)
		if (s->subs[i].said < s->subs[i].head) {
			s->subs[i].said = s->subs[i].head;
			s->beat_us = now + HINT_BEAT_MS * 1000;
			*hint = (struct hint) { HINT_HEAD, s->subs[i].workspace, s->subs[i].head };
			return 0;
		}
	asleep(hub, s);
	return ERR_AGAIN;
}

int
hint_take(struct hint_hub *hub, struct hint_stream *s, struct hint *hint)
{
	int rc;

	pthread_mutex_lock(&hub->lock);
	rc = find_hint(hub, s, hint);
	pthread_mutex_unlock(&hub->lock);
	return rc;
}

unsigned
hint_count(struct hint_hub *hub)
{
	unsigned n;

	pthread_mutex_lock(&hub->lock);
	n = hub->count;
	pthread_mutex_unlock(&hub->lock);
	return n;
}
