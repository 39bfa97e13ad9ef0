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

static const struct test tests[] = {
	TEST(test_folders_are_made), TEST(test_names_that_are_refused), TEST(test_depth_has_a_limit),
	TEST(test_a_file_moves), TEST(test_versions_follow_a_file), TEST(test_what_s3_keeps_stays),
	TEST(test_what_s3_keeps_stays_without_a_history), TEST(test_a_folder_moves),
	TEST(test_an_old_version_comes_back), TEST(test_attributes_make_a_version), TEST_END,
};
TEST_MAIN(tests)
