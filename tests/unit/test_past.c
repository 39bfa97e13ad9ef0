#include "clock.h"
#include "feed_trim.h"
#include "history.h"
#include "past_kit.h"
#include "tree.h"

#define MONTH_MS (30ll * 86400 * 1000)

static int64_t
sequence_now(void)
{
	struct workspace_row w;

	return workspace_get(store, space.id, &w) == 0 ? w.sequence : -1;
}

static int64_t
horizon_now(void)
{
	struct workspace_row w;

	return workspace_get(store, space.id, &w) == 0 ? w.past_horizon : -1;
}

/* ---- random operations, every sequence compared with what the feed says ---- */

static const char *
random_key(unsigned *seed)
{
	static const char *const parts[] = { "a", "b", "c/", "d/", "d/e/", "f" };
	static char key[64];

	key[0] = '\0';
	for (int i = rand_r(seed) % 3; i >= 0; i--) {
		strcat(key, parts[(unsigned)rand_r(seed) % 6]);
		if (key[strlen(key) - 1] != '/' && i)
			strcat(key, "/");
	}
	return key;
}

/* Ids of any file or folder that is or was there: by their order, since the ids themselves differ each time. */
static const char some_file[] = "SELECT id FROM file WHERE length(name) > 0 ORDER BY id LIMIT 1 "
				"OFFSET $1 % max(1, (SELECT count(*) FROM file WHERE length(name) > 0))";
static const char some_folder[] = "SELECT id FROM folder ORDER BY id LIMIT 1 OFFSET $1 % (SELECT count(*) FROM folder)";
static const char some_version[] = "SELECT id FROM file_version WHERE file_id = $1 ORDER BY id LIMIT 1";

/* A number from the database; 0: none. */
static int64_t
some(const char *sql, int64_t by)
{
	struct db_row row = DB_ROW_INIT;
	struct db_conn *db = NULL;
	int64_t id = 0;

	if (db_read_begin(store->db, &db) == 0 && db_one(db, sql, &row, DB_INT(by)) == 0)
		id = db_int(&row, 0);
	db_row_release(&row);
	db_read_end(db);
	return id;
}

/* What devices do, by ids; refusals are fine. */
static int
random_tree_step(unsigned *seed)
{
	static const char *const names[] = { "a", "b", "m", "n", "o" };
	unsigned what = (unsigned)rand_r(seed) % 100;
	enum node_kind kind = rand_r(seed) % 2 ? NODE_FILE : NODE_FOLDER;
	int64_t id = some(kind == NODE_FILE ? some_file : some_folder, rand_r(seed) % 1000 + 1);
	int64_t folder = some(some_folder, rand_r(seed) % 1000 + 1);
	struct slice name = SLICE(names[(unsigned)rand_r(seed) % 5]);
	struct actor actor = { 1, 0 };
	struct buf attributes = BUF_INIT(1024);
	int rc;

	if (what < 10)
		return tree_make(store, &(struct tree_make) { .workspace = space.id, .parent = folder, .name = name,
			.actor = actor }, NULL);
	if (what < 60)
		return tree_change(store, &(struct tree_change) { .workspace = space.id, .kind = kind, .id = id,
			.parent = folder, .name = name, .actor = actor }, NULL);
	if (what < 70)
		return tree_delete(store, &(struct tree_delete) { .workspace = space.id, .kind = kind, .id = id,
			.actor = actor, .seen_only = rand_r(seed) % 2, .seen = sequence_now() - 5 }, NULL);
	if (what < 85)
		return tree_undelete(store, &(struct tree_undelete) { .workspace = space.id, .kind = kind, .id = id,
			.actor = actor }, NULL);
	id = some(some_file, rand_r(seed) % 1000 + 1);
	if (what < 95)
		return tree_restore(store, &(struct tree_restore) { .workspace = space.id, .file = id,
			.version = some(some_version, id), .actor = actor }, NULL);
	meta_add(&attributes, "x-amz-meta-mtime", 16, name.p, 1);
	rc = tree_change(store, &(struct tree_change) { .workspace = space.id, .kind = NODE_FILE, .id = id,
		.attributes = &attributes, .actor = actor }, NULL);
	buf_release(&attributes);
	return rc;
}

