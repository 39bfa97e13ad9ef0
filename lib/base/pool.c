#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "pool.h"

/*
 * A user is idle, queued (it was told ERR_AGAIN) or woken (called back, has not asked since). pool_take()
 * queues, a freed block wakes, the next pool_take() ends it; a woken user that comes too late goes back to the
 * head of the queue.
 *
 * The token. While at least the reserve is free, everybody may take, and who makes the free blocks fewer than the
 * reserve becomes the holder; from then on the holder alone may take. What always holds is
 *
 *	free + (blocks of the holder) >= reserve
 *
 * so that the holder can get as many blocks as the largest chunk has, and finish. When it gives a block it may
 * not be the holder any longer: the token goes to a waiter for whom the same is true. (A user that keeps some
 * bytes from one chunk to the next would otherwise hold the token for as long as its upload takes.)
 *
 * Memory. Blocks are pieces of one mapping. `warm` is a stack of free blocks that were in use, `cold` one of those
 * that the system has taken back; the bottom of `warm` is what lay idle longest.
 */
enum { IDLE, QUEUED, WOKEN };

#define TRIM_PERIOD_US 1000000
#define TRIM_BLOCKS 64		/* at most this many a period, since the lock is held */

/* A callback that is running, on the stack of the thread that runs it. */
struct call {
	struct call *next;
	const struct pool_user *user;
	pthread_t thread;
};

struct stack {
	uint32_t *blocks;
	size_t count;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t called;		/* some callback ended */
	char *memory;
	size_t block, blocks, reserve;	/* bytes of one; how many; how many of them are the reserve */
	struct stack warm, cold;
	struct pool_user *first, *last;	/* the queue */
	struct pool_user *holder;	/* means something while fewer than the reserve are free */
	struct call *calls;
	size_t warm_least;		/* fewest warm blocks since `trimmed` */
	int64_t trimmed;
	bool can_trim;			/* blocks are whole pages */
};

static size_t
free_blocks(const struct pool *p)
{
	return p->warm.count + p->cold.count;
}

static void
release(struct pool *p)
{
	if (p->memory != MAP_FAILED)
		munmap(p->memory, p->blocks * p->block);
	free(p->warm.blocks);
	free(p->cold.blocks);
	pthread_cond_destroy(&p->called);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void
pool_free(struct pool *p)
{
	if (!p)
		return;
	assert(free_blocks(p) == p->blocks && !p->first && !p->calls);
	release(p);
}

int
pool_new(size_t block, size_t total, size_t reserve, struct pool **pool)
{
	struct pool *p;

	assert(block && total % block == 0 && reserve % block == 0 && reserve && reserve < total);
	assert(total / block <= UINT32_MAX);
	if (!(p = calloc(1, sizeof(*p))))
		return ERR_NOMEM;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->called, NULL);
	p->block = block;
	p->blocks = total / block;
	p->reserve = reserve / block;
	p->can_trim = block % (size_t)sysconf(_SC_PAGESIZE) == 0;
	p->memory = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	p->warm.blocks = calloc(p->blocks, sizeof(*p->warm.blocks));
	p->cold.blocks = calloc(p->blocks, sizeof(*p->cold.blocks));
	if (p->memory == MAP_FAILED || !p->warm.blocks || !p->cold.blocks) {
		release(p);
		return log_errno(ERR_NOMEM, "pool of %zu bytes", total);
	}
	/* Huge pages would keep memory that was given back block by block. */
	madvise(p->memory, total, MADV_NOHUGEPAGE);
	while (p->cold.count < p->blocks) {
		p->cold.blocks[p->cold.count] = (uint32_t)(p->blocks - 1 - p->cold.count);
		p->cold.count++;
	}
	*pool = p;
	return 0;
}

static void
enqueue(struct pool *p, struct pool_user *u)
{
	bool to_head = u->waiting == WOKEN;

	u->waiting = QUEUED;
	if (!p->first) {
		u->next = NULL;
		p->first = p->last = u;
	} else if (to_head) {
		u->next = p->first;
		p->first = u;
	} else {
		u->next = NULL;
		p->last->next = u;
		p->last = u;
	}
}

static void
dequeue(struct pool *p, struct pool_user *u)
{
	struct pool_user **link = &p->first, *before = NULL;

	for (; *link != u; link = &(*link)->next)
		before = *link;
	*link = u->next;
	if (p->last == u)
		p->last = before;
	u->next = NULL;
}

/* Whether `u` may take a block now; if so and the reserve is touched, `u` holds the token from now on. */
static bool
may_take(struct pool *p, struct pool_user *u)
{
	size_t left = free_blocks(p);

	if (left > p->reserve)
		return true;
	if (left == p->reserve)
		p->holder = u;
	return left > 0 && p->holder == u;
}

