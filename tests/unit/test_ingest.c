/* test-timeout: 300, since it took 51 s on two busy cores. */
#include "blob.h"
#include "byte_kit.h"
#include "chunker.h"
#include "pool.h"

/* ---- sizes ---- */

/* Whether the chunks are those that the rule cuts, and their bytes are in the store. */
static int
chunks_right(struct store *store, const uint8_t *bytes, size_t len, const struct ingest_options *o,
    const struct ingest_result *r, bool cut_small)
{
	uint8_t *copy = malloc(CHUNK_MAX), id[32];
	struct chunker chunker;
	size_t at = 0, want;
	bool cut;
	int ok = 1;

	chunker_init(&chunker, o->chunk_min, o->chunk_avg, o->chunk_max);
	for (size_t i = 0; ok && i < r->count; i++, at += want) {
		const struct ingest_chunk *c = &r->chunks[i];
		struct blob_place place = { c->home, c->offset, c->stored, c->length };

		want = cut_small ? chunker_scan(&chunker, bytes + at, len - at, &cut) : len;
		digest_sha256(bytes + at, want, id);
		ok = c->length == want && !memcmp(id, c->id, 32) && c->home &&
		    blob_get(store->blobs, c->id, &place, 0, want, true, copy) == 0 && !memcmp(copy, bytes + at, want);
	}
	free(copy);
	return ok && at == len;
}

static int
one_size(struct store *store, size_t len, bool known, size_t piece, uint64_t seed)
{
	struct ingest_options o = BYTE_OPTIONS(known ? len : UINT64_MAX);
	uint8_t *bytes = malloc(len + 1), md5[16], sha[32], crc[4];
	struct ingest_result r;
	struct ingest *in = NULL;
	int ok;

	o.checksum = true;
	o.checksum_kind = DIGEST_CRC32C;
	byte_fill(bytes, len, seed);
	digest_md5(bytes, len, md5);
	digest_sha256(bytes, len, sha);
	digest_once(DIGEST_CRC32C, bytes, len, crc);
	ok = byte_ingest(store, &o, bytes, len, piece, &in, &r) == 0 && r.size == len && !memcmp(md5, r.md5, 16) &&
	    !memcmp(sha, r.sha256, 32) && !memcmp(crc, r.checksum, 4) && (len != 0 || r.count == 0) &&
	    chunks_right(store, bytes, len, &o, &r, len > SMALL_OBJECT || !known);
	if (!ok)
		fprintf(stderr, "# %zu bytes, %s, in pieces of %zu\n", len, known ? "known" : "unknown", piece);
	ingest_free(in);
	free(bytes);
	return ok;
}

static void
sizes(void)
{
	static const size_t lens[] = { 0, 1, 2, 4096, 65535, 65536, 65537, SMALL_OBJECT - 1, SMALL_OBJECT,
		SMALL_OBJECT + 1, SMALL_OBJECT + 65536, CHUNK_AVG, CHUNK_MAX - 1, CHUNK_MAX, CHUNK_MAX + 1, 11000003 };
	static const size_t pieces[] = { 16 << 20, 262144, 65537, 777 };
	struct store *store = NULL;
	int ok = 1;

	CHECK_INT(0, byte_open(&store));
	for (size_t i = 0; ok && i < sizeof(lens) / sizeof(lens[0]); i++)
		for (size_t k = 0; ok && k < 4; k++)
			for (int known = 0; ok && known < 2; known++)
				ok = one_size(store, lens[i], known, pieces[k], i * 100 + k * 10 + (size_t)known);
	CHECK_INT(0, (pool_in_use(store->pool) + pool_in_use(store->small_pool)));
	store_close(store);
	CHECK(ok);
}
BOTH(sizes)

