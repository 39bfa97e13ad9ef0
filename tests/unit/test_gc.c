/* test-timeout: 300, since it took 48 s on two busy cores. */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "blob.h"
#include "check.h"
#include "clock.h"
#include "commit.h"
#include "gc.h"
#include "log.h"
#include "object_kit.h"
#include "reader.h"

/*
 * Garbage collection over both kinds of blob store: what it takes, what it leaves, and that it never takes what is used. Segments
 * are small here, so that they fill and end.
 */
static bool in_memory;
static char token_text[TOKEN_TEXT];

static int
reopen(int64_t grace_ms)
{
	struct store_settings settings = STORE_SETTINGS_DEFAULT;

	settings.relaxed = true;
	settings.memory = in_memory;
	settings.reserve_bytes = 0;
	settings.reserve_percent = 0;
	settings.segment_size = 2u << 20;
	settings.grace_ms = grace_ms;
	return store_open(test_tmpdir(), &settings, &store);
}

static int
start(int64_t grace_ms)
{
	struct principal admin;
	int rc;

	if ((rc = store_create(test_tmpdir(), &kit_admin)) != 0 || (rc = reopen(grace_ms)) != 0 ||
	    (rc = principal_find(store, "admin", &admin)) != 0)
		return rc;
	return kit_workspace(store, "space", admin.id, 0, &space);
}

static int
gc(struct gc_report *report)
{
	return gc_run(store, false, -1, NULL, NULL, report);
}

/* ---- contents: bytes that a number alone decides; every third content is large enough for several chunks ---- */

static size_t
size_of(unsigned content)
{
	return content % 3 == 2 ? 700000 + content * 1000 : 1000 + content * 7919 % 200000;
}

static void
fill(unsigned content, uint8_t *bytes, size_t len)
{
	uint64_t x = (content + 1) * 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[i] = (uint8_t)(x >> 24);
	}
}

static int
ingest(unsigned content, struct ingest **in, struct ingest_result *result)
{
	size_t len = size_of(content), used = 0, n;
	struct ingest_options options = { .size = len, .md5 = true, .chunk_min = 65536, .chunk_avg = 131072,
		.chunk_max = 262144 };
	uint8_t *bytes = malloc(len);
	int rc = bytes ? ingest_new(store, &options, in) : ERR_NOMEM;

	if (rc == 0)
		fill(content, bytes, len);
	for (; rc == 0 && used < len; used += n)
		rc = ingest_write(*in, bytes + used, len - used, &n);
	if (rc == 0)
		rc = ingest_finish(*in, result);
	free(bytes);
	return rc;
}

static int
commit_put(const char *key, const struct ingest_result *result)
{
	struct buf headers = BUF_INIT(64);
	struct object_put put = { .workspace = space.id, .key = SLICE(key), .bytes = result, .headers = &headers,
		.actor = { .principal = 1 } };

	hex_encode(result->md5, 16, put.etag);
	return object_put(store, &put, NULL);
}

static int
put(const char *key, unsigned content)
{
	struct ingest_result result;
	struct ingest *in = NULL;
	int rc = ingest(content, &in, &result);

	if (rc == 0)
		rc = commit_put(key, &result);
	ingest_free(in);
	return rc;
}

static int
copy(const char *from, const char *to)
{
	struct object_info info = OBJECT_INFO_INIT, made = OBJECT_INFO_INIT;
	int rc = object_find(store, space.id, SLICE(from), 0, &info);

	if (rc == 0)
		rc = object_copy(store, &(struct object_copy) { .from = &info, .workspace = space.id, .key = SLICE(to),
		    .actor = { 1, 0 } }, &made);
	object_info_release(&info);
	object_info_release(&made);
	return rc;
}

static int
read_all(struct reader *r, uint8_t *bytes, size_t len, size_t *got)
{
	size_t n;
	int rc = 0;

	for (*got = 0; rc == 0 && *got < len; *got += n)
		if ((rc = reader_read(r, bytes + *got, len - *got, &n)) != 0)
			break;
	return rc == ERR_END ? 0 : rc;
}

