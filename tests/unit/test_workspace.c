#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

#include "access_kit.h"
#include "commit.h"
#include "db.h"
#include "feed.h"
#include "gc.h"
#include "store_in.h"
#include "upload.h"

static void
test_names(void)
{
	static const char *const good[] = { "abc", "a1b", "my-bucket.of.things", "0-9", "192.168.5.4.5", "1.2.3", "1.2.3.4a",
		"v1x", "a.b-c", "metrics2" };
	static const char *const bad[] = { "", "ab", "Abc", "a_b", "-abc", "abc-", ".abc", "abc.", "a..b", "192.168.5.4",
		"1.2.3.4", "xn--abc", "sthree-abc", "amzn-s3-demo-x", "abc-s3alias", "abc--ol-s3", "abc.mrap", "abc--x-s3",
		"abc--table-s3", "metrics", "healthz", "readyz", "favicon.ico", "console", "static", "v1", "l", "abc--at-5",
		"a b", "a/b", "abc\n", "\xc3\xa4\xc3\xa4\xc3\xa4" };
	char longest[LIMIT_BUCKET_NAME + 2];
	const char *why;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (workspace_name_check(good[i], &why))
			test_fail(__FILE__, __LINE__, good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = NULL;
		if (workspace_name_check(bad[i], &why) != ERR_INVALID || !why || !*why)
			test_fail(__FILE__, __LINE__, bad[i]);
	}
	memset(longest, 'x', sizeof(longest));
	longest[LIMIT_BUCKET_NAME + 1] = '\0';
	CHECK_INT(ERR_INVALID, workspace_name_check(longest, &why));
	longest[LIMIT_BUCKET_NAME] = '\0';
	CHECK_INT(0, workspace_name_check(longest, &why));
}

static void
test_create_find_list(void)
{
	struct workspace_row ws, found, rows[20];
	struct principal admin;
	struct store *s = NULL;
	char name[32];
	unsigned n;

	CHECK_INT(0, kit_open(&s));
	CHECK_INT(0, principal_find(s, "admin", &admin));
	CHECK_INT(ERR_NOTFOUND, workspace_find(s, "space-00", &found));	/* and that is cached */
	for (int i = 9; i >= 0; i--) {
		snprintf(name, sizeof(name), "space-%02d", i);
		CHECK_INT(0, kit_workspace(s, name, admin.id, 5000, &ws));
		CHECK_INT(ERR_EXISTS, kit_workspace(s, name, admin.id, 0, &found));
	}
	CHECK_INT(0, workspace_find(s, "space-00", &found));
	CHECK_INT(ws.id, found.id);
	CHECK_STR("space-00", found.display_name);
	CHECK_STR("us-east-1", found.region);
	CHECK(found.root_folder_id != 0 && found.history_ms == 5000 && found.created_at > 0);
	CHECK(found.chunk_min == CHUNK_MIN && found.chunk_avg == CHUNK_AVG && found.chunk_max == CHUNK_MAX);
	CHECK_INT(0, workspace_find(s, "space-00", &found));
	CHECK_INT(ws.id, found.id);
	CHECK_INT(0, workspace_get(s, ws.id, &found));
	CHECK_STR("space-00", found.name);
	CHECK_INT(0, workspace_list(s, "", rows, 20, &n));
	CHECK_INT(10, n);
	for (unsigned i = 1; i < n; i++)
		CHECK(strcmp(rows[i - 1].name, rows[i].name) < 0);
	CHECK_INT(0, workspace_list(s, "space-07", rows, 20, &n));
	CHECK_INT(2, n);
	CHECK_INT(ERR_INVALID, kit_workspace(s, "Bad", admin.id, 0, &ws));
	CHECK_INT(ERR_INVALID, kit_workspace(s, "negative", admin.id, -1, &ws));
	CHECK_INT(ERR_NOTFOUND, kit_workspace(s, "orphan", 1, 0, &ws));
	CHECK_INT(ERR_NOTFOUND, workspace_find(s, "orphan", &ws));
	CHECK_INT(ERR_NOTFOUND, workspace_find(s,
	    "a-name-that-is-far-longer-than-any-bucket-may-have-and-so-is-never-looked-up-at-all", &ws));
	store_close(s);
}

