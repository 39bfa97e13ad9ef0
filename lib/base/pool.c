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
 * Who may take is the budget's affair: a unit of it is a block. Blocks are pieces of one mapping. `warm` is a stack of free
 * blocks that were in use, `cold` one of those that the system has taken back; the bottom of `warm` is what lay idle longest.
 *
 * A block is pushed before its unit is given back, and popped after its unit was taken, so that a unit taken finds one.
 */
#define TRIM_PERIOD_US 1000000
#define TRIM_BLOCKS 64		/* at most this many a period, since the lock is held */

struct stack {
	uint32_t *blocks;
	size_t count;
};

struct pool {
	pthread_mutex_t lock;		/* not held where the budget is called */
	struct budget *budget;
	char *memory;
	size_t block, blocks, reserve;	/* bytes of one; how many; how many of them are the reserve */
	struct stack warm, cold;
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
	budget_free(p->budget);
	free(p->warm.blocks);
	free(p->cold.blocks);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void
pool_free(struct pool *p)
{
	if (!p)
		return;
	assert(free_blocks(p) == p->blocks);
	release(p);
}

int
pool_new(size_t block, size_t total, size_t reserve, struct pool **pool)
{
	struct pool *p;

	assert(block && total % block == 0 && reserve % block == 0);
	assert(total / block <= UINT32_MAX);
	if (!(p = calloc(1, sizeof(*p))))
		return ERR_NOMEM;
	pthread_mutex_init(&p->lock, NULL);
	p->block = block;
	p->blocks = total / block;
	p->reserve = reserve / block;
	p->can_trim = block % (size_t)sysconf(_SC_PAGESIZE) == 0;
	p->memory = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	p->warm.blocks = calloc(p->blocks, sizeof(*p->warm.blocks));
	p->cold.blocks = calloc(p->blocks, sizeof(*p->cold.blocks));
	if (p->memory == MAP_FAILED || !p->warm.blocks || !p->cold.blocks ||
	    budget_new(p->blocks, p->reserve, &p->budget) != 0) {
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

int
pool_take(struct pool *p, struct budget_user *u, void **block)
{
	uint32_t index;
	int rc;

	if ((rc = budget_take(p->budget, u, 1)) != 0)
		return rc;
	pthread_mutex_lock(&p->lock);
	assert(free_blocks(p) > 0);
	if (p->warm.count > 0)
		index = p->warm.blocks[--p->warm.count];
	else
		index = p->cold.blocks[--p->cold.count];
	if (p->warm.count < p->warm_least)
		p->warm_least = p->warm.count;
	pthread_mutex_unlock(&p->lock);
	*block = p->memory + index * p->block;
	return 0;
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
pool_give(struct pool *p, struct budget_user *u, void *block)
{
	size_t index = (size_t)((char *)block - p->memory) / p->block;

	assert(index < p->blocks && p->memory + index * p->block == (char *)block);
	pthread_mutex_lock(&p->lock);
	assert(free_blocks(p) < p->blocks);
	p->warm.blocks[p->warm.count++] = (uint32_t)index;
	trim_idle(p);
	pthread_mutex_unlock(&p->lock);
	budget_give(p->budget, u, 1);
}

struct budget *
pool_budget(struct pool *p)
{
	return p->budget;
}

size_t
pool_in_use(struct pool *p)
{
	return budget_used(p->budget) * p->block;
}
