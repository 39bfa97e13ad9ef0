#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "byte_kit.h"
#include "check.h"
#include "gc.h"
#include "move_kit.h"
#include "object.h"
#include "upload.h"
#include "workspace.h"

/*
 * A small store with everything in it is sound; each kind of damage that is planted in it is found, and nothing else is
 * said.
 */
static int64_t workspace, owner;

static int
put(struct store *store, const char *key, const void *bytes, size_t len, const struct ingest_options *options)
{
	struct buf headers = BUF_INIT(64);
	struct ingest_result result = { 0 };
	struct ingest *in = NULL;
	struct object_put p = { .workspace = workspace, .key = SLICE(key), .bytes = &result, .has_hash = true,
		.headers = &headers, .actor = { .principal = owner } };
	int rc;

	if ((rc = byte_ingest(store, options, bytes, len, len ? len : 1, &in, &result)) == 0) {
		hex_encode(result.md5, 16, p.etag);
		memcpy(p.content_hash, result.sha256, 32);
		rc = object_put(store, &p, NULL);
	}
	ingest_free(in);
	return rc;
}

static int
put_text(struct store *store, const char *key, const char *text)
{
	struct ingest_options o = BYTE_OPTIONS(strlen(text));

	return put(store, key, text, strlen(text), &o);
}

static int
delete(struct store *store, const char *key)
{
	struct object_delete d = { .workspace = workspace, .key = SLICE(key), .actor = { .principal = owner } };
	int rc = object_delete(store, &d, 1);

	return rc ? rc : d.rc;
}

static int
make_bucket(struct store *store, const char *name, int versioning, int64_t history_ms)
{
	struct workspace_row row = { .owner_id = owner, .versioning = versioning, .history_ms = history_ms };
	int rc;

	snprintf(row.name, sizeof(row.name), "%s", name);
	if ((rc = workspace_create(store, &row, (struct actor) { .principal = owner })) == 0)
		workspace = row.id;
	return rc;
}

static int
some_objects(struct store *store)
{
	struct ingest_options fine = BYTE_OPTIONS_FINE;
	uint8_t *bytes = malloc(400000);
	int rc;

	byte_fill(bytes, 400000, 1);
	if ((rc = put_text(store, "a", "first")) == 0 && (rc = put_text(store, "a", "second")) == 0 &&
	    (rc = put_text(store, "b/c/d", "deep")) == 0 && (rc = put_text(store, "b/c/e", "deep")) == 0 &&
	    (rc = put_text(store, "empty", "")) == 0 && (rc = put_text(store, "gone/f", "is deleted")) == 0 &&
	    (rc = delete(store, "gone/f")) == 0 && (rc = put_text(store, "x//y/", "odd")) == 0)
		rc = put(store, "large", bytes, 400000, &fine);
	free(bytes);
	return rc;
}

static int
open_upload(struct store *store)
{
	struct ingest_options o = BYTE_OPTIONS(9);
	struct upload_part part = { .number = 3, .size = 9 };
	struct ingest_result result = { 0 };
	struct buf headers = BUF_INIT(64);
	struct upload_create create = { .workspace = workspace, .key = SLICE("up"), .headers = &headers,
		.actor = { .principal = owner } };
	struct ingest *in = NULL;
	int64_t id;
	int rc;

	o.leaves = true;
	if ((rc = upload_create(store, &create, &id)) == 0 &&
	    (rc = byte_ingest(store, &o, "the parts", 9, 9, &in, &result)) == 0)
		rc = upload_put_part(store, workspace, id, &result, &part);
	ingest_free(in);
	return rc;
}

static int
furnish(struct store **store)
{
	int rc;

	if ((rc = byte_open(store)) != 0)
		return rc;
	owner = byte_number(*store, "SELECT min(id) FROM principal");
	if ((rc = make_bucket(*store, "history", VERSIONING_NEVER, 86400000)) == 0 &&
	    (rc = some_objects(*store)) == 0 &&
	    (rc = make_bucket(*store, "versioned", VERSIONING_ENABLED, 0)) == 0 && (rc = some_objects(*store)) == 0 &&
	    (rc = make_bucket(*store, "plain", VERSIONING_NEVER, 0)) == 0 && (rc = some_objects(*store)) == 0 &&
	    (rc = put_text(*store, "t", "soon a tombstone")) == 0 && (rc = delete(*store, "t")) == 0)
		rc = open_upload(*store);
	return rc;
}

/* ---- what is said ---- */

static char said[1 << 20];