static void
test_settings(void)
{
	struct workspace_set set = WORKSPACE_SET_NONE;
	struct principal admin, ann;
	struct workspace_row ws, found;
	struct store *s = NULL;
	char longest[300];

	CHECK_INT(0, kit_open(&s));
	CHECK_INT(0, principal_find(s, "admin", &admin));
	CHECK_INT(0, principal_create(s, "ann", false, false, &ann));
	CHECK_INT(0, kit_workspace(s, "space", admin.id, 7, &ws));
	CHECK_INT(0, workspace_find(s, "space", &found));
	CHECK_INT(0, workspace_set(s, ws.id, &set, (struct actor) { 0 }));
	CHECK_INT(0, workspace_find(s, "space", &found));
	CHECK(found.history_ms == 7 && found.quota_bytes == 0 && found.versioning == VERSIONING_NEVER);

	set.quota_bytes = 1000;
	set.display_name = "Räume";
	CHECK_INT(0, workspace_set(s, ws.id, &set, (struct actor) { 0 }));
	CHECK_INT(0, workspace_find(s, "space", &found));
	CHECK_INT(1000, found.quota_bytes);
	CHECK_STR("Räume", found.display_name);
	CHECK_INT(7, found.history_ms);

	set = (struct workspace_set) WORKSPACE_SET_NONE;
	set.versioning = VERSIONING_ENABLED;
	CHECK_INT(0, workspace_set(s, ws.id, &set, (struct actor) { 0 }));
	set.versioning = VERSIONING_NEVER;
	CHECK_INT(ERR_CONFLICT, workspace_set(s, ws.id, &set, (struct actor) { 0 }));
	set.versioning = 3;
	CHECK_INT(ERR_INVALID, workspace_set(s, ws.id, &set, (struct actor) { 0 }));
	set.versioning = VERSIONING_SUSPENDED;
	CHECK_INT(0, workspace_set(s, ws.id, &set, (struct actor) { 0 }));
	CHECK_INT(0, workspace_find(s, "space", &found));
	CHECK_INT(VERSIONING_SUSPENDED, found.versioning);

	set = (struct workspace_set) WORKSPACE_SET_NONE;
	memset(longest, 'x', sizeof(longest));
	longest[256] = '\0';
	set.display_name = longest;
	CHECK_INT(ERR_INVALID, workspace_set(s, ws.id, &set, (struct actor) { 0 }));
	longest[255] = '\0';
	CHECK_INT(0, workspace_set(s, ws.id, &set, (struct actor) { 0 }));
	set.display_name = "a\nb";
	CHECK_INT(ERR_INVALID, workspace_set(s, ws.id, &set, (struct actor) { 0 }));
	set.display_name = "\xff";
	CHECK_INT(ERR_INVALID, workspace_set(s, ws.id, &set, (struct actor) { 0 }));
	CHECK_INT(ERR_NOTFOUND, workspace_set(s, 1, &(struct workspace_set)WORKSPACE_SET_NONE, (struct actor) { 0 }));
	store_close(s);
}

static void
owners(void *arg, const struct event *event, struct slice path)
{
	int64_t *seen = arg;

	(void)path;
	if (event->type == EVENT_SHARE_REVOKED)
		seen[0] = event->principal;
	if (event->type == EVENT_SHARE_GRANTED && event->role == ROLE_OWNER)
		seen[1] = event->principal;
}

static void
test_a_new_owner(void)
{
	struct workspace_set set = WORKSPACE_SET_NONE;
	struct principal ann, bob;
	struct workspace_row ws, found;
	struct store *s = NULL;
	int64_t seen[2] = { 0 }, last;
	bool more;

	CHECK_INT(0, kit_open(&s));
	CHECK_INT(0, principal_create(s, "ann", false, false, &ann));
	CHECK_INT(0, principal_create(s, "bob", false, false, &bob));
	CHECK_INT(0, kit_workspace(s, "space", ann.id, 0, &ws));
	CHECK_INT(0, perm_check(s, &ann, ACTION_MANAGE, ws.id, SLICE("")));
	CHECK_INT(ERR_DENIED, perm_check(s, &bob, ACTION_READ, ws.id, SLICE("x")));
	set.owner_id = 1;
	CHECK_INT(ERR_NOTFOUND, workspace_set(s, ws.id, &set, (struct actor) { 0 }));
	set.owner_id = bob.id;
	CHECK_INT(0, workspace_set(s, ws.id, &set, (struct actor) { ann.id, 0 }));
	CHECK_INT(ERR_DENIED, perm_check(s, &ann, ACTION_READ, ws.id, SLICE("x")));
	CHECK_INT(0, perm_check(s, &bob, ACTION_MANAGE, ws.id, SLICE("")));
	CHECK_INT(0, workspace_get(s, ws.id, &found));
	CHECK_INT(bob.id, found.owner_id);
	CHECK_INT(0, feed_read(s, ws.id, 0, 10, owners, seen, &last, &more));
	CHECK_INT(ann.id, seen[0]);
	CHECK_INT(bob.id, seen[1]);
	CHECK_INT(0, principal_delete(s, ann.id));
	CHECK_INT(ERR_NOTEMPTY, principal_delete(s, bob.id));
	store_close(s);
}

