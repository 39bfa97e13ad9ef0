/* test-timeout: 300, since it took 36 s on two busy cores. */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "commit.h"
#include "gc_kit.h"
#include "log.h"

/* What becomes of segments: they are rewritten and dropped, and whatever lives in them is the same. */

/* Returns how many segment files there are, and adds up their bytes; removes them if asked to. */
static int
segment_files(bool remove, uint64_t *bytes)
{
	char path[300];
	struct dirent *e;
	struct stat st;
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/segments", test_tmpdir());
	if (!(d = opendir(path)))
		return -1;
	while ((e = readdir(d))) {
		if (fstatat(dirfd(d), e->d_name, &st, 0) != 0 || !S_ISREG(st.st_mode) ||
		    (remove && unlinkat(dirfd(d), e->d_name, 0) != 0))
			continue;
		n++;
		*bytes += (uint64_t)st.st_size;
	}
	closedir(d);
	return n;
}

/* Half-dead segments are rewritten and go; what lived in them is the same, also for a reader that is under way. */
static void
rewrites(void)
{
	size_t len = size_of(8), n = 0, rest = 0;
	struct object_info info = OBJECT_INFO_INIT;
	uint8_t *want = malloc(len), *bytes = malloc(len);
	struct gc_report dry, report;
	struct reader *r = NULL;
	uint64_t before = 0, after = 0;

	CHECK_INT(0, start(0));
	CHECK_INT(0, put_many(0, MANY));
	CHECK_INT(0, object_find(store, space.id, SLICE("many/8"), 0, &info));
	CHECK_INT(0, reader_new(store, info.manifest.data, info.manifest.len, 0, len, &r));
	CHECK_INT(0, reader_read(r, bytes, 100000, &n));
	CHECK_INT(0, delete_many(MANY, 4));
	CHECK(in_memory || segment_files(false, &before) > 0);
	CHECK_INT(0, gc(&report));	/* the reader runs: tombstones wait */
	CHECK_INT(0, report.chunks_freed);
	CHECK_INT(0, read_all(r, bytes + n, len - n, &rest));
	fill(8, want, len);
	CHECK_INT(len, n + rest);
	CHECK_MEM(want, bytes, len);
	reader_free(r);
	r = NULL;
	CHECK_INT(0, reader_new(store, info.manifest.data, info.manifest.len, 0, len, &r));
	CHECK_INT(0, reader_read(r, bytes, 100000, &n));
	reader_free(r);

	CHECK_INT(0, gc_run(store, false, 0, NULL, NULL, &report));
	CHECK(report.chunks_freed > MANY / 2);
	if (!in_memory) {	/* there, a home is as large as its lane: some of it lives */
		CHECK(report.segments_dropped > 3);
		CHECK(report.segments_rewritten > 3);
		CHECK(report.bytes_returned > report.bytes_rewritten);
		CHECK(segment_files(false, &after) > 0 && after < before / 2 + (4u << 20));
	}
	CHECK_INT(0, verify_many(MANY, 4));
	CHECK_INT(0, gc_run(store, true, 0, NULL, NULL, &dry));
	CHECK_INT(0, dry.chunks_freed);
	CHECK_INT(0, dry.segments_dropped);
	free(want);
	free(bytes);
	object_info_release(&info);
}

struct seen {
	uint64_t most, total, falls;
};

static int
see_progress(void *arg)
{
	struct seen *s = arg;
	uint64_t done, total;

	gc_progress(store, &done, &total);
	s->falls += done < s->most || done > total;
	s->most = done > s->most ? done : s->most;
	s->total = total > s->total ? total : s->total;
	return 0;
}

/* Who asks between steps sees it go on, to what was announced. */
static void
tells_how_far_it_is(void)
{
	struct gc_report report;
	struct seen s = { 0 };
	uint64_t done, total;

	CHECK_INT(0, start(0));
	CHECK_INT(0, put_many(0, MANY));
	CHECK_INT(0, delete_many(MANY, 4));
	CHECK_INT(0, gc_run(store, false, 0, see_progress, &s, &report));
	CHECK_INT(0, s.falls);
	CHECK(s.most >= (uint64_t)report.chunks_freed && s.total >= s.most && s.total - s.most < s.total / 4);
	gc_progress(store, &done, &total);
	CHECK(done == 0 && total == 0);
}

