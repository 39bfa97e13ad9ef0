#include <time.h>

#include "apply_kit.h"

/* Changes of what others changed or deleted since: conflict copies, and what an edit brings back from the trash. */

static void
test_conflict_copies(void)
{
	struct object_info info = OBJECT_INFO_INIT;

	CHECK_INT(0, open_store(0, 0));
	CHECK_INT(0, obj_put("a.txt", "theirs", &info));
	CHECK_INT(0, obj_put("k", "mine", NULL));
	begin();
	create("a.txt", "mine")->rename = true;
	create("a.txt", "mine")->rename = true;
	CHECK_INT(0, run(false));
	CHECK(ops[0].conflict_of == info.file_id && ops[1].conflict_of == info.file_id && ops[0].result != ops[1].result);
	CHECK(strstr(ops[0].called.data, "a (conflict laptop ") == ops[0].called.data);
	CHECK(strcmp(ops[0].called.data, ops[1].called.data) != 0);
	CHECK_INT(2, obj_number("SELECT count(*) FROM change_event WHERE event_type = 11"));
	object_info_release(&info);
	close_store();
}

static void
edit_what_was_deleted(int versioning)
{
	struct object_info info = OBJECT_INFO_INIT;
	struct apply_op *op;
	int rc;

	CHECK_INT(0, open_store(1000000, versioning));
	CHECK_INT(0, obj_put("f/a", "old", &info));
	CHECK_INT(0, obj_put("other", "new", NULL));
	CHECK_INT(0, obj_delete("f/a", 0, NULL));
	begin();
	op = add(APPLY_VERSION, NULL);
	op->id = info.file_id;
	op->base = info.version_id;
	chunk(op, "new");
	CHECK_INT(0, run(false));
	CHECK_INT(0, ops[0].rc);
	CHECK(ops[0].result == info.file_id);
	CHECK_STR("new", obj_text("f/a", 0, &rc));
	CHECK_INT(1, obj_number("SELECT count(*) FROM change_event WHERE event_type = 6"));
	CHECK_INT(0, obj_number("SELECT count(*) FROM change_event WHERE event_type = 6 AND ends_commit = 1"
				" AND sequence < (SELECT sequence FROM workspace)"));
	CHECK_INT(versioning ? 3 : 2, obj_number("SELECT count(*) FROM file_version v JOIN file f ON f.id = v.file_id"
						 " WHERE f.name = CAST('a' AS BLOB)"));
	CHECK_SOUND();
	object_info_release(&info);
	close_store();
}

static void
test_an_edit_brings_back_what_was_deleted(void)
{
	edit_what_was_deleted(0);
}

static void
test_an_edit_takes_a_marker_away(void)
{
	edit_what_was_deleted(1);
}

static void
test_nothing_comes_back_over_another(void)
{
	struct object_info info = OBJECT_INFO_INIT, other = OBJECT_INFO_INIT;
	struct apply_op *op;

	CHECK_INT(0, open_store(1000000, 0));
	CHECK_INT(0, obj_put("a", "old", &info));
	CHECK_INT(0, obj_delete("a", 0, NULL));
	CHECK_INT(0, obj_put("a", "another", &other));
	CHECK_INT(0, obj_put("k", "mine", NULL));
	begin();
	for (int i = 0; i < 2; i++) {
		op = add(APPLY_VERSION, NULL);
		op->id = info.file_id;
		op->base = info.version_id;
		op->rename = i;
		chunk(op, "mine");
	}
	CHECK_INT(0, run(false));
	CHECK(ops[0].rc == ERR_PRECONDITION && ops[0].current == other.version_id);
	CHECK(ops[1].rc == 0 && ops[1].conflict_of == other.file_id && ops[1].result != info.file_id);
	CHECK_SOUND();
	object_info_release(&info);
	object_info_release(&other);
	close_store();
}

