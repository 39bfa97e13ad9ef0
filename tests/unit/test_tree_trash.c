#include "clock.h"
#include "history.h"
#include "tree_kit.h"

#define DAY_MS 86400000ll

static void
test_a_file_is_deleted_and_comes_back(void)
{
	struct object_info info = { 0 };
	int64_t before;
	int rc;

	CHECK_INT(0, obj_open(DAY_MS, 0));
	CHECK_INT(0, obj_put("a/b/f", "one", NULL));
	CHECK_INT(0, obj_put("a/b/f", "text", &info));
	deleted = (struct tree_delete) { .workspace = space.id, .kind = NODE_FILE, .id = info.file_id, .base = 1,
		.actor = { 1, 0 } };
	CHECK_INT(ERR_PRECONDITION, tree_delete(store, &deleted, NULL));
	CHECK_INT(info.version_id, deleted.current);
	CHECK_INT(ERR_EXISTS, kit_undelete(NODE_FILE, info.file_id, 0, NULL));
	CHECK_INT(info.file_id, undeleted.existing);
	CHECK_INT(0, kit_remove(NODE_FILE, info.file_id, -1));
	CHECK_INT(1, deleted.deleted);
	CHECK_INT(kit_now(), deleted.sequence);
	CHECK_INT(ERR_NOTFOUND, kit_remove(NODE_FILE, info.file_id, -1));
	CHECK_INT(ERR_NOTFOUND, kit_move(NODE_FILE, info.file_id, 0, "x"));
	CHECK(!FOLDER("a"));
	/* Its folders ended with it and are made again, where they were. */
	before = kit_now();
	CHECK_INT(0, kit_undelete(NODE_FILE, info.file_id, 0, NULL));
	CHECK_STR("FOLDER_CREATED a/\nFOLDER_CREATED b/\nFILE_CREATED \nFILE_RESTORED f .\n", kit_feed(before));
	CHECK_STR("text", obj_text("a/b/f", 0, &rc));
	CHECK_INT(3, obj_number("SELECT history_bytes FROM workspace"));
	CHECK_SOUND();
	/* Its name is taken meanwhile. */
	CHECK_INT(0, kit_remove(NODE_FILE, info.file_id, -1));
	CHECK_INT(0, obj_put("a/b/f", "other", NULL));
	CHECK_INT(ERR_EXISTS, kit_undelete(NODE_FILE, info.file_id, 0, NULL));
	CHECK_INT(FILE_ID("a/b/f"), undeleted.existing);
	CHECK_INT(0, kit_undelete(NODE_FILE, info.file_id, FOLDER(""), "back"));
	CHECK_STR("text", obj_text("back", 0, &rc));
	CHECK_INT(info.file_id, FILE_ID("back"));
	CHECK_SOUND();
	CHECK_INT(0, kit_check());
	obj_close();
}

