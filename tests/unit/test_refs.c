#include "byte_kit.h"
#include "manifest.h"
#include "store_in.h"
#include "tbl_chunk.h"
#include "tbl_leaf.h"

#define LEN 700000	/* with fine chunks some 2,700 of them: three leaves */

static uint8_t *
content(size_t len, uint64_t seed)
{
	uint8_t *bytes = malloc(len);

	byte_fill(bytes, len, seed);
	return bytes;
}

static void
one_chunk(void)
{
	struct ingest_options o = BYTE_OPTIONS(1000);
	struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
	uint8_t *bytes = content(1000, 1);
	struct store *store = NULL;
	struct manifest m;

	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, byte_put(store, &o, bytes, 1000, &a));
	CHECK_INT(0, manifest_decode(a.data, a.len, &m));
	CHECK(m.kind == MANIFEST_INLINE && m.count == 1 && m.bytes == 1000);
	CHECK_INT(1, byte_number(store, "SELECT refs FROM chunk"));
	CHECK_INT(0, byte_put(store, &o, bytes, 1000, &b));
	CHECK_INT(a.len, b.len);
	CHECK_MEM(a.data, b.data, a.len);
	CHECK_INT(0, byte_take(store, &a));
	CHECK_INT(3, byte_number(store, "SELECT refs FROM chunk"));
	for (int left = 2; left >= 0; left--) {
		CHECK_INT(0, byte_drop(store, &a));
		CHECK_INT(left, byte_number(store, "SELECT refs FROM chunk"));
		CHECK_INT(left == 0, byte_number(store, "SELECT count(*) FROM chunk WHERE dead_at IS NOT NULL"));
	}
	/* More dropped than taken: noticed, and undone. */
	CHECK_INT(ERR_CORRUPT, byte_drop(store, &a));
	CHECK_INT(0, byte_number(store, "SELECT refs FROM chunk"));
	/* It comes back to life with the bytes it had. */
	CHECK_INT(0, byte_put(store, &o, bytes, 1000, &b));
	CHECK_INT(1, byte_number(store, "SELECT refs FROM chunk WHERE dead_at IS NULL"));
	CHECK_INT(0, byte_compare(store, &b, bytes, 0, 1000, 1000));
	buf_release(&a);
	buf_release(&b);
	store_close(store);
	free(bytes);
}
BOTH(one_chunk)

/* Which of the workspaces 5, 6 and 7 are known to have the small chunk. */
static const char *
knowing(struct store *store)
{
	static char who[4];
	struct db_conn *db = NULL;
	struct db_row row = DB_ROW_INIT;
	struct chunk_row chunk;
	size_t n = 0;

	if (db_read_begin(store->db, &db) == 0 && db_one0(db, "SELECT hash FROM chunk ORDER BY size_bytes LIMIT 1", &row) == 0 &&
	    db_fixed(&row, 0, chunk.hash, 32) == 0 && tbl_chunk_get(db, chunk.hash, &chunk) == 0)
		for (int64_t w = 5; w <= 7; w++)
			if (tbl_chunk_known(db, &chunk, w) == 0)
				who[n++] = (char)('0' + w);
	who[n] = '\0';
	db_row_release(&row);
	db_read_end(db);
	return who;
}

/* What a workspace is told of a chunk rests on what it did itself, and never outlasts its references. */
static void
known(void)
{
	struct ingest_options small = BYTE_OPTIONS(1000), large = BYTE_OPTIONS(LEN);
	struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
	uint8_t *bytes = content(LEN, 1);
	struct store *store = NULL;

	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, byte_put(store, &small, bytes, 10, &a));
	CHECK_STR("", knowing(store));
	CHECK_INT(0, byte_take_for(store, &a, 5));
	CHECK_STR("5", knowing(store));
	CHECK_INT(0, byte_take_for(store, &a, 6));
	CHECK_INT(0, byte_take_for(store, &a, 6));
	CHECK_STR("56", knowing(store));
	CHECK_INT(0, byte_drop_for(store, &a, 0));
	CHECK_STR("56", knowing(store));
	CHECK_INT(0, byte_drop_for(store, &a, 5));
	CHECK_STR("6", knowing(store));
	/* It has another, but which of its versions is not known. */
	CHECK_INT(0, byte_drop_for(store, &a, 6));
	CHECK_STR("", knowing(store));
	CHECK_INT(0, byte_take_for(store, &a, 6));
	CHECK_INT(0, byte_take_for(store, &a, 5));
	CHECK_STR("56", knowing(store));
	/* A leaf's chunks may be another workspace's copy at any time. */
	large.leaves = true;
	CHECK_INT(0, byte_put(store, &large, bytes, LEN, &b));
	CHECK_INT(0, byte_take_for(store, &b, 7));
	CHECK_STR("56", knowing(store));
	CHECK_INT(0, byte_number(store, "SELECT count(*) FROM chunk WHERE origin NOT IN (0, 5, 6)"));
	CHECK_INT(1, byte_number(store, "SELECT count(*) FROM chunk_known"));
	buf_release(&a);
	buf_release(&b);
	store_close(store);
	free(bytes);
}
BOTH(known)

