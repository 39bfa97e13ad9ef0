#include <fcntl.h>
#include <unistd.h>

#include "blob.h"
#include "byte_kit.h"
#include "move_kit.h"

#define FINE_LEN 700000

/* Ranges at and around every kind of border, with buffers of every kind. */
static int
ranges(struct store *store, const struct buf *manifest, const uint8_t *bytes, size_t len, int rounds)
{
	static const size_t steps[] = { 1, 100, 4096, 65536, 65537, 1 << 20, 8 << 20 };
	uint64_t x = 88172645463325252u, from, n;
	int rc = 0;

	for (int i = 0; rc == 0 && i < rounds; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		from = x % len;
		n = (x >> 20) % (i % 3 ? 5000 : len - from + 1);
		if (n > len - from)
			n = len - from;
		rc = byte_compare(store, manifest, bytes, from, n, steps[n > 100000 ? 3 + i % 4 : i % 7]);
	}
	for (int i = 0; rc == 0 && i < 2; i++)
		rc = byte_compare(store, manifest, bytes, 0, len, i ? 8 << 20 : 10007);
	return rc;
}

static void
large(void)
{
	enum { LEN = 13 << 20 };
	struct ingest_options o = BYTE_OPTIONS(LEN);
	struct buf m = BUF_INIT(1 << 20);
	uint8_t *bytes = malloc(LEN);
	struct store *store = NULL;
	int rc, read;

	byte_fill(bytes, LEN, 1);
	memset(bytes + (5 << 20), 'x', 3 << 20);	/* some of it compresses */
	CHECK_INT(0, byte_open(&store));
	rc = byte_put(store, &o, bytes, LEN, &m);
	read = rc ? rc : ranges(store, &m, bytes, LEN, 120);
	buf_release(&m);
	store_close(store);
	free(bytes);
	CHECK_INT(0, rc);
	CHECK_INT(0, read);
}
BOTH(large)

/* Many chunks in several leaves. */
static void
fine(void)
{
	struct ingest_options o = BYTE_OPTIONS_FINE;
	struct buf m = BUF_INIT(1 << 20);
	uint8_t *bytes = malloc(FINE_LEN);
	struct store *store = NULL;
	int rc, read;

	byte_fill(bytes, FINE_LEN, 2);
	CHECK_INT(0, byte_open(&store));
	rc = byte_put(store, &o, bytes, FINE_LEN, &m);
	read = rc ? rc : ranges(store, &m, bytes, FINE_LEN, 200);
	buf_release(&m);
	store_close(store);
	free(bytes);
	CHECK_INT(0, rc);
	CHECK_INT(0, read);
}
BOTH(fine)

static void
bounds(void)
{
	struct ingest_options o = BYTE_OPTIONS(1000);
	struct buf m = BUF_INIT(1 << 20);
	struct store *store = NULL;
	struct reader *r = NULL;
	uint8_t bytes[1000], got[10];
	size_t n;

	byte_fill(bytes, sizeof(bytes), 3);
	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, byte_put(store, &o, bytes, sizeof(bytes), &m));
	CHECK_INT(ERR_RANGE, reader_new(store, m.data, m.len, 0, 1001, &r));
	CHECK_INT(ERR_RANGE, reader_new(store, m.data, m.len, 1001, 0, &r));
	CHECK_INT(ERR_RANGE, reader_new(store, m.data, m.len, 1, UINT64_MAX, &r));
	CHECK_INT(ERR_CORRUPT, reader_new(store, m.data, m.len - 1, 0, 1, &r));
	CHECK_INT(0, byte_compare(store, &m, bytes, 1000, 0, 10));
	CHECK_INT(0, byte_compare(store, &m, bytes, 999, 1, 10));
	CHECK_INT(0, reader_new(store, m.data, m.len, 995, 5, &r));
	CHECK_INT(0, reader_read(r, got, 10, &n));
	CHECK_INT(5, n);
	CHECK_INT(ERR_END, reader_read(r, got, 10, &n));
	CHECK_INT(ERR_END, reader_read(r, got, 10, &n));
	reader_free(r);
	reader_free(NULL);
	buf_release(&m);
	store_close(store);
}
BOTH(bounds)

/* ---- chunks that move under a reader ---- */

/* Everything is somewhere else, and the homes where it was are gone, while a reader has looked some places up. */
static void
moved(void)
{
	struct ingest_options o = BYTE_OPTIONS_FINE;
	struct buf m = BUF_INIT(1 << 20);
	uint8_t *bytes = malloc(FINE_LEN), got[5000];
	struct store *store = NULL;
	struct reader *r = NULL;
	size_t n, at = 0;
	int rc, count;

	byte_fill(bytes, FINE_LEN, 4);
	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, byte_put(store, &o, bytes, FINE_LEN, &m));
	CHECK_INT(0, reader_new(store, m.data, m.len, 0, FINE_LEN, &r));
	CHECK_INT(0, reader_read(r, got, sizeof(got), &n));
	CHECK_MEM(bytes, got, n);
	at = n;
	CHECK_INT(0, move_all(store, &count));
	CHECK(count > 1000);
	while ((rc = reader_read(r, got, sizeof(got), &n)) == 0) {
		CHECK_MEM(bytes + at, got, n);
		at += n;
	}
	CHECK_INT(ERR_END, rc);
	CHECK_INT(FINE_LEN, at);
	reader_free(r);
	buf_release(&m);
	store_close(store);
	free(bytes);
}
BOTH(moved)

