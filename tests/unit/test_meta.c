#include "err.h"
#include "meta.h"
#include "test.h"

static void
test_headers(void)
{
	struct buf b = BUF_INIT(1 << 20);
	struct slice name, value;
	size_t at = 0;

	CHECK(meta_valid("", 0));
	meta_add(&b, "content-type", 12, "text/plain", 10);
	meta_add(&b, "x-amz-meta-empty", 16, "", 0);
	meta_add(&b, "x-amz-meta-a", 12, "\xc3\xa9", 2);
	CHECK_INT(0, buf_finish(&b));
	CHECK(meta_valid(b.data, b.len));
	CHECK_INT(0, meta_next(b.data, b.len, &at, &name, &value));
	CHECK(slice_is(name, "content-type") && slice_is(value, "text/plain"));
	CHECK_INT(0, meta_next(b.data, b.len, &at, &name, &value));
	CHECK(slice_is(name, "x-amz-meta-empty") && value.len == 0);
	CHECK_INT(0, meta_next(b.data, b.len, &at, &name, &value));
	CHECK_INT(ERR_END, meta_next(b.data, b.len, &at, &name, &value));
	CHECK(meta_find(b.data, b.len, "x-amz-meta-a", &value) && slice_is(value, "\xc3\xa9"));
	CHECK(!meta_find(b.data, b.len, "x-amz-meta", &value));
	buf_release(&b);
}

/* Whatever is cut off or longer than the whole is noticed, and never read past. */
static void
test_damaged_headers(void)
{
	struct buf b = BUF_INIT(1 << 20);
	struct slice value;
	char *cut;

	meta_add(&b, "ab", 2, "value", 5);
	meta_add(&b, "cd", 2, "other", 5);
	for (size_t n = 0; n <= b.len; n++) {
		cut = malloc(n ? n : 1);
		memcpy(cut, b.data, n);
		CHECK_INT(n == 0 || n == b.len / 2 || n == b.len, meta_valid(cut, n));
		CHECK(meta_find(cut, n, "cd", &value) == (n == b.len));
		free(cut);
	}
	b.data[0] = 0;
	CHECK(!meta_valid(b.data, b.len));
	buf_release(&b);
}

static void
test_headers_that_do_not_fit(void)
{
	static char name[300], value[70000];
	struct buf b = BUF_INIT(1 << 20);

	meta_add(&b, name, 256, "", 0);
	CHECK_INT(ERR_TOOBIG, buf_finish(&b));
	buf_clear(&b);
	meta_add(&b, "a", 1, value, 65536);
	CHECK_INT(ERR_TOOBIG, buf_finish(&b));
	buf_clear(&b);
	meta_add(&b, "a", 1, value, 65535);
	CHECK_INT(0, buf_finish(&b));
	CHECK(meta_valid(b.data, b.len));
	buf_release(&b);
}

static void
test_checksums(void)
{
	struct checksum c = { CHECKSUM_COMPOSITE, 2, 32, 10000, { 7, 8, 9 } }, got, none = { CHECKSUM_NONE };
	struct buf b = BUF_INIT(1024);

	checksum_encode(&none, &b);
	CHECK_INT(0, b.len);
	CHECK_INT(0, checksum_decode("", 0, &got));
	CHECK_INT(CHECKSUM_NONE, got.type);
	checksum_encode(&c, &b);
	CHECK_INT(36, b.len);
	CHECK_INT(0, checksum_decode(b.data, b.len, &got));
	CHECK(got.type == c.type && got.kind == 2 && got.len == 32 && got.parts == 10000 && !memcmp(got.value, c.value, 32));
	CHECK_INT(ERR_CORRUPT, checksum_decode(b.data, 3, &got));
	buf_addch(&b, 'x');
	CHECK_INT(ERR_CORRUPT, checksum_decode(b.data, b.len, &got));
	b.data[0] = 3;
	CHECK_INT(ERR_CORRUPT, checksum_decode(b.data, 36, &got));
	buf_release(&b);
}

static const struct test tests[] = { TEST(test_headers), TEST(test_damaged_headers), TEST(test_headers_that_do_not_fit),
	TEST(test_checksums), TEST_END };
TEST_MAIN(tests)
