#ifndef CORE_REFS_H
#define CORE_REFS_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "manifest.h"

/*
 * References to chunks and leaves: the only code that changes counts. All run inside a commit closure.
 *
 * A manifest (codec/manifest.h) is either inline (its one chunk is counted by the version itself) or a list
 * of leaves (each counted by every version and part that names it; a leaf counts its chunks once, when it is made). A leaf without
 * references is a tombstone that still holds its chunks: who has found the version can read on, and dropping a version of any
 * size is short. GC ends it.
 */
struct txn;
struct ingest_result;

/*
 * Whoever may read all of a workspace may be told that a chunk is there if that workspace is known to have it (tbl_chunk_known()): it is from
 * an inline reference that it takes until it drops one, so that this never outlasts its own, and hangs on nothing that another does.
 */

/*
 * Turns an ingest's result into references and gives the encoded manifest. A chunk that is there is counted once
 * more (revived if it is a tombstone); one that is not is inserted with its place. ERR_CONFLICT: a
 * chunk was found by dedup and is gone (must not happen; logged).
 */
int refs_commit(struct txn *t, int64_t workspace, const struct ingest_result *result, struct buf *manifest);

/*
 * A manifest of chunks that are there, each with one more reference: inline for one (of the workspace), else new leaves.
 * ERR_NOTFOUND: a chunk is not there, or of another length; *wrong gets which.
 */
struct manifest_chunk;
int refs_of_chunks(struct txn *t, int64_t workspace, const struct manifest_chunk *chunks, size_t count,
    struct buf *manifest, size_t *wrong);

/* One more, one less reference to everything that an encoded manifest names: of the workspace, or of none (0), which is held only. */
int refs_take(struct txn *t, int64_t workspace, const void *manifest, size_t len);
int refs_drop(struct txn *t, int64_t workspace, const void *manifest, size_t len);

/*
 * For GC: ends a leaf that is still that tombstone, which lets go of its chunks; *chunks grows by how many. ERR_NOTFOUND: it
 * lives again, or is gone.
 */
struct leaf_dead;
int refs_end_leaf(struct txn *t, const struct leaf_dead *leaf, unsigned *chunks);

/*
 * The manifest of the parts in order: their leaves one after the other. References move with it: the parts'
 * are taken over, nothing is counted.
 */
int refs_join(const void *const *manifests, const size_t *lens, size_t count, struct buf *joined);

/* Reading connection or transaction: a leaf's encoded chunks appended to `leaf`. */
struct db_conn;
int refs_leaf(struct db_conn *db, int64_t id, struct buf *leaf);

#endif
