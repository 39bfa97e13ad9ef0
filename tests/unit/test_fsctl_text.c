/* Text for people, as fsctl writes it; these files of fsctl's are pure. */
#include "human.c"
#include "reply.c"
#include "say.c"
#include "table.c"

#include "test.h"

static void
test_sizes(void)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} cases[] = { { 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1.0 KiB" }, { 1536, "1.5 KiB" }, { 1048575, "1.0 MiB" },
		{ 1610612736, "1.5 GiB" }, { UINT64_MAX, "16.0 EiB" } };
	char text[HUMAN_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		human_size(cases[i].bytes, text);
		CHECK_STR(cases[i].want, text);
	}
}

static void
test_durations(void)
{
	static const struct {
		int64_t ms;
		const char *want;
	} cases[] = { { 0, "0s" }, { 250, "250ms" }, { 1000, "1s" }, { 61000, "1min 1s" }, { 3600000, "1h" },
		{ 3601000, "1h" }, { 90061000, "1d 1h" }, { 2592000000, "30d" } };
	char text[HUMAN_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		human_duration(cases[i].ms, text);
		CHECK_STR(cases[i].want, text);
	}
}

static void
test_counts_and_times(void)
{
	char text[HUMAN_TEXT];

	human_count(0, text);
	CHECK_STR("0", text);
	human_count(999, text);
	CHECK_STR("999", text);
	human_count(-1234567, text);
	CHECK_STR("-1,234,567", text);
	human_count(INT64_MIN, text);
	CHECK_STR("-9,223,372,036,854,775,808", text);
	human_time("2026-11-22T13:52:15.123456Z", text);
	CHECK_STR("2026-11-22 13:52:15Z", text);
	human_time("never", text);
	CHECK_STR("never", text);
}

static void
test_control_bytes(void)
{
	struct buf b = BUF_INIT(1024);

	say_plain(&b, "a\033[1mb\nc\xc2\x9b\xc3\xbc\x7f");
	CHECK_STR("a\\x1b[1mb\\x0ac\\x9b\xc3\xbc\\x7f", b.data);
	buf_release(&b);
}

static const struct table_column columns[] = {
	{ "NAME", "name", CELL_TEXT }, { "SIZE", "bytes", CELL_SIZE }, { "OFF", "off", CELL_YES }, { NULL },
};

static void
test_table(void)
{
	static const char text[] = "[{\"name\":\"\xc3\xbc\",\"bytes\":1536,\"off\":true},"
				   "{\"name\":\"longer\",\"bytes\":null,\"off\":false},{}]";
	struct buf b = BUF_INIT(4096);
	struct json *doc;

	CHECK_INT(0, json_parse(text, strlen(text), NULL, &doc));
	table_array(&b, columns, doc);
	json_free(doc);
	CHECK_STR("NAME       SIZE  OFF\n\xc3\xbc       1.5 KiB  yes\nlonger        -  -\n-             -  -\n", b.data);
	buf_release(&b);
}

static void
test_fields(void)
{
	static const char text[] = "{\"bytes\":0,\"off\":false,\"other\":1}";
	struct buf b = BUF_INIT(4096);
	struct json *doc;

	CHECK_INT(0, json_parse(text, strlen(text), NULL, &doc));
	table_fields(&b, columns, doc, 2);
	json_free(doc);
	CHECK_STR("  SIZE  0 B\n  OFF   -\n", b.data);
	buf_release(&b);
}

static const struct test tests[] = {
	TEST(test_sizes), TEST(test_durations), TEST(test_counts_and_times), TEST(test_control_bytes), TEST(test_table),
	TEST(test_fields), TEST_END,
};
TEST_MAIN(tests)