/* Whether the key has exactly that content: 0, ERR_CORRUPT if not, or why it can't be read. */
static int
verify(const char *key, unsigned content)
{
	struct object_info info = OBJECT_INFO_INIT;
	size_t len = size_of(content), got = 0;
	uint8_t *want = malloc(len), *bytes = malloc(len);
	struct reader *r = NULL;
	int rc = object_find(store, space.id, SLICE(key), 0, &info);

	if (rc == 0 && info.size != len)
		rc = ERR_CORRUPT;
	if (rc == 0 && (rc = reader_new(store, info.manifest.data, info.manifest.len, 0, len, &r)) == 0)
		rc = read_all(r, bytes, len, &got);
	fill(content, want, len);
	if (rc == 0 && (got != len || memcmp(want, bytes, len)))
		rc = ERR_CORRUPT;
	reader_free(r);
	object_info_release(&info);
	free(want);
	free(bytes);
	return rc;
}

/* ---- what is taken ---- */

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
put_many(unsigned first, unsigned end)
{
	char key[32];
	int rc = 0;

	for (unsigned i = first; rc == 0 && i < end; i++) {
		snprintf(key, sizeof(key), "many/%u", i);
		rc = put(key, i);
	}
	return rc;
}

static int
verify_many(unsigned end, unsigned every)
{
	char key[32];
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < end; i += every) {
		snprintf(key, sizeof(key), "many/%u", i);
		if ((rc = verify(key, i)) != 0)
			fprintf(stderr, "# %s: %s\n", key, err_text(rc));
	}
	return rc;
}

/* Deletes all but every fourth. */
static int
thin_out(unsigned end)
{
	char key[32];
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < end; i++) {
		snprintf(key, sizeof(key), "many/%u", i);
		rc = i % 4 ? obj_delete(key, 0, NULL) : 0;
	}
	return rc;
}

