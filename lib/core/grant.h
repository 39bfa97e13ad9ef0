#ifndef CORE_GRANT_H
#define CORE_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "perm.h"

/* The inside of grant.c and share.c; the contracts for others are in perm.h and share.h. */
struct txn;

/* What a grant is on. */
struct grant_target {
	int kind;			/* GRANT_* */
	int64_t resource;
	int64_t node, parent;		/* where the event shows it; the workspace shows as its root folder */
	struct slice name;
};

/* Inside a closure: the event of a grant, with the content of a file, or of its end (ROLE_NONE). It is the commit's last. */
int grant_tell(struct txn *t, const struct grant_target *target, int64_t workspace, int64_t principal, enum role role,
    struct actor actor);

/*
 * Inside a closure: takes away up to `max` (1 to 256) of a principal's grants, an event each. *more: others may be left.
 * The caller raises the authorisation epoch.
 */
int grant_revoke_all(struct txn *t, int64_t principal, unsigned max, bool *more);

/*
 * Inside a closure: a folder or file is destroyed. Its grants end somewhat later, by grant_expire(), with an event each: until then the feed still
 * shows to those that had them that it was deleted.
 */
int grant_end(struct txn *t, int64_t node);

#endif
