#ifndef TABLE_TBL_EXPIRY_H
#define TABLE_TBL_EXPIRY_H

#include <stdint.h>

struct db_conn;

/*
 * Rows that nobody asks for once their time is over, of tables that need nothing else done: deletes those that expired at or
 * before `now`, the oldest first, at most `max` of each; *n gets how many.
 */
int tbl_expiry_delete(struct db_conn *c, int64_t now, unsigned max, int64_t *n);

#endif
