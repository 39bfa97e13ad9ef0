#ifndef TABLE_TBL_LEAF_H
#define TABLE_TBL_LEAF_H

#include <stddef.h>
#include <stdint.h>

struct db_conn;
struct buf;
struct db_row;

/* The table `leaf`: pieces of manifests (codec/manifest.h, kind LEAF) that versions and parts share. */
int tbl_leaf_insert(struct db_conn *c, int64_t id, const void *chunks, size_t len);	/* with one reference */
int tbl_leaf_get(struct db_conn *c, int64_t id, struct buf *chunks);	/* appends; ERR_NOTFOUND */
/* More references; a tombstone is revived. ERR_NOTFOUND. */
int tbl_leaf_take(struct db_conn *c, int64_t id, int64_t count);
/* Fewer; at none left it becomes a tombstone of `now`. The row stays until tbl_leaf_delete(). ERR_NOTFOUND; ERR_CORRUPT below zero. */
int tbl_leaf_drop(struct db_conn *c, int64_t id, int64_t count, int64_t now);

struct leaf_dead {
	int64_t id, dead_at;
};
/* Tombstones with dead_at < before, oldest first; at most `max`. */
int tbl_leaf_dead(struct db_conn *c, int64_t before, struct leaf_dead *rows, unsigned max, unsigned *n);
/* All of them, in no order: db_next(), column 0 the id. */
int tbl_leaf_dead_scan(struct db_conn *c, int64_t before, struct db_row *row);
/* Appends the chunks of exactly that tombstone. ERR_NOTFOUND: it lives again, or is gone. */
int tbl_leaf_get_dead(struct db_conn *c, const struct leaf_dead *leaf, struct buf *chunks);
int tbl_leaf_delete(struct db_conn *c, int64_t id);
/* The first leaf with id > after: for check. ERR_NOTFOUND at the end. */
int tbl_leaf_next(struct db_conn *c, int64_t after, int64_t *id, int64_t *refs, struct buf *chunks);

#endif
