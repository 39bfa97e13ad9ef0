#include "clock.h"
#include "history.h"
#include "tree_kit.h"

#define DAY_MS 86400000ll

static void
test_folders_are_made(void)
{
	int64_t a, before;

	CHECK_INT(0, obj_open(DAY_MS, 0));
	CHECK_INT(0, kit_make(FOLDER(""), "a"));
	a = made.folder;
	CHECK_INT(FOLDER("a"), a);
	CHECK_INT(kit_now(), made.sequence);
	CHECK_STR("FOLDER_CREATED a/\nFILE_CREATED  .\n", kit_feed(kit_now() - 2));
	CHECK_INT(ERR_EXISTS, kit_make(FOLDER(""), "a"));
	CHECK(made.existing == a && made.existing_kind == NODE_FOLDER);
	/* One that S3 made on the way gets its marker. */
	CHECK_INT(0, obj_put("i/x", "x", NULL));
	CHECK_INT(0, kit_make(FOLDER(""), "i"));
	CHECK_INT(FOLDER("i"), made.folder);
	CHECK_INT(0, obj_delete("i/x", 0, NULL));
	CHECK(FOLDER("i") == made.folder);
	/* What is written into an implicit folder makes it explicit. */
	CHECK_INT(0, obj_put("j/x", "x", NULL));
	CHECK_INT(0, kit_make(FOLDER("j"), "k"));
	before = kit_now();
	CHECK_INT(0, obj_delete("j/x", 0, NULL));
	CHECK_STR("FILE_DELETED x .\n", kit_feed(before));
	CHECK(FOLDER("j") && FOLDER("j/k"));
	/* A file has the name. */
	CHECK_INT(0, obj_put("f", "x", NULL));
	CHECK_INT(ERR_EXISTS, kit_make(FOLDER(""), "f"));
	CHECK(made.existing == FILE_ID("f") && made.existing_kind == NODE_FILE);
	CHECK_INT(ERR_NOTFOUND, kit_make(12345, "x"));
	CHECK_SOUND();
	CHECK_INT(0, kit_check());
	obj_close();
}

static void
test_names_that_are_refused(void)
{
	static const char *const bad[] = { "", "a/b", "/", "\xff", NULL };
	char name[300];

	CHECK_INT(0, obj_open(DAY_MS, 0));
	CHECK_INT(0, obj_put("f", "x", NULL));
	for (int i = 0; bad[i]; i++) {
		CHECK_INT(ERR_INVALID, kit_make(FOLDER(""), bad[i]));
		CHECK_INT(ERR_INVALID, kit_move(NODE_FILE, FILE_ID("f"), 0, bad[i]));
	}
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	CHECK_INT(ERR_INVALID, kit_make(FOLDER(""), name));
	name[255] = '\0';
	CHECK_INT(0, kit_make(FOLDER(""), name));
	CHECK_SOUND();
	obj_close();
}

/* Down to LIMIT_DEPTH folders, and no further: neither made nor moved. */
static void
test_depth_has_a_limit(void)
{
	int64_t deep, top;

	CHECK_INT(0, obj_open(DAY_MS, 0));
	CHECK_INT(0, kit_make(FOLDER(""), "d"));
	top = deep = made.folder;
	for (int i = 1; i < LIMIT_DEPTH; i++) {
		CHECK_INT(0, kit_make(deep, "d"));
		deep = made.folder;
	}
	CHECK_INT(ERR_TOOBIG, kit_make(deep, "d"));
	CHECK_INT(LIMIT_DEPTH - 1, obj_number("SELECT max(height) FROM folder WHERE parent_id > 0") - 0);
	CHECK_INT(0, kit_make(FOLDER(""), "e"));
	CHECK_INT(ERR_TOOBIG, kit_move(NODE_FOLDER, top, made.folder, NULL));
	CHECK_INT(0, kit_move(NODE_FOLDER, made.folder, 0, "e2"));
	CHECK_INT(ERR_TOOBIG, kit_move(NODE_FOLDER, made.folder, deep, NULL));
	CHECK_SOUND();
	obj_close();
}