static void
empty(void)
{
	struct ingest_options o = BYTE_OPTIONS(0);
	struct buf a = BUF_INIT(1 << 20);
	struct store *store = NULL;
	struct manifest m;

	CHECK_INT(0, byte_open(&store));
	for (int leaves = 0; leaves < 2; leaves++) {
		o.leaves = leaves;
		CHECK_INT(0, byte_put(store, &o, "", 0, &a));
		CHECK_INT(0, manifest_decode(a.data, a.len, &m));
		CHECK(m.kind == MANIFEST_INLINE && m.count == 0);
		CHECK_INT(0, byte_take(store, &a));
		CHECK_INT(0, byte_drop(store, &a));
		CHECK_INT(0, byte_compare(store, &a, "", 0, 0, 1));
	}
	CHECK_INT(0, byte_number(store, "SELECT count(*) FROM chunk"));
	buf_release(&a);
	store_close(store);
}
BOTH(empty)

static void
leaves(void)
{
	struct ingest_options o = BYTE_OPTIONS_FINE;
	struct buf a = BUF_INIT(1 << 20);
	uint8_t *bytes = content(LEN, 2);
	struct store *store = NULL;
	struct manifest_leaf leaf;
	struct manifest m;
	int64_t chunks = 0;

	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, byte_put(store, &o, bytes, LEN, &a));
	CHECK_INT(0, manifest_decode(a.data, a.len, &m));
	CHECK(m.kind == MANIFEST_LEAVES && m.bytes == LEN && m.count >= 2);
	for (uint32_t i = 0; i < m.count; i++) {
		manifest_leaf_at(&m, i, &leaf);
		CHECK(i + 1 == m.count || leaf.chunks == LEAF_CHUNKS);
		chunks += leaf.chunks;
	}
	CHECK_INT(chunks, byte_number(store, "SELECT sum(refs) FROM chunk"));
	CHECK_INT(m.count, byte_number(store, "SELECT sum(refs) FROM leaf"));
	/* A second reference touches leaves only. */
	CHECK_INT(0, byte_take(store, &a));
	CHECK_INT(chunks, byte_number(store, "SELECT sum(refs) FROM chunk"));
	CHECK_INT(2 * m.count, byte_number(store, "SELECT sum(refs) FROM leaf"));
	CHECK_INT(0, byte_drop(store, &a));
	CHECK_INT(chunks, byte_number(store, "SELECT sum(refs) FROM chunk"));
	CHECK_INT(0, byte_compare(store, &a, bytes, 0, LEN, 100000));
	/* Without any, leaves are tombstones: readable still, and revived by a reference. */
	CHECK_INT(0, byte_drop(store, &a));
	CHECK_INT(m.count, byte_number(store, "SELECT count(*) FROM leaf WHERE dead_at IS NOT NULL"));
	CHECK_INT(chunks, byte_number(store, "SELECT sum(refs) FROM chunk"));
	CHECK_INT(0, byte_compare(store, &a, bytes, 0, LEN, 100000));
	CHECK_INT(0, byte_take(store, &a));
	CHECK_INT(0, byte_end_leaves(store));
	CHECK_INT(m.count, byte_number(store, "SELECT count(*) FROM leaf WHERE dead_at IS NULL AND refs = 1"));
	CHECK_INT(chunks, byte_number(store, "SELECT sum(refs) FROM chunk"));
	CHECK_INT(0, byte_drop(store, &a));
	CHECK_INT(ERR_CORRUPT, byte_drop(store, &a));
	CHECK_INT(0, byte_end_leaves(store));
	CHECK_INT(0, byte_number(store, "SELECT sum(refs) FROM chunk"));
	CHECK_INT(0, byte_number(store, "SELECT count(*) FROM leaf"));
	CHECK_INT(0, byte_number(store, "SELECT count(*) FROM chunk WHERE dead_at IS NULL"));
	/* What is gone can't be taken or dropped again. */
	CHECK_INT(ERR_NOTFOUND, byte_take(store, &a));
	CHECK_INT(ERR_NOTFOUND, byte_drop(store, &a));
	buf_release(&a);
	store_close(store);
	free(bytes);
}
BOTH(leaves)