/* A shortest chunk above what is small: an unknown length still ends up right. */
static void
test_long_chunks(void)
{
	struct ingest_options o = BYTE_OPTIONS(UINT64_MAX);
	struct store *store = NULL;
	uint8_t *bytes = malloc(3 << 20);
	struct buf manifest = BUF_INIT(1 << 20);
	int rc = 0;

	byte_defaults(true);
	byte_fill(bytes, 3 << 20, 3);
	o.chunk_min = 1 << 20;
	o.chunk_avg = 2 << 20;
	CHECK_INT(0, byte_open(&store));
	for (size_t len = 200 << 10; rc == 0 && len <= 3 << 20; len += 300 << 10)
		if ((rc = byte_put(store, &o, bytes, len, &manifest)) == 0)
			rc = byte_compare(store, &manifest, bytes, 0, len, 1 << 20);
	buf_release(&manifest);
	store_close(store);
	free(bytes);
	CHECK_INT(0, rc);
}

/* Any part of the digests may be asked for. */
static void
test_digests_asked_for(void)
{
	static const size_t lens[] = { 0, 5, SMALL_OBJECT, 3 << 20 };
	uint8_t *bytes = malloc(3 << 20), sha[32];
	struct store *store = NULL;
	int ok = 1;

	byte_defaults(true);
	byte_fill(bytes, 3 << 20, 8);
	CHECK_INT(0, byte_open(&store));
	for (size_t i = 0; ok && i < 4; i++)
		for (int with = 0; ok && with < 4; with++) {
			struct ingest_options o = BYTE_OPTIONS(lens[i]);
			struct ingest_result r;
			struct ingest *in = NULL;

			o.md5 = false;
			o.sha256 = with & 1;
			o.checksum = with & 2;
			o.checksum_kind = DIGEST_SHA256;
			digest_sha256(bytes, lens[i], sha);
			ok = byte_ingest(store, &o, bytes, lens[i], 100000, &in, &r) == 0 &&
			    (!(with & 1) || !memcmp(sha, r.sha256, 32)) && (!(with & 2) || !memcmp(sha, r.checksum, 32));
			ingest_free(in);
		}
	store_close(store);
	free(bytes);
	CHECK(ok);
}

/* More than was announced is refused before it costs memory. */
static void
test_more_than_announced(void)
{
	struct ingest_options o = BYTE_OPTIONS(1000);
	uint8_t *bytes = calloc(1, SMALL_OBJECT + 1);
	struct store *store = NULL;
	struct ingest *in = NULL;
	size_t used = 0;
	int rc, again;

	byte_defaults(true);
	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, ingest_new(store, &o, &in));
	rc = ingest_write(in, bytes, SMALL_OBJECT + 1, &used);
	again = ingest_write(in, bytes, 1, &used);
	ingest_free(in);
	CHECK_INT(0, (pool_in_use(store->pool) + pool_in_use(store->small_pool)));
	store_close(store);
	free(bytes);
	CHECK_INT(ERR_TOOBIG, rc);
	CHECK_INT(ERR_TOOBIG, again);
}

/* ---- what is stored once ---- */

static void
dedup(void)
{
	struct ingest_options o = BYTE_OPTIONS(5 << 20);
	struct buf manifest = BUF_INIT(1 << 20);
	uint8_t *bytes = malloc(5 << 20);
	struct ingest_result r;
	struct store *store = NULL;
	struct ingest *in = NULL;
	int rc, stored = 0, dead;
	size_t count = 0;

	byte_fill(bytes, 5 << 20, 1);
	CHECK_INT(0, byte_open(&store));
	rc = byte_put(store, &o, bytes, 5 << 20, &manifest);
	rc = rc ? rc : byte_ingest(store, &o, bytes, 5 << 20, 300000, &in, &r);
	for (size_t i = 0; rc == 0 && i < r.count; i++)
		stored += r.chunks[i].home != 0;
	count = rc ? 0 : r.count;
	ingest_free(in);
	CHECK_INT(0, rc);
	CHECK(count > 1);
	CHECK_INT(0, stored);

	/* A tombstone is no hit. */
	in = NULL;
	dead = byte_drop(store, &manifest);
	dead = dead ? dead : byte_end_leaves(store);
	rc = byte_ingest(store, &o, bytes, 5 << 20, 300000, &in, &r);
	for (size_t i = 0; rc == 0 && i < r.count; i++)
		stored += r.chunks[i].home != 0;
	ingest_free(in);
	buf_release(&manifest);
	store_close(store);
	free(bytes);
	CHECK_INT(0, dead);
	CHECK_INT(0, rc);
	CHECK_INT(count, stored);
}
BOTH(dedup)

