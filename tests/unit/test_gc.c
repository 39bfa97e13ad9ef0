#include <time.h>

#include "gc_kit.h"

/* What garbage collection frees, and what it waits for. */

static void
frees(void)
{
	struct gc_report dry, report;

	CHECK_INT(0, start(0));
	CHECK_INT(0, put("small", 0));
	CHECK_INT(0, put("large", 2));
	CHECK_INT(0, put("kept", 5));
	CHECK_INT(0, put("kept-too", 0));
	CHECK_INT(0, gc(&report));
	CHECK_INT(0, report.chunks_freed);
	int64_t all = obj_number("SELECT count(*) FROM chunk");
	CHECK_INT(0, put("single", 1));
	CHECK_INT(0, obj_delete("small", 0, NULL));
	CHECK_INT(0, obj_delete("large", 0, NULL));
	CHECK_INT(0, obj_delete("single", 0, NULL));

	/* The large one's leaf is a tombstone first; without a grace period its chunks go in the same pass. */
	CHECK_INT(1, obj_number("SELECT count(*) FROM leaf WHERE dead_at IS NOT NULL"));
	CHECK_INT(1, obj_number("SELECT count(*) FROM chunk WHERE dead_at IS NOT NULL"));
	CHECK_INT(0, gc_run(store, true, -1, NULL, NULL, &dry));
	CHECK(dry.chunks_freed >= 4);
	CHECK_INT(all + 1, obj_number("SELECT count(*) FROM chunk"));
	CHECK_INT(0, gc(&report));
	CHECK_INT(dry.chunks_freed, report.chunks_freed);
	CHECK_INT(dry.bytes_freed, report.bytes_freed);
	CHECK_INT(0, report.chunks_waiting);
	CHECK_INT(all + 1 - dry.chunks_freed, obj_number("SELECT count(*) FROM chunk"));
	CHECK_INT(0, obj_number("SELECT count(*) FROM leaf WHERE refs = 0"));
	CHECK_INT(0, verify("kept", 5));
	CHECK_INT(0, verify("kept-too", 0));
	CHECK_INT(0, gc(&report));
	CHECK_INT(0, report.chunks_freed);
}

/* Within the grace period nothing goes, and what is stored again is alive. */
static void
waits_for_grace(void)
{
	struct gc_report report;

	CHECK_INT(0, start(3600 * 1000));
	CHECK_INT(0, put("a", 0));
	CHECK_INT(0, put("b", 1));
	CHECK_INT(0, obj_delete("a", 0, NULL));
	CHECK_INT(0, obj_delete("b", 0, NULL));
	CHECK_INT(0, gc(&report));
	CHECK_INT(0, report.chunks_freed);
	CHECK_INT(2, report.chunks_waiting);
	CHECK_INT(0, put("again", 0));
	CHECK_INT(1, obj_number("SELECT count(*) FROM chunk WHERE dead_at IS NOT NULL"));
	CHECK_INT(0, gc_run(store, false, 0, NULL, NULL, &report));
	CHECK_INT(1, report.chunks_freed);
	CHECK_INT(0, verify("again", 0));
}

/* An ingest found a chunk alive; it dies before the ingest commits. */
static void
waits_for_ingests(void)
{
	struct ingest_result result;
	struct gc_report report;
	struct ingest *in = NULL;

	CHECK_INT(0, start(0));
	CHECK_INT(0, put("first", 0));
	CHECK_INT(0, ingest(0, &in, &result));
	CHECK_INT(0, result.chunks[0].home);
	CHECK_INT(0, obj_delete("first", 0, NULL));
	CHECK_INT(0, gc(&report));
	CHECK_INT(0, report.chunks_freed);
	CHECK_INT(1, report.chunks_waiting);
	CHECK_INT(0, commit_put("second", &result));
	ingest_free(in);
	CHECK_INT(0, gc(&report));
	CHECK_INT(0, report.chunks_freed);
	CHECK_INT(0, verify("second", 0));
	CHECK_INT(0, obj_delete("second", 0, NULL));
	CHECK_INT(0, gc(&report));
	CHECK_INT(1, report.chunks_freed);
}

