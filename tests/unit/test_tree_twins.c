#include "tree_kit.h"

/* No call by ids shows a file and a folder of one name: sync would carry neither. Only keys of S3 make twins. */

#define DAY_MS (24ll * 3600 * 1000)

/* "d/x" was deleted, with its folder, and a file "d" made; the id of "d/x", and of its folder. */
static int64_t file, folder;

static int
open_taken(int versioning, int64_t history_ms)
{
	struct object_info info = OBJECT_INFO_INIT;
	int rc;

	if ((rc = obj_open(history_ms, versioning)) != 0 || (rc = obj_put("d/x", "text", &info)) != 0)
		return rc;
	file = info.file_id;
	folder = FOLDER("d");
	object_info_release(&info);
	if ((rc = obj_delete("d/x", 0, NULL)) != 0)
		return rc;
	return obj_put("d", "a file", NULL);
}

#define CHECK_TAKEN(rc_) do { \
	CHECK_INT(ERR_EXISTS, (rc_)); \
	CHECK(!FOLDER("d") && FILE_ID("d")); \
	CHECK_SOUND(); \
} while (0)

static void
test_a_folder_is_not_made_again_beside_a_file(void)
{
	int rc;

	CHECK_INT(0, open_taken(0, DAY_MS));
	CHECK_TAKEN(kit_undelete(NODE_FILE, file, 0, NULL));
	CHECK(undeleted.existing == FILE_ID("d") && undeleted.existing_kind == NODE_FILE);
	CHECK_INT(0, kit_undelete(NODE_FILE, file, FOLDER(""), NULL));
	CHECK_STR("text", obj_text("x", 0, &rc));
	CHECK(!FOLDER("d"));
	obj_close();
}

/* The first that is missing is not the last one. */
static void
test_nor_one_above_it(void)
{
	struct object_info info = OBJECT_INFO_INIT;
	int rc;

	CHECK_INT(0, obj_open(DAY_MS, 0));
	CHECK_INT(0, obj_put("a/d/e/x", "text", &info));
	CHECK_INT(0, obj_put("a/k", "keeps it", NULL));
	CHECK_INT(0, obj_delete("a/d/e/x", 0, NULL));
	CHECK_INT(0, obj_put("a/d", "a file", NULL));
	CHECK_INT(ERR_EXISTS, kit_undelete(NODE_FILE, info.file_id, 0, NULL));
	CHECK_INT(FILE_ID("a/d"), undeleted.existing);
	CHECK_INT(0, obj_delete("a/d", 0, NULL));
	CHECK_INT(0, kit_undelete(NODE_FILE, info.file_id, 0, NULL));
	CHECK_STR("text", obj_text("a/d/e/x", 0, &rc));
	CHECK_SOUND();
	object_info_release(&info);
	obj_close();
}

static void
test_a_folder_that_is_not_shown_stays_so_beside_a_file(void)
{
	int64_t version;
	int rc;

	CHECK_INT(0, open_taken(1, 0));
	version = obj_number("SELECT id FROM file_version WHERE kind = 1 AND size_bytes = 4");
	CHECK_TAKEN(kit_undelete(NODE_FILE, file, 0, NULL));
	CHECK_INT(FILE_ID("d"), undeleted.existing);
	CHECK_TAKEN(kit_undelete(NODE_FILE, file, folder, "y"));
	CHECK_TAKEN(kit_undelete(NODE_FOLDER, folder, 0, NULL));
	CHECK_INT(FILE_ID("d"), undeleted.existing);
	CHECK_TAKEN(kit_make(folder, "new"));
	CHECK_INT(FILE_ID("d"), made.existing);
	CHECK_TAKEN(kit_move(NODE_FILE, FILE_ID("d"), folder, NULL));
	CHECK_TAKEN(tree_restore(store, &(struct tree_restore) { .workspace = space.id, .file = file, .version = version }, NULL));
	/* Under another name it is welcome. */
	CHECK_INT(0, kit_undelete(NODE_FOLDER, folder, 0, "d2"));
	CHECK_STR("text", obj_text("d2/x", 0, &rc));
	CHECK(FOLDER("d2") == folder && FILE_ID("d") && !FOLDER("d"));
	CHECK_SOUND();
	obj_close();
}