static void
test_a_file_moves(void)
{
	struct object_info info = { 0 };
	int64_t before;
	int rc;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_put("a/b/f", "text", &info));
	CHECK_INT(0, obj_put("to/x", "x", NULL));
	before = kit_now();
	CHECK_INT(0, kit_move(NODE_FILE, info.file_id, FOLDER("to"), "g"));
	CHECK_STR("FILE_CREATED \nFILE_MOVED g from f\nFOLDER_DELETED b/\nFOLDER_DELETED a/ .\n", kit_feed(before));
	CHECK_INT(kit_now(), changed.sequence);
	CHECK_STR("text", obj_text("to/g", 0, &rc));
	obj_text("a/b/f", 0, &rc);
	CHECK_INT(ERR_NOTFOUND, rc);
	CHECK_INT(info.file_id, FILE_ID("to/g"));
	CHECK_INT(1, obj_number("SELECT count(*) FROM entry_past WHERE kind = 1"));
	CHECK_SOUND();
	/* Nothing to do. */
	before = kit_now();
	CHECK_INT(0, kit_move(NODE_FILE, info.file_id, FOLDER("to"), "g"));
	CHECK_INT(0, kit_move(NODE_FILE, info.file_id, 0, NULL));
	CHECK_INT(before, kit_now());
	CHECK_INT(before, changed.sequence);
	/* The name is taken, by a file and by a folder. */
	CHECK_INT(ERR_EXISTS, kit_move(NODE_FILE, info.file_id, 0, "x"));
	CHECK_INT(FILE_ID("to/x"), changed.existing);
	CHECK_INT(0, kit_make(FOLDER("to"), "dir"));
	CHECK_INT(ERR_EXISTS, kit_move(NODE_FILE, info.file_id, 0, "dir"));
	CHECK(changed.existing == made.folder && changed.existing_kind == NODE_FOLDER);
	changed = (struct tree_change) { .workspace = space.id, .kind = NODE_FILE, .id = info.file_id, .base = 1,
		.name = SLICE("h"), .actor = { 1, 0 } };
	CHECK_INT(ERR_PRECONDITION, tree_change(store, &changed, NULL));
	CHECK_INT(info.version_id, changed.current);
	CHECK_INT(ERR_NOTFOUND, kit_move(NODE_FILE, 12345, 0, "h"));
	CHECK_INT(before + 2, kit_now());
	CHECK_SOUND();
	CHECK_INT(0, kit_check());
	obj_close();
}

static void
test_versions_follow_a_file(void)
{
	struct object_info first = { 0 }, second = { 0 };
	int rc;

	CHECK_INT(0, obj_open(0, VERSIONING_ENABLED));
	CHECK_INT(0, obj_put("a/f", "one", &first));
	CHECK_INT(0, obj_put("a/f", "two", &second));
	CHECK_INT(0, kit_move(NODE_FILE, first.file_id, FOLDER(""), "g"));
	CHECK_STR("one", obj_text("g", first.version_id, &rc));
	CHECK_STR("two", obj_text("g", second.version_id, &rc));
	obj_text("a/f", first.version_id, &rc);
	CHECK_INT(ERR_NOTFOUND, rc);
	CHECK_SOUND();
	/* Hidden ones go along with their folder. */
	CHECK_INT(0, obj_put("d/k", "k", &first));
	CHECK_INT(0, obj_put("d/stays", "k", NULL));
	CHECK_INT(0, obj_delete("d/k", 0, NULL));
	CHECK_INT(0, kit_move(NODE_FOLDER, FOLDER("d"), 0, "e"));
	CHECK_STR("k", obj_text("e/k", first.version_id, &rc));
	CHECK_SOUND();
	obj_close();
}