static void
test_a_folder_goes_to_the_trash(void)
{
	int64_t before, d, e, f;
	int rc;

	CHECK_INT(0, obj_open(DAY_MS, 0));
	CHECK_INT(0, obj_put("p/d/e/f", "four", NULL));
	CHECK_INT(0, obj_put("p/d/e/f", "five5", NULL));
	CHECK_INT(0, obj_put("p/d/g", "two", NULL));
	CHECK_INT(0, kit_make(FOLDER("p"), "d"));
	CHECK_STR("two", obj_text("p/d/g", 0, &rc));
	d = FOLDER("p/d");
	e = FOLDER("p/d/e");
	f = FILE_ID("p/d/e/f");
	before = kit_now();
	deleted = (struct tree_delete) { .workspace = space.id, .kind = NODE_FOLDER, .id = d, .empty_only = true,
		.actor = { 1, 0 } };
	CHECK_INT(ERR_NOTEMPTY, tree_delete(store, &deleted, NULL));
	CHECK_INT(0, kit_remove(NODE_FOLDER, d, -1));
	CHECK_STR("FOLDER_DELETED d/ .\n", kit_feed(before));	/* p has its marker */
	CHECK_INT(2, deleted.deleted);
	CHECK_SOUND();
	CHECK_INT(1, obj_number("SELECT objects FROM workspace"));
	CHECK_INT(0, obj_number("SELECT bytes FROM workspace"));
	CHECK_INT(12, obj_number("SELECT history_bytes FROM workspace"));
	obj_text("p/d/g", 0, &rc);
	CHECK_INT(ERR_NOTFOUND, rc);
	/* Nothing in it can be reached. */
	CHECK_INT(ERR_NOTFOUND, kit_move(NODE_FILE, f, FOLDER(""), NULL));
	CHECK_INT(ERR_NOTFOUND, kit_move(NODE_FOLDER, e, FOLDER(""), NULL));
	CHECK_INT(ERR_NOTFOUND, kit_remove(NODE_FOLDER, d, -1));
	CHECK_INT(ERR_NOTFOUND, kit_remove(NODE_FOLDER, e, -1));
	CHECK_INT(ERR_NOTFOUND, kit_remove(NODE_FILE, f, -1));
	CHECK_INT(ERR_NOTFOUND, kit_make(e, "x"));
	CHECK_INT(ERR_NOTFOUND, kit_move(NODE_FOLDER, FOLDER("p"), e, NULL));
	CHECK_INT(ERR_NOTFOUND, kit_undelete(NODE_FILE, f, 0, NULL));
	CHECK_INT(0, kit_check());
	/* Its place is free, and it comes back beside what took it. */
	CHECK_INT(0, obj_put("p/d/g", "new", NULL));
	CHECK_INT(ERR_EXISTS, kit_undelete(NODE_FOLDER, d, 0, NULL));
	CHECK_INT(FOLDER("p/d"), undeleted.existing);
	before = kit_now();
	CHECK_INT(0, kit_undelete(NODE_FOLDER, d, 0, "d2"));
	CHECK_STR("FOLDER_RESTORED d2/ .\n", kit_feed(before));
	CHECK_STR("five5", obj_text("p/d2/e/f", 0, &rc));
	CHECK_STR("new", obj_text("p/d/g", 0, &rc));
	CHECK_INT(d, FOLDER("p/d2"));
	CHECK_INT(4, obj_number("SELECT history_bytes FROM workspace"));
	CHECK_SOUND();
	CHECK_INT(ERR_INVALID, kit_remove(NODE_FOLDER, FOLDER(""), -1));
	CHECK_INT(0, kit_check());
	obj_close();
}

/* The parent went too, as a whole, and the folder's own place with it. */
static void
test_trash_in_the_trash(void)
{
	int64_t inner, outer, file;
	int rc;

	CHECK_INT(0, obj_open(DAY_MS, 0));
	CHECK_INT(0, obj_put("out/in/f", "text", NULL));
	CHECK_INT(0, obj_put("out/g", "g", NULL));
	CHECK_INT(0, obj_put("out/h", "h", NULL));
	inner = FOLDER("out/in");
	outer = FOLDER("out");
	file = FILE_ID("out/h");
	CHECK_INT(0, kit_remove(NODE_FOLDER, inner, -1));
	CHECK_INT(0, kit_remove(NODE_FILE, file, -1));
	CHECK_INT(0, kit_remove(NODE_FOLDER, outer, -1));
	CHECK_SOUND();
	CHECK_INT(0, kit_undelete(NODE_FOLDER, inner, 0, NULL));
	CHECK_STR("text", obj_text("out/in/f", 0, &rc));
	CHECK(FOLDER("out") != outer);
	CHECK_INT(0, kit_undelete(NODE_FILE, file, 0, NULL));
	CHECK_STR("h", obj_text("out/h", 0, &rc));
	CHECK_SOUND();
	CHECK_INT(0, kit_undelete(NODE_FOLDER, outer, FOLDER("out"), NULL));
	CHECK_STR("g", obj_text("out/out/g", 0, &rc));
	CHECK_SOUND();
	CHECK_INT(0, kit_check());
	obj_close();
}

/* ---- what the client had not seen stays ---- */

