#ifndef CORE_PAST_H
#define CORE_PAST_H

#include <stdint.h>

#include "tbl_entry.h"

/*
 * What the tree was. A workspace's tree as of a sequence can be shown from its `past_horizon` on: places that entries left are kept in
 * `entry_past`, contents as versions; whoever lets go of either says so here.
 */
struct txn;
struct workspace_row;

/* Inside a closure: what the tree was before `sequence` is lost from now on. */
void past_lose(struct workspace_row *w, int64_t sequence);
/* Inside a closure: a shown entry leaves its place with the event `died`. Kept if the workspace has a history, else lost. */
int past_bury(struct txn *t, struct workspace_row *w, const struct entry_at *at, const struct entry_row *e, int64_t died);

#endif
