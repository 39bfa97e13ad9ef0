#ifndef BYTE_KIT_H
#define BYTE_KIT_H

#include <stdbool.h>
#include <stdint.h>

#include "commit.h"
#include "db.h"
#include "err.h"
#include "ingest.h"
#include "limits.h"
#include "reader.h"
#include "refs.h"
#include "store_in.h"
#include "tbl_chunk.h"
#include "tbl_leaf.h"
#include "test.h"

/*
 * Contents in a store of the running test, below objects. byte_settings may be changed before byte_open(); BOTH() makes a
 * test run on segment files and on the memory store.
 */
static struct store_settings byte_settings;
static struct store_credentials byte_admin;

static inline void
byte_defaults(bool memory)
{
	byte_settings = (struct store_settings) STORE_SETTINGS_DEFAULT;
	byte_settings.relaxed = true;
	byte_settings.memory = memory;
	byte_settings.reserve_bytes = 0;
	byte_settings.reserve_percent = 0;
}

#define BOTH(test)                                                                                 \
	static void test##_segments(void)                                                          \
	{                                                                                          \
		byte_defaults(false);                                                              \
		test();                                                                            \
	}                                                                                          \
	static void test##_memory(void)                                                            \
	{                                                                                          \
		byte_defaults(true);                                                               \
		test();                                                                            \
	}
#define TEST_BOTH(test) TEST(test##_segments), TEST(test##_memory)

static inline int
byte_open(struct store **store)
{
	int rc = store_create(test_tmpdir(), &byte_admin);

	return rc ? rc : store_open(test_tmpdir(), &byte_settings, store);
}

/* Bytes that don't compress and don't repeat. */
static inline void
byte_fill(void *bytes, size_t len, uint64_t seed)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u;
	uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++) {
		if (i % 8 == 0) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
		}
		p[i] = (uint8_t)(x >> (i % 8 * 8));
	}
}

#define BYTE_OPTIONS(bytes) { .size = (bytes), .md5 = true, .sha256 = true, .chunk_min = CHUNK_MIN, \
	.chunk_avg = CHUNK_AVG, .chunk_max = CHUNK_MAX }
/* Chunks so small that a few hundred KiB are many. */
#define BYTE_OPTIONS_FINE { .size = UINT64_MAX, .md5 = true, .sha256 = true, .chunk_min = 64, \
	.chunk_avg = 256, .chunk_max = 1024 }

/* The ingest is the caller's to free, also after a failure. */
static inline int
byte_ingest(struct store *store, const struct ingest_options *options, const void *bytes, size_t len, size_t piece,
    struct ingest **in, struct ingest_result *result)
{
	size_t used;
	int rc = ingest_new(store, options, in);

	for (size_t at = 0; rc == 0 && at < len; at += used)
		rc = ingest_write(*in, (const uint8_t *)bytes + at, len - at < piece ? len - at : piece, &used);
	return rc ? rc : ingest_finish(*in, result);
}

struct byte_change {
	const struct ingest_result *result;
	struct buf *manifest;
	const char *sql;
	int64_t workspace;	/* whose references these are */
};

static inline int
byte_run_commit(struct txn *t, void *arg)
{
	struct byte_change *c = arg;

	buf_clear(c->manifest);
	return refs_commit(t, c->workspace, c->result, c->manifest);
}

static inline int
byte_run_take(struct txn *t, void *arg)
{
	struct byte_change *c = arg;

	return refs_take(t, c->workspace, c->manifest->data, c->manifest->len);
}

static inline int
byte_run_drop(struct txn *t, void *arg)
{
	struct byte_change *c = arg;

	return refs_drop(t, c->workspace, c->manifest->data, c->manifest->len);
}

static inline int
byte_run_sql(struct txn *t, void *arg)
{
	struct byte_change *c = arg;

	return db_script(t->db, c->sql);
}

