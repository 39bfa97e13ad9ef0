#include <stddef.h>
#include <stdbool.h>

#include "conf.h"
#include "err.h"
#include "test.h"

struct options {
	char *region, *data_url;
	bool tls;
	int64_t connections, idle;
	uint64_t pool;
	int durability;
	struct conf_list origins, listen;
};

static const char *
check_url(const void *field)
{
	const char *url = *(char *const *)field;

	return strncmp(url, "http", 4) ? "expected an http or https URL" : NULL;
}

static const char *const durabilities[] = { "strict", "group", NULL };
#define AT(name) offsetof(struct options, name)
static const struct conf_setting table[] = {
	{ "region", CONF_STRING, AT(region), .fallback = "us-east-1" },
	{ "data_url", CONF_STRING, AT(data_url), .check = check_url },
	{ "tls.on", CONF_BOOL, AT(tls), .fallback = "false" },
	{ "limits.connections", CONF_INT, AT(connections), .fallback = "4096", .min = 1, .max = 65536,
		.hint = "it is a number of sockets" },
	{ "limits.idle", CONF_DURATION, AT(idle), .fallback = "30s", .min = 1000, .max = 3600000 },
	{ "limits.pool", CONF_SIZE, AT(pool), .fallback = "128MiB", .min = 1 << 20 },
	{ "durability", CONF_ENUM, AT(durability), .fallback = "strict", .words = durabilities },
	{ "cors_origins", CONF_STRINGS, AT(origins) },
	{ "listen", CONF_ADDRESSES, AT(listen), .fallback = "127.0.0.1:9000,[::1]:9000" },
	{ NULL },
};

static int
load(const char *text, struct options *o, struct buf *errors)
{
	return conf_load("fsd.yaml", text, strlen(text), table, o, errors);
}

static void
test_defaults(void)
{
	struct options o = { 0 };

	CHECK_INT(0, conf_defaults(table, &o));
	CHECK_STR("us-east-1", o.region);
	CHECK(!o.data_url && !o.tls);
	CHECK_INT(4096, o.connections);
	CHECK_INT(30000, o.idle);
	CHECK_INT(128 << 20, o.pool);
	CHECK_INT(2, o.listen.count);
	CHECK_STR("[::1]:9000", o.listen.items[1]);
	CHECK_INT(0, o.origins.count);
	conf_release(table, &o);
	CHECK(!o.region && !o.listen.items);
}

static void
test_loads(void)
{
	struct options o = { 0 };
	struct buf errors = BUF_INIT(65536);

	conf_defaults(table, &o);
	CHECK_INT(0, load("# c\nregion: eu\nlimits: {connections: 7, idle: 1min}\ntls:\n  on: true\ndurability: group\n"
	    "cors_origins: [\"*\", 'a,b']\nlisten: :80\ndata_url: \"https://x\"\n", &o, &errors));
	CHECK_STR("eu", o.region);
	CHECK_STR("https://x", o.data_url);
	CHECK(o.tls);
	CHECK_INT(7, o.connections);
	CHECK_INT(60000, o.idle);
	CHECK_INT(128 << 20, o.pool);
	CHECK_INT(1, o.durability);
	CHECK_INT(2, o.origins.count);
	CHECK_STR("a,b", o.origins.items[1]);
	CHECK_INT(1, o.listen.count);
	CHECK_STR(":80", o.listen.items[0]);
	CHECK_INT(0, load("", &o, &errors));
	CHECK_INT(0, load("# nothing\n---\n", &o, &errors));
	CHECK_INT(0, load("limits:\n  # nothing yet\nregion: de", &o, &errors));
	CHECK_STR("de", o.region);
	CHECK_INT(0, errors.len);
	buf_release(&errors);
	conf_release(table, &o);
}

static void
test_message(void)
{
	struct options o = { 0 };
	struct buf errors = BUF_INIT(65536);

	conf_defaults(table, &o);
	CHECK_INT(ERR_USAGE, load("region: eu\nlimits:\n  connections: 7d\n  conections: 1\nlissten: x\n", &o, &errors));
	CHECK_STR("fsd.yaml:3:16: error: limits.connections: expected an integer from 1 to 65536, got \"7d\"\n"
	    "    3 |   connections: 7d\n"
	    "      |                ^~ it is a number of sockets\n"
	    "fsd.yaml:4:3: error: limits: unknown key \"conections\" (did you mean \"connections\"?)\n"
	    "    4 |   conections: 1\n"
	    "      |   ^~~~~~~~~~\n"
	    "fsd.yaml:5:1: error: unknown key \"lissten\" (did you mean \"listen\"?)\n"
	    "    5 | lissten: x\n"
	    "      | ^~~~~~~\n"
	    "3 errors; nothing was run\n", errors.data);
	CHECK_STR("eu", o.region);
	CHECK_INT(4096, o.connections);
	buf_release(&errors);
	conf_release(table, &o);
}

