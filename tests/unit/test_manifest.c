#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "crc.h"
#include "err.h"
#include "le.h"
#include "manifest.h"
#include "test.h"

#define ROOM (64u << 20)

/* The bytes of `b`, read back. */
static int
decode(const struct buf *b, struct manifest *m)
{
	return manifest_decode(b->data, b->len, m);
}

static void
fix_crc(struct buf *b)
{
	le_put32(b->data + b->len - 4, crc32c_seeded(0, b->data, b->len - 4));
}

static void
test_empty(void)
{
	struct buf out = BUF_INIT(ROOM);
	struct manifest_builder b;
	struct manifest m;
	uint64_t start;
	uint32_t i;

	manifest_begin(&b, MANIFEST_INLINE, &out);
	CHECK_INT(0, manifest_end(&b));
	CHECK_INT(12, out.len);
	CHECK_INT(0, decode(&out, &m));
	CHECK(m.kind == MANIFEST_INLINE && m.count == 0 && m.bytes == 0);
	CHECK_INT(ERR_RANGE, manifest_seek(&m, 0, &i, &start));
	buf_release(&out);
}

static void
test_inline(void)
{
	struct buf out = BUF_INIT(ROOM);
	const uint8_t id[32] = { 1, 2, 3, [31] = 9 };
	struct manifest_builder b;
	struct manifest_chunk c;
	struct manifest m;
	uint64_t start;
	uint32_t i;

	buf_addstr(&out, "before");	/* what is there already stays */
	manifest_begin(&b, MANIFEST_INLINE, &out);
	manifest_add_chunk(&b, id, 4096);
	CHECK_INT(0, manifest_end(&b));
	CHECK_INT(6 + MANIFEST_SIZE(1, MANIFEST_CHUNK_SIZE), out.len);
	CHECK_MEM("before", out.data, 6);
	CHECK_INT(0, manifest_decode(out.data + 6, out.len - 6, &m));
	CHECK(m.count == 1 && m.bytes == 4096);
	manifest_chunk_at(&m, 0, &c);
	CHECK_MEM(id, c.id, 32);
	CHECK_INT(4096, c.bytes);
	CHECK_INT(0, manifest_seek(&m, 4095, &i, &start));
	CHECK(i == 0 && start == 0);
	CHECK_INT(ERR_RANGE, manifest_seek(&m, 4096, &i, &start));
	buf_release(&out);
}

static void
test_leaf(void)
{
	struct buf out = BUF_INIT(ROOM);
	uint64_t sum = 0, start;
	struct manifest_builder b;
	struct manifest_chunk c;
	uint8_t id[32] = { 0 };
	struct manifest m;
	uint32_t i;

	manifest_begin(&b, MANIFEST_LEAF, &out);
	for (uint32_t k = 0; k < LEAF_CHUNKS; k++) {
		le_put32(id, k);
		manifest_add_chunk(&b, id, k + 1);
		sum += k + 1;
	}
	CHECK_INT(sum, b.bytes);
	CHECK_INT(LEAF_CHUNKS, b.count);
	CHECK_INT(0, manifest_end(&b));
	CHECK_INT(0, decode(&out, &m));
	CHECK(m.kind == MANIFEST_LEAF && m.count == LEAF_CHUNKS && m.bytes == sum);
	manifest_chunk_at(&m, 700, &c);
	CHECK(le_get32(c.id) == 700 && c.bytes == 701);
	for (uint32_t k = 0, at = 0; k < LEAF_CHUNKS; at += ++k) {
		CHECK_INT(0, manifest_seek(&m, at, &i, &start));
		CHECK(i == k && start == at);
		CHECK_INT(0, manifest_seek(&m, at + k, &i, &start));
		CHECK(i == k && start == at);
	}
	buf_release(&out);
}

