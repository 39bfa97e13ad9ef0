#ifndef FSD_ERRAND_H
#define FSD_ERRAND_H

#include <stdatomic.h>
#include <stdbool.h>

/*
 * Operations that wait for the disk or for a commit run on threads of their own, so that the few threads of HTTP
 * need not wait. The request is suspended meanwhile; its connection's thread then takes the result.
 *
 *	errand_send -> (run() on some thread, http_resume()) -> errand_result, not ERR_AGAIN any more -> errand_end
 *
 * From errand_send() until the result is there the request is that thread's. run() does not answer ERR_AGAIN: who waits without a
 * thread needs none.
 */
struct request;
struct errand_pool;

struct errand {			/* placed by the caller, zeroed before first use */
	struct errand_pool *errands;
	struct request *req;
	int (*run)(struct request *req);
	int rc;
	_Atomic int state;	/* errand.c's */
};

/* ERR_NOMEM, ERR_BUSY. */
int errand_pool_new(unsigned threads, unsigned queue, struct errand_pool **errands);
void errand_pool_free(struct errand_pool *errands);	/* none is under way; NULL is fine */

/* ERR_BUSY: too many wait already; do it yourself. Returns before it is done or after. */
int errand_send(struct errand_pool *errands, struct errand *e, struct request *req, int (*run)(struct request *req));
bool errand_sent(const struct errand *e);	/* and not ended yet */
/* What run() returned. ERR_AGAIN: not there yet. */
int errand_result(const struct errand *e);
/* Waits until it is over; http_resume() is not called after this returned. The errand can be used again. Any number of times. */
void errand_end(struct errand *e);

#endif
