#ifndef CORE_GRANT_H
#define CORE_GRANT_H

#include <stdbool.h>
#include <stdint.h>

/* The inside of grant.c; the contract for others is in perm.h. */
struct txn;

/*
 * Inside a closure: takes away up to `max` (1 to 256) of a principal's grants, an event each. *more: others may be left.
 * The caller raises the authorisation epoch.
 */
int grant_revoke_all(struct txn *t, int64_t principal, unsigned max, bool *more);

#endif