static uint64_t
segment_bytes(void)
{
	char path[300];
	uint64_t bytes = 0;
	struct dirent *e;
	struct stat st;
	DIR *d;

	snprintf(path, sizeof(path), "%s/segments", test_tmpdir());
	if (!(d = opendir(path)))
		return 0;
	while ((e = readdir(d)))
		if (fstatat(dirfd(d), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
			bytes += (uint64_t)st.st_size;
	closedir(d);
	return bytes;
}

#define MANY 120

/* Half-dead segments are rewritten and go; what lived in them is the same, also for a reader that is under way. */
static void
rewrites(void)
{
	size_t len = size_of(8), n = 0, rest = 0;
	struct object_info info = OBJECT_INFO_INIT;
	uint8_t *want = malloc(len), *bytes = malloc(len);
	struct gc_report dry, report;
	struct reader *r = NULL;
	uint64_t before;

	CHECK_INT(0, start(0));
	CHECK_INT(0, put_many(0, MANY));
	CHECK_INT(0, object_find(store, space.id, SLICE("many/8"), 0, &info));
	CHECK_INT(0, reader_new(store, info.manifest.data, info.manifest.len, 0, len, &r));
	CHECK_INT(0, reader_read(r, bytes, 100000, &n));
	CHECK_INT(0, thin_out(MANY));
	before = segment_bytes();
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
		CHECK(segment_bytes() < before / 2 + (4u << 20));
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
	CHECK_INT(0, thin_out(MANY));
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
	CHECK_INT(0, thin_out(MANY));
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
	for (unsigned i = 0; i < 30; i++) {
		snprintf(path, sizeof(path), "many/%u", i);
		CHECK_INT(0, obj_delete(path, 0, NULL));
	}
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
	CHECK_INT(0, thin_out(MANY));
	CHECK_INT(0, gc(&report));
	CHECK(report.segments_rewritten > 3);
	store_close(store);
	CHECK_INT(0, reopen(0));
	CHECK_INT(0, verify_many(MANY, 4));
	CHECK_INT(0, gc(&report));
	CHECK_INT(0, verify_many(MANY, 4));
}

/* ---- how it runs ---- */

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
	struct token token;
	int64_t id;

	CHECK_INT(0, start(0));
	CHECK_INT(0, token_create(store, space.owner_id, 1, &token, token_text));
	CHECK_INT(0, token_create(store, space.owner_id, 3600 * 1000, &token, token_text));
	id = token.id;
	CHECK_INT(3, obj_number("SELECT count(*) FROM token"));
	nanosleep(&(struct timespec) { .tv_nsec = 5000000 }, NULL);
	CHECK_INT(0, gc_run(store, true, -1, NULL, NULL, &report));
	CHECK_INT(3, obj_number("SELECT count(*) FROM token"));
	CHECK_INT(0, gc(&report));
	CHECK_INT(2, obj_number("SELECT count(*) FROM token"));
	CHECK_INT(0, token_delete(store, space.owner_id, id));
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
	CHECK_INT(0, thin_out(MANY));
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

/* ---- the one that tries hard ---- */

#define WRITERS 3
#define SLOTS 6
#define CONTENTS 9
#define HARD_US 4000000
#define HARD_MOST_US 120000000

struct writer {
	pthread_t thread;
	unsigned number;
	int content[SLOTS];	/* -1: nothing */
	unsigned seed;
	long steps;
	int rc;
};

static _Atomic bool ended;

static unsigned
roll(struct writer *w, unsigned n)
{
	w->seed = w->seed * 1103515245 + 12345;
	return (w->seed >> 16) % n;
}

static void
key_of(const struct writer *w, unsigned slot, char key[32])
{
	snprintf(key, 32, "w%u/%u", w->number, slot);
}

static int
step(struct writer *w)
{
	unsigned slot = roll(w, SLOTS), other = roll(w, SLOTS), content = roll(w, CONTENTS);
	char key[32], from[32];
	int rc = 0;

	key_of(w, slot, key);
	key_of(w, other, from);
	switch (roll(w, 5)) {
	case 0:
	case 1:
		if ((rc = put(key, content)) == 0)
			w->content[slot] = (int)content;
		break;
	case 2:
		if ((rc = obj_delete(key, 0, NULL)) == 0)
			w->content[slot] = -1;
		break;
	case 3:
		if (w->content[other] >= 0 && slot != other && (rc = copy(from, key)) == 0)
			w->content[slot] = w->content[other];
		break;
	default:
		if (w->content[slot] >= 0)
			rc = verify(key, (unsigned)w->content[slot]);
	}
	if (rc)
		fprintf(stderr, "# %s after %ld steps: %s\n", key, w->steps, err_text(rc));
	return rc;
}

static void *
writer_main(void *arg)
{
	struct writer *w = arg;

	for (; w->rc == 0 && !ended; w->steps++)
		w->rc = step(w);
	return NULL;
}

static int
verify_writer(const struct writer *w)
{
	char key[32];
	int rc = 0;

	for (unsigned s = 0; rc == 0 && s < SLOTS; s++) {
		key_of(w, s, key);
		if (w->content[s] >= 0)
			rc = verify(key, (unsigned)w->content[s]);
	}
	return rc;
}

static void
say(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "# check: %s\n", text);
}

static void
tries_hard(void)
{
	struct writer writers[WRITERS] = { 0 };
	struct gc_report report, sum = { 0 };
	struct check_report checked;
	int64_t began;
	int passes = 0, rc = 0;

	CHECK_INT(0, start(0));
	ended = false;
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i].number = i;
		writers[i].seed = i * 7 + 1;
		memset(writers[i].content, -1, sizeof(writers[i].content));
		CHECK_INT(0, pthread_create(&writers[i].thread, NULL, writer_main, &writers[i]));
	}
	/* Until enough happened, on a machine that is busy too. */
	for (began = clock_mono_us(); rc == 0 && clock_mono_us() - began < HARD_MOST_US; passes++) {
		if (clock_mono_us() - began > HARD_US && sum.chunks_freed > 20 && sum.segments_dropped > 0)
			break;
		rc = gc(&report);
		sum.chunks_freed += report.chunks_freed;
		sum.segments_rewritten += report.segments_rewritten;
		sum.segments_dropped += report.segments_dropped;
	}
	ended = true;
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	printf("# %ld steps, %d passes: %lld chunks freed, %lld segments rewritten, %lld dropped\n",
	    writers[0].steps + writers[1].steps + writers[2].steps, passes, (long long)sum.chunks_freed,
	    (long long)sum.segments_rewritten, (long long)sum.segments_dropped);
	CHECK_INT(0, rc);
	for (unsigned i = 0; i < WRITERS; i++) {
		CHECK_INT(0, writers[i].rc);
		CHECK_INT(0, verify_writer(&writers[i]));
	}
	CHECK(sum.chunks_freed > 20 && sum.segments_dropped > 0);
	CHECK_INT(0, store_check(store, false, say, NULL, NULL, &checked));
	CHECK_INT(0, checked.problems);
	CHECK(checked.chunks > 0);
	CHECK_INT(0, gc(&report));
	for (unsigned i = 0; i < WRITERS; i++)
		CHECK_INT(0, verify_writer(&writers[i]));
}

