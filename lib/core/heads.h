#ifndef CORE_HEADS_H
#define CORE_HEADS_H

#include <stdbool.h>
#include <stdint.h>

/* How far the workspaces have come that a user owns or in which something was shared with it. */
struct store;

#define HEADS_LIMIT 1000

struct head {
	int64_t workspace, sequence;
};
/* In order of ids, each once; at most HEADS_LIMIT. *more: there are others. */
int heads_of(struct store *store, int64_t principal, struct head list[HEADS_LIMIT], unsigned *n, bool *more);

#endif
