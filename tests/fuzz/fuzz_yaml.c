#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "err.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct options {
	char *region;
	bool on;
	int64_t connections, idle;
	uint64_t pool;
	int durability;
	struct conf_list origins, listen;
};

static const char *const words[] = { "strict", "group", NULL };
static const struct conf_setting table[] = {
	{ "region", CONF_STRING, offsetof(struct options, region), .fallback = "us-east-1" },
	{ "tls.on", CONF_BOOL, offsetof(struct options, on), .fallback = "false" },
	{ "limits.connections", CONF_INT, offsetof(struct options, connections), .fallback = "1", .min = 1, .max = 9 },
	{ "limits.idle", CONF_DURATION, offsetof(struct options, idle), .fallback = "30s" },
	{ "limits.pool", CONF_SIZE, offsetof(struct options, pool), .fallback = "1MiB" },
	{ "durability", CONF_ENUM, offsetof(struct options, durability), .words = words },
	{ "origins", CONF_STRINGS, offsetof(struct options, origins) },
	{ "listen", CONF_ADDRESSES, offsetof(struct options, listen), .fallback = ":9000" },
	{ NULL },
};

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf errors = BUF_INIT(1 << 20);
	struct options o = { 0 };
	int rc;

	assert(!conf_defaults(table, &o));
	rc = conf_load("f", (const char *)bytes, len, table, &o, &errors);
	assert(rc == 0 || rc == ERR_USAGE);
	assert(!rc == !errors.len);
	assert(o.connections >= 1 && o.connections <= 9);
	conf_release(table, &o);
	buf_release(&errors);
	return 0;
}