static inline int
byte_change(struct store *store, int (*run)(struct txn *t, void *arg), struct byte_change c)
{
	return commit_run(store, &(struct commit) { .run = run, .arg = &c, .frees = true });
}

/* References to what was ingested. */
static inline int
byte_commit(struct store *store, const struct ingest_result *result, struct buf *manifest)
{
	return byte_change(store, byte_run_commit, (struct byte_change) { .result = result, .manifest = manifest });
}

static inline int
byte_take(struct store *store, struct buf *manifest)
{
	return byte_change(store, byte_run_take, (struct byte_change) { .manifest = manifest });
}

/* A reference of that workspace. */
static inline int
byte_take_for(struct store *store, struct buf *manifest, int64_t workspace)
{
	return byte_change(store, byte_run_take, (struct byte_change) { .manifest = manifest, .workspace = workspace });
}

static inline int
byte_drop(struct store *store, struct buf *manifest)
{
	return byte_change(store, byte_run_drop, (struct byte_change) { .manifest = manifest });
}

static inline int
byte_drop_for(struct store *store, struct buf *manifest, int64_t workspace)
{
	return byte_change(store, byte_run_drop, (struct byte_change) { .manifest = manifest, .workspace = workspace });
}

/* Damage: any statements, committed. */
static inline int
byte_sql(struct store *store, const char *sql)
{
	return byte_change(store, byte_run_sql, (struct byte_change) { .sql = sql });
}

/* One number that a query gives; -1 for none or a failure. The text must be a constant. */
static inline int64_t
byte_number(struct store *store, const char *sql)
{
	struct db_row row = DB_ROW_INIT;
	struct db_conn *db = NULL;
	int64_t n = -1;

	if (db_read_begin(store->db, &db) != 0)
		return -1;
	if (db_one0(db, sql, &row) == 0)
		n = db_int(&row, 0);
	db_row_release(&row);
	db_read_end(db);
	return n;
}

/* Ingests and commits. */
static inline int
byte_put(struct store *store, const struct ingest_options *options, const void *bytes, size_t len, struct buf *manifest)
{
	struct ingest_result result;
	struct ingest *in = NULL;
	int rc;

	if ((rc = byte_ingest(store, options, bytes, len, len ? len : 1, &in, &result)) == 0)
		rc = byte_commit(store, &result, manifest);
	ingest_free(in);
	return rc;
}

/* Reads a range in steps of at most `step` and compares: 0, ERR_DIGEST if a byte differs, or the reader's failure. */
static inline int
byte_compare(struct store *store, const struct buf *manifest, const void *bytes, uint64_t from, uint64_t len, size_t step)
{
	struct reader *r = NULL;
	uint8_t *got = malloc(step);
	uint64_t at = from;
	size_t n;
	int rc;

	if ((rc = reader_new(store, manifest->data, manifest->len, from, len, &r)) == 0) {
		while ((rc = reader_read(r, got, step, &n)) == 0) {
			if (n == 0 || n > from + len - at || memcmp(got, (const uint8_t *)bytes + at, n)) {
				rc = ERR_DIGEST;
				break;
			}
			at += n;
		}
		if (rc == ERR_END)
			rc = at == from + len ? 0 : ERR_TRUNCATED;
	}
	reader_free(r);
	free(got);
	return rc;
}

static inline int
byte_run_end(struct txn *t, void *arg)
{
	struct leaf_dead rows[64];
	unsigned n = 0, chunks = 0;
	int rc = tbl_leaf_dead(t->db, INT64_MAX, rows, 64, &n);

	(void)arg;
	for (unsigned i = 0; rc == 0 && i < n; i++)
		rc = refs_end_leaf(t, &rows[i], &chunks);
	return rc;
}

/* Ends the leaves (64 at most) that lost their last reference. */
static inline int
byte_end_leaves(struct store *store)
{
	return commit_run(store, &(struct commit) { .run = byte_run_end });
}

#endif