static void
test_leaves(void)
{
	struct buf out = BUF_INIT(ROOM);
	struct manifest_builder b;
	struct manifest_leaf leaf;
	struct manifest m;
	uint64_t start;
	uint32_t i;

	manifest_begin(&b, MANIFEST_LEAVES, &out);
	manifest_add_leaf(&b, 1, 1ull << 30, 1024);
	manifest_add_leaf(&b, INT64_MAX, 1ull << 32, 1024);
	manifest_add_leaf(&b, 7, 1, 1);
	CHECK_INT(0, manifest_end(&b));
	CHECK_INT(0, decode(&out, &m));
	CHECK(m.kind == MANIFEST_LEAVES && m.count == 3 && m.bytes == (1ull << 30) + (1ull << 32) + 1);
	manifest_leaf_at(&m, 1, &leaf);
	CHECK(leaf.id == INT64_MAX && leaf.bytes == 1ull << 32 && leaf.chunks == 1024);
	CHECK_INT(0, manifest_seek(&m, 1ull << 30, &i, &start));
	CHECK(i == 1 && start == 1ull << 30);
	CHECK_INT(0, manifest_seek(&m, m.bytes - 1, &i, &start));
	CHECK(i == 2 && start == m.bytes - 1);
	buf_release(&out);
}

/* The first error stays, and what was built is not finished. */
static void
test_builder_refuses(void)
{
	struct buf out = BUF_INIT(ROOM), small = BUF_INIT(20);
	const uint8_t id[32] = { 0 };
	struct manifest_builder b;

	manifest_begin(&b, MANIFEST_LEAF, &out);
	CHECK_INT(ERR_INVALID, manifest_end(&b));
	manifest_begin(&b, MANIFEST_LEAVES, &out);
	CHECK_INT(ERR_INVALID, manifest_end(&b));
	manifest_begin(&b, MANIFEST_LEAF, &out);
	manifest_add_chunk(&b, id, 0);
	manifest_add_chunk(&b, id, 1);
	CHECK_INT(ERR_INVALID, manifest_end(&b));
	manifest_begin(&b, MANIFEST_LEAF, &out);
	manifest_add_chunk(&b, id, CHUNK_MAX + 1);
	CHECK_INT(ERR_INVALID, manifest_end(&b));
	manifest_begin(&b, MANIFEST_LEAF, &out);
	manifest_add_leaf(&b, 1, 1, 1);
	CHECK_INT(ERR_INVALID, manifest_end(&b));
	manifest_begin(&b, MANIFEST_LEAVES, &out);
	manifest_add_chunk(&b, id, 1);
	CHECK_INT(ERR_INVALID, manifest_end(&b));
	manifest_begin(&b, MANIFEST_INLINE, &out);
	manifest_add_chunk(&b, id, 1);
	manifest_add_chunk(&b, id, 1);
	CHECK_INT(ERR_TOOBIG, manifest_end(&b));
	manifest_begin(&b, MANIFEST_LEAVES, &out);
	for (uint64_t n = 0; n <= LIMIT_OBJECT; n += 1ull << 32)
		manifest_add_leaf(&b, 1, 1ull << 32, 1024);
	CHECK_INT(ERR_TOOBIG, manifest_end(&b));
	manifest_begin(&b, MANIFEST_INLINE, &small);
	manifest_add_chunk(&b, id, 1);
	CHECK_INT(ERR_TOOBIG, manifest_end(&b));
	buf_release(&small);
	buf_release(&out);
}

/* Any changed bit and any cut is refused. */
static void
test_damage(void)
{
	struct buf out = BUF_INIT(ROOM);
	const uint8_t id[32] = { 5 };
	struct manifest_builder b;
	struct manifest m;

	manifest_begin(&b, MANIFEST_LEAF, &out);
	manifest_add_chunk(&b, id, 10);
	manifest_add_chunk(&b, id, 20);
	CHECK_INT(0, manifest_end(&b));
	for (size_t bit = 0; bit < 8 * out.len; bit++) {
		out.data[bit / 8] ^= (char)(1u << bit % 8);
		CHECK_INT(ERR_CORRUPT, decode(&out, &m));
		out.data[bit / 8] ^= (char)(1u << bit % 8);
	}
	for (size_t len = 0; len < out.len; len++)
		CHECK_INT(ERR_CORRUPT, manifest_decode(out.data, len, &m));
	CHECK_INT(0, decode(&out, &m));
	buf_release(&out);
}