/* Holds the committer, so that what comes next shares a batch. */
static int
run_hold(struct txn *t, void *arg)
{
	sem_t *steps = arg;

	(void)t;
	sem_post(&steps[0]);
	sem_wait(&steps[1]);
	return 0;
}

struct turn {
	struct store *store;
	pthread_t thread;
	_Atomic pid_t tid;
	int64_t workspace, principal;	/* who becomes its owner; 0: who is deleted */
	sem_t *steps;
	int rc;
};

static void *
take_turn(void *arg)
{
	struct turn *u = arg;
	struct workspace_set set = WORKSPACE_SET_NONE;

	set.owner_id = u->principal;
	u->tid = gettid();
	if (u->steps)
		u->rc = commit_run(u->store, &(struct commit) { .run = run_hold, .arg = u->steps });
	else if (u->workspace)
		u->rc = workspace_set(u->store, u->workspace, &set, (struct actor) { 0 });
	else
		u->rc = principal_delete(u->store, u->principal);
	return NULL;
}

/* Until it sleeps, which it does once it stands in the committer's queue: no other thread runs meanwhile that it could wait for. */
static void
settle(const struct turn *u)
{
	char path[64], stat[128];
	const char *state;
	int asleep = 0;
	FILE *f;

	for (int i = 0; i < 60000 && asleep < 5; i++) {
		usleep(1000);
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)u->tid);
		if (!u->tid || !(f = fopen(path, "r")))
			continue;
		state = fgets(stat, sizeof(stat), f) ? strrchr(stat, ')') : NULL;
		asleep = state && state[1] && state[2] == 'S' ? asleep + 1 : 0;
		fclose(f);
	}
}

/* Who was made an owner a moment ago, in the same batch, can't be deleted. */
static void
test_a_new_owner_stays(void)
{
	struct principal ann, bob;
	struct workspace_row ws;
	struct store *s = NULL;
	sem_t steps[2];

	sem_init(&steps[0], 0, 0);
	sem_init(&steps[1], 0, 0);
	CHECK_INT(0, kit_open(&s));
	CHECK_INT(0, principal_create(s, "ann", false, false, &ann));
	CHECK_INT(0, principal_create(s, "bob", false, false, &bob));
	CHECK_INT(0, kit_workspace(s, "space", ann.id, 0, &ws));
	struct turn turns[] = { { .store = s, .steps = steps },
		{ .store = s, .workspace = ws.id, .principal = bob.id }, { .store = s, .principal = bob.id } };
	for (int i = 0; i < 3; i++) {
		pthread_create(&turns[i].thread, NULL, take_turn, &turns[i]);
		if (i == 0)
			sem_wait(&steps[0]);
		else
			settle(&turns[i]);
	}
	sem_post(&steps[1]);
	for (int i = 0; i < 3; i++)
		pthread_join(turns[i].thread, NULL);
	CHECK_INT(0, turns[1].rc);
	CHECK_INT(ERR_NOTEMPTY, turns[2].rc);
	store_close(s);
}

/* Nothing of any workspace is left in any table, and its bytes have lost their last reference. */
static void
check_nothing_left(struct store *s)
{
	static const char *const left[] = {
		"SELECT count(*) FROM workspace", "SELECT count(*) FROM folder", "SELECT count(*) FROM entry",
		"SELECT count(*) FROM entry_past", "SELECT count(*) FROM file", "SELECT count(*) FROM file_version",
		"SELECT count(*) FROM upload", "SELECT count(*) FROM upload_part", "SELECT count(*) FROM leaf",
		"SELECT count(*) FROM share_grant", "SELECT count(*) FROM change_event",
		"SELECT count(*) FROM chunk",
	};
	struct gc_report report;
	struct db_conn *c = NULL;

	/* Leaves and chunks are only tombstones. */
	CHECK_INT(0, gc_run(s, false, 0, NULL, NULL, &report));
	CHECK_INT(0, db_read_begin(s->db, &c));
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		struct db_row row = DB_ROW_INIT;

		if (db_one0(c, left[i], &row) || db_int(&row, 0))
			test_fail(__FILE__, __LINE__, left[i]);
		db_row_release(&row);
	}
	db_read_end(c);
}

