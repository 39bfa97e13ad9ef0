#ifndef TABLE_TBL_STORE_H
#define TABLE_TBL_STORE_H

#include <stddef.h>
#include <stdint.h>

struct db_conn;
struct buf;

/* The table `store`: one row. All: 0, ERR_NOTFOUND (a database without the row), or the engine's failures. */
int tbl_store_insert(struct db_conn *c, const uint8_t id[16], int64_t created_at, const void *key_check, size_t len);
/* `key_check` is appended to. */
int tbl_store_get(struct db_conn *c, uint8_t id[16], struct buf *key_check, int64_t *auth_epoch, int64_t *structure_epoch);
int tbl_store_epochs(struct db_conn *c, int64_t *auth, int64_t *structure);
int tbl_store_epochs_set(struct db_conn *c, int64_t auth, int64_t structure);
/* The greatest id of any table that takes its ids from id_new(); 0 in an empty store. */
int tbl_store_greatest_id(struct db_conn *c, int64_t *id);

/* What status sums over all workspaces and chunks; the latter walks the table. */
struct store_sums {
	int64_t workspaces, objects, bytes;
	int64_t chunks, dead_chunks, chunk_bytes, stored_bytes;
	int64_t segments, segment_bytes;
	int64_t open_uploads;
};
int tbl_store_sums(struct db_conn *c, struct store_sums *sums);

#endif