int
pool_take(struct pool *p, struct pool_user *u, void **block)
{
	uint32_t index;
	int rc = 0;

	pthread_mutex_lock(&p->lock);
	if (!may_take(p, u)) {
		if (u->waiting != QUEUED)
			enqueue(p, u);
		rc = ERR_AGAIN;
		goto out;
	}
	if (u->waiting == QUEUED)
		dequeue(p, u);
	u->waiting = IDLE;
	u->held++;
	if (p->warm.count > 0)
		index = p->warm.blocks[--p->warm.count];
	else
		index = p->cold.blocks[--p->cold.count];
	if (p->warm.count < p->warm_least)
		p->warm_least = p->warm.count;
	*block = p->memory + index * p->block;
out:
	pthread_mutex_unlock(&p->lock);
	return rc;
}

/* Calls back `u`, with the lock released meanwhile. */
static void
wake(struct pool *p, struct pool_user *u)
{
	struct call call = { .next = p->calls, .user = u, .thread = pthread_self() }, **link;
	void (*function)(void *arg) = u->wake;
	void *arg = u->arg;

	dequeue(p, u);
	u->waiting = WOKEN;
	p->calls = &call;
	pthread_mutex_unlock(&p->lock);
	function(arg);
	pthread_mutex_lock(&p->lock);
	for (link = &p->calls; *link != &call; link = &(*link)->next)
		;
	*link = call.next;
	pthread_cond_broadcast(&p->called);
}

/* The first waiter that the token would be safe with. */
static struct pool_user *
next_holder(struct pool *p)
{
	struct pool_user *u = p->first;

	while (u && free_blocks(p) + u->held < p->reserve)
		u = u->next;
	return u;
}

/*
 * Calls back those for whom it is worth asking again, after `giver` gave something back or went away: one for each
 * block above the reserve and one more to draw the reserve.
 */
static void
wake_waiters(struct pool *p, const struct pool_user *giver)
{
	size_t left = free_blocks(p);
	struct pool_user *u;

	if (left >= p->reserve) {
		for (size_t n = left - p->reserve + 1; n > 0 && p->first; n--)
			wake(p, p->first);
	} else if (p->holder == giver && (u = next_holder(p)) != NULL) {
		p->holder = u;
		wake(p, u);
	}
}

/* Returns the `count` warm blocks that lay idle longest to the system. */
static void
trim(struct pool *p, size_t count)
{
	if (!p->can_trim)
		return;
	for (size_t i = 0; i < count; i++) {
		madvise(p->memory + p->warm.blocks[i] * p->block, p->block, MADV_DONTNEED);
		p->cold.blocks[p->cold.count++] = p->warm.blocks[i];
	}
	p->warm.count -= count;
	for (size_t i = 0; i < p->warm.count; i++)
		p->warm.blocks[i] = p->warm.blocks[i + count];
}

/* When all is back, only a reserve stays warm; otherwise what nobody needed for a period goes. */
static void
trim_idle(struct pool *p)
{
	int64_t now = clock_mono_us();
	size_t count = p->warm_least < TRIM_BLOCKS ? p->warm_least : TRIM_BLOCKS;

	if (free_blocks(p) == p->blocks && p->warm.count > p->reserve) {
		trim(p, p->warm.count - p->reserve);
	} else if (now - p->trimmed >= TRIM_PERIOD_US) {
		if (p->trimmed)
			trim(p, count);
	} else {
		return;
	}
	p->trimmed = now;
	p->warm_least = p->warm.count;
}

void
pool_give(struct pool *p, struct pool_user *u, void *block)
{
	size_t index = (size_t)((char *)block - p->memory) / p->block;

	assert(index < p->blocks && p->memory + index * p->block == (char *)block);
	pthread_mutex_lock(&p->lock);
	assert(u->held > 0 && free_blocks(p) < p->blocks);
	u->held--;
	p->warm.blocks[p->warm.count++] = (uint32_t)index;
	trim_idle(p);
	wake_waiters(p, u);
	pthread_mutex_unlock(&p->lock);
}

/* Whether another thread is calling `u` back. On its own thread a user may forget itself from its callback. */
static bool
being_called(const struct pool *p, const struct pool_user *u)
{
	for (const struct call *c = p->calls; c; c = c->next)
		if (c->user == u && !pthread_equal(c->thread, pthread_self()))
			return true;
	return false;
}

void
pool_forget(struct pool *p, struct pool_user *u)
{
	bool was_woken;

	pthread_mutex_lock(&p->lock);
	assert(!u->held);
	if (u->waiting == QUEUED)
		dequeue(p, u);
	was_woken = u->waiting == WOKEN;
	u->waiting = IDLE;
	while (being_called(p, u))
		pthread_cond_wait(&p->called, &p->lock);
	/* What it was woken for is somebody else's now. */
	if (was_woken)
		wake_waiters(p, u);
	if (p->holder == u)
		p->holder = NULL;
	pthread_mutex_unlock(&p->lock);
}

size_t
pool_in_use(struct pool *p)
{
	size_t used;

	pthread_mutex_lock(&p->lock);
	used = (p->blocks - free_blocks(p)) * p->block;
	pthread_mutex_unlock(&p->lock);
	return used;
}