/* Bytes that the database knows and that are gone are no hit: they are stored again, and heal what refers to them. */
static void
lost(void)
{
	struct ingest_options o = BYTE_OPTIONS(5 << 20);
	struct buf manifest = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
	uint8_t *bytes = malloc(5 << 20);
	struct store *store = NULL;
	int rc, dropped = 0, broken, healed, second;

	byte_fill(bytes, 5 << 20, 1);
	CHECK_INT(0, byte_open(&store));
	rc = byte_put(store, &o, bytes, 5 << 20, &manifest);
	for (unsigned lane = 0; rc == 0 && lane < BLOB_LANES; lane++)
		rc = blob_roll(store->blobs, lane, 0);
	for (uint64_t home = 1; rc == 0 && home < 16; home++)
		dropped += blob_drop(store->blobs, home) == 0;
	broken = byte_compare(store, &manifest, bytes, 0, 5 << 20, 1 << 20);
	rc = rc ? rc : byte_put(store, &o, bytes, 5 << 20, &again);
	second = byte_compare(store, &again, bytes, 0, 5 << 20, 1 << 20);
	healed = byte_compare(store, &manifest, bytes, 0, 5 << 20, 1 << 20);
	buf_release(&manifest);
	buf_release(&again);
	store_close(store);
	free(bytes);
	CHECK_INT(0, rc);
	CHECK(dropped > 0);
	CHECK(broken != 0);
	CHECK_INT(0, second);
	CHECK_INT(0, healed);
}
BOTH(lost)

static void
zeros(void)
{
	struct ingest_options o = BYTE_OPTIONS(UINT64_MAX);
	struct buf manifest = BUF_INIT(1 << 20);
	uint8_t *bytes = calloc(1, (33 << 20) + 5);
	struct store *store = NULL;
	int rc, compared;

	CHECK_INT(0, byte_open(&store));
	rc = byte_put(store, &o, bytes, (33 << 20) + 5, &manifest);
	compared = rc ? rc : byte_compare(store, &manifest, bytes, 0, (33 << 20) + 5, 1 << 20);
	/* Eight of 4 MiB and the rest. */
	CHECK_INT(2, byte_number(store, "SELECT count(*) FROM chunk"));
	CHECK_INT(9, byte_number(store, "SELECT sum(refs) FROM chunk"));
	CHECK_INT(0, byte_number(store, "SELECT sum(freed) FROM segment"));
	buf_release(&manifest);
	store_close(store);
	free(bytes);
	CHECK_INT(0, rc);
	CHECK_INT(0, compared);
}
BOTH(zeros)

/* ---- memory ---- */

#define STREAMS 6

static void
wake(void *arg)
{
	*(_Atomic int *)arg = 1;
}

/* Several large uploads with hardly more memory than one chunk: all end, and with the right bytes. */
static void
tiny_pool(void)
{
	enum { LEN = 9 << 20 };
	struct ingest *in[STREAMS] = { 0 };
	struct ingest_result r[STREAMS];
	_Atomic int ready[STREAMS];
	uint8_t *bytes[STREAMS], sha[32];
	size_t at[STREAMS] = { 0 }, used;
	struct store *store = NULL;
	int rc = 0, left = STREAMS, refused = 0, wrong = 0;

	byte_settings.pool_bytes = CHUNK_MAX + (2 << 20);
	CHECK_INT(0, byte_open(&store));
	for (int i = 0; i < STREAMS; i++) {
		struct ingest_options o = BYTE_OPTIONS(LEN);

		bytes[i] = malloc(LEN);
		byte_fill(bytes[i], LEN, (uint64_t)i + 50);
		ready[i] = 1;
		o.wake = wake;
		o.arg = &ready[i];
		rc = rc ? rc : ingest_new(store, &o, &in[i]);
	}
	for (int round = 0; rc == 0 && left && round < 100000; round++) {
		int i = round % STREAMS;

		if (at[i] > LEN || !ready[i])
			continue;
		ready[i] = 0;
		used = 0;
		rc = ingest_write(in[i], bytes[i] + at[i], LEN - at[i] < 200000 ? LEN - at[i] : 200000, &used);
		at[i] += used;
		if (rc == ERR_AGAIN) {
			refused++;
			rc = 0;
			continue;
		}
		ready[i] = 1;
		if (rc == 0 && at[i] == LEN && (rc = ingest_finish(in[i], &r[i])) == 0) {
			at[i] = SIZE_MAX;
			left--;
		}
	}
	for (int i = 0; i < STREAMS; i++) {
		if (rc == 0 && left == 0) {
			digest_sha256(bytes[i], LEN, sha);
			wrong += memcmp(sha, r[i].sha256, 32) != 0;
		}
		ingest_free(in[i]);
		free(bytes[i]);
	}
	used = (pool_in_use(store->pool) + pool_in_use(store->small_pool));
	store_close(store);
	CHECK_INT(0, rc);
	CHECK_INT(0, left);
	CHECK_INT(0, wrong);
	CHECK_INT(0, used);
	CHECK(refused > 0);
}
BOTH(tiny_pool)

