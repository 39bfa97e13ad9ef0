#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How much of something scarce its users may have together, in units: memory that clients make us hold. The budget only counts;
 * what a unit is lies with the caller (pool.h hands out memory for it). Who gets none does not wait here; it stops
 * reading its socket and is called back.
 *
 * Deadlock: users take units little by little and give them back only when their chunk or body is whole. When all is taken except
 * for the reserve, one user at a time (the token holder) may draw the reserve, which is as large as the most that one
 * needs; so somebody always finishes. That rests on the users: none holds more than the reserve, and one that was
 * called back asks again soon or forgets itself (it may be told ERR_AGAIN once more).
 *
 * Stalling: users say with budget_moved() what they got done. While somebody waits, budget_sweep() cuts off holders that got
 * too little done. Where most holders wait themselves, since none has got enough to finish, cutting the few that run would
 * let one after the other run and stall: when all together get too little done for those who wait, waiting holders are cut too.
 *
 * Any thread. Locks are leaf locks; callbacks run without them.
 */
struct budget;

struct budget_user {			/* placed by the caller, zeroed before first use */
	void (*wake)(void *arg);	/* called once after budget_take() answered ERR_AGAIN, when it is worth asking again */
	bool (*cut)(void *arg);		/* gives everything back soon, and returns true; or false: not now. NULL: never */
	void *arg;
	/* The budget's own. */
	unsigned asked;			/* the sweep that asked it last */
	struct budget_user *next;	/* the queue of those who wait */
	struct budget_user *after, *before;	/* those who hold something */
	int waiting;
	size_t held;
	_Atomic uint64_t moved;
	uint64_t marked;		/* `moved` at mark_us, from where on it is judged; mark_us 0: not yet */
	int64_t mark_us;
};

/* 0 < reserve < units. ERR_NOMEM. */
int budget_new(size_t units, size_t reserve, struct budget **budget);
void budget_free(struct budget *b);	/* NULL is fine; every unit must be back */

/* `n` units for `u`, all or none. ERR_AGAIN: not now; u->wake will be called once (never from inside this call). */
int budget_take(struct budget *b, struct budget_user *u, size_t n);
void budget_give(struct budget *b, struct budget_user *u, size_t n);
/*
 * `u` goes away: it must hold nothing; it is no longer called back after this returns. Waits for a callback that
 * runs on another thread, so the caller holds no lock that a callback takes.
 */
void budget_forget(struct budget *b, struct budget_user *u);

/* `u` got so much done (bytes from its client). Takes no lock. */
void budget_moved(struct budget *b, struct budget_user *u, size_t bytes);

struct budget_rule {
	int64_t now_us;			/* clock_mono_us() */
	uint64_t least;			/* bytes to be moved ... 0: nobody is cut */
	int64_t within_us;		/* ... in this time */
};

/*
 * To be called about once a second, one at a time. Cuts holders that wait for nothing and moved less than the rule asks, those
 * slow for longest first, not more than users wait. Where all together moved less than the rule asks of each that
 * waits, cuts holders that wait, too, those that hold for longest first, until half of everything comes back. Returns how many.
 */
unsigned budget_sweep(struct budget *b, const struct budget_rule *rule);

size_t budget_used(struct budget *b);	/* units */

#endif
