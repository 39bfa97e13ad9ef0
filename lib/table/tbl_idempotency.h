#ifndef TABLE_TBL_IDEMPOTENCY_H
#define TABLE_TBL_IDEMPOTENCY_H

#include <stdint.h>

#include "db.h"
#include "str.h"

/* The table `idempotency`: what mutating calls with a key were answered. */
struct idempotency_row {
	int64_t principal;
	struct slice key;
	uint8_t hash[32];		/* of the request */
	int status;
	struct slice reply;
	int64_t expires_at;
};

int tbl_idempotency_insert(struct db_conn *c, const struct idempotency_row *r);
/* The slices point into `row`, which the caller releases. ERR_NOTFOUND. */
int tbl_idempotency_get(struct db_conn *c, int64_t principal, struct slice key, struct db_row *row,
    struct idempotency_row *r);
/* Deletes up to `max` that expired at or before `now`; *n gets how many. */
int tbl_idempotency_expire(struct db_conn *c, int64_t now, unsigned max, unsigned *n);
/* Whether one has expired: 0 or ERR_NOTFOUND. */
int tbl_idempotency_expired(struct db_conn *c, int64_t now);

#endif
