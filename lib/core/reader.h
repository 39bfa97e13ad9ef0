#ifndef CORE_READER_H
#define CORE_READER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads a range of a version's bytes, checked, in order. Keeps the encoded manifest, the current leaf's chunk list and the
 * places of some chunks ahead; a place that moved under compaction is looked up again. Registered like an ingest,
 * so that GC leaves the chunks alone while it lives. One thread at a time.
 */
struct store;
struct reader;

/* `manifest` is copied. [from, from + len) must lie within it. ERR_CORRUPT for a manifest that does not decode. */
int reader_new(struct store *store, const void *manifest, size_t mlen, uint64_t from, uint64_t len,
    struct reader **reader);

/*
 * The next bytes: up to `max`, *got > 0 until the range ends (then ERR_END). ERR_CORRUPT: stored bytes are damaged;
 * never returns a wrong byte. ERR_NOTFOUND: the content is gone (destroyed during the read). ERR_IO.
 */
int reader_read(struct reader *r, void *bytes, size_t max, size_t *got);

void reader_free(struct reader *r);	/* NULL is fine */

/*
 * The whole of a small range in one go, without a reader: for small GETs in the request's own read transaction.
 * `place_db` is that transaction's connection. ERR_TOOBIG if it is not an inline manifest.
 */
struct db_conn;
struct blob_place;
int reader_place(struct store *store, struct db_conn *place_db, const void *manifest, size_t mlen, uint8_t id[32],
    struct blob_place *place);

#endif
