#ifndef TABLE_TBL_EVENT_H
#define TABLE_TBL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"
#include "str.h"

/* The table `change_event`. Fields that may be NULL: 0, or the pointer NULL. */
struct event_row {
	int64_t workspace, sequence;
	int type;
	bool ends_commit;
	int node_kind;			/* 1 file, 2 folder */
	int64_t node, parent;
	struct slice name;
	int64_t version, size;
	const uint8_t *hash;		/* 32 bytes */
	int64_t from_parent;
	struct slice from_name;
	int64_t actor, device, occurred_at, principal;
	int role;
};

int tbl_event_insert(struct db_conn *c, const struct event_row *e);
/* Those with from < sequence < last do not end a commit: `last` does. */
int tbl_event_join(struct db_conn *c, int64_t workspace, int64_t from, int64_t last);
/* Events with from < sequence <= to in order: db_next() and tbl_event_seen() for each; pointers live until the next row. */
int tbl_event_scan(struct db_conn *c, int64_t workspace, int64_t from, int64_t to, struct db_row *row);
int tbl_event_seen(const struct db_row *row, struct event_row *e);	/* ERR_CORRUPT */
/* The last sequence in (from, to] that ends a commit. ERR_NOTFOUND. */
int tbl_event_last_end(struct db_conn *c, int64_t workspace, int64_t from, int64_t to, int64_t *sequence);
/* Ends all up to `sequence`. */
int tbl_event_trim(struct db_conn *c, int64_t workspace, int64_t sequence);
/* When it happened, microseconds. ERR_NOTFOUND. */
int tbl_event_time(struct db_conn *c, int64_t workspace, int64_t sequence, int64_t *occurred_at);

#endif