static void
test_only_what_was_seen_is_deleted(void)
{
	int64_t d, seen, before;
	int rc;

	CHECK_INT(0, obj_open(DAY_MS, 0));
	CHECK_INT(0, kit_make(FOLDER(""), "d"));
	d = made.folder;
	CHECK_INT(0, kit_make(d, "whole"));
	CHECK_INT(0, kit_make(d, "mixed"));
	CHECK_INT(0, obj_put("d/whole/1", "x", NULL));
	CHECK_INT(0, obj_put("d/whole/2", "x", NULL));
	CHECK_INT(0, obj_put("d/mixed/old", "x", NULL));
	CHECK_INT(0, obj_put("d/old", "x", NULL));
	CHECK_INT(0, obj_put("d/edited", "x", NULL));
	CHECK_INT(0, obj_put("else", "x", NULL));
	seen = kit_now();
	CHECK_INT(0, obj_put("d/mixed/new", "x", NULL));
	CHECK_INT(0, obj_put("d/edited", "y", NULL));
	CHECK_INT(0, kit_move(NODE_FILE, FILE_ID("else"), d, NULL));
	CHECK_INT(0, kit_make(d, "empty"));
	before = kit_now();
	CHECK_INT(0, kit_remove(NODE_FOLDER, d, seen));
	CHECK_STR("FILE_DELETED old .\nFILE_DELETED old .\nFOLDER_DELETED whole/ .\n", kit_feed(before));
	CHECK_INT(4, deleted.deleted);
	CHECK_INT(3, deleted.kept);
	CHECK(FILE_ID("d/mixed/new") && FILE_ID("d/edited") && FILE_ID("d/else") && FOLDER("d/empty"));
	CHECK(!FILE_ID("d/old") && !FILE_ID("d/mixed/old") && !FOLDER("d/whole"));
	CHECK_SOUND();
	CHECK_INT(0, kit_remove(NODE_FOLDER, d, kit_now()));
	CHECK_INT(3, deleted.deleted);
	CHECK_INT(0, deleted.kept);
	CHECK(!FOLDER("d"));
	/* A folder that the client never saw stays whole. */
	seen = kit_now();
	CHECK_INT(0, obj_put("n/x", "x", NULL));
	CHECK_INT(0, kit_remove(NODE_FOLDER, FOLDER("n"), seen));
	CHECK_INT(1, deleted.kept);
	CHECK_STR("x", obj_text("n/x", 0, &rc));
	CHECK_SOUND();
	CHECK_INT(0, kit_check());
	obj_close();
}

static void
test_markers_of_a_versioned_folder(void)
{
	int64_t d, seen, before;
	int rc;

	CHECK_INT(0, obj_open(DAY_MS, VERSIONING_ENABLED));
	CHECK_INT(0, kit_make(FOLDER(""), "d"));
	d = made.folder;
	CHECK_INT(0, obj_put("d/e/f", "one", NULL));
	CHECK_INT(0, obj_put("d/g", "two", NULL));
	CHECK_INT(0, obj_put("d/earlier", "x", NULL));
	CHECK_INT(0, obj_delete("d/earlier", 0, NULL));
	before = kit_now();
	CHECK_INT(0, kit_remove(NODE_FOLDER, d, -1));
	CHECK_STR("FILE_DELETED f\nFOLDER_DELETED e/ .\nFILE_DELETED  .\nFILE_DELETED g\nFOLDER_DELETED d/ .\n",
	    kit_feed(before));
	CHECK_INT(2, deleted.deleted);
	CHECK_INT(0, obj_number("SELECT count(*) FROM folder_trash"));
	CHECK_SOUND();
	CHECK_INT(ERR_NOTFOUND, kit_remove(NODE_FOLDER, d, -1));
	CHECK_INT(0, kit_undelete(NODE_FOLDER, d, 0, NULL));
	CHECK_STR("one", obj_text("d/e/f", 0, &rc));
	CHECK_STR("two", obj_text("d/g", 0, &rc));
	CHECK(!FILE_ID("d/earlier"));
	CHECK_INT(d, FOLDER("d"));
	CHECK_SOUND();
	seen = kit_now();
	CHECK_INT(0, obj_put("d/g", "three", NULL));
	CHECK_INT(0, kit_remove(NODE_FOLDER, d, seen));
	CHECK(deleted.deleted == 1 && deleted.kept == 1);
	CHECK_STR("three", obj_text("d/g", 0, &rc));
	CHECK(!FOLDER("d/e"));
	CHECK_SOUND();
	/* A file comes back, and goes elsewhere with that. */
	CHECK_INT(0, kit_undelete(NODE_FILE, obj_number("SELECT node_id FROM entry WHERE name = x'66'"), FOLDER("d"), "f2"));
	CHECK_STR("one", obj_text("d/f2", 0, &rc));
	CHECK_SOUND();
	CHECK_INT(0, kit_check());
	obj_close();
}