/* A name under which S3 keeps versions is not taken from them: they could not be had under it any more. */
static void
hidden_stays(int64_t history_ms)
{
	struct object_info old = { 0 };
	int rc;

	CHECK_INT(0, obj_open(history_ms, VERSIONING_ENABLED));
	CHECK_INT(0, obj_put("p", "p", &old));
	CHECK_INT(0, obj_delete("p", 0, NULL));
	CHECK_INT(0, obj_put("q", "q", NULL));
	CHECK_INT(ERR_EXISTS, kit_move(NODE_FILE, FILE_ID("q"), 0, "p"));
	CHECK_INT(0, changed.existing);
	CHECK_STR("p", obj_text("p", old.version_id, &rc));
	/* The same of folders. */
	CHECK_INT(0, obj_put("d/x", "x", &old));
	CHECK_INT(0, obj_delete("d/x", 0, NULL));
	CHECK_INT(0, obj_put("n/y", "y", NULL));
	CHECK_INT(ERR_EXISTS, kit_move(NODE_FOLDER, FOLDER("n"), 0, "d"));
	CHECK_STR("x", obj_text("d/x", old.version_id, &rc));
	CHECK_SOUND();
	CHECK_INT(0, kit_check());
	obj_close();
}

static void
test_what_s3_keeps_stays(void)
{
	hidden_stays(DAY_MS);
}

static void
test_what_s3_keeps_stays_without_a_history(void)
{
	hidden_stays(0);
}

static void
test_a_folder_moves(void)
{
	int64_t before, d, past;
	int rc;

	CHECK_INT(0, obj_open(DAY_MS, 0));
	CHECK_INT(0, obj_put("d/e/f", "text", NULL));
	CHECK_INT(0, obj_put("d/g", "g", NULL));
	CHECK_INT(0, obj_put("t/x", "x", NULL));
	CHECK_STR("text", obj_text("d/e/f", 0, &rc));	/* its path is cached now */
	d = FOLDER("d");
	past = obj_number("SELECT count(*) FROM entry_past");
	CHECK_INT(0, kit_make(FOLDER(""), "t"));
	before = kit_now();
	CHECK_INT(0, kit_move(NODE_FOLDER, d, FOLDER("t"), "m"));
	CHECK_STR("FOLDER_MOVED m/ from d/ .\n", kit_feed(before));
	CHECK_INT(past + 1, obj_number("SELECT count(*) FROM entry_past"));
	CHECK_STR("text", obj_text("t/m/e/f", 0, &rc));
	obj_text("d/e/f", 0, &rc);
	CHECK_INT(ERR_NOTFOUND, rc);
	CHECK_INT(d, FOLDER("t/m"));
	CHECK_SOUND();
	/* Not below itself. */
	CHECK_INT(ERR_CONFLICT, kit_move(NODE_FOLDER, FOLDER("t"), FOLDER("t/m"), NULL));
	CHECK_INT(ERR_CONFLICT, kit_move(NODE_FOLDER, FOLDER("t"), FOLDER("t/m/e"), NULL));
	CHECK_INT(ERR_CONFLICT, kit_move(NODE_FOLDER, FOLDER("t"), FOLDER("t"), NULL));
	CHECK_INT(ERR_INVALID, kit_move(NODE_FOLDER, FOLDER(""), FOLDER("t"), NULL));
	CHECK_INT(0, obj_put("t/n", "n", NULL));
	CHECK_INT(ERR_EXISTS, kit_move(NODE_FOLDER, d, 0, "n"));
	/* Out, and its old place is made anew by S3. */
	CHECK_INT(0, kit_move(NODE_FOLDER, FOLDER("t/m/e"), FOLDER(""), NULL));
	CHECK_STR("text", obj_text("e/f", 0, &rc));
	CHECK_INT(0, obj_put("d/e/f", "other", NULL));
	CHECK_STR("other", obj_text("d/e/f", 0, &rc));
	CHECK_STR("text", obj_text("e/f", 0, &rc));
	CHECK_SOUND();
	CHECK_INT(0, kit_check());
	obj_close();
}

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

