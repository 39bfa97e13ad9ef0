#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "budget.h"
#include "err.h"

/*
 * A user is idle, queued (it was told ERR_AGAIN) or woken (called back, has not asked since). budget_take() queues, units that
 * come back wake, the next budget_take() ends it; a woken user that comes too late goes back to the head of the queue.
 *
 * The token. While more than the reserve is left, everybody may take, and who makes it fewer than the reserve becomes
 * the holder; from then on the holder alone may take. What always holds is
 *
 *	left + (units of the holder) >= reserve
 *
 * so that the holder can get as many as one may ever need, and finish. When it gives some back it may not be the
 * holder any longer: the token goes to a waiter for whom the same is true. (A user that keeps some bytes from one
 * chunk to the next would otherwise hold the token for as long as its upload takes.)
 */
enum { IDLE, QUEUED, WOKEN };

/* A callback that is running, on the stack of the thread that runs it. */
struct call {
	struct call *next;
	const struct budget_user *user;
	pthread_t thread;
};

struct budget {
	pthread_mutex_t lock;
	pthread_cond_t called;		/* some callback ended */
	size_t units, reserve, left;
	struct budget_user *first, *last;	/* the queue */
	size_t queued;			/* how many are in it */
	struct budget_user *holders;	/* the latest first */
	struct budget_user *token;	/* means something while less than the reserve is left */
	struct call *calls;
	_Atomic uint64_t moved;		/* by all */
	uint64_t marked;		/* `moved` at mark_us, from where on all are judged; mark_us 0: not yet */
	int64_t mark_us;
	unsigned sweeps;
};

int
budget_new(size_t units, size_t reserve, struct budget **budget)
{
	struct budget *b;

	assert(reserve && reserve < units);
	if (!(b = calloc(1, sizeof(*b))))
		return ERR_NOMEM;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->called, NULL);
	b->units = b->left = units;
	b->reserve = reserve;
	*budget = b;
	return 0;
}