/* ---- the end ---- */

static void
count_gone(void *arg, const struct tree_gone *gone)
{
	(void)gone;
	++*(int *)arg;
}

/* Whether an id of a file leads anywhere: to what is there, to what was, or into the trash. */
static void
check_found(int64_t id, bool wanted)
{
	struct buf name = BUF_INIT(LIMIT_KEY_STORED);
	struct tree_trash q = { .workspace = space.id, .limit = 100 };
	struct node n = NODE_INIT;
	struct principal admin;
	struct tree_gone gone;
	int64_t workspace;
	int listed = 0;
	bool found;
	int rc;

	CHECK_INT(0, principal_find(store, "admin", &admin));
	found = node_find(store, &admin, ACTION_READ, NODE_FILE, id, &n) == 0;
	found |= node_find_past(store, &admin, id, &n) == 0;
	found |= tree_trash_get(store, NODE_FILE, id, &gone, &workspace, &name) == 0;
	rc = tree_trash(store, &q, count_gone, &listed);
	node_release(&n);
	buf_release(&name);
	CHECK_INT(0, rc);
	CHECK(wanted == (found || listed));
}

/* It belongs to its folder, and S3 has it by its key: moved or brought back by an id it would be an object without a key. */
static void
check_marker(bool versioned)
{
	int64_t marker;
	unsigned n;
	int rc;

	CHECK_INT(0, obj_open(DAY_MS, versioned ? VERSIONING_ENABLED : VERSIONING_NEVER));
	CHECK_INT(0, obj_put("m/x", "1", NULL));
	check_found(FILE_ID("m/x"), true);
	CHECK_INT(0, obj_put("m/", "body", NULL));
	marker = obj_number("SELECT id FROM file WHERE length(name) = 0");
	CHECK(marker);
	check_found(marker, false);
	CHECK_INT(ERR_NOTFOUND, kit_move(NODE_FILE, marker, FOLDER(""), NULL));
	CHECK_INT(ERR_NOTFOUND, kit_move(NODE_FILE, marker, 0, "named"));
	CHECK_INT(ERR_NOTFOUND, kit_remove(NODE_FILE, marker, -1));
	CHECK_STR("body", obj_text("m/", 0, &rc));
	CHECK_INT(0, obj_delete("m/", 0, NULL));
	CHECK_INT(1, obj_number("SELECT count(*) FROM file WHERE length(name) = 0"));
	check_found(marker, false);
	CHECK_INT(ERR_NOTFOUND, kit_undelete(NODE_FILE, marker, FOLDER(""), NULL));
	obj_text("m/", 0, &rc);
	CHECK_INT(ERR_NOTFOUND, rc);
	CHECK(FOLDER("m") && FILE_ID("m/x"));
	CHECK_INT(0, obj_put("m/", "again", NULL));
	CHECK_STR("again", obj_text("m/", 0, &rc));
	CHECK_SOUND();
	CHECK_INT(0, history_expire(store, clock_wall_us() + 2 * DAY_MS * 1000, 1000, &n));
	CHECK_INT(versioned ? 0 : 1, n);
	CHECK_INT(0, kit_check());
	obj_close();
}

static void
test_a_folders_marker_is_no_file(void)
{
	check_marker(false);
}

static void
test_a_folders_marker_is_no_file_versioned(void)
{
	check_marker(true);
}