static void
test_refused(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "limits: {idle: 5m}", "limits.idle: expected a duration with its unit (s, min, h, d, w, mo, y) from 1s to 1h, got \"5m\"" },
		{ "limits: {idle: 5m}", "for minutes write `min`" },
		{ "limits: {idle: 5}", "got \"5\"" },
		{ "limits: {idle: 2h}", "got \"2h\"" },
		{ "limits: {pool: 1000000000}", "expected a size with its unit" },
		{ "limits: {pool: 1KiB}", "of 1MiB or more" },
		{ "limits: {connections: 0}", "from 1 to 65536" },
		{ "limits: {connections: 99999999999999999999}", "limits.connections" },
		{ "limits: {connections: }", "got nothing" },
		{ "limits: {connections: [1]}", "got a list" },
		{ "limits: 5", "limits: expected a mapping, got a value" },
		{ "limits: [a, {b: c}]", "limits: expected a mapping, got a list" },
		{ "region: {a: {b: [c]}}", "region: expected a string, got a mapping" },
		{ "tls: {on: yes}", "tls.on: expected true or false, got \"yes\"" },
		{ "durability: strickt", "expected \"strict\" or \"group\", got \"strickt\"" },
		{ "region: a\nregion: b", "region: given twice" },
		{ "tls: {on: true}\ntls: {on: false}", "tls: given twice" },
		{ "limits.connections: 5", "it is written \"limits: {connections: ...}\"" },
		{ "limits.conections: 5", "unknown key" },
		{ "connections: 5", "did you mean \"limits.connections\"" },
		{ "region: &a x", "anchors and aliases" },
		{ "region: *a", "anchors and aliases" },
		{ "region: !!str x", "tags are not allowed" },
		{ "region: a\n---\nregion: b", "second document" },
		{ "- a", "expected a mapping of settings" },
		{ "just text", "expected a mapping of settings" },
		{ "region: [", "error" },
		{ "region: \"a", "error" },
		{ "? [a]\n: b", "a key must be a plain name" },
		{ "\tregion: x", "error" },
		{ "region: \xff", ":1:9: error" },
		{ "region: \"a\\0b\"", "region: expected a string" },
		{ "listen: localhost", "listen: expected ADDRESS:PORT, [ADDRESS6]:PORT or :PORT, got" },
		{ "listen: [\":1\", \"::1:9000\"]", "got \"::1:9000\"" },
		{ "listen: \":99999\"", "listen" },
		{ "data_url: ftp://x", "data_url: expected an http or https URL" },
		{ "a: {<<: *b}", "unknown key" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options o = { 0 };
		struct buf errors = BUF_INIT(65536);

		fprintf(stderr, "# %s\n", cases[i].text);
		conf_defaults(table, &o);
		CHECK_INT(ERR_USAGE, load(cases[i].text, &o, &errors));
		if (!strstr(errors.data, cases[i].want))
			fprintf(stderr, "# got: %s\n", errors.data);
		CHECK(strstr(errors.data, cases[i].want));
		buf_release(&errors);
		conf_release(table, &o);
	}
}

static void
test_limits(void)
{
	struct options o = { 0 };
	struct buf errors = BUF_INIT(1 << 20), text = BUF_INIT(4 << 20);

	for (int i = 0; i < 200000; i++)
		buf_addstr(&text, "x: 1\n");
	CHECK_INT(ERR_USAGE, load(text.data, &o, &errors));
	CHECK(strstr(errors.data, "at least 50 errors"));
	for (int i = 0; i < 20000; i++)
		buf_addstr(&text, "x: 1\n");
	buf_clear(&errors);
	CHECK_INT(ERR_USAGE, load(text.data, &o, &errors));
	CHECK(strstr(errors.data, "larger than 1 MiB"));
	buf_clear(&errors);
	buf_clear(&text);
	buf_addstr(&text, "region: ");
	for (int i = 0; i < 500000; i++)
		buf_addch(&text, '[');
	CHECK_INT(ERR_USAGE, load(text.data, &o, &errors));
	buf_release(&errors);
	buf_release(&text);
	conf_release(table, &o);
}

static void
test_set(void)
{
	struct options o = { 0 };
	struct buf errors = BUF_INIT(65536);

	CHECK_INT(0, conf_set(table, &o, "listen", ":1,unix:/x", &errors));
	CHECK_INT(2, o.listen.count);
	CHECK_INT(ERR_USAGE, conf_set(table, &o, "limits.connections", "x", &errors));
	CHECK_STR("limits.connections: expected an integer from 1 to 65536, got \"x\"\n", errors.data);
	CHECK_INT(ERR_USAGE, conf_set(table, &o, "regoin", "x", &errors));
	CHECK(strstr(errors.data, "did you mean \"region\""));
	buf_release(&errors);
	conf_release(table, &o);
}

static const struct test tests[] = { TEST(test_defaults), TEST(test_loads), TEST(test_message), TEST(test_refused),
	TEST(test_limits), TEST(test_set), TEST_END };
TEST_MAIN(tests)