/* "f/a" was deleted, and `take` took its name: both edits of it say so, and the one that wants it is a conflict copy beside. */
static void
edit_what_has_no_name(int versioning, void (*take)(void))
{
	struct object_info info = OBJECT_INFO_INIT;
	struct apply_op *op;

	CHECK_INT(0, open_store(86400000, versioning));
	CHECK_INT(0, obj_put("f/k", "mine", NULL));
	CHECK_INT(0, obj_put("f/a.txt", "old", &info));
	CHECK_INT(0, obj_delete("f/a.txt", 0, NULL));
	take();
	begin();
	for (int i = 0; i < 2; i++) {
		op = add(APPLY_VERSION, NULL);
		op->id = info.file_id;
		op->base = info.version_id;
		op->rename = i;
		chunk(op, "mine");
	}
	CHECK_INT(0, run(false));
	CHECK(ops[0].rc == ERR_PRECONDITION && !ops[0].current);
	CHECK(strstr(ops[0].conflict_name, "a (conflict laptop ") == ops[0].conflict_name);
	CHECK_INT(0, ops[1].rc);
	CHECK(ops[1].conflict_of == info.file_id && ops[1].result != info.file_id);
	CHECK(ops[1].called.len && strstr(ops[1].called.data, "a (conflict laptop ") == ops[1].called.data);
	CHECK_INT(1, obj_number("SELECT count(*) FROM change_event WHERE event_type = 11"));
	/* The old one stays where it was. */
	CHECK_INT(0, obj_number("SELECT count(*) FROM change_event WHERE event_type = 6"));
	CHECK_SOUND();
	object_info_release(&info);
	close_store();
}

static void
take_by_folder(void)
{
	CHECK_INT(0, obj_put("f/a.txt/b", "x", NULL));
}

static void
test_an_edit_of_what_a_folder_has_the_name_of(void)
{
	edit_what_has_no_name(0, take_by_folder);
}

/* Behind a marker it is in no trash, but deleted all the same. */
static void
test_an_edit_of_what_a_marker_hides_and_a_folder_has_the_name_of(void)
{
	edit_what_has_no_name(1, take_by_folder);
}

static void
take_by_marker(void)
{
	CHECK_INT(0, workspace_set(store, space.id, &(struct workspace_set) { -1, -1, 1, NULL, -1 }, (struct actor) { 1, 0 }));
	CHECK_INT(0, obj_put("f/a.txt", "kept", NULL));
	CHECK_INT(0, obj_delete("f/a.txt", 0, NULL));
}

static void
test_an_edit_of_what_kept_versions_have_the_name_of(void)
{
	edit_what_has_no_name(0, take_by_marker);
}

/* Its folder was deleted too, and another made at its path. */
static void
take_by_another_path(void)
{
	CHECK_INT(0, obj_put("k", "mine", NULL));
	CHECK_INT(0, obj_delete("f/k", 0, NULL));
	CHECK_INT(0, obj_put("f/a.txt/b", "x", NULL));
}

static void
test_an_edit_of_what_a_folder_made_anew_has_the_name_of(void)
{
	edit_what_has_no_name(0, take_by_another_path);
}

/* An edit, by 12 bytes that are there, of "f/a", which was deleted since. */
static void
edit_deleted(const struct object_info *old)
{
	struct apply_op *op;

	begin();
	op = add(APPLY_VERSION, NULL);
	op->id = old->file_id;
	op->base = old->version_id;
	chunk(op, "abcdefghijkl");
}

static void
test_a_conflict_copy_of_what_went_with_its_folder(void)
{
	struct object_info old = OBJECT_INFO_INIT, other = OBJECT_INFO_INIT;

	CHECK_INT(0, open_store(86400000, 0));
	CHECK_INT(0, obj_put("f/a", "old45", &old));
	CHECK_INT(0, obj_put("k", "abcdefghijkl", NULL));
	CHECK_INT(0, obj_delete("f/a", 0, NULL));
	CHECK_INT(0, obj_put("f/a", "another", &other));
	/* What it says is judged by what is there now, and so is the quota: 19 bytes are used. */
	CHECK_INT(0, workspace_set(store, space.id, &(struct workspace_set) { 30, -1, -1, NULL, -1 }, (struct actor) { 1, 0 }));
	edit_deleted(&old);
	ops[0].rename = true;
	CHECK_INT(0, run(false));
	CHECK_INT(ERR_QUOTA, ops[0].rc);
	CHECK_INT(0, workspace_set(store, space.id, &(struct workspace_set) { 31, -1, -1, NULL, -1 }, (struct actor) { 1, 0 }));
	edit_deleted(&old);
	ops[0].rename = true;
	CHECK_INT(0, run(false));
	CHECK_INT(0, ops[0].rc);
	CHECK(ops[0].conflict_of == other.file_id && ops[0].result != old.file_id);
	edit_deleted(&old);
	CHECK_INT(0, run(false));
	CHECK(ops[0].rc == ERR_PRECONDITION && ops[0].current == other.version_id);
	CHECK_SOUND();
	object_info_release(&old);
	object_info_release(&other);
	close_store();
}

