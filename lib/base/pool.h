#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "budget.h"

/*
 * A pool of equal blocks of memory with a fixed total: what bounds the memory of uploads. Who may have one now is what its
 * budget says (budget.h: one unit is one block); the reserve must be as large as the largest chunk.
 *
 * Blocks are returned to the system (MADV_DONTNEED) after they lay idle, so that an idle daemon is small.
 *
 * Any thread.
 */
struct pool;

/*
 * `total` and `reserve` in bytes, multiples of `block`, which is whole pages if memory is to be returned;
 * 0 < reserve < total. ERR_NOMEM.
 */
int pool_new(size_t block, size_t total, size_t reserve, struct pool **pool);
void pool_free(struct pool *p);		/* NULL is fine; every block must be back */

/* One block for `u`. ERR_AGAIN as budget_take(). */
int pool_take(struct pool *p, struct budget_user *u, void **block);
void pool_give(struct pool *p, struct budget_user *u, void *block);

/* For budget_forget() and budget_sweep(). */
struct budget *pool_budget(struct pool *p);
size_t pool_in_use(struct pool *p);	/* bytes handed out */

#endif