/* ---- what must not be shown ---- */

static void
gone(void)
{
	struct ingest_options o = BYTE_OPTIONS(2 << 20), f = BYTE_OPTIONS_FINE;
	struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
	uint8_t *bytes = malloc(2 << 20);
	struct store *store = NULL;

	byte_fill(bytes, 2 << 20, 5);
	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, byte_put(store, &f, bytes, FINE_LEN, &b));
	CHECK_INT(0, byte_put(store, &o, bytes, 2 << 20, &a));
	CHECK_INT(0, byte_sql(store, "DELETE FROM chunk WHERE place <> (SELECT min(place) FROM chunk)"));
	CHECK_INT(ERR_NOTFOUND, byte_compare(store, &b, bytes, 0, FINE_LEN, 10000));
	CHECK_INT(0, byte_sql(store, "UPDATE chunk SET size_bytes = size_bytes + 1"));
	/* The first chunk is still there, and its row tells another length. */
	CHECK_INT(ERR_CORRUPT, byte_compare(store, &b, bytes, 0, 1, 1));
	CHECK_INT(0, byte_sql(store, "DELETE FROM leaf"));
	CHECK_INT(ERR_NOTFOUND, byte_compare(store, &b, bytes, 0, FINE_LEN, 10000));
	buf_release(&a);
	buf_release(&b);
	store_close(store);
	free(bytes);
}
BOTH(gone)

/* A byte that turned over on disk is never shown. */
static void
test_damaged(void)
{
	struct ingest_options o = BYTE_OPTIONS(3000);
	struct buf m = BUF_INIT(1 << 20);
	uint8_t bytes[3000], byte;
	struct store *store = NULL;
	int64_t place, home;
	char path[160];
	int fd;

	byte_defaults(false);
	byte_fill(bytes, sizeof(bytes), 6);
	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, byte_put(store, &o, bytes, sizeof(bytes), &m));
	CHECK_INT(0, byte_compare(store, &m, bytes, 0, sizeof(bytes), sizeof(bytes)));
	place = byte_number(store, "SELECT place + stored - 100 FROM chunk");
	home = byte_number(store, "SELECT home FROM chunk");
	snprintf(path, sizeof(path), "%s/segments/%08llx.seg", test_tmpdir(), (unsigned long long)home);
	CHECK((fd = open(path, O_RDWR)) >= 0);
	CHECK(pread(fd, &byte, 1, place) == 1);
	byte ^= 1;
	CHECK(pwrite(fd, &byte, 1, place) == 1);
	close(fd);
	CHECK_INT(ERR_CORRUPT, byte_compare(store, &m, bytes, 0, sizeof(bytes), sizeof(bytes)));
	buf_release(&m);
	store_close(store);
}

/* The place of a small content, for those who read it without a reader. */
static void
place_of(void)
{
	struct ingest_options o = BYTE_OPTIONS(100), f = BYTE_OPTIONS_FINE;
	struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20), e = BUF_INIT(1 << 20);
	uint8_t *bytes = malloc(FINE_LEN), id[32], got[100];
	struct store *store = NULL;
	struct db_conn *db = NULL;
	struct blob_place place;
	int rc, many, none;

	byte_fill(bytes, FINE_LEN, 7);
	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, byte_put(store, &o, bytes, 100, &a));
	CHECK_INT(0, byte_put(store, &f, bytes, FINE_LEN, &b));
	o.size = 0;
	CHECK_INT(0, byte_put(store, &o, "", 0, &e));
	CHECK_INT(0, db_read_begin(store->db, &db));
	many = reader_place(store, db, b.data, b.len, id, &place);
	none = reader_place(store, db, e.data, e.len, id, &place);
	CHECK_INT(0, place.length);
	rc = reader_place(store, db, a.data, a.len, id, &place);
	db_read_end(db);
	CHECK_INT(ERR_TOOBIG, many);
	CHECK_INT(0, none);
	CHECK_INT(0, rc);
	CHECK_INT(100, place.length);
	CHECK_INT(0, blob_get(store->blobs, id, &place, 0, 100, true, got));
	CHECK_MEM(bytes, got, 100);
	buf_release(&a);
	buf_release(&b);
	buf_release(&e);
	store_close(store);
	free(bytes);
}
BOTH(place_of)

static const struct test tests[] = {
	TEST_BOTH(large),
	TEST_BOTH(fine),
	TEST_BOTH(bounds),
	TEST_BOTH(moved),
	TEST_BOTH(gone),
	TEST(test_damaged),
	TEST_BOTH(place_of),
	TEST_END
};
TEST_MAIN(tests)