static void
note(void *arg, const char *text)
{
	size_t len = strlen(said);

	(void)arg;
	snprintf(said + len, sizeof(said) - len, "%s\n", text);
}

static int
check(struct store *store, bool quick, struct check_report *report)
{
	said[0] = '\0';
	return store_check(store, quick, note, NULL, NULL, report);
}

static void
sound(void)
{
	struct check_report r, quick;
	struct store *store = NULL;
	int rc, qrc;

	CHECK_INT(0, furnish(&store));
	rc = check(store, false, &r);
	fprintf(stderr, "%s", said);
	qrc = check(store, true, &quick);
	CHECK_INT(0, rc);
	CHECK_INT(0, qrc);
	CHECK_INT(0, r.problems);
	CHECK_INT(3, r.workspaces);
	CHECK_INT(byte_number(store, "SELECT count(*) FROM entry"), r.entries);
	CHECK_INT(byte_number(store, "SELECT count(*) FROM file_version"), r.versions);
	CHECK_INT(byte_number(store, "SELECT count(*) FROM chunk"), r.chunks);
	CHECK_INT(byte_number(store, "SELECT count(*) FROM segment"), r.segments);
	CHECK_INT(byte_number(store, "SELECT count(*) FROM change_event"), r.events);
	CHECK_INT(byte_number(store, "SELECT sum(size_bytes) FROM chunk WHERE dead_at IS NULL"), (int64_t)r.bytes);
	CHECK_INT(1, r.uploads);
	CHECK_INT(0, quick.bytes);
	store_close(store);
}
BOTH(sound)

/* ---- damage of rows ---- */