/* ---- versions ---- */

static void
test_an_old_version_comes_back(void)
{
	struct object_info first = { 0 }, second = { 0 };
	struct tree_restore r;
	int64_t before;
	int rc;

	CHECK_INT(0, obj_open(DAY_MS, 0));
	CHECK_INT(0, obj_put("f", "one", &first));
	CHECK_INT(0, obj_put("f", "two", &second));
	r = (struct tree_restore) { .workspace = space.id, .file = first.file_id, .version = first.version_id, .base = 7,
		.actor = { 1, 0 } };
	CHECK_INT(ERR_PRECONDITION, tree_restore(store, &r, NULL));
	CHECK_INT(second.version_id, r.current);
	r.base = second.version_id;
	before = kit_now();
	CHECK_INT(0, tree_restore(store, &r, NULL));
	CHECK_STR("FILE_VERSION_COMMITTED f .\n", kit_feed(before));
	CHECK(!r.unchanged && r.result > second.version_id && r.sequence == before + 1);
	CHECK_STR("one", obj_text("f", 0, &rc));
	CHECK_SOUND();
	r.base = 0;
	CHECK_INT(0, tree_restore(store, &r, NULL));
	CHECK(r.unchanged && r.sequence == before + 1);
	r.version = 12345;
	CHECK_INT(ERR_NOTFOUND, tree_restore(store, &r, NULL));
	CHECK_INT(3, obj_number("SELECT count(*) FROM file_version"));
	CHECK_SOUND();
	obj_close();
}

static void
test_attributes_make_a_version(void)
{
	struct buf attributes = BUF_INIT(1024);
	struct object_info info = OBJECT_INFO_INIT;
	struct tree_change c;
	struct slice value;
	int64_t before;
	int rc;

	CHECK_INT(0, obj_open(DAY_MS, 0));
	CHECK_INT(0, obj_put("f", "one", &info));
	meta_add(&attributes, "x-amz-meta-mtime", 16, "1234.5", 6);
	c = (struct tree_change) { .workspace = space.id, .kind = NODE_FILE, .id = info.file_id, .name = SLICE("g"),
		.attributes = &attributes, .actor = { 1, 0 } };
	before = kit_now();
	CHECK_INT(0, tree_change(store, &c, NULL));
	CHECK_STR("FILE_MOVED g from f\nFILE_METADATA_CHANGED g .\n", kit_feed(before));
	CHECK_INT(0, object_find(store, space.id, SLICE("g"), 0, &info));
	CHECK(meta_find(info.headers.data, info.headers.len, "x-amz-meta-mtime", &value) && slice_is(value, "1234.5"));
	CHECK(meta_find(info.headers.data, info.headers.len, "content-type", &value) && slice_is(value, "text/plain"));
	CHECK_STR("one", obj_text("g", 0, &rc));
	CHECK_SOUND();
	before = kit_now();
	CHECK_INT(0, tree_change(store, &c, NULL));
	CHECK_INT(before, kit_now());
	object_info_release(&info);
	buf_release(&attributes);
	obj_close();
}

static const struct test tests[] = { TEST(test_folders_are_made), TEST(test_names_that_are_refused),
	TEST(test_depth_has_a_limit), TEST(test_a_file_moves), TEST(test_versions_follow_a_file),
	TEST(test_what_s3_keeps_stays), TEST(test_what_s3_keeps_stays_without_a_history), TEST(test_a_folder_moves), TEST(test_a_file_is_deleted_and_comes_back),
	TEST(test_a_folder_goes_to_the_trash), TEST(test_trash_in_the_trash), TEST(test_only_what_was_seen_is_deleted),
	TEST(test_markers_of_a_versioned_folder), TEST(test_the_trash_expires), TEST(test_no_history_no_trash),
	TEST(test_a_workspace_goes_with_its_trash), TEST(test_an_old_version_comes_back),
	TEST(test_attributes_make_a_version), TEST_END };
TEST_MAIN(tests)