static int
no_tombstones(void *arg)
{
	(void)arg;
	return obj_number("SELECT count(*) FROM chunk WHERE dead_at IS NOT NULL") == 0;
}

/* A reader has looked places up ahead; what is there moves, and the segments go, before it reads on. */
static void
moves_under_a_reader(void)
{
	size_t len = size_of(8), n = 0, rest = 0;
	struct object_info info = OBJECT_INFO_INIT;
	uint8_t *want = malloc(len), *bytes = malloc(len);
	struct gc_report report;
	struct reader *r = NULL;

	CHECK_INT(0, start(0));
	CHECK_INT(0, put_many(0, MANY));
	CHECK_INT(0, delete_many(MANY, 4));
	CHECK_INT(ERR_CLOSED, gc_run(store, false, 0, no_tombstones, NULL, &report));
	CHECK_INT(0, gc_run(store, true, 0, NULL, NULL, &report));	/* sees what is sealed */
	CHECK_INT(0, object_find(store, space.id, SLICE("many/8"), 0, &info));
	CHECK_INT(0, reader_new(store, info.manifest.data, info.manifest.len, 0, len, &r));
	CHECK_INT(0, reader_read(r, bytes, 1000, &n));
	CHECK_INT(0, gc_run(store, false, 0, NULL, NULL, &report));
	CHECK(in_memory || report.segments_rewritten > 3);
	CHECK_INT(0, read_all(r, bytes + n, len - n, &rest));
	fill(8, want, len);
	CHECK_INT(len, n + rest);
	CHECK_MEM(want, bytes, len);
	reader_free(r);
	object_info_release(&info);
	free(want);
	free(bytes);
}

/* Bytes that were written and never committed. */
static void
drops_what_was_abandoned(void)
{
	struct ingest_result result;
	struct gc_report report;
	struct ingest *in = NULL;

	CHECK_INT(0, start(0));
	for (unsigned i = 0; i < 30; i++) {
		CHECK_INT(0, ingest(3 * i + 2, &in, &result));
		ingest_free(in);
	}
	CHECK_INT(0, put("kept", 0));
	CHECK_INT(0, gc(&report));
	if (!in_memory) {
		CHECK(report.segments_dropped >= 6);
		CHECK(report.segments_dropped >= 0 && report.bytes_returned > 10u << 20);
	}
	CHECK_INT(0, verify("kept", 0));
}

/* A crash between the row and the file of a segment leaves a file: the next start adopts it and gc removes it. */
static int
lose_row(struct txn *t, void *arg)
{
	(void)arg;
	return db_exec(t->db, "DELETE FROM segment WHERE home = $1", DB_INT(1));
}

static void
removes_an_orphan(void)
{
	struct gc_report report;
	char path[300];

	CHECK_INT(0, start(0));
	CHECK_INT(0, put_many(0, 30));
	CHECK_INT(0, delete_many(30, 0));
	CHECK_INT(0, gc_run(store, false, 3600 * 1000, NULL, NULL, &report));
	CHECK_INT(0, commit_run(store, &(struct commit) { .run = lose_row }));
	store_close(store);
	CHECK_INT(0, reopen(0));
	snprintf(path, sizeof(path), "%s/segments/00000001.seg", test_tmpdir());
	CHECK_INT(0, access(path, F_OK));
	CHECK_INT(0, gc(&report));
	CHECK_INT(-1, access(path, F_OK));
	CHECK_INT(0, obj_number("SELECT count(*) FROM segment WHERE home = 1"));
	store_close(store);
	CHECK_INT(0, reopen(0));
}

static void
survives_a_restart(void)
{
	struct gc_report report;

	CHECK_INT(0, start(0));
	CHECK_INT(0, put_many(0, MANY));
	CHECK_INT(0, delete_many(MANY, 4));
	CHECK_INT(0, gc(&report));
	CHECK(report.segments_rewritten > 3);
	store_close(store);
	CHECK_INT(0, reopen(0));
	CHECK_INT(0, verify_many(MANY, 4));
	CHECK_INT(0, gc(&report));
	CHECK_INT(0, verify_many(MANY, 4));
}

