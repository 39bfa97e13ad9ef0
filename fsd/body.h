#ifndef FSD_BODY_H
#define FSD_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"
#include "buf.h"

/*
 * A body that is collected whole (DeleteObjects, CompleteMultipartUpload, JSON). All of them together are bounded by a
 * budget in units of BODY_UNIT bytes. The first BODY_FREE bytes cost nothing, so that small calls never wait. For more a body takes
 * all that it can come to at once: whoever waits holds nothing, and whoever holds can go on to the end. The memory
 * itself grows as bytes arrive. One thread at a time.
 */
#define BODY_UNIT 4096u

struct body {			/* placed by the caller */
	struct budget *budget;	/* NULL: no bound */
	struct budget_user user;	/* wake, cut and arg are the caller's */
	bool asked;		/* the budget knows the user */
};

/*
 * Appends to `to`, of `whole` bytes in the end (UINT64_MAX: unknown). *used of them were taken, also when not 0 is answered.
 * ERR_AGAIN: wait for user.wake, then offer the rest. ERR_TOOBIG: more than to->max; ERR_NOMEM.
 */
int body_add(struct body *b, struct buf *to, uint64_t whole, const char *bytes, size_t len, size_t *used);
/* The body is done with: frees it, unless it is so small that it costs nothing. */
void body_clear(struct body *b, struct buf *of);
/* body_clear(), and no callback comes any more. */
void body_end(struct body *b, struct buf *of);

#endif