void
budget_free(struct budget *b)
{
	if (!b)
		return;
	assert(b->left == b->units && !b->first && !b->calls);
	pthread_cond_destroy(&b->called);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static void
enqueue(struct budget *b, struct budget_user *u)
{
	bool to_head = u->waiting == WOKEN;

	u->waiting = QUEUED;
	b->queued++;
	if (!b->first) {
		u->next = NULL;
		b->first = b->last = u;
	} else if (to_head) {
		u->next = b->first;
		b->first = u;
	} else {
		u->next = NULL;
		b->last->next = u;
		b->last = u;
	}
}

static void
dequeue(struct budget *b, struct budget_user *u)
{
	struct budget_user **link = &b->first, *before = NULL;

	for (; *link != u; link = &(*link)->next)
		before = *link;
	*link = u->next;
	if (b->last == u)
		b->last = before;
	u->next = NULL;
	b->queued--;
}

/* It is judged from now on. */
static void
join_holders(struct budget *b, struct budget_user *u)
{
	u->mark_us = 0;
	u->before = NULL;
	u->after = b->holders;
	if (u->after)
		u->after->before = u;
	b->holders = u;
}

static void
leave_holders(struct budget *b, struct budget_user *u)
{
	if (u->after)
		u->after->before = u->before;
	if (u->before)
		u->before->after = u->after;
	else
		b->holders = u->after;
	u->after = u->before = NULL;
}

/* Whether `u` may take `n` now; if so and the reserve is touched, `u` holds the token from now on. */
static bool
may_take(struct budget *b, struct budget_user *u, size_t n)
{
	if (b->left >= b->reserve && b->left - b->reserve >= n)
		return true;
	if (b->left >= b->reserve)
		b->token = u;
	return b->left >= n && b->token == u;
}

int
budget_take(struct budget *b, struct budget_user *u, size_t n)
{
	int rc = 0;

	pthread_mutex_lock(&b->lock);
	if (!may_take(b, u, n)) {
		if (u->waiting != QUEUED)
			enqueue(b, u);
		rc = ERR_AGAIN;
		goto out;
	}
	if (u->waiting == QUEUED)
		dequeue(b, u);
	u->waiting = IDLE;
	if (!u->held)
		join_holders(b, u);
	u->held += n;
	b->left -= n;
out:
	pthread_mutex_unlock(&b->lock);
	return rc;
}

static void
call_begins(struct budget *b, struct call *call, const struct budget_user *u)
{
	*call = (struct call) { .next = b->calls, .user = u, .thread = pthread_self() };
	b->calls = call;
	pthread_mutex_unlock(&b->lock);
}

static void
call_ended(struct budget *b, struct call *call)
{
	struct call **link;

	pthread_mutex_lock(&b->lock);
	for (link = &b->calls; *link != call; link = &(*link)->next)
		;
	*link = call->next;
	pthread_cond_broadcast(&b->called);
}

/* Calls back `u`, with the lock released meanwhile. */
static void
wake(struct budget *b, struct budget_user *u)
{
	void (*function)(void *arg) = u->wake;
	void *arg = u->arg;
	struct call call;

	dequeue(b, u);
	u->waiting = WOKEN;
	call_begins(b, &call, u);
	function(arg);
	call_ended(b, &call);
}

/* The first waiter that the token would be safe with. */
static struct budget_user *
next_token(struct budget *b)
{
	struct budget_user *u = b->first;

	while (u && b->left + u->held < b->reserve)
		u = u->next;
	return u;
}

/*
 * Calls back those for whom it is worth asking again, after `giver` gave something back or went away: one for each
 * unit above the reserve and one more to draw the reserve.
 */
static void
wake_waiters(struct budget *b, const struct budget_user *giver)
{
	struct budget_user *u;

	if (b->left >= b->reserve) {
		for (size_t n = b->left - b->reserve + 1; n > 0 && b->first && b->left >= b->reserve; n--)
			wake(b, b->first);
	} else if (b->token == giver && (u = next_token(b)) != NULL) {
		b->token = u;
		wake(b, u);
	}
}

void
budget_give(struct budget *b, struct budget_user *u, size_t n)
{
	pthread_mutex_lock(&b->lock);
	assert(u->held >= n && b->left + n <= b->units);
	u->held -= n;
	b->left += n;
	if (!u->held && n)
		leave_holders(b, u);
	wake_waiters(b, u);
	pthread_mutex_unlock(&b->lock);
}

/* Whether another thread is calling `u` back. On its own thread a user may forget itself from its callback. */
static bool
being_called(const struct budget *b, const struct budget_user *u)
{
	for (const struct call *c = b->calls; c; c = c->next)
		if (c->user == u && !pthread_equal(c->thread, pthread_self()))
			return true;
	return false;
}

void
budget_forget(struct budget *b, struct budget_user *u)
{
	bool was_woken;

	pthread_mutex_lock(&b->lock);
	assert(!u->held);
	if (u->waiting == QUEUED)
		dequeue(b, u);
	was_woken = u->waiting == WOKEN;
	u->waiting = IDLE;
	while (being_called(b, u))
		pthread_cond_wait(&b->called, &b->lock);
	/* What it was woken for is somebody else's now. */
	if (was_woken)
		wake_waiters(b, u);
	if (b->token == u)
		b->token = NULL;
	pthread_mutex_unlock(&b->lock);
}

void
budget_moved(struct budget *b, struct budget_user *u, size_t bytes)
{
	atomic_fetch_add_explicit(&u->moved, bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&b->moved, bytes, memory_order_relaxed);
}

/* Whether `u` lets others wait in vain. Who waits itself, or got enough done, is judged from now on. */
static bool
is_slow(struct budget_user *u, const struct budget_rule *rule)
{
	uint64_t moved = atomic_load_explicit(&u->moved, memory_order_relaxed);

	if (u->waiting == IDLE && u->mark_us && moved - u->marked < rule->least)
		return rule->now_us - u->mark_us > rule->within_us;
	u->mark_us = rule->now_us;
	u->marked = moved;
	return false;
}

/* Whether those who wait could have got enough done by what all together did. */
static bool
is_stuck(struct budget *b, const struct budget_rule *rule)
{
	uint64_t moved = atomic_load_explicit(&b->moved, memory_order_relaxed);

	if (b->mark_us && moved - b->marked < rule->least * b->queued) {
		if (rule->now_us - b->mark_us <= rule->within_us)
			return false;
		b->mark_us = 0;
		return true;
	}
	b->mark_us = rule->now_us;
	b->marked = moved;
	return false;
}

static struct budget_user *
slowest(struct budget *b, const struct budget_rule *rule)
{
	struct budget_user *slow = NULL;

	for (struct budget_user *u = b->holders; u; u = u->after)
		if (is_slow(u, rule) && u->cut && u->asked != b->sweeps && (!slow || u->mark_us < slow->mark_us))
			slow = u;
	return slow;
}

static size_t
held_by_slow(struct budget *b, const struct budget_rule *rule)
{
	size_t held = 0;

	for (struct budget_user *u = b->holders; u; u = u->after)
		if (is_slow(u, rule) && u->cut)
			held += u->held;
	return held;
}

/* Of those that wait, the one that has held something for longest. */
static struct budget_user *
oldest_waiting(struct budget *b)
{
	struct budget_user *oldest = NULL;

	for (struct budget_user *u = b->holders; u; u = u->after)
		if (u->waiting != IDLE && u->cut && u->asked != b->sweeps)
			oldest = u;
	return oldest;
}

/* Asks `u` to let go, with the lock released meanwhile. */
static bool
cut(struct budget *b, struct budget_user *u)
{
	bool (*function)(void *arg) = u->cut, done;
	void *arg = u->arg;
	struct call call;

	u->asked = b->sweeps;
	call_begins(b, &call, u);
	done = function(arg);
	call_ended(b, &call);
	return done;
}

unsigned
budget_sweep(struct budget *b, const struct budget_rule *rule)
{
	struct budget_user *u;
	unsigned count = 0;
	size_t freed = 0, held;
	bool stuck;

	pthread_mutex_lock(&b->lock);
	b->sweeps++;
	stuck = is_stuck(b, rule);
	/* Before the slow ones, whose units let those go on that waited for longest: who came last would be all that is left. */
	if (stuck)
		freed = held_by_slow(b, rule);
	while (stuck && freed < b->units / 2 && (u = oldest_waiting(b)) != NULL) {
		held = u->held;
		if (cut(b, u)) {
			freed += held;
			count++;
		}
	}
	u = slowest(b, rule);
	for (size_t n = b->queued; n > 0 && u; n--, u = slowest(b, rule))
		count += cut(b, u);
	pthread_mutex_unlock(&b->lock);
	return count;
}

size_t
budget_used(struct budget *b)
{
	size_t used;

	pthread_mutex_lock(&b->lock);
	used = b->units - b->left;
	pthread_mutex_unlock(&b->lock);
	return used;
}