/* By its marker's end, whose name a folder took. */
static void
test_a_file_does_not_come_back_beside_a_folder(void)
{
	struct object_info info = OBJECT_INFO_INIT;
	int rc;

	CHECK_INT(0, obj_open(0, 1));
	CHECK_INT(0, obj_put("p/d", "text", &info));
	CHECK_INT(0, obj_delete("p/d", 0, NULL));
	CHECK_INT(0, obj_put("p/d/x", "in a folder", NULL));
	CHECK_INT(ERR_EXISTS, kit_undelete(NODE_FILE, info.file_id, 0, NULL));
	CHECK(undeleted.existing == FOLDER("p/d") && undeleted.existing_kind == NODE_FOLDER);
	CHECK_INT(ERR_EXISTS, tree_restore(store, &(struct tree_restore) { .workspace = space.id, .file = info.file_id,
						      .version = info.version_id }, NULL));
	CHECK(!FILE_ID("p/d"));
	CHECK_INT(0, kit_undelete(NODE_FILE, info.file_id, 0, "e"));
	CHECK_STR("text", obj_text("p/e", 0, &rc));
	CHECK(!FILE_ID("p/d"));
	CHECK_SOUND();
	object_info_release(&info);
	obj_close();
}

/* Two that were twins before their folder was deleted come back as they were; one beside what is new does not. */
static void
test_a_folder_of_twins_comes_back(void)
{
	int64_t id;
	int rc;

	CHECK_INT(0, obj_open(0, 1));
	CHECK_INT(0, obj_put("t/a", "file", NULL));
	CHECK_INT(0, obj_put("t/a/b", "below", NULL));
	id = FOLDER("t");
	CHECK_INT(0, kit_remove(NODE_FOLDER, id, -1));
	CHECK_INT(0, kit_undelete(NODE_FOLDER, id, 0, NULL));
	CHECK_STR("below", obj_text("t/a/b", 0, &rc));
	CHECK_STR("file", obj_text("t/a", 0, &rc));
	CHECK_SOUND();
	obj_close();
}

/* Where versioning is suspended a marker stands alone, and what it hid comes back as a new version: at the same places. */
static void
test_behind_a_lone_marker(void)
{
	struct object_info info = OBJECT_INFO_INIT;
	int64_t id;
	int rc;

	CHECK_INT(0, obj_open(DAY_MS, VERSIONING_SUSPENDED));
	CHECK_INT(0, obj_put("a", "text", &info));
	CHECK_INT(0, obj_delete("a", 0, NULL));
	CHECK_INT(0, obj_put("a/y", "in a folder", NULL));
	CHECK_INT(ERR_EXISTS, kit_undelete(NODE_FILE, info.file_id, 0, NULL));
	CHECK(undeleted.existing == FOLDER("a") && undeleted.existing_kind == NODE_FOLDER);
	CHECK_INT(0, kit_undelete(NODE_FILE, info.file_id, 0, "b"));
	CHECK_STR("text", obj_text("b", 0, &rc));
	CHECK(!FILE_ID("a"));
	CHECK_INT(0, obj_put("t/a", "file", NULL));
	CHECK_INT(0, obj_put("t/a/b", "below", NULL));
	id = FOLDER("t");
	CHECK_INT(0, kit_remove(NODE_FOLDER, id, -1));
	CHECK_INT(0, kit_undelete(NODE_FOLDER, id, 0, NULL));
	CHECK_STR("below", obj_text("t/a/b", 0, &rc));
	CHECK_STR("file", obj_text("t/a", 0, &rc));
	CHECK_SOUND();
	object_info_release(&info);
	obj_close();
}

static const struct test tests[] = {
	TEST(test_a_folder_is_not_made_again_beside_a_file), TEST(test_nor_one_above_it),
	TEST(test_a_folder_that_is_not_shown_stays_so_beside_a_file), TEST(test_a_file_does_not_come_back_beside_a_folder),
	TEST(test_a_folder_of_twins_comes_back), TEST(test_behind_a_lone_marker), TEST_END
};
TEST_MAIN(tests)
