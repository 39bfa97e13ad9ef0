#ifndef TABLE_TBL_DEVICE_H
#define TABLE_TBL_DEVICE_H

#include <stdint.h>

#include "db.h"

/* The tables `device` and `device_cursor`. Times are microseconds. */
#define DEVICE_NAME_MAX 64

struct device_row {
	int64_t id, principal;
	char name[DEVICE_NAME_MAX + 1];
	int64_t created_at, last_seen_at;
};
struct device_cursor_row {
	int64_t workspace, last_sequence, last_ack_at;
};

/* All: 0, ERR_NOTFOUND, or the engine's failures. */
int tbl_device_insert(struct db_conn *c, const struct device_row *d);
int tbl_device_get(struct db_conn *c, int64_t principal, int64_t id, struct device_row *d);
int tbl_device_list(struct db_conn *c, int64_t principal, struct device_row *rows, unsigned max, unsigned *n);
int tbl_device_seen(struct db_conn *c, int64_t id, int64_t now);
int tbl_device_delete(struct db_conn *c, int64_t principal, int64_t id);	/* with its cursors */
int tbl_device_delete_all(struct db_conn *c, int64_t principal);
/* How far a device got in a workspace, or when it asked there last; the second only if there is such a row. */
int tbl_device_ack(struct db_conn *c, int64_t device, int64_t workspace, int64_t sequence, int64_t now);
int tbl_device_asked(struct db_conn *c, int64_t device, int64_t workspace, int64_t now);
int tbl_device_cursor(struct db_conn *c, int64_t device, int64_t workspace, struct device_cursor_row *row);
int tbl_device_cursors(struct db_conn *c, int64_t device, struct device_cursor_row *rows, unsigned max, unsigned *n);
/* The lowest acknowledgement in a workspace of those that asked or acknowledged since. ERR_NOTFOUND. */
int tbl_device_lowest(struct db_conn *c, int64_t workspace, int64_t since, int64_t *sequence);

#endif
