#ifndef CORE_TWIN_H
#define CORE_TWIN_H

#include <stdbool.h>

#include "limits.h"
#include "str.h"
#include "tbl_entry.h"

/* A file and a folder of one name, as only S3's keys make them: sync can carry neither (SEMANTICS 7). */

#define TWIN_ROOM (LIMIT_KEY + 2)

/*
 * A stored name as the other kind has it: with a slash for a file's, without for a folder's. In `room` or in the name itself; empty where
 * there is none, as for what only marks a folder.
 */
struct slice twin_name(struct slice name, char room[TWIN_ROOM]);

/* What is shown in the folder under that name. ERR_NOTFOUND: nothing. Any connection, also inside a closure. */
int twin_get(struct db_conn *db, const struct entry_at *at, struct entry_row *row);
/* Whether both are shown. */
int twin_shown(struct db_conn *db, const struct entry_at *at, bool *yes);

#endif