/* Whatever state an ingest is in: freeing it gives everything back. */
static void
test_freed_early(void)
{
	struct ingest_options o = BYTE_OPTIONS(64 << 20);
	uint8_t *bytes = malloc(3 << 20);
	struct store *store = NULL;
	struct ingest *in = NULL;
	int64_t mono, wall;
	size_t used = 0, held;
	int rc;

	byte_defaults(false);
	byte_fill(bytes, 3 << 20, 4);
	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, ingest_new(store, &o, &in));
	rc = ingest_write(in, bytes, 3 << 20, &used);
	held = (pool_in_use(store->pool) + pool_in_use(store->small_pool));
	ingest_oldest(store, &mono, &wall);
	CHECK(mono != INT64_MAX && wall != INT64_MAX);
	ingest_free(in);
	ingest_free(NULL);
	ingest_oldest(store, &mono, &wall);
	CHECK_INT(0, (pool_in_use(store->pool) + pool_in_use(store->small_pool)));
	store_close(store);
	free(bytes);
	CHECK_INT(0, rc);
	CHECK_INT(3 << 20, used);
	CHECK(held > 0);
	CHECK(mono == INT64_MAX && wall == INT64_MAX);
}

/* The oldest is found whatever the order in which others come and go. */
static void
test_registry(void)
{
	struct store *store = NULL;
	uint64_t tickets[700];
	int64_t first, mono, wall;
	int rc = 0;

	byte_defaults(true);
	CHECK_INT(0, byte_open(&store));
	for (int i = 0; rc == 0 && i < 700; i++)
		rc = ingest_hold(store, &tickets[i]);
	ingest_oldest(store, &first, &wall);
	for (int i = 699; i > 0; i--)
		ingest_unhold(store, tickets[i]);
	for (int i = 1; rc == 0 && i < 700; i++)
		rc = ingest_hold(store, &tickets[i]);
	ingest_oldest(store, &mono, &wall);
	CHECK_INT(0, rc);
	CHECK_INT(first, mono);
	for (int i = 0; i < 700; i++)
		ingest_unhold(store, tickets[i]);
	ingest_oldest(store, &mono, &wall);
	CHECK(mono == INT64_MAX);
	store_close(store);
}

static void
test_reserve(void)
{
	struct ingest_options o = BYTE_OPTIONS(5);
	struct store *store = NULL;
	struct ingest *in = NULL;

	byte_defaults(false);
	byte_settings.reserve_percent = 100;	/* no disk has that */
	CHECK_INT(0, byte_open(&store));
	CHECK_INT(ERR_SPACE, ingest_new(store, &o, &in));
	store_close(store);
}

static const struct test tests[] = {
	TEST_BOTH(sizes),
	TEST(test_long_chunks),
	TEST(test_digests_asked_for),
	TEST(test_more_than_announced),
	TEST_BOTH(dedup),
	TEST_BOTH(lost),
	TEST_BOTH(zeros),
	TEST_BOTH(tiny_pool),
	TEST(test_freed_early),
	TEST(test_registry),
	TEST(test_reserve),
	TEST_END
};
TEST_MAIN(tests)