static const struct damage {
	const char *sql, *says;
	int problems;		/* how many; 0: some */
} damages[] = {
	{ "UPDATE chunk SET refs = refs + 1 WHERE hash = (SELECT min(hash) FROM chunk WHERE refs > 0)", "references and counts", 1 },
	{ "UPDATE chunk SET refs = refs - 1 WHERE hash = (SELECT min(hash) FROM chunk WHERE refs > 1)", "references and counts", 1 },
	{ "UPDATE chunk SET refs = refs + 1", "references and counts", 0 },
	{ "UPDATE leaf SET refs = refs + 1 WHERE id = (SELECT min(id) FROM leaf)", "references and counts", 1 },
	{ "DELETE FROM chunk WHERE hash = (SELECT min(hash) FROM chunk WHERE refs > 0)", "is missing and has", 1 },
	{ "DELETE FROM leaf WHERE id = (SELECT min(id) FROM leaf)", "is missing and has", 0 },
	{ "UPDATE chunk SET size_bytes = size_bytes + 1 WHERE hash = (SELECT max(hash) FROM chunk WHERE refs > 0)",
	    "not all who reference it say so", 0 },
	{ "UPDATE chunk SET dead_at = 5 WHERE hash = (SELECT min(hash) FROM chunk WHERE refs > 0)", "time of death", 1 },
	{ "UPDATE chunk SET dead_at = NULL WHERE refs = 0", "time of death", 0 },
	{ "UPDATE leaf SET dead_at = 5 WHERE id = (SELECT min(id) FROM leaf)", "time of death", 1 },
	{ "UPDATE chunk SET home = 77 WHERE hash = (SELECT min(hash) FROM chunk WHERE dead_at IS NULL)", "segment that is not known", 0 },
	{ "UPDATE chunk SET place = 1000000000 WHERE hash = (SELECT min(hash) FROM chunk WHERE dead_at IS NULL)",
	    "behind the durable end", 0 },
	{ "UPDATE leaf SET chunks = x'00' WHERE id = (SELECT min(id) FROM leaf)", "can't be decoded", 0 },
	{ "UPDATE file_version SET manifest = x'4d' WHERE id = (SELECT min(id) FROM file_version)", "manifest can't be decoded", 0 },
	{ "UPDATE file_version SET parts = x'0100000000000000' WHERE id = (SELECT min(id) FROM file_version)", "don't add up", 1 },
	{ "UPDATE file_version SET size_bytes = size_bytes + 1 WHERE id = (SELECT min(version_id) FROM entry WHERE kind = 1)",
	    "not that of its manifest", 0 },
	{ "DELETE FROM change_event WHERE sequence = 3 AND workspace_id = (SELECT min(id) FROM workspace)",
	    "events between horizon and sequence", 2 },
	{ "DELETE FROM change_event WHERE sequence = (SELECT max(sequence) FROM change_event)",
	    "events between horizon and sequence", 0 },
	{ "UPDATE workspace SET horizon = 2 WHERE id = (SELECT min(id) FROM workspace);"
	  "DELETE FROM change_event WHERE sequence <= 3 AND workspace_id = (SELECT min(id) FROM workspace)",
	    "events between horizon and sequence", 2 },
	{ "UPDATE workspace SET sequence = sequence - 1", "event behind its workspace's sequence", 0 },
	{ "DELETE FROM file_version WHERE id = (SELECT min(version_id) FROM entry WHERE kind = 1)", "version is gone", 0 },
	{ "DELETE FROM entry WHERE version_id = (SELECT min(version_id) FROM entry WHERE kind = 1)", "file without an entry", 0 },
	{ "UPDATE entry SET version_id = version_id - 1 WHERE version_id = (SELECT min(version_id) FROM entry WHERE kind = 1)",
	    "does not agree with its file", 2 },
	{ "UPDATE entry SET etag = x'61' WHERE version_id = (SELECT min(version_id) FROM entry WHERE kind = 1)",
	    "version is gone or another's", 1 },
	{ "DELETE FROM file WHERE id = (SELECT min(node_id) FROM entry WHERE kind = 1)", "version without a file", 0 },
	{ "UPDATE file_version SET keep = 0 WHERE id = (SELECT min(id) FROM file_version WHERE keep = 2)", "called current", 0 },
	{ "UPDATE folder SET live = live + 1 WHERE id = (SELECT max(id) FROM folder)", "count of shown entries", 1 },
	{ "UPDATE folder SET live = live - 1 WHERE id = (SELECT min(root_folder_id) FROM workspace)", "count of shown entries", 1 },
	{ "UPDATE folder SET entries = entries + 1 WHERE id = (SELECT min(id) FROM folder)", "folder's count of entries", 1 },
	{ "UPDATE folder SET parent_id = 999 WHERE id = (SELECT max(id) FROM folder WHERE parent_id > 0)", "folder without an entry", 2 },
	{ "DELETE FROM folder WHERE id = (SELECT max(id) FROM folder WHERE parent_id > 0)", "folder that is not there", 0 },
	{ "DELETE FROM folder WHERE id = (SELECT min(root_folder_id) FROM workspace)", "without its root folder", 0 },
	{ "UPDATE entry SET live = 1 - live WHERE node_id = (SELECT max(id) FROM folder WHERE parent_id > 0)",
	    "does not agree with its folder", 2 },
	{ "UPDATE workspace SET objects = objects + 1 WHERE id = (SELECT max(id) FROM workspace)", "count of objects", 1 },
	{ "UPDATE workspace SET bytes = bytes - 1 WHERE id = (SELECT max(id) FROM workspace)", "sum of bytes", 1 },
	{ "UPDATE workspace SET noncurrent_bytes = noncurrent_bytes + 5 WHERE versioning = 1", "noncurrent bytes", 1 },
	{ "UPDATE workspace SET history_bytes = 0 WHERE history_ms > 0", "history bytes", 1 },
	{ "UPDATE workspace SET uploads = uploads + 1 WHERE id = (SELECT max(id) FROM workspace)", "count of open uploads", 1 },
	{ "UPDATE workspace SET upload_bytes = 0", "what open uploads hold", 1 },
	{ "INSERT INTO chunk_known SELECT x'0102', min(id) FROM workspace", "said to be known to workspace", 1 },
	{ "DELETE FROM upload", "part without an upload", 0 },
	{ "DELETE FROM principal", "user that is not there", 0 },
};

static void
rows(void)
{
	size_t n = sizeof(damages) / sizeof(damages[0]);
	struct check_report r;
	struct store *store = NULL;
	int bad = 0;

	for (size_t i = 0; i < n; i++) {
		const struct damage *d = &damages[i];
		int rc;

		CHECK_INT(0, furnish(&store));
		CHECK_INT(0, byte_sql(store, d->sql));
		rc = check(store, true, &r);
		if (rc != ERR_CORRUPT || !strstr(said, d->says) || (d->problems && r.problems != d->problems)) {
			fprintf(stderr, "# after: %s\n# got %d, %lld problems:\n%s", d->sql, rc, (long long)r.problems, said);
			bad++;
		}
		store_close(store);
		test_tmpdir_remove();
	}
	CHECK_INT(0, bad);
}

static void
test_rows(void)
{
	byte_defaults(true);
	rows();
}

/* ---- damage of bytes ---- */

