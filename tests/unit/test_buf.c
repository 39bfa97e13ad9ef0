#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "test.h"

static void
test_appends(void)
{
	struct buf b = BUF_INIT(1000);
	const uint8_t raw[] = { 0x00, 0xab, 0xff };

	buf_add(&b, NULL, 0);
	buf_addstr(&b, "one");
	buf_addch(&b, ' ');
	buf_addf(&b, "%d-%s", 42, "x");
	buf_addhex(&b, raw, sizeof(raw));
	CHECK_INT(0, buf_finish(&b));
	CHECK_STR("one 42-x00abff", b.data);
	CHECK_INT(14, b.len);
	buf_clear(&b);
	buf_addle(&b, 0x1122334455667788, 4);
	buf_addle(&b, 0xfe, 1);
	CHECK_INT(5, b.len);
	CHECK_MEM("\x88\x77\x66\x55\xfe", b.data, 6);
	buf_release(&b);
	CHECK(!b.data && !b.len && b.max == 1000);
}

static void
test_grows(void)
{
	struct buf b = BUF_INIT(SIZE_MAX);

	for (int i = 0; i < 100000; i++)
		buf_addf(&b, "%05d", i);
	CHECK_INT(0, buf_finish(&b));
	CHECK_INT(500000, b.len);
	CHECK_MEM("99999", b.data + b.len - 5, 6);
	buf_release(&b);
}

static void
test_limit_sticks(void)
{
	struct buf b = BUF_INIT(8);
	char *data = NULL;
	size_t len;

	buf_addstr(&b, "12345678");
	CHECK_INT(0, buf_finish(&b));
	buf_addch(&b, '9');
	CHECK_INT(ERR_TOOBIG, buf_finish(&b));
	buf_consume(&b, 4);
	buf_addch(&b, 'x');
	buf_addf(&b, "%d", 1);
	buf_addhex(&b, "a", 1);
	CHECK_STR("5678", b.data);
	CHECK_INT(ERR_TOOBIG, buf_take(&b, &data, &len));
	CHECK(!data);
	buf_clear(&b);
	CHECK_INT(0, buf_finish(&b));
	CHECK_STR("", b.data);
	CHECK(!buf_room(&b, SIZE_MAX));
	CHECK_INT(ERR_TOOBIG, buf_finish(&b));
	buf_release(&b);
}

static void
test_huge_never_wraps(void)
{
	struct buf b = BUF_INIT(SIZE_MAX);

	buf_addstr(&b, "a");
	CHECK(!buf_room(&b, SIZE_MAX - 1));
	CHECK_INT(ERR_TOOBIG, buf_finish(&b));
	buf_clear(&b);
	buf_addhex(&b, "a", SIZE_MAX);
	CHECK_INT(ERR_TOOBIG, buf_finish(&b));
	buf_release(&b);
}

static void
test_room(void)
{
	struct buf b = BUF_INIT(1000);
	char *to = buf_room(&b, 100);

	CHECK(to);
	memset(to, 'x', 100);
	b.len += 3;
	CHECK_INT(0, buf_finish(&b));
	CHECK_STR("xxx", b.data);
	to = buf_room(&b, 997);
	CHECK(to);
	memset(to, 'y', 997);
	b.len += 997;
	CHECK_INT(1000, strlen(b.data));
	buf_release(&b);
}

static void
test_consume(void)
{
	struct buf b = BUF_INIT(100);

	buf_consume(&b, 0);
	buf_addstr(&b, "abcdef");
	buf_consume(&b, 4);
	CHECK_STR("ef", b.data);
	CHECK_INT(2, b.len);
	buf_consume(&b, 2);
	CHECK_STR("", b.data);
	buf_release(&b);
}

static void
test_take(void)
{
	struct buf b = BUF_INIT(100);
	char *data;
	size_t len;

	CHECK_INT(0, buf_take(&b, &data, &len));
	CHECK_STR("", data);
	CHECK_INT(0, len);
	free(data);
	buf_addstr(&b, "abc");
	CHECK_INT(0, buf_take(&b, &data, &len));
	CHECK_STR("abc", data);
	CHECK_INT(3, len);
	CHECK(!b.data && !b.len && !b.size);
	free(data);
}

static void
test_error_texts(void)
{
	for (int code = 0; code >= ERR_TOOMANY; code--)
		CHECK(strcmp(err_text(code), "unknown error"));
	CHECK_STR("not found", err_text(ERR_NOTFOUND));
	CHECK_STR("unknown error", err_text(ERR_TOOMANY - 1));
	CHECK_STR("unknown error", err_text(1));
	CHECK_STR("unknown error", err_text(INT32_MIN));
}

static const struct test tests[] = {
	TEST(test_appends), TEST(test_grows), TEST(test_limit_sticks), TEST(test_huge_never_wraps),
	TEST(test_room), TEST(test_consume), TEST(test_take), TEST(test_error_texts), TEST_END,
};
TEST_MAIN(tests)
