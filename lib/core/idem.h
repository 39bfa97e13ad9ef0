#ifndef CORE_IDEM_H
#define CORE_IDEM_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "commit.h"
#include "str.h"

/*
 * Idempotency keys: a mutation that is sent again gets the reply of the first, for IDEM_LIFE_US at least, and changes nothing. The
 * reply is written in the transaction of what it tells, so that after a crash either both are there or neither. Only success
 * is kept: what failed may be tried again.
 *
 *	idem_begin -> idem_run (the commit) -> idem_end
 */
#define IDEM_LIFE_US (48 * 3600 * 1000000ll)
#define IDEM_KEY_MAX 255
#define IDEM_REPLY_MAX (1u << 20)

struct store;
struct idem_running;

struct idem {
	int64_t principal;
	struct slice key;		/* 1 to IDEM_KEY_MAX bytes; empty: there is none, and nothing is kept */
	uint8_t hash[32];		/* of method, target and body: the same key with another is a mistake */
	/*
	 * Writes the reply's body of what the closure did. Runs inside it: from what it left, nothing else. May run more than once;
	 * `reply` is empty each time.
	 */
	int (*render)(void *arg, struct buf *reply);
	void *arg;
	int status;			/* HTTP status of the reply; render may change it */
	/* results */
	bool replayed;			/* it was done before: status and reply are those of then */
	struct buf reply;
	struct idem_running *running;	/* idem.c's */
};
#define IDEM_INIT { .reply = BUF_INIT(IDEM_REPLY_MAX) }

/*
 * Claims the key and looks whether it was answered already (replayed is set then). ERR_BUSY: a request with this key runs
 * now. ERR_CONFLICT: it was used for another request. Without a key: 0.
 */
int idem_begin(struct store *store, struct idem *idem);

/*
 * commit_run() of a closure that keeps its reply. After 0 `reply` and `status` are filled, with or without a key. A mutation of several commits
 * runs the last this way. idem NULL: commit_run() alone.
 */
int idem_run(struct store *store, const struct commit *commit, struct idem *idem);

/* Lets go of the claim and of the reply. Fine after any failure of the others, and twice. */
void idem_end(struct store *store, struct idem *idem);

/* For maintenance: forgets up to `max` replies whose time is over at `now_us`. 0 with *n == 0: nothing to do. */
int idem_expire(struct store *store, int64_t now_us, unsigned max, unsigned *n);

/* Of the store. */
struct idem_registry;
int idem_registry_new(struct idem_registry **registry);
void idem_registry_free(struct idem_registry *registry);	/* NULL is fine */

#endif