static void
test_flipped_byte(void)
{
	struct check_report r;
	struct store *store = NULL;
	int64_t place, home;
	char path[160];
	uint8_t byte;
	int fd, rc, quick;

	byte_defaults(false);
	CHECK_INT(0, furnish(&store));
	place = byte_number(store, "SELECT place + stored - 20 FROM chunk WHERE size_bytes > 100 AND dead_at IS NULL");
	home = byte_number(store, "SELECT home FROM chunk WHERE size_bytes > 100 AND dead_at IS NULL");
	snprintf(path, sizeof(path), "%s/segments/%08llx.seg", test_tmpdir(), (unsigned long long)home);
	CHECK((fd = open(path, O_RDWR)) >= 0);
	CHECK(pread(fd, &byte, 1, place) == 1);
	byte ^= 0x10;
	CHECK(pwrite(fd, &byte, 1, place) == 1);
	close(fd);
	rc = check(store, false, &r);
	CHECK_INT(ERR_CORRUPT, rc);
	CHECK_INT(1, r.problems);
	CHECK(strstr(said, "damaged"));
	quick = check(store, true, &r);
	store_close(store);
	CHECK_INT(0, quick);
}

static void
test_missing_segment(void)
{
	struct check_report r;
	struct store *store = NULL;
	char path[160];
	int rc;

	byte_defaults(false);
	CHECK_INT(0, furnish(&store));
	store_close(store);
	snprintf(path, sizeof(path), "%s/segments/00000001.seg", test_tmpdir());
	CHECK_INT(0, unlink(path));
	CHECK_INT(0, store_open(test_tmpdir(), &byte_settings, &store));
	rc = check(store, true, &r);
	CHECK_INT(ERR_CORRUPT, rc);
	CHECK(strstr(said, "segment 1 is missing"));
	CHECK_INT(1, r.problems);
	rc = check(store, false, &r);
	CHECK_INT(ERR_CORRUPT, rc);
	CHECK(strstr(said, "its segment is missing"));
	store_close(store);
}

/* The chunk's bytes are another's: every CRC holds, the hash does not. */
static void
test_other_bytes(void)
{
	struct check_report r;
	struct store *store = NULL;
	int rc;

	byte_defaults(false);
	CHECK_INT(0, furnish(&store));
	CHECK_INT(0, byte_sql(store, "UPDATE chunk SET (home, place, stored, size_bytes) = (SELECT home, place, stored, size_bytes"
				     " FROM chunk WHERE hash = (SELECT max(hash) FROM chunk)) WHERE hash = (SELECT min(hash) FROM"
				     " chunk WHERE dead_at IS NULL)"));
	rc = check(store, false, &r);
	store_close(store);
	CHECK_INT(ERR_CORRUPT, rc);
	CHECK(strstr(said, "damaged"));
}

/* ---- how it runs ---- */

static int
stop_at_third(void *arg, uint64_t done, uint64_t total)
{
	(void)done;
	(void)total;
	return ++*(int *)arg == 3;
}

static int
watch(void *arg, uint64_t done, uint64_t total)
{
	uint64_t *last = arg;

	if (done < last[0] || (total && done > total))
		last[2] = 1;
	last[0] = done;
	last[1] = total;
	return 0;
}

static void
progress(void)
{
	uint64_t seen[3] = { 0 };
	struct check_report r;
	struct store *store = NULL;
	int calls = 0, stopped, rc;

	CHECK_INT(0, furnish(&store));
	stopped = store_check(store, false, NULL, stop_at_third, &calls, &r);
	rc = store_check(store, false, NULL, watch, seen, &r);
	store_close(store);
	CHECK_INT(ERR_CLOSED, stopped);
	CHECK_INT(0, rc);
	CHECK_INT(0, seen[2]);
	CHECK_INT(seen[1], seen[0]);
	CHECK_INT(r.bytes, seen[0]);
}
BOTH(progress)

/* ---- chunks that move between being listed and being read ---- */

struct mover {
	struct store *store;
	bool early;		/* when segments are listed and not walked yet, else between two chunks */
	int calls, count, rc;
};

static void
note_stderr(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "# %s\n", text);
}

static int
move_once(void *arg, uint64_t done, uint64_t total)
{
	struct mover *m = arg;

	(void)total;
	m->calls++;
	if ((m->early ? m->calls != 2 : done == 0) || m->count || m->rc)
		return 0;
	m->rc = move_all(m->store, &m->count);
	if (m->rc == 0)
		m->rc = byte_sql(m->store, "DELETE FROM segment WHERE home < (SELECT min(home) FROM chunk)");
	return 0;
}