static void
test_deletion(void)
{
	struct principal admin, ann;
	struct workspace_row ws, again;
	struct store *s = NULL;

	CHECK_INT(0, kit_open(&s));
	CHECK_INT(0, principal_find(s, "admin", &admin));
	CHECK_INT(0, principal_create(s, "ann", false, false, &ann));
	CHECK_INT(0, kit_workspace(s, "space", admin.id, 0, &ws));
	CHECK_INT(0, grant_add(s, ws.id, SLICE(""), ann.id, ROLE_EDITOR, (struct actor) { 0 }));
	CHECK_INT(0, kit_put(s, ws.id, "a/b/c", "some bytes", admin.id));
	CHECK_INT(ERR_NOTEMPTY, workspace_delete(s, ws.id, (struct actor) { 0 }));
	CHECK_INT(0, workspace_find(s, "space", &again));
	CHECK_INT(0, kit_delete(s, ws.id, "a/b/c", admin.id));
	CHECK_INT(0, workspace_delete(s, ws.id, (struct actor) { 0 }));
	CHECK_INT(ERR_NOTFOUND, workspace_find(s, "space", &again));
	CHECK_INT(ERR_NOTFOUND, workspace_get(s, ws.id, &again));
	CHECK_INT(ERR_NOTFOUND, workspace_delete(s, ws.id, (struct actor) { 0 }));
	CHECK_INT(ERR_NOTFOUND, kit_put(s, ws.id, "a/b/c", "late", admin.id));
	CHECK_INT(ERR_DENIED, perm_check(s, &ann, ACTION_READ, ws.id, SLICE("x")));
	check_nothing_left(s);
	CHECK_INT(0, kit_workspace(s, "space", admin.id, 0, &again));
	CHECK(again.id != ws.id);
	CHECK_INT(ERR_DENIED, perm_check(s, &ann, ACTION_READ, again.id, SLICE("x")));
	store_close(s);
}

/* A delete marker, or a version under it, is something that S3 shows: the bucket is not empty. */
static void
test_versions_and_markers_keep_it(void)
{
	struct workspace_set set = WORKSPACE_SET_NONE;
	struct principal admin;
	struct workspace_row ws;
	struct store *s = NULL;

	CHECK_INT(0, kit_open(&s));
	CHECK_INT(0, principal_find(s, "admin", &admin));
	CHECK_INT(0, kit_workspace(s, "space", admin.id, 0, &ws));
	set.versioning = VERSIONING_ENABLED;
	CHECK_INT(0, workspace_set(s, ws.id, &set, (struct actor) { 0 }));
	CHECK_INT(0, kit_put(s, ws.id, "k", "some bytes", admin.id));
	CHECK_INT(0, kit_delete(s, ws.id, "k", admin.id));
	CHECK_INT(ERR_NOTEMPTY, workspace_delete(s, ws.id, (struct actor) { 0 }));
	store_close(s);
}

