#ifndef CORE_HISTORY_IN_H
#define CORE_HISTORY_IN_H

#include "commit.h"
#include "tbl_trash.h"

/*
 * Inside a closure: destroys what is below a folder in the trash, about `max` versions of it, and at last the folder. *n gets how many versions
 * went; *ended: all did, and its rows. From the first on it can't be undeleted.
 */
int history_end_folder(struct txn *t, struct workspace_row *w, const struct trash_folder *folder, unsigned max, unsigned *n,
    bool *ended);

#endif