static void
moves_at(bool early)
{
	struct ingest_options fine = BYTE_OPTIONS_FINE;
	struct mover m = { .early = early };
	struct check_report r;
	uint8_t *bytes = malloc(400000);
	int rc, made;

	byte_fill(bytes, 400000, 1);
	CHECK_INT(0, byte_open(&m.store));
	owner = byte_number(m.store, "SELECT min(id) FROM principal");
	made = make_bucket(m.store, "plain", VERSIONING_NEVER, 0);
	made = made ? made : put(m.store, "large", bytes, 400000, &fine);
	rc = store_check(m.store, false, note_stderr, move_once, &m, &r);
	store_close(m.store);
	free(bytes);
	CHECK_INT(0, made);
	CHECK_INT(0, m.rc);
	CHECK(m.count > 1000);
	CHECK_INT(0, rc);
	CHECK_INT(400000, r.bytes);
}

static void
moves(void)
{
	moves_at(false);
	test_tmpdir_remove();
	moves_at(true);
}
BOTH(moves)

/* ---- beside writers and collection ---- */

#define WRITERS 3

struct busy {
	struct store *store;
	pthread_t thread;
	int number, rc;
	int64_t passes;
};

static _Atomic bool stop;

static void *
write_on(void *arg)
{
	struct ingest_options fine = BYTE_OPTIONS_FINE;
	struct busy *b = arg;
	uint8_t *bytes = malloc(40000);
	char key[32];

	byte_fill(bytes, 40000, 9);
	for (int i = 0; b->rc == 0 && !stop; i++) {
		snprintf(key, sizeof(key), "w%d/%d/%d", b->number, i % 3, i % 7);
		if (i % 4 == 3)
			b->rc = delete(b->store, key);
		else
			b->rc = put(b->store, key, bytes + i % 11 * 100, (size_t)(i % 5) * 9000, &fine);
		b->passes++;
	}
	free(bytes);
	return NULL;
}

static void *
collect_on(void *arg)
{
	struct gc_report report;
	struct busy *b = arg;

	while (b->rc == 0 && !stop) {
		b->rc = gc_run(b->store, false, 0, NULL, NULL, &report);
		b->passes++;
	}
	return NULL;
}

/* A store that is sound is found so, however much goes on in it. */
static void
busy(void)
{
	struct busy writers[WRITERS], collector = { 0 };
	struct check_report r;
	struct store *store = NULL;
	int rc = 0, checks;

	byte_settings.segment_size = 8 << 20;
	stop = false;
	CHECK_INT(0, furnish(&store));
	collector.store = store;
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = (struct busy) { .store = store, .number = i };
		pthread_create(&writers[i].thread, NULL, write_on, &writers[i]);
	}
	pthread_create(&collector.thread, NULL, collect_on, &collector);
	for (checks = 0; rc == 0 && checks < 20; checks++)
		rc = check(store, checks % 4 == 1, &r);
	stop = true;
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	pthread_join(collector.thread, NULL);
	if (rc)
		fprintf(stderr, "%s", said);
	else
		rc = check(store, false, &r);
	store_close(store);
	CHECK_INT(0, rc);
	CHECK_INT(0, collector.rc);
	for (int i = 0; i < WRITERS; i++)
		CHECK_INT(0, writers[i].rc);
	fprintf(stderr, "# %lld puts and deletes, %lld passes beside %d checks\n",
	    (long long)(writers[0].passes + writers[1].passes + writers[2].passes), (long long)collector.passes, checks);
	CHECK(writers[0].passes && collector.passes);
}
BOTH(busy)

/* Damage everywhere is not told row by row. */
static void
test_much_damage(void)
{
	struct check_report r;
	struct store *store = NULL;
	char key[16];
	int rc, lines = 0;

	byte_defaults(true);
	CHECK_INT(0, furnish(&store));
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		CHECK_INT(0, put_text(store, key, key));
	}
	CHECK_INT(0, byte_sql(store, "UPDATE entry SET etag = x'62' WHERE kind = 1 AND live = 1"));
	rc = check(store, true, &r);
	for (const char *p = said; (p = strchr(p, '\n')); p++)
		lines++;
	store_close(store);
	CHECK_INT(ERR_CORRUPT, rc);
	CHECK(r.problems > 300);
	CHECK_INT(101, lines);
}

static const struct test tests[] = {
	TEST_BOTH(sound),
	TEST(test_rows),
	TEST(test_flipped_byte),
	TEST(test_missing_segment),
	TEST(test_other_bytes),
	TEST_BOTH(progress),
	TEST_BOTH(moves),
	TEST_BOTH(busy),
	TEST(test_much_damage),
	TEST_END
};
TEST_MAIN(tests)