static int
remove_segments(void)
{
	char path[300];
	struct dirent *e;
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/segments", test_tmpdir());
	if (!(d = opendir(path)))
		return -1;
	while ((e = readdir(d)))
		n += e->d_name[0] != '.' && unlinkat(dirfd(d), e->d_name, 0) == 0;
	closedir(d);
	return n;
}

/* Segments whose files somebody deleted, sealed and not: their rows go with the last chunk that was said to be there. */
static void
forgets_what_is_missing(void)
{
	struct gc_report report;
	struct check_report checked;
	char key[32];
	int64_t all, open;

	CHECK_INT(0, start(0));
	CHECK_INT(0, put_many(0, MANY));
	all = obj_number("SELECT count(*) FROM segment");
	open = obj_number("SELECT count(*) FROM segment WHERE state = 1");
	CHECK(open > 0 && all > open);
	obj_close();
	CHECK_INT(all, remove_segments());
	CHECK_INT(0, reopen(0));
	CHECK_INT(open, obj_number("SELECT count(*) FROM segment WHERE state = 1"));
	for (unsigned i = 0; i < 2; i++)
		CHECK_INT(0, gc(&report));
	CHECK_INT(all, obj_number("SELECT count(*) FROM segment"));
	CHECK_INT(ERR_CORRUPT, store_check(store, true, NULL, NULL, NULL, &checked));
	CHECK_INT(all, checked.problems);
	CHECK_INT(0, put("new", 1));
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "many/%u", i);
		CHECK_INT(0, obj_delete(key, 0, NULL));
	}
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

#define OVER_SEGMENTS(name)							\
	static void								\
	test_##name(void)							\
	{									\
		in_memory = false;						\
		name();								\
		obj_close();							\
	}
/* Over segment files, and over memory too. */
#define OVER_BOTH(name)								\
	OVER_SEGMENTS(name)							\
	static void								\
	test_##name##_in_memory(void)						\
	{									\
		in_memory = true;						\
		name();								\
		obj_close();							\
	}

OVER_SEGMENTS(removes_an_orphan)
OVER_SEGMENTS(survives_a_restart)
OVER_SEGMENTS(leaves_damage_alone)
OVER_SEGMENTS(forgets_what_is_missing)
OVER_BOTH(frees)
OVER_BOTH(tells_how_far_it_is)
OVER_BOTH(waits_for_grace)
OVER_BOTH(waits_for_ingests)
OVER_BOTH(waits_for_readers)
OVER_BOTH(waits_for_commits)
OVER_BOTH(rewrites)
OVER_BOTH(moves_under_a_reader)
OVER_BOTH(drops_what_was_abandoned)
OVER_BOTH(one_at_a_time)
OVER_BOTH(expires_tokens)
OVER_BOTH(tries_hard)

#define BOTH(name) TEST(test_##name), TEST(test_##name##_in_memory)
static const struct test tests[] = {
	BOTH(frees), BOTH(tells_how_far_it_is), BOTH(waits_for_grace), BOTH(waits_for_ingests), BOTH(waits_for_readers),
	BOTH(waits_for_commits), BOTH(rewrites), BOTH(moves_under_a_reader), BOTH(drops_what_was_abandoned),
	TEST(test_removes_an_orphan), TEST(test_survives_a_restart), BOTH(one_at_a_time),
	BOTH(expires_tokens), TEST(test_leaves_damage_alone), TEST(test_forgets_what_is_missing), BOTH(tries_hard), TEST_END
};
TEST_MAIN(tests)