/* Parts are leaves even if they are one chunk; joined they are the content in order. */
static void
join(void)
{
	struct ingest_options small = BYTE_OPTIONS(1000), fine = BYTE_OPTIONS_FINE, none = BYTE_OPTIONS(0);
	struct buf part[4] = { BUF_INIT(1 << 20), BUF_INIT(1 << 20), BUF_INIT(1 << 20), BUF_INIT(1 << 20) };
	struct buf whole = BUF_INIT(1 << 20), nothing = BUF_INIT(1 << 20);
	uint8_t *bytes = content(LEN + 2000, 3);
	const void *manifests[4];
	struct store *store = NULL;
	struct manifest m;
	size_t lens[4];
	int64_t refs;

	small.leaves = fine.leaves = none.leaves = true;
	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, byte_put(store, &small, bytes, 1000, &part[0]));
	CHECK_INT(0, byte_put(store, &fine, bytes + 1000, LEN, &part[1]));
	CHECK_INT(0, byte_put(store, &none, "", 0, &part[2]));
	CHECK_INT(0, byte_put(store, &small, bytes + 1000 + LEN, 1000, &part[3]));
	CHECK_INT(0, manifest_decode(part[0].data, part[0].len, &m));
	CHECK(m.kind == MANIFEST_LEAVES && m.count == 1);
	refs = byte_number(store, "SELECT sum(refs) FROM leaf");
	for (int i = 0; i < 4; i++) {
		manifests[i] = part[i].data;
		lens[i] = part[i].len;
	}
	CHECK_INT(0, refs_join(manifests, lens, 4, &whole));
	CHECK_INT(refs, byte_number(store, "SELECT sum(refs) FROM leaf"));
	CHECK_INT(0, byte_compare(store, &whole, bytes, 0, LEN + 2000, 12345));
	CHECK_INT(0, byte_drop(store, &whole));
	CHECK_INT(0, byte_end_leaves(store));
	CHECK_INT(0, byte_number(store, "SELECT count(*) FROM leaf"));
	CHECK_INT(0, byte_number(store, "SELECT sum(refs) FROM chunk"));
	/* Nothing but empty parts. */
	CHECK_INT(0, refs_join(manifests + 2, lens + 2, 1, &nothing));
	CHECK_INT(0, manifest_decode(nothing.data, nothing.len, &m));
	CHECK_INT(0, m.bytes);
	for (int i = 0; i < 4; i++)
		buf_release(&part[i]);
	buf_release(&whole);
	buf_release(&nothing);
	store_close(store);
	free(bytes);
}
BOTH(join)

/* Two ingest the same new content at once: one place is kept, the other's bytes are known to be dead. */
static void
same_at_once(void)
{
	struct ingest_options o = BYTE_OPTIONS(3000);
	struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
	struct ingest_result ra, rb;
	struct ingest *ia = NULL, *ib = NULL;
	uint8_t *bytes = content(3000, 4);
	struct store *store = NULL;

	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, byte_ingest(store, &o, bytes, 3000, 3000, &ia, &ra));
	CHECK_INT(0, byte_ingest(store, &o, bytes, 3000, 3000, &ib, &rb));
	CHECK(ra.chunks[0].home && rb.chunks[0].home);
	CHECK_INT(0, byte_commit(store, &ra, &a));
	CHECK_INT(0, byte_number(store, "SELECT sum(freed) FROM segment"));
	CHECK_INT(0, byte_commit(store, &rb, &b));
	CHECK_INT(2, byte_number(store, "SELECT refs FROM chunk"));
	CHECK_INT(ra.chunks[0].offset, byte_number(store, "SELECT place FROM chunk"));
	CHECK_INT(rb.chunks[0].stored, byte_number(store, "SELECT sum(freed) FROM segment"));
	ingest_free(ia);
	ingest_free(ib);
	buf_release(&a);
	buf_release(&b);
	store_close(store);
	free(bytes);
}
BOTH(same_at_once)

/* A chunk that was found and is gone at the commit must be an error, never a dangling reference. */
static void
found_and_gone(void)
{
	struct ingest_options o = BYTE_OPTIONS(3000);
	struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
	uint8_t *bytes = content(3000, 5);
	struct store *store = NULL;
	struct ingest_result r;
	struct ingest *in = NULL;

	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, byte_put(store, &o, bytes, 3000, &a));
	CHECK_INT(0, byte_ingest(store, &o, bytes, 3000, 3000, &in, &r));
	CHECK_INT(0, r.chunks[0].home);
	CHECK_INT(0, byte_sql(store, "DELETE FROM chunk"));
	CHECK_INT(ERR_CONFLICT, byte_commit(store, &r, &b));
	CHECK_INT(0, byte_number(store, "SELECT count(*) FROM chunk"));
	ingest_free(in);
	buf_release(&a);
	buf_release(&b);
	store_close(store);
	free(bytes);
}
BOTH(found_and_gone)

static void
test_not_a_manifest(void)
{
	struct buf bad = BUF_INIT(100);
	struct store *store = NULL;

	byte_defaults(true);
	CHECK_INT(0, byte_open(&store));
	buf_addstr(&bad, "this is none");
	CHECK_INT(ERR_CORRUPT, byte_take(store, &bad));
	CHECK_INT(ERR_CORRUPT, byte_drop(store, &bad));
	buf_release(&bad);
	store_close(store);
}

static const struct test tests[] = {
	TEST_BOTH(one_chunk),
	TEST_BOTH(known),
	TEST_BOTH(empty),
	TEST_BOTH(leaves),
	TEST_BOTH(join),
	TEST_BOTH(same_at_once),
	TEST_BOTH(found_and_gone),
	TEST(test_not_a_manifest),
	TEST_END
};
TEST_MAIN(tests)
