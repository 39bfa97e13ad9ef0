#ifndef CORE_TRANSFER_IN_H
#define CORE_TRANSFER_IN_H

#include "commit.h"
#include "tbl_upload.h"
#include "transfer.h"

/* The inside of transfer.c and transfer_complete.c. */

#define TRANSFER_SYNC_SIZE 72
#define TRANSFER_ENTRY_SIZE 36	/* of the list of chunks, as it is stored */

static inline const struct manifest_chunk *
transfer_chunks(const struct transfer *tr)
{
	return (const struct manifest_chunk *)(const void *)tr->chunks.data;
}

static inline size_t
transfer_chunk_count(const struct transfer *tr)
{
	return tr->chunks.len / sizeof(struct manifest_chunk);
}

unsigned transfer_count_parts(const struct transfer *tr);
void transfer_encode(const struct transfer *tr, uint8_t sync[TRANSFER_SYNC_SIZE]);

/* What a row says; `tr` was initialised. Its chunks are read with it from part 0. */
int transfer_read(struct db_conn *db, const struct upload_row *u, struct transfer *tr);

/* ---- transfer_start.c ---- */

/* Ids of chunks: added, then sorted once, then asked. */
struct transfer_set {
	struct buf ids;
};
#define TRANSFER_SET_INIT { BUF_INIT(64 << 20) }
int transfer_set_add(struct transfer_set *set, struct db_conn *db, const void *manifest, size_t len);
void transfer_set_sort(struct transfer_set *set);
bool transfer_set_has(const struct transfer_set *set, const uint8_t id[32]);

/*
 * Each part with number > after, in order: its row if it has arrived; held: it was there already. `each` answers whether to go on.
 */
int transfer_walk(struct db_conn *db, const struct transfer *tr, unsigned after,
    bool (*each)(void *arg, unsigned number, const struct upload_part_row *p, bool held), void *arg);

/* Whether `who` may be told that a chunk is there: chunks of versions that are that chunk alone, in workspaces all of which it may read. */
bool transfer_may_tell(struct store *store, struct db_conn *db, const struct principal *who, const struct manifest_chunk *chunk);

#endif