/* It is shown, and a folder of its name too, which S3 made: devices have neither. */
static void
test_an_edit_of_a_twin(void)
{
	struct object_info info = OBJECT_INFO_INIT;
	struct apply_op *op;

	CHECK_INT(0, open_store(0, 0));
	CHECK_INT(0, obj_put("a.txt", "old", &info));
	CHECK_INT(0, obj_put("a.txt/k", "mine", NULL));
	begin();
	for (int i = 0; i < 2; i++) {
		op = add(APPLY_VERSION, NULL);
		op->id = info.file_id;
		op->base = info.version_id;
		op->rename = i;
		chunk(op, "mine");
	}
	CHECK_INT(0, run(false));
	CHECK(ops[0].rc == ERR_PRECONDITION && strstr(ops[0].conflict_name, "a (conflict laptop ") == ops[0].conflict_name);
	CHECK(ops[1].rc == 0 && ops[1].conflict_of == info.file_id && ops[1].result != info.file_id);
	CHECK_SOUND();
	object_info_release(&info);
	close_store();
}

static void
test_a_new_file_whose_name_a_folder_has(void)
{
	CHECK_INT(0, open_store(86400000, 0));
	CHECK_INT(0, obj_put("a/k", "mine", NULL));
	begin();
	create("a", "mine");
	create("a", "mine")->rename = true;
	CHECK_INT(0, run(false));
	CHECK_INT(ERR_EXISTS, ops[0].rc);
	CHECK_INT(0, ops[1].rc);
	CHECK(!ops[1].conflict_of && ops[1].called.len && strstr(ops[1].called.data, "a (conflict laptop ") == ops[1].called.data);
	CHECK_INT(1, obj_number("SELECT count(*) FROM change_event WHERE event_type = 11"));
	CHECK_SOUND();
	close_store();
}

/* ---- refusals of what would come back for an edit ---- */

static int
open_deleted(struct object_info *old)
{
	int rc = open_store(86400000, 0);

	if (rc || (rc = obj_put("f/a", "old45", old)) != 0 || (rc = obj_put("k", "abcdefghijkl", NULL)) != 0)
		return rc;
	return obj_delete("f/a", 0, NULL);
}

/* The edit alone is refused so, and leaves nothing. */
static void
edit_is_refused(struct object_info *old, int rc)
{
	edit_deleted(old);
	CHECK_INT(0, run(false));
	CHECK_INT(rc, ops[0].rc);
	CHECK_SOUND();
	object_info_release(old);
	close_store();
}

static void
test_an_edit_of_what_was_deleted_keeps_to_the_quota(void)
{
	struct object_info old = OBJECT_INFO_INIT;

	CHECK_INT(0, open_deleted(&old));	/* and its folder is gone */
	CHECK_INT(0, obj_quota(20));
	edit_is_refused(&old, ERR_QUOTA);
}

static void
test_an_edit_of_what_was_deleted_is_refused_without_a_trace(void)
{
	struct object_info old = OBJECT_INFO_INIT;

	CHECK_INT(0, open_deleted(&old));
	CHECK_INT(0, obj_put("f/a", "another", NULL));
	edit_is_refused(&old, ERR_PRECONDITION);
}

static void
test_an_edit_of_what_left_the_trash_hinders_no_other(void)
{
	struct object_info old = OBJECT_INFO_INIT;

	CHECK_INT(0, open_deleted(&old));
	CHECK_INT(0, workspace_set(store, space.id, &(struct workspace_set) { -1, 1, -1, NULL, -1 }, (struct actor) { 1, 0 }));
	nanosleep(&(struct timespec) { .tv_nsec = 5000000 }, NULL);
	edit_deleted(&old);
	create("other", "abcdefghijkl");
	CHECK_INT(0, run(false));
	CHECK(ops[0].rc < 0);
	CHECK_INT(0, ops[1].rc);
	CHECK_SOUND();
	object_info_release(&old);
	close_store();
}

static const struct test tests[] = {
	TEST(test_conflict_copies), TEST(test_an_edit_brings_back_what_was_deleted),
	TEST(test_an_edit_takes_a_marker_away), TEST(test_nothing_comes_back_over_another),
	TEST(test_an_edit_of_what_was_deleted_keeps_to_the_quota),
	TEST(test_an_edit_of_what_was_deleted_is_refused_without_a_trace),
	TEST(test_an_edit_of_what_left_the_trash_hinders_no_other),
	TEST(test_an_edit_of_what_a_folder_has_the_name_of), TEST(test_an_edit_of_what_kept_versions_have_the_name_of),
	TEST(test_an_edit_of_what_a_folder_made_anew_has_the_name_of),
	TEST(test_a_conflict_copy_of_what_went_with_its_folder), TEST(test_a_new_file_whose_name_a_folder_has),
	TEST(test_an_edit_of_what_a_marker_hides_and_a_folder_has_the_name_of), TEST(test_an_edit_of_a_twin), TEST_END
};
TEST_MAIN(tests)
