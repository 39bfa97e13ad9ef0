#include <pthread.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"
#include "id.h"
#include "test.h"

#define THREADS 4
#define EACH 100000

static void
test_text(void)
{
	char text[ID_TEXT];
	int64_t id;

	id_format(ID_WORKSPACE, 64, text);
	CHECK_STR("ws_20", text);
	id_format(ID_FILE, 0, text);
	CHECK_STR("file_0", text);
	id_format(ID_FILE, 31, text);
	CHECK_STR("file_z", text);
	id_format(ID_USER, 32, text);
	CHECK_STR("user_10", text);
	id_format(ID_KEY, INT64_MAX, text);
	CHECK_STR("key_7zzzzzzzzzzzz", text);
	CHECK_INT(0, id_parse(ID_KEY, text, &id));
	CHECK(id == INT64_MAX);
	CHECK_INT(0, id_parse(ID_FILE, "FILE_iLoA", &id));
	CHECK_INT(((1 * 32 + 1) * 32 + 0) * 32 + 10, id);
}

static void
test_text_refused(void)
{
	static const char *const bad[] = {
		"", "file", "file_", "ws_1", "file_01", "file_o1", "file_00", "file_u", "file_1 ", "file_-1", "file_1_",
		"file_8000000000000", "file_7zzzzzzzzzzzz0", "file_zzzzzzzzzzzzzzzzzzzzzzzzzz", "file_\xe9",
	};
	int64_t id = 5;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_INT(ERR_INVALID, id_parse(ID_FILE, bad[i], &id));
		CHECK_INT(5, id);
	}
}

static void
test_all_kinds_round_trip(void)
{
	char text[ID_TEXT];
	int64_t id, back;

	for (int kind = 0; kind < ID_KINDS_; kind++) {
		for (int i = 0; i < 1000; i++) {
			random_bytes(&id, sizeof(id));
			id = (int64_t)((uint64_t)id >> (1 + i % 63));
			id_format((enum id_kind)kind, id, text);
			CHECK(strlen(text) < ID_TEXT);
			CHECK_INT(0, id_parse((enum id_kind)kind, text, &back));
			CHECK_INT(id, back);
			CHECK_INT(ERR_INVALID, id_parse((enum id_kind)((kind + 1) % ID_KINDS_), text, &back));
		}
	}
}

static void
test_order_and_layout(void)
{
	int64_t last = 0, id;
	int64_t ms = clock_wall_us() / 1000 - 1704067200000;

	id_setup(5, 0);
	id = id_new();
	CHECK(id >> 22 >= ms && id >> 22 < ms + 60000);
	/* More than one counter's worth a millisecond. */
	for (int i = 0; i < 300000; i++) {
		id = id_new();
		CHECK(id > last);
		CHECK_INT(5, id >> 16 & 63);
		last = id;
	}
}

/* A floor ahead of the clock, as after the clock was set back. */
static void
test_time(void)
{
	int64_t before = clock_wall_us(), made = id_time_us(id_new());

	CHECK(made > before - 2000000 && made < before + 60000000);
	CHECK_INT(1704067200000000ll, id_time_us(0));
}

static void
test_floor(void)
{
	int64_t ahead = (clock_wall_us() / 1000 - 1704067200000 + 100000) << 22, id;

	/* The counter of the floor's millisecond is spent: the next one is borrowed. */
	id_setup(3, ahead | 3 << 16 | 0xffff);
	id = id_new();
	CHECK(id == (ahead | 3 << 16) + (1 << 22));
	CHECK(id_new() == id + 1);
	/* A floor of another node, below and above ours. */
	id_setup(9, id + 5);
	CHECK(id_new() == (ahead | 9 << 16) + (1 << 22));
	id_setup(2, 0);
	CHECK(id_new() == (ahead | 2 << 16) + (2 << 22));
}

static int64_t given[THREADS][EACH];

static void *
draw(void *arg)
{
	int64_t *to = arg;

	for (int i = 0; i < EACH; i++)
		to[i] = id_new();
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void
test_threads_never_share(void)
{
	pthread_t threads[THREADS];
	int64_t *all = &given[0][0];

	for (int i = 0; i < THREADS; i++)
		CHECK_INT(0, pthread_create(&threads[i], NULL, draw, given[i]));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		for (int j = 1; j < EACH; j++)
			CHECK(given[i][j] > given[i][j - 1]);
	qsort(all, THREADS * EACH, sizeof(*all), compare);
	for (int i = 1; i < THREADS * EACH; i++)
		CHECK(all[i] != all[i - 1]);
}

static void
test_random(void)
{
	uint8_t a[1000] = { 0 }, b[1000] = { 0 };

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)) && memcmp(a + 984, b + 984, 16));
	random_bytes(a, 0);
}

static const struct test tests[] = {
	TEST(test_text), TEST(test_text_refused), TEST(test_all_kinds_round_trip), TEST(test_order_and_layout),
	TEST(test_time), TEST(test_floor), TEST(test_threads_never_share), TEST(test_random), TEST_END,
};
TEST_MAIN(tests)