/* What is damaged is not moved, and does not keep others from it. */
static void
leaves_damage_alone(void)
{
	struct gc_report report;
	char path[300];
	uint8_t byte;
	FILE *f;

	CHECK_INT(0, start(0));
	CHECK_INT(0, put_many(0, MANY));
	CHECK_INT(0, delete_many(MANY, 4));
	CHECK_INT(0, verify("many/0", 0));
	int64_t home = obj_number("SELECT home FROM chunk WHERE refs > 0 ORDER BY home, place LIMIT 1");
	int64_t place = obj_number("SELECT place FROM chunk WHERE refs > 0 ORDER BY home, place LIMIT 1");
	snprintf(path, sizeof(path), "%s/segments/%08llx.seg", test_tmpdir(), (unsigned long long)home);
	CHECK((f = fopen(path, "r+b")) != NULL);
	CHECK(fseek(f, place + 500, SEEK_SET) == 0 && fread(&byte, 1, 1, f) == 1);
	byte ^= 1;
	CHECK(fseek(f, place + 500, SEEK_SET) == 0 && fwrite(&byte, 1, 1, f) == 1);
	fclose(f);
	log_setup(false, (enum log_level)(LOG_ERROR_ + 1));
	CHECK_INT(0, gc(&report));
	log_setup(false, LOG_INFO_);
	CHECK_INT(0, access(path, F_OK));
	CHECK(report.segments_rewritten > 3);
	CHECK_INT(1, obj_number("SELECT count(*) FROM segment WHERE home = (SELECT min(home) FROM chunk)"));
}

/* Segments whose files somebody deleted, sealed and not: their rows go with the last chunk that was said to be there. */
static void
forgets_what_is_missing(void)
{
	struct gc_report report;
	struct check_report checked;
	int64_t all, open;
	uint64_t bytes = 0;

	CHECK_INT(0, start(0));
	CHECK_INT(0, put_many(0, MANY));
	all = obj_number("SELECT count(*) FROM segment");
	open = obj_number("SELECT count(*) FROM segment WHERE state = 1");
	CHECK(open > 0 && all > open);
	obj_close();
	CHECK_INT(all, segment_files(true, &bytes));
	CHECK_INT(0, reopen(0));
	CHECK_INT(open, obj_number("SELECT count(*) FROM segment WHERE state = 1"));
	for (unsigned i = 0; i < 2; i++)
		CHECK_INT(0, gc(&report));
	CHECK_INT(all, obj_number("SELECT count(*) FROM segment"));
	CHECK_INT(ERR_CORRUPT, store_check(store, true, NULL, NULL, NULL, &checked));
	CHECK_INT(all, checked.problems);
	CHECK_INT(0, put("new", 1));
	CHECK_INT(0, delete_many(MANY, 0));
	CHECK_INT(0, gc_run(store, true, 0, NULL, NULL, &report));
	CHECK_INT(all + 1, obj_number("SELECT count(*) FROM segment"));
	CHECK_INT(0, gc(&report));
	CHECK_INT(all, report.segments_dropped);
	CHECK_INT(1, obj_number("SELECT count(*) FROM segment"));
	CHECK_INT(0, store_check(store, false, NULL, NULL, NULL, &checked));
	CHECK_INT(0, verify("new", 1));
	CHECK_INT(0, gc(&report));
	CHECK_INT(0, report.segments_dropped);
}

OVER_SEGMENTS(removes_an_orphan)
OVER_SEGMENTS(survives_a_restart)
OVER_SEGMENTS(leaves_damage_alone)
OVER_SEGMENTS(forgets_what_is_missing)

OVER_BOTH(rewrites)
OVER_BOTH(tells_how_far_it_is)
OVER_BOTH(moves_under_a_reader)
OVER_BOTH(drops_what_was_abandoned)

static const struct test tests[] = {
	TEST_OVER_BOTH(rewrites), TEST_OVER_BOTH(tells_how_far_it_is),
	TEST_OVER_BOTH(moves_under_a_reader), TEST_OVER_BOTH(drops_what_was_abandoned),
	TEST(test_removes_an_orphan), TEST(test_survives_a_restart), TEST(test_leaves_damage_alone),
	TEST(test_forgets_what_is_missing), TEST_END
};
TEST_MAIN(tests)