static void
test_the_trash_expires(void)
{
	unsigned n, all = 0;
	int64_t d;

	CHECK_INT(0, obj_open(DAY_MS, 0));
	for (int i = 0; i < 50; i++) {
		char key[32];

		snprintf(key, sizeof(key), "d/%d/f%d", i % 7, i);
		CHECK_INT(0, obj_put(key, "old", NULL));
		CHECK_INT(0, obj_put(key, key, NULL));
	}
	d = FOLDER("d");
	CHECK_INT(0, kit_remove(NODE_FOLDER, d, -1));
	CHECK_INT(0, history_expire(store, clock_wall_us(), 1000, &n));
	CHECK_INT(0, n);
	for (;;) {
		CHECK_INT(0, history_expire(store, clock_wall_us() + 2 * DAY_MS * 1000, 9, &n));
		CHECK_SOUND();
		CHECK_INT(0, kit_check());
		all += n;
		if (!n)
			break;
		CHECK(all >= 100 || kit_undelete(NODE_FOLDER, d, 0, NULL) != 0 || all <= 50);
		if (FOLDER("d")) {	/* only its history had gone until then */
			CHECK_INT(0, kit_remove(NODE_FOLDER, d, -1));
		}
	}
	CHECK_INT(100, all);
	CHECK_INT(ERR_NOTFOUND, kit_undelete(NODE_FOLDER, d, 0, NULL));
	CHECK_INT(1, obj_number("SELECT count(*) FROM folder"));
	CHECK_INT(0, obj_number("SELECT count(*) FROM file"));
	CHECK_INT(0, obj_number("SELECT count(*) FROM file_version"));
	CHECK_INT(0, obj_number("SELECT history_bytes FROM workspace"));
	CHECK_INT(0, obj_collect());
	CHECK_INT(0, obj_number("SELECT count(*) FROM chunk"));
	obj_close();
}

/* Without a history the time is over at once. */
static void
test_no_history_no_trash(void)
{
	int64_t d;
	unsigned n;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_put("d/f", "text", NULL));
	d = FOLDER("d");
	CHECK_INT(0, kit_remove(NODE_FOLDER, d, -1));
	CHECK_SOUND();
	CHECK_INT(ERR_NOTFOUND, kit_undelete(NODE_FOLDER, d, 0, NULL));
	CHECK_INT(0, history_expire(store, clock_wall_us(), 1000, &n));
	CHECK_INT(1, n);
	CHECK_INT(0, obj_number("SELECT count(*) FROM file_version"));
	CHECK_SOUND();
	obj_close();
}

static void
test_a_workspace_goes_with_its_trash(void)
{
	CHECK_INT(0, obj_open(DAY_MS, 0));
	CHECK_INT(0, obj_put("d/e/f", "text", NULL));
	CHECK_INT(0, obj_put("d/e/f", "text2", NULL));
	CHECK_INT(ERR_NOTEMPTY, workspace_delete(store, space.id, (struct actor) { 1, 0 }));
	CHECK_INT(0, kit_remove(NODE_FOLDER, FOLDER("d"), -1));
	CHECK_INT(0, workspace_delete(store, space.id, (struct actor) { 1, 0 }));
	CHECK_INT(0, obj_number("SELECT (SELECT count(*) FROM folder) + (SELECT count(*) FROM folder_trash) +"
				" (SELECT count(*) FROM entry) + (SELECT count(*) FROM file_version)"));
	CHECK_INT(0, kit_check());
	obj_close();
}

static const struct test tests[] = {
	TEST(test_a_file_is_deleted_and_comes_back), TEST(test_a_folder_goes_to_the_trash),
	TEST(test_trash_in_the_trash), TEST(test_only_what_was_seen_is_deleted),
	TEST(test_markers_of_a_versioned_folder), TEST(test_a_folders_marker_is_no_file),
	TEST(test_a_folders_marker_is_no_file_versioned),
	TEST(test_the_trash_expires),
	TEST(test_no_history_no_trash), TEST(test_a_workspace_goes_with_its_trash), TEST_END,
};
TEST_MAIN(tests)
