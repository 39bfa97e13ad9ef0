#include "err.h"
#include "limits.h"
#include "test.h"
#include "uri.h"

static int
parse(struct uri *u, const char *target)
{
	return uri_parse(u, target, strlen(target));
}

static void
test_path_and_query(void)
{
	struct uri u;

	uri_init(&u);
	CHECK_INT(0, parse(&u, "/b/a%20b+c//x/../y?prefix=a%2Fb+c&acl&empty=&&a=1&a=2"));
	CHECK_STR("/b/a b+c//x/../y", u.path.p);
	CHECK_INT(strlen("/b/a%20b+c//x/../y"), u.raw_path.len);
	CHECK_STR("a/b c", uri_value(&u, "prefix"));
	CHECK(uri_has(&u, "acl") && !uri_param(&u, "acl")->has_value);
	CHECK(uri_param(&u, "empty")->has_value);
	CHECK_STR("", uri_value(&u, "empty"));
	CHECK_STR("1", uri_value(&u, "a"));
	CHECK(!uri_value(&u, "missing"));
	CHECK_INT(5, u.count);
	CHECK_INT(0, parse(&u, "http://host:9000/b?x"));
	CHECK_STR("/b", u.path.p);
	CHECK_INT(1, u.count);
	CHECK_INT(0, parse(&u, "/"));
	CHECK_INT(0, u.count);
	CHECK_INT(0, parse(&u, "/?"));
	CHECK_INT(0, u.count);
	CHECK_INT(0, parse(&u, "/k?=v"));
	CHECK_STR("v", uri_value(&u, ""));
	uri_release(&u);
}

static void
test_refused(void)
{
	static const char *const bad[] = { "", "b", "*", "/%", "/%2", "/%zz", "/a%00b", "/?a=%00", "/?%", "/a b",
		"/a\nb", "/a\x7f", "http://host" };
	char many[2 * URI_PARAMS + 8] = "/?";
	char *large = calloc(1, LIMIT_TARGET + 2);
	struct uri u;

	uri_init(&u);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_INT(ERR_INVALID, parse(&u, bad[i]));
	for (int i = 0; i < URI_PARAMS; i++)
		strcat(many, "a&");
	CHECK_INT(0, parse(&u, many));
	CHECK_INT(ERR_TOOBIG, parse(&u, strcat(many, "b")));
	memset(large, '/', LIMIT_TARGET + 1);
	CHECK_INT(ERR_TOOBIG, parse(&u, large));
	large[LIMIT_TARGET] = '\0';
	CHECK_INT(0, parse(&u, large));
	free(large);
	uri_release(&u);
}

static void
test_encode(void)
{
	struct buf b = BUF_INIT(1000);
	char all[255];

	uri_encode(&b, "a/b c+\xc3\xa4~-_.", 12, true);
	CHECK_STR("a/b%20c%2B%C3%A4~-_.", b.data);
	buf_clear(&b);
	uri_encode(&b, "a/b", 3, false);
	CHECK_STR("a%2Fb", b.data);
	buf_clear(&b);
	CHECK_INT(0, uri_decode(&b, "a+b%2b", 6, true));
	CHECK_STR("a b+", b.data);
	CHECK_INT(0, uri_decode(&b, "+", 1, false));
	CHECK_STR("a b++", b.data);
	CHECK_INT(ERR_INVALID, uri_decode(&b, "%0", 2, false));
	CHECK_INT(ERR_INVALID, uri_decode(&b, "%00", 3, false));
	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	buf_clear(&b);
	uri_encode(&b, all, 255, false);
	{
		struct buf back = BUF_INIT(1000);

		CHECK_INT(0, uri_decode(&back, b.data, b.len, true));
		CHECK_INT(255, back.len);
		CHECK_MEM(all, back.data, 255);
		buf_release(&back);
	}
	buf_release(&b);
}

static const struct test tests[] = { TEST(test_path_and_query), TEST(test_refused), TEST(test_encode), TEST_END };
TEST_MAIN(tests)
