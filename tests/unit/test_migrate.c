#include <unistd.h>

#include "byte_kit.h"
#include "migrate.h"

/* A store that an earlier program made is brought up to date when it is opened, after a copy was made of its database. */

static void
test_from_the_first(void)
{
	struct ingest_options o = BYTE_OPTIONS(1000);
	struct buf a = BUF_INIT(1 << 20);
	struct store *store = NULL;
	uint8_t bytes[1000];
	char copy[160];

	byte_defaults(false);
	byte_fill(bytes, sizeof(bytes), 1);
	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, byte_put(store, &o, bytes, sizeof(bytes), &a));
	CHECK_INT(0, byte_take_for(store, &a, 5));
	CHECK_INT(SCHEMA_VERSION, byte_number(store, "SELECT version FROM schema_version"));
	CHECK_INT(0, byte_sql(store, "DROP TABLE chunk_known; UPDATE schema_version SET version = 1"));
	store_close(store);
	CHECK_INT(0, store_open(test_tmpdir(), &byte_settings, &store));
	CHECK_INT(SCHEMA_VERSION, byte_number(store, "SELECT version FROM schema_version"));
	CHECK_INT(0, byte_compare(store, &a, bytes, 0, sizeof(bytes), sizeof(bytes)));
	CHECK_INT(0, byte_take_for(store, &a, 6));
	CHECK_INT(1, byte_number(store, "SELECT count(*) FROM chunk_known"));
	snprintf(copy, sizeof(copy), "%s/meta.db.before-%d", test_tmpdir(), SCHEMA_VERSION);
	CHECK(access(copy, R_OK) == 0);
	/* One from the future is left alone. */
	CHECK_INT(0, byte_sql(store, "UPDATE schema_version SET version = 99"));
	store_close(store);
	store = NULL;
	CHECK_INT(ERR_VERSION, store_open(test_tmpdir(), &byte_settings, &store));
	buf_release(&a);
}

static const struct test tests[] = { TEST(test_from_the_first), TEST_END };
TEST_MAIN(tests)