/* Who found a version reads on, whatever becomes of it. */
static void
waits_for_readers(void)
{
	size_t len = size_of(8), got = 0;
	struct object_info info = OBJECT_INFO_INIT;
	uint8_t *want = malloc(len), *bytes = malloc(len);
	struct gc_report report;
	struct reader *r = NULL;

	CHECK_INT(0, start(0));
	CHECK_INT(0, put("key", 8));
	CHECK_INT(0, object_find(store, space.id, SLICE("key"), 0, &info));
	CHECK_INT(0, reader_new(store, info.manifest.data, info.manifest.len, 0, len, &r));
	CHECK_INT(0, put("key", 0));
	CHECK_INT(0, gc(&report));
	CHECK_INT(0, report.chunks_freed);
	CHECK_INT(1, obj_number("SELECT count(*) FROM leaf"));
	CHECK_INT(0, read_all(r, bytes, len, &got));
	fill(8, want, len);
	CHECK_INT(len, got);
	CHECK_MEM(want, bytes, len);
	reader_free(r);
	CHECK_INT(0, gc(&report));
	CHECK_INT(0, obj_number("SELECT count(*) FROM leaf"));
	CHECK_INT(1, obj_number("SELECT count(*) FROM chunk"));
	object_info_release(&info);
	free(want);
	free(bytes);
}

/* Bytes that are stored and not committed yet, in segments that are full. */
static void
waits_for_commits(void)
{
	struct ingest *in[16] = { NULL };
	struct ingest_result result[16];
	struct gc_report report;
	char key[32];

	CHECK_INT(0, start(0));
	for (unsigned i = 0; i < 16; i++)
		CHECK_INT(0, ingest(3 * i + 2, &in[i], &result[i]));
	CHECK_INT(0, put("other", 0));
	CHECK(in_memory || obj_number("SELECT count(*) FROM segment WHERE state = 2") > 2);
	CHECK_INT(0, gc(&report));
	CHECK_INT(0, report.segments_dropped);
	for (unsigned i = 0; i < 16; i++) {
		snprintf(key, sizeof(key), "held/%u", i);
		CHECK_INT(0, commit_put(key, &result[i]));
		ingest_free(in[i]);
	}
	CHECK_INT(0, gc(&report));
	for (unsigned i = 0; i < 16; i++) {
		snprintf(key, sizeof(key), "held/%u", i);
		CHECK_INT(0, verify(key, 3 * i + 2));
	}
}

static int
run_inside(void *arg)
{
	struct gc_report report;

	*(int *)arg = gc_run(store, false, 0, NULL, NULL, &report);
	return 1;
}

static void
one_at_a_time(void)
{
	struct gc_report report;
	int inner = 0;

	CHECK_INT(0, start(0));
	CHECK_INT(0, put("a", 0));
	CHECK_INT(0, obj_delete("a", 0, NULL));
	CHECK_INT(ERR_CLOSED, gc_run(store, false, 0, run_inside, &inner, &report));
	CHECK_INT(ERR_BUSY, inner);
	CHECK_INT(1, obj_number("SELECT count(*) FROM chunk"));
	CHECK_INT(0, gc(&report));
	CHECK_INT(0, obj_number("SELECT count(*) FROM chunk"));
}

static void
expires_tokens(void)
{
	struct gc_report report;
	char text[TOKEN_TEXT];
	struct token token;
	int64_t id;

	CHECK_INT(0, start(0));
	CHECK_INT(0, token_create(store, space.owner_id, 1, &token, text));
	CHECK_INT(0, token_create(store, space.owner_id, 3600 * 1000, &token, text));
	id = token.id;
	CHECK_INT(3, obj_number("SELECT count(*) FROM token"));
	nanosleep(&(struct timespec) { .tv_nsec = 5000000 }, NULL);
	CHECK_INT(0, gc_run(store, true, -1, NULL, NULL, &report));
	CHECK_INT(3, obj_number("SELECT count(*) FROM token"));
	CHECK_INT(0, gc(&report));
	CHECK_INT(2, obj_number("SELECT count(*) FROM token"));
	CHECK_INT(0, token_delete(store, space.owner_id, id));
}

OVER_BOTH(frees)
OVER_BOTH(waits_for_grace)
OVER_BOTH(waits_for_ingests)
OVER_BOTH(waits_for_readers)
OVER_BOTH(waits_for_commits)
OVER_BOTH(one_at_a_time)
OVER_BOTH(expires_tokens)

static const struct test tests[] = {
	TEST_OVER_BOTH(frees), TEST_OVER_BOTH(waits_for_grace), TEST_OVER_BOTH(waits_for_ingests),
	TEST_OVER_BOTH(waits_for_readers), TEST_OVER_BOTH(waits_for_commits),
	TEST_OVER_BOTH(one_at_a_time), TEST_OVER_BOTH(expires_tokens), TEST_END
};
TEST_MAIN(tests)