static bool
refused(int rc)
{
	return rc == ERR_NOTFOUND || rc == ERR_EXISTS || rc == ERR_CONFLICT || rc == ERR_INVALID || rc == ERR_TOOBIG;
}

static int
random_step(unsigned *seed)
{
	char text[32];
	const char *key = random_key(seed);
	struct object_delete d;
	struct object_info info = OBJECT_INFO_INIT;
	unsigned what = (unsigned)rand_r(seed) % 100;
	int rc;

	if (rand_r(seed) % 2) {
		rc = random_tree_step(seed);
		return refused(rc) ? 0 : rc;
	}
	snprintf(text, sizeof(text), "text %d", rand_r(seed) % 1000);
	if (what < 55)
		return obj_put(key, text, NULL);
	if (what < 95)
		return obj_delete(key, 0, &d);
	rc = object_find(store, space.id, SLICE(key), 0, &info);
	if (info.version_id && (rc == 0 || rc == ERR_NOTFOUND))
		rc = obj_delete(key, info.version_id, &d);
	object_info_release(&info);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static void
random_run(int64_t history_ms, int versioning, unsigned seed, int steps)
{
	int64_t compared = 0, from;

	fprintf(stderr, "# seed %u\n", seed);
	CHECK_INT(0, obj_open(history_ms, versioning));
	for (int i = 0; i < steps; i++) {
		CHECK_INT(0, random_step(&seed));
		if (versioning && i == steps / 2)
			CHECK_INT(0, obj_versioning(VERSIONING_SUSPENDED));
		if (i % 20 == 19) {
			from = sequence_now() - 25;
			CHECK_INT(0, past_compare(from > 0 ? from : 0, &compared));
		}
	}
	CHECK_INT(0, past_compare(0, &compared));
	CHECK_SOUND();
	fprintf(stderr, "# %lld trees, horizon %lld of %lld\n", (long long)compared, (long long)horizon_now(),
	    (long long)sequence_now());
	CHECK(compared > (history_ms ? steps / 10 : 0));	/* without a history nearly every step moves the horizon */
	obj_close();
}

/* The same each time, but for others by hand. */
static unsigned
seed_of(unsigned usual)
{
	const char *text = getenv("SEED");

	return text ? (unsigned)atoi(text) : usual;
}

static void
test_every_sequence(void)
{
	random_run(MONTH_MS, VERSIONING_NEVER, seed_of(1), 300);
}

static void
test_every_sequence_versioned(void)
{
	random_run(MONTH_MS, VERSIONING_ENABLED, seed_of(2), 300);
}

static void
test_every_sequence_without_history(void)
{
	random_run(0, VERSIONING_NEVER, seed_of(3), 200);
}

static void
test_every_sequence_versioned_without_history(void)
{
	random_run(0, VERSIONING_ENABLED, seed_of(4), 200);
}

/* ---- the horizon ---- */

static void
test_before_the_horizon(void)
{
	struct buf text = BUF_INIT(65536);
	int64_t first;
	int rc;

	CHECK_INT(0, obj_open(0, VERSIONING_NEVER));
	CHECK_INT(0, obj_put("a", "1", NULL));
	CHECK_INT(0, obj_put("b", "1", NULL));
	first = sequence_now();
	CHECK_INT(0, horizon_now());
	CHECK_INT(0, past_text(0, 10, &text));		/* an empty tree */
	CHECK_INT(0, text.len);
	CHECK_INT(0, past_text(first, 10, &text));
	CHECK_INT(ERR_INVALID, past_text(first + 1, 10, &text));	/* it is not yet */
	CHECK_INT(0, obj_put("a", "2", NULL));		/* what "a" held is gone */
	CHECK_INT(first + 1, horizon_now());
	CHECK_INT(ERR_EXPIRED, past_text(first, 10, &text));
	CHECK_INT(ERR_EXPIRED, past_keys(first, 10, &text));
	past_version_of("b", first, &rc);
	CHECK_INT(ERR_EXPIRED, rc);
	CHECK_INT(0, past_text(first + 1, 10, &text));
	buf_release(&text);
	obj_close();
}

/* A destroyed version takes away the time in which it was current, and no more. */
static void
test_destroyed_versions(void)
{
	struct object_info v[3] = { OBJECT_INFO_INIT, OBJECT_INFO_INIT, OBJECT_INFO_INIT };
	int rc;

	CHECK_INT(0, obj_open(MONTH_MS, VERSIONING_ENABLED));
	for (int i = 0; i < 3; i++)
		CHECK_INT(0, obj_put("a", "text", &v[i]));
	CHECK_INT(0, obj_delete("a", v[1].version_id, NULL));
	CHECK_INT(v[2].sequence, horizon_now());
	CHECK_INT(v[2].version_id, past_version_of("a", v[2].sequence, &rc));
	CHECK_INT(0, obj_delete("a", v[2].version_id, NULL));	/* it was current */
	CHECK_INT(sequence_now(), horizon_now());
	CHECK_INT(v[0].version_id, past_version_of("a", sequence_now(), &rc));
	obj_close();
}

/* Never versioned: what is deleted by its version's name is kept as what is deleted by its own. */
static void
test_named_versions(void)
{
	static const char *const keys[] = { "a", "b" };
	struct object_info v[2] = { OBJECT_INFO_INIT, OBJECT_INFO_INIT };
	int rc;

	CHECK_INT(0, obj_open(MONTH_MS, VERSIONING_NEVER));
	for (int i = 0; i < 2; i++) {
		CHECK_INT(0, obj_put(keys[i], "text", NULL));
		CHECK_INT(0, obj_put(keys[i], "text", &v[i]));
		CHECK_INT(0, obj_delete(keys[i], i ? v[i].version_id : VERSION_NULL, NULL));
	}
	CHECK_INT(0, horizon_now());
	for (int i = 0; i < 2; i++)
		CHECK_INT(v[i].version_id, past_version_of(keys[i], v[i].sequence, &rc));
	CHECK_INT(16, obj_number("SELECT history_bytes FROM workspace"));
	obj_close();
}

static void
test_expiry_moves_the_horizon(void)
{
	struct buf text = BUF_INIT(65536);
	unsigned n;

	CHECK_INT(0, obj_open(MONTH_MS, VERSIONING_NEVER));
	CHECK_INT(0, obj_put("a/b", "1", NULL));	/* 1 folder, 2 file */
	CHECK_INT(0, obj_put("a/b", "2", NULL));	/* 3 */
	CHECK_INT(0, obj_delete("a/b", 0, NULL));	/* 4 file, 5 folder */
	CHECK_INT(0, horizon_now());
	CHECK_INT(0, past_text(2, 10, &text));
	CHECK_INT(0, history_expire(store, clock_wall_us() + (MONTH_MS + 1000) * 1000, 100, &n));
	CHECK_INT(2, n);
	CHECK_INT(ERR_EXPIRED, past_text(2, 10, &text));
	CHECK_INT(4, horizon_now());
	CHECK_INT(0, past_expire(store, clock_wall_us() + 86400ll * 1000000, 100, &n));
	CHECK_INT(0, n);				/* a folder left its place a day ago, and the history has a month */
	CHECK_INT(0, past_expire(store, clock_wall_us() + (MONTH_MS + 1000) * 1000, 100, &n));
	CHECK_INT(0, n);				/* the feed still has that */
	CHECK_INT(0, feed_trim(store, &(struct feed_keep) { .keep_min = 0 }, clock_wall_us() + (MONTH_MS + 1000) * 1000, 100, &n));
	CHECK_INT(5, n);
	CHECK_INT(0, past_expire(store, clock_wall_us() + (MONTH_MS + 1000) * 1000, 100, &n));
	CHECK_INT(1, n);
	CHECK_INT(5, horizon_now());			/* places go with time too */
	CHECK_INT(0, obj_number("SELECT count(*) FROM entry_past"));
	CHECK_INT(0, past_text(5, 10, &text));
	buf_release(&text);
	obj_close();
}

/* A listing that began goes on where content is lost meanwhile: the feed from its sequence on tells the rest. */
static void
test_pages_outlive_the_horizon(void)
{
	struct principal admin = { .id = 1, .admin = true };
	struct past_tree_query q = { .workspace = space.id, .who = &admin, .max = 1 };
	struct past_tree_end end = PAST_TREE_END_INIT;
	struct lines l = { .n = 0 };
	struct buf text = BUF_INIT(65536);

	CHECK_INT(0, obj_open(0, VERSIONING_NEVER));
	q.workspace = space.id;
	for (int i = 0; i < 3; i++)
		CHECK_INT(0, obj_put((const char *[]) { "a", "b", "c" }[i], "1", NULL));
	q.when.sequence = sequence_now();
	CHECK_INT(0, past_tree(store, &q, past_node, &l, &end));
	CHECK(end.more);
	q.folder = end.folder;
	q.name = SLICE("a");
	q.max = 10;
	CHECK_INT(0, obj_put("b", "later", NULL));
	CHECK_INT(0, obj_delete("c", 0, NULL));
	CHECK_INT(ERR_EXPIRED, past_tree(store, &q, past_node, &l, &end));
	q.again = true;
	CHECK_INT(0, past_tree(store, &q, past_node, &l, &end));
	CHECK(!end.more);
	CHECK_INT(2, l.n);				/* "a", and "b" as it is now; "c" is gone, as the feed says */
	lines_join(&l, &text);
	CHECK(strstr(text.data, " 5\nb") || strstr(text.data, "\nb "));
	buf_release(&text);
	past_tree_end_release(&end);
	obj_close();
}

/* ---- times ---- */

static void
test_moments(void)
{
	struct past_when w, same;

	CHECK_INT(0, past_when_parse("4711", &w));
	CHECK(!w.is_time && w.sequence == 4711);
	CHECK_INT(0, past_when_parse("20261122t100000z", &w));
	CHECK(w.is_time);
	CHECK_INT(0, past_when_parse("2026-11-22T10:00:00Z", &same));
	CHECK_INT(w.time_us, same.time_us);
	CHECK_INT(0, past_when_parse("20261122T100000Z", &same));
	CHECK_INT(w.time_us, same.time_us);
	for (const char *const *bad = (const char *const[]) { "", "-1", "1x", "20261322t100000z", "now",
		 "99999999999999999999", "20261122t100000", NULL }; *bad; bad++)
		CHECK_INT(ERR_INVALID, past_when_parse(*bad, &w));
}

static const char time_of[] = "SELECT occurred_at FROM change_event WHERE sequence = $1";

static int64_t
occurred(int64_t sequence)
{
	return some(time_of, sequence);
}

static void
test_times_become_sequences(void)
{
	struct past_when w = { .is_time = true };
	int64_t got, us;
	char key[16];

	CHECK_INT(0, obj_open(MONTH_MS, VERSIONING_NEVER));
	for (int i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		CHECK_INT(0, obj_put(key, "x", NULL));
	}
	for (int64_t s = 1; s <= 20; s++) {
		us = occurred(s);
		w.time_us = us;
		CHECK_INT(0, past_resolve(store, space.id, &w, &got));
		CHECK(got >= s && occurred(got) == us);	/* the last of that microsecond */
		w.time_us = us - 1;
		CHECK_INT(0, past_resolve(store, space.id, &w, &got));
		CHECK(got < s);
	}
	w.time_us = occurred(1) - 1000;
	CHECK_INT(0, past_resolve(store, space.id, &w, &got));
	CHECK_INT(0, got);				/* before all of it there was nothing */
	w.time_us = clock_wall_us() + 60000000;
	CHECK_INT(ERR_INVALID, past_resolve(store, space.id, &w, &got));
	obj_close();
}

static const struct test tests[] = {
	TEST(test_every_sequence),
	TEST(test_every_sequence_versioned),
	TEST(test_every_sequence_without_history),
	TEST(test_every_sequence_versioned_without_history),
	TEST(test_before_the_horizon),
	TEST(test_destroyed_versions),
	TEST(test_named_versions),
	TEST(test_expiry_moves_the_horizon),
	TEST(test_pages_outlive_the_horizon),
	TEST(test_moments),
	TEST(test_times_become_sequences),
	TEST_END
};
TEST_MAIN(tests)
