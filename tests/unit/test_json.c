#include <math.h>

#include "err.h"
#include "json.h"
#include "test.h"

static void
test_writes(void)
{
	struct buf b = BUF_INIT(10000);
	struct json_out j;

	json_out_init(&j, &b, false);
	json_object_begin(&j);
	json_key_str(&j, "s", "a\"\\\n\x01\xc3\xa4\xff/\x7f");
	json_key_int(&j, "i", INT64_MIN);
	json_key_uint(&j, "u", UINT64_MAX);
	json_key_double(&j, "d", 0.5);
	json_key_double(&j, "nan", (double)NAN);
	json_key_bool(&j, "b", true);
	json_key_str(&j, "n", NULL);
	json_key(&j, "a");
	json_array_begin(&j);
	json_int(&j, 1);
	json_object_begin(&j);
	json_object_end(&j);
	json_array_begin(&j);
	json_array_end(&j);
	json_raw(&j, "{\"x\":1}", 7);
	json_null_value(&j);
	json_array_end(&j);
	json_object_end(&j);
	CHECK_INT(0, buf_finish(&b));
	CHECK_STR("{\"s\":\"a\\\"\\\\\\n\\u0001\xc3\xa4\xef\xbf\xbd/\\u007f\",\"i\":-9223372036854775808,\"u\":18446744073709551615,"
	    "\"d\":0.5,\"nan\":null,\"b\":true,\"n\":null,\"a\":[1,{},[],{\"x\":1},null]}", b.data);
	buf_release(&b);
}

/* Each ASCII byte at each place of strings of each length: read back as it was, and escaped exactly if it has to be. */
static void
test_escapes(void)
{
	struct buf b = BUF_INIT(1000);
	struct json_out j;
	struct json *v;
	const char *back;
	char text[25];

	for (int c = 1; c < 128; c++)
		for (size_t len = 1; len < sizeof(text); len++)
			for (size_t at = 0; at < len; at++) {
				bool plain = c >= ' ' && c != 127 && c != '"' && c != '\\';

				memset(text, 'x', len);
				text[len] = '\0';
				text[at] = (char)c;
				buf_clear(&b);
				json_out_init(&j, &b, false);
				json_str(&j, text);
				CHECK(plain == (b.len == len + 2));
				CHECK_INT(0, json_parse(b.data, b.len, NULL, &v));
				CHECK_INT(0, json_as_str(v, &back));
				CHECK_STR(text, back);
				json_free(v);
			}
	buf_release(&b);
}

/* A buffer that can hold just what is written. */
static void
test_fits(void)
{
	const char *want = "{\"a\":\"b\",\"c\":-10}";
	struct json_out j;

	for (size_t max = strlen(want) - 1; max <= strlen(want); max++) {
		struct buf b = BUF_INIT(max);

		json_out_init(&j, &b, false);
		json_object_begin(&j);
		json_key_str(&j, "a", "b");
		json_key_int(&j, "c", -10);
		json_object_end(&j);
		CHECK_INT(max == strlen(want) ? 0 : ERR_TOOBIG, buf_finish(&b));
		if (max == strlen(want))
			CHECK_STR(want, b.data);
		buf_release(&b);
	}
}

static void
test_writes_pretty(void)
{
	struct buf b = BUF_INIT(10000);
	struct json_out j;

	json_out_init(&j, &b, true);
	json_object_begin(&j);
	json_key_int(&j, "a", 1);
	json_key(&j, "b");
	json_array_begin(&j);
	json_str(&j, "x");
	json_array_end(&j);
	json_key(&j, "c");
	json_object_begin(&j);
	json_object_end(&j);
	json_object_end(&j);
	CHECK_STR("{\n  \"a\": 1,\n  \"b\": [\n    \"x\"\n  ],\n  \"c\": {}\n}", b.data);
	buf_release(&b);
}