/* With a CRC that is right, what no builder writes is refused all the same. */
static void
test_strict(void)
{
	static const struct {
		enum manifest_kind kind;
		int at, bytes;
		uint64_t value;
		int rc;
	} wrong[] = {
		{ MANIFEST_LEAF, 0, 1, 'm', ERR_CORRUPT }, { MANIFEST_LEAF, 1, 1, 2, ERR_VERSION },
		{ MANIFEST_LEAF, 1, 1, 0, ERR_CORRUPT }, { MANIFEST_LEAF, 2, 1, 0, ERR_CORRUPT },
		{ MANIFEST_LEAF, 2, 1, 4, ERR_CORRUPT }, { MANIFEST_LEAF, 2, 1, 1, ERR_CORRUPT },
		{ MANIFEST_LEAF, 2, 1, 2, ERR_CORRUPT }, { MANIFEST_LEAF, 3, 1, 1, ERR_CORRUPT },
		{ MANIFEST_LEAF, 4, 4, 0, ERR_CORRUPT }, { MANIFEST_LEAF, 4, 4, 1, ERR_CORRUPT },
		{ MANIFEST_LEAF, 4, 4, 0xffffffff, ERR_CORRUPT }, { MANIFEST_LEAF, 40, 4, 0, ERR_CORRUPT },
		{ MANIFEST_LEAF, 40, 4, CHUNK_MAX + 1, ERR_CORRUPT }, { MANIFEST_LEAVES, 8, 8, 0, ERR_CORRUPT },
		{ MANIFEST_LEAVES, 8, 8, UINT64_MAX, ERR_CORRUPT }, { MANIFEST_LEAVES, 16, 8, 0, ERR_CORRUPT },
		{ MANIFEST_LEAVES, 16, 8, UINT64_MAX, ERR_CORRUPT }, { MANIFEST_LEAVES, 24, 4, 0, ERR_CORRUPT },
		{ MANIFEST_LEAVES, 24, 4, LEAF_CHUNKS + 1, ERR_CORRUPT }, { MANIFEST_LEAVES, 24, 4, 101, ERR_CORRUPT },
	};
	struct buf out = BUF_INIT(ROOM);
	const uint8_t id[32] = { 5 };
	struct manifest_builder b;
	struct manifest m;

	for (size_t k = 0; k < sizeof(wrong) / sizeof(*wrong); k++) {
		buf_clear(&out);
		manifest_begin(&b, wrong[k].kind, &out);
		for (int n = 0; n < 2; n++)
			if (wrong[k].kind == MANIFEST_LEAF)
				manifest_add_chunk(&b, id, 100);
			else
				manifest_add_leaf(&b, 1, 100, 2);
		CHECK_INT(0, manifest_end(&b));
		CHECK_INT(0, decode(&out, &m));
		le_put(out.data + wrong[k].at, wrong[k].value, wrong[k].bytes);
		fix_crc(&out);
		if (decode(&out, &m) != wrong[k].rc)
			fprintf(stderr, "# case %zu\n", k);
		CHECK_INT(wrong[k].rc, decode(&out, &m));
	}
	buf_release(&out);
}

/* Exactly as large as an object may be, and then larger. */
static void
test_largest(void)
{
	struct buf out = BUF_INIT(ROOM);
	const uint64_t most = (uint64_t)LEAF_CHUNKS * CHUNK_MAX;
	struct manifest_builder b;
	struct manifest m;

	manifest_begin(&b, MANIFEST_LEAVES, &out);
	while (b.bytes + most < LIMIT_OBJECT)
		manifest_add_leaf(&b, 1, most, LEAF_CHUNKS);
	manifest_add_leaf(&b, 1, most / 2, LEAF_CHUNKS);
	manifest_add_leaf(&b, 1, most / 2, LEAF_CHUNKS);
	CHECK_INT(0, manifest_end(&b));
	CHECK_INT(0, decode(&out, &m));
	CHECK(m.bytes == LIMIT_OBJECT);
	le_put64(out.data + 8 + (m.count - 1) * MANIFEST_LEAF_SIZE + 8, most / 2 + 1);
	fix_crc(&out);
	CHECK_INT(ERR_CORRUPT, decode(&out, &m));
	buf_release(&out);
}

static const struct test tests[] = {
	TEST(test_empty), TEST(test_inline), TEST(test_leaf), TEST(test_leaves), TEST(test_builder_refuses),
	TEST(test_damage), TEST(test_strict), TEST(test_largest), TEST_END
};
TEST_MAIN(tests)