/* Trash, history, open uploads and a long feed are more than one piece, and none of them keeps a bucket. */
static void
test_what_s3_does_not_see_goes_along(void)
{
	struct workspace_row ws, now;
	struct principal admin;
	struct store *s = NULL;
	char key[32], text[32];
	int64_t upload;

	CHECK_INT(0, kit_open(&s));
	CHECK_INT(0, principal_find(s, "admin", &admin));
	CHECK_INT(0, kit_workspace(s, "space", admin.id, 1000000, &ws));
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "dir%d/file%d", i % 7, i);
		for (int k = 0; k < 3; k++) {
			snprintf(text, sizeof(text), "text %d of %d", k, i);
			CHECK_INT(0, kit_put(s, ws.id, key, text, admin.id));
		}
	}
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "dir%d/file%d", i % 7, i);
		CHECK_INT(0, kit_delete(s, ws.id, key, admin.id));
	}
	for (int i = 0; i < 900; i++) {
		CHECK_INT(0, grant_add(s, ws.id, SLICE(""), admin.id, ROLE_VIEWER, (struct actor) { 0 }));
		CHECK_INT(0, grant_remove(s, ws.id, SLICE(""), admin.id, (struct actor) { 0 }));
	}
	for (int i = 0; i < 3; i++) {
		struct buf headers = BUF_INIT(64);
		struct upload_create create = { .workspace = ws.id, .key = SLICE("big"), .headers = &headers };
		struct ingest_options options = { .size = 9, .md5 = true, .leaves = true };
		struct upload_part part = { .number = 1 };
		struct ingest_result result;
		struct ingest *in = NULL;
		size_t used;

		CHECK_INT(0, upload_create(s, &create, &upload));
		CHECK_INT(0, ingest_new(s, &options, &in));
		CHECK_INT(0, ingest_write(in, "part data", 9, &used));
		CHECK_INT(0, ingest_finish(in, &result));
		part.size = 9;
		CHECK_INT(0, upload_put_part(s, ws.id, upload, &result, &part));
		ingest_free(in);
	}
	CHECK_INT(0, workspace_get(s, ws.id, &now));
	CHECK(now.sequence > 2000 && now.history_bytes > 0);
	CHECK_INT(0, workspace_delete(s, ws.id, (struct actor) { 0 }));
	check_nothing_left(s);
	store_close(s);
}

/* ---- races ---- */

struct race {
	struct store *store;
	int64_t owner, workspace;
	atomic_int won, lost, other;
};

static void *
create_same(void *arg)
{
	struct race *race = arg;
	struct workspace_row ws;

	for (int i = 0; i < 20; i++) {
		char name[32];
		int rc;

		snprintf(name, sizeof(name), "same-%d", i);
		rc = kit_workspace(race->store, name, race->owner, 0, &ws);
		atomic_fetch_add(rc == 0 ? &race->won : rc == ERR_EXISTS ? &race->lost : &race->other, 1);
	}
	return NULL;
}

static void
test_one_of_many_gets_the_name(void)
{
	struct race race = { 0 };
	struct principal admin;
	pthread_t threads[4];
	struct store *s = NULL;

	CHECK_INT(0, kit_open(&s));
	CHECK_INT(0, principal_find(s, "admin", &admin));
	race.store = s;
	race.owner = admin.id;
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, create_same, &race);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(20, race.won);
	CHECK_INT(60, race.lost);
	store_close(s);
}

static void *
keep_putting(void *arg)
{
	struct race *race = arg;
	int rc;

	while ((rc = kit_put(race->store, race->workspace, "k", "text", race->owner)) == 0) {
		atomic_fetch_add(&race->won, 1);
		rc = kit_delete(race->store, race->workspace, "k", race->owner);
		if (rc)
			break;
	}
	atomic_store(&race->other, rc);
	return NULL;
}

/* Deleted while somebody writes: each write either was refused or kept the bucket. */
static void
test_deletion_against_writers(void)
{
	struct principal admin;
	struct workspace_row ws;
	struct store *s = NULL;
	pthread_t thread;
	int rc;

	CHECK_INT(0, kit_open(&s));
	CHECK_INT(0, principal_find(s, "admin", &admin));
	for (int i = 0; i < 10; i++) {
		struct race race = { .store = s, .owner = admin.id };

		CHECK_INT(0, kit_workspace(s, "space", admin.id, i % 2 ? 1000000 : 0, &ws));
		race.workspace = ws.id;
		pthread_create(&thread, NULL, keep_putting, &race);
		while (race.won < 5)
			;
		while ((rc = workspace_delete(s, ws.id, (struct actor) { 0 })) == ERR_NOTEMPTY)
			;
		pthread_join(thread, NULL);
		CHECK_INT(0, rc);
		CHECK_INT(ERR_NOTFOUND, race.other);
		check_nothing_left(s);
	}
	store_close(s);
}

static const struct test tests[] = {
	TEST(test_names),
	TEST(test_create_find_list),
	TEST(test_settings),
	TEST(test_a_new_owner),
	TEST(test_a_new_owner_stays),
	TEST(test_deletion),
	TEST(test_versions_and_markers_keep_it),
	TEST(test_what_s3_does_not_see_goes_along),
	TEST(test_one_of_many_gets_the_name),
	TEST(test_deletion_against_writers),
	TEST_END
};
TEST_MAIN(tests)