static void
test_reads(void)
{
	static const char text[] = "{\"files\":[{\"name\":\"a\",\"size\":1},{\"name\":7,\"size\":-1,\"ok\":true,\"x\":null,\"d\":1.5}]}";
	char error[JSON_ERROR];
	const struct json *files, *f;
	struct json *root;
	const char *s = "untouched";
	int64_t n = 99;
	double d;
	bool b;

	CHECK_INT(0, json_parse(text, strlen(text), error, &root));
	CHECK_INT(0, json_get_array(root, "files", &files));
	CHECK_INT(2, json_array_len(files));
	f = json_at(files, 0);
	CHECK_INT(0, json_get_str(f, "name", &s));
	CHECK_STR("a", s);
	CHECK_INT(0, json_get_int(f, "size", 0, 10, &n));
	CHECK_INT(1, n);
	f = json_at(files, 1);
	CHECK_INT(ERR_INVALID, json_get_str(f, "name", &s));
	CHECK_STR("files[1].name: expected a string, got an integer", json_error(root));
	CHECK_INT(ERR_INVALID, json_get_int(f, "size", 0, 10, &n));
	CHECK_STR("files[1].size: expected an integer from 0 to 10, got -1", json_error(f));
	CHECK_INT(1, n);
	CHECK_INT(ERR_NOTFOUND, json_get_str(f, "gone", &s));
	CHECK_STR("files[1].gone: missing", json_error(f));
	CHECK_INT(ERR_INVALID, json_get_bool(f, "x", &b));
	CHECK_INT(ERR_INVALID, json_get_int(f, "ok", 0, 1, &n));
	CHECK_INT(0, json_get_bool(f, "ok", &b));
	CHECK(b);
	CHECK_INT(0, json_get_double(f, "size", &d));
	CHECK_INT(0, json_get_double(f, "d", &d));
	CHECK(d > 1.4 && d < 1.6);
	CHECK_INT(ERR_INVALID, json_get_int(f, "d", 0, 9, &n));
	CHECK_INT(ERR_INVALID, json_get_str(files, "name", &s));
	CHECK_STR("files: expected an object, got an array", json_error(f));
	CHECK(!json_at(files, 2) && !json_get(files, "x"));
	CHECK_INT(JSON_IS_NULL, json_kind(json_get(f, "x")));
	json_free(root);
}

static void
test_only(void)
{
	static const char *const names[] = { "a", "b", NULL };
	static const char text[] = "{\"a\":1,\"nmae\":{\"c\":2}}";
	struct json *root;
	const struct json *v;
	int members = 0;

	CHECK_INT(0, json_parse(text, strlen(text), NULL, &root));
	CHECK_INT(ERR_INVALID, json_only(root, names));
	CHECK_STR("unknown field \"nmae\"", json_error(root));
	CHECK_INT(ERR_INVALID, json_only(json_get(root, "nmae"), names));
	CHECK_STR("nmae: unknown field \"c\"", json_error(root));
	CHECK_INT(ERR_INVALID, json_fail(json_get(json_get(root, "nmae"), "c"), "is wrong"));
	CHECK_STR("nmae.c: is wrong", json_error(root));
	for (v = json_first(root); v; v = json_next(v))
		members += json_name(v) != NULL;
	CHECK_INT(2, members);
	json_free(root);
}

static void
test_refused(void)
{
	static const char *const bad[] = { "", "{", "[1,]", "{\"a\":1,\"a\":2}", "1 2", "{'a':1}", "\"\\u0000\"", "\"\xff\"",
		"nul", "[99999999999999999999]", "[1]x", "\"\x01\"", "{\"a\":1}}", "// c\n1" };
	char error[JSON_ERROR], deep[2 * JSON_DEPTH + 3];
	struct json *root;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fprintf(stderr, "# %s\n", bad[i]);
		CHECK_INT(ERR_INVALID, json_parse(bad[i], strlen(bad[i]), error, &root));
		CHECK(error[0]);
	}
	for (int depth = JSON_DEPTH; depth <= JSON_DEPTH + 1; depth++) {
		memset(deep, '[', (size_t)depth);
		memset(deep + depth, ']', (size_t)depth);
		CHECK_INT(depth > JSON_DEPTH ? ERR_INVALID : 0, json_parse(deep, 2 * (size_t)depth, error, &root));
		if (depth == JSON_DEPTH)
			json_free(root);
	}
	CHECK_INT(0, json_parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", 45, error, &root));
	json_free(root);
}

static const struct test tests[] = { TEST(test_writes), TEST(test_escapes), TEST(test_fits), TEST(test_writes_pretty), TEST(test_reads), TEST(test_only),
	TEST(test_refused), TEST_END };
TEST_MAIN(tests)
