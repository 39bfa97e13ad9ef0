#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

/*
 * A pool of equal blocks of memory with a fixed total: what bounds the memory of all uploads together.
 * Who gets no block does not wait here; it stops reading its socket and is called back.
 *
 * Deadlock: users take blocks one by one and free them only when their chunk is whole. When the pool is
 * empty except for its reserve, one user at a time (the token holder) may draw the reserve, which is as large
 * as the largest chunk; so somebody always finishes. That rests on the users: none holds more than the reserve,
 * and one that was called back asks again soon or forgets itself (it may be told ERR_AGAIN once more).
 *
 * Blocks are returned to the system (MADV_DONTNEED) after they lay idle, so that an idle daemon is small.
 *
 * Any thread. Locks are leaf locks; callbacks run without them, on the thread that freed a block.
 */
struct pool;

/*
 * `total` and `reserve` in bytes, multiples of `block`, which is whole pages if memory is to be returned;
 * 0 < reserve < total. ERR_NOMEM.
 */
int pool_new(size_t block, size_t total, size_t reserve, struct pool **pool);
void pool_free(struct pool *p);		/* NULL is fine; every block must be back */

struct pool_user {			/* placed by the caller, zeroed before first use */
	struct pool_user *next;		/* the queue of those who wait */
	void (*wake)(void *arg);	/* called once after pool_take() answered ERR_AGAIN, when it is worth asking again */
	void *arg;
	int waiting;
	unsigned held;			/* blocks held */
};

/* One block for `u`. ERR_AGAIN: none now; u->wake will be called once (never from inside this call). ERR_NOMEM. */
int pool_take(struct pool *p, struct pool_user *u, void **block);
void pool_give(struct pool *p, struct pool_user *u, void *block);
/*
 * `u` goes away: it must hold nothing; it is no longer called back after this returns. Waits for a callback that
 * runs on another thread, so the caller holds no lock that u->wake takes.
 */
void pool_forget(struct pool *p, struct pool_user *u);
size_t pool_in_use(struct pool *p);	/* bytes handed out */

#endif
