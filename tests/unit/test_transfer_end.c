#include <time.h>

#include "clock.h"
#include "transfer_kit.h"
#include "upload.h"

/* How sessions end: on what the tree has become, with a conflict, for want of room, or of time. */

/* ---- conflicts ---- */

static void
test_a_base_that_is_not_current(void)
{
	struct transfer_complete c = COMPLETE_INIT, mine = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;

	CHECK_INT(0, sync_open(0, 0));
	CHECK_INT(0, put_text("a.txt", "one", &c));
	tr.size = 4;
	CHECK_INT(0, begin(&tr, "a.txt", NULL, 0, false));
	CHECK(tr.base == c.node.version_id && tr.file_id == c.node.id);
	CHECK_INT(0, send(&tr, 1, "mine"));
	CHECK_INT(0, put_text("a.txt", "theirs", &c));
	CHECK_INT(ERR_PRECONDITION, end(&mine, &tr));
	CHECK(mine.current == c.node.version_id);
	CHECK(strstr(mine.conflict_name, "a (conflict laptop ") == mine.conflict_name);
	CHECK_STR(").txt", mine.conflict_name + strlen(mine.conflict_name) - 5);
	/* The session stands, and ends under that name. */
	mine.rename = true;
	CHECK_INT(0, end(&mine, &tr));
	CHECK(mine.conflict_of == c.node.id && mine.node.id != c.node.id);
	node_release(&c.node);
	node_release(&mine.node);
	transfer_release(&tr);
	obj_close();
}

static void
test_the_same_content_is_unchanged(void)
{
	struct transfer_complete c = COMPLETE_INIT;
	int64_t version;

	CHECK_INT(0, sync_open(0, 0));
	CHECK_INT(0, put_text("a", "same", &c));
	version = c.node.version_id;
	CHECK_INT(0, put_text("a", "same", &c));
	CHECK(c.unchanged && c.node.version_id == version);
	node_release(&c.node);
	obj_close();
}

static void
test_an_edit_beats_a_delete(void)
{
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;

	CHECK_INT(0, sync_open(1000000, 0));
	CHECK_INT(0, put_text("a", "old", &c));
	tr.size = 3;
	CHECK_INT(0, begin(&tr, "a", NULL, 0, false));
	CHECK_INT(0, send(&tr, 1, "new"));
	CHECK_INT(0, object_delete(store, &(struct object_delete) { .workspace = space.id, .key = SLICE("a") }, 1));
	CHECK_INT(0, end(&c, &tr));
	CHECK(!c.conflict_of && c.node.size == 3);
	CHECK(c.node.id == tr.file_id);
	CHECK_INT(1, obj_number("SELECT count(*) FROM change_event WHERE event_type = 6 AND ends_commit = 0"));
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

static void
test_folders_are_in_the_way(void)
{
	struct transfer_complete c = COMPLETE_INIT;

	CHECK_INT(0, sync_open(0, 0));
	CHECK_INT(0, obj_put("a/b", "x", NULL));
	CHECK_INT(ERR_EXISTS, put_text("a", "file", &c));
	node_release(&c.node);
	obj_close();
}

/* Sessions that edit "a", by its name or its id, which a folder took after it was deleted. */
static void
edit_what_a_folder_has_the_name_of(int versioning)
{
	struct transfer_complete c = COMPLETE_INIT, again = COMPLETE_INIT;
	int64_t old, base;

	CHECK_INT(0, sync_open(1000000, versioning));
	CHECK_INT(0, put_text("a", "old", &c));
	old = c.node.id;
	base = c.node.version_id;
	for (int by_id = 0; by_id < 2; by_id++) {
		struct transfer tr = TRANSFER_INIT;

		tr.size = 3;
		tr.new_version = by_id;
		tr.file_id = old;
		tr.base = base;
		CHECK_INT(0, begin(&tr, "a", NULL, 0, true));
		CHECK_INT(0, send(&tr, 1, "new"));
		if (!by_id) {
			CHECK_INT(0, obj_delete("a", 0, NULL));
			CHECK_INT(0, obj_put("a/b", "x", NULL));
		}
		c.rename = false;
		CHECK_INT(ERR_PRECONDITION, end(&c, &tr));
		CHECK(!c.current && strstr(c.conflict_name, "a (conflict laptop ") == c.conflict_name);
		c.rename = true;
		CHECK_INT(0, end(&c, &tr));
		CHECK(c.conflict_of == old && c.node.id != old && c.node.size == 3);
		CHECK_INT(0, end(&again, &tr));
		CHECK(again.repeated && again.conflict_of == old && again.node.id == c.node.id);
		transfer_release(&tr);
	}
	CHECK_INT(2, obj_number("SELECT count(*) FROM change_event WHERE event_type = 11"));
	CHECK_SOUND();
	node_release(&c.node);
	node_release(&again.node);
	obj_close();
}

static void
test_an_edit_is_kept_whatever_took_the_name(void)
{
	edit_what_a_folder_has_the_name_of(0);
}

static void
test_an_edit_of_what_a_marker_hides_is_kept_too(void)
{
	edit_what_a_folder_has_the_name_of(1);
}

/* A session that sends "new" on top of it. */
static void
edit_by_id(struct transfer *tr, const struct object_info *old, const char *name)
{
	tr->size = 3;
	tr->new_version = true;
	tr->file_id = old->file_id;
	tr->base = old->version_id;
	CHECK_INT(0, begin(tr, name, NULL, 0, true));
	CHECK_INT(0, send(tr, 1, "new"));
}

/* "d/x" went with its folder, whose name a file took: it can't come back, and neither do folder and file become twins. */
static void
edit_below_a_file(int64_t history_ms, int versioning)
{
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;
	struct object_info old = OBJECT_INFO_INIT;

	CHECK_INT(0, sync_open(history_ms, versioning));
	CHECK_INT(0, obj_put("d/x", "old", &old));
	edit_by_id(&tr, &old, "x");
	CHECK_INT(0, obj_delete("d/x", 0, NULL));
	CHECK_INT(0, obj_put("d", "file", NULL));
	for (int rename = 0; rename < 2; rename++) {
		c.rename = rename;
		CHECK_INT(ERR_CONFLICT, end(&c, &tr));
	}
	CHECK_INT(0, obj_number("SELECT count(*) FROM entry WHERE kind = 2 AND live = 1"));
	c.parent = space.root_folder_id;
	CHECK_INT(0, end(&c, &tr));
	CHECK_INT(2, obj_number("SELECT count(*) FROM entry WHERE kind = 1 AND live = 1"));
	CHECK_SOUND();
	object_info_release(&old);
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

static void
test_an_edit_makes_no_folder_beside_a_file(void)
{
	edit_below_a_file(1000000, 0);
}

static void
test_an_edit_shows_no_folder_beside_a_file(void)
{
	edit_below_a_file(0, 1);
}

/* The name was deleted twice, the first file with the base: the edit is of that one, whatever has the name behind the folder. */
static void
test_an_edit_is_of_the_file_that_has_its_base(void)
{
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;
	int64_t old;

	CHECK_INT(0, sync_open(1000000, 0));
	CHECK_INT(0, put_text("a", "old", &c));
	old = c.node.id;
	tr.size = 3;
	CHECK_INT(0, begin(&tr, "a", NULL, 0, false));
	CHECK_INT(0, send(&tr, 1, "new"));
	CHECK_INT(0, obj_delete("a", 0, NULL));
	CHECK_INT(0, obj_versioning(1));
	CHECK_INT(0, put_text("a", "another", &c));
	CHECK(c.node.id != old);
	CHECK_INT(0, obj_delete("a", 0, NULL));
	CHECK_INT(0, obj_put("a/b", "x", NULL));
	c.rename = true;
	CHECK_INT(0, end(&c, &tr));
	CHECK_INT(old, c.conflict_of);
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

/* Its folder is gone with it, and it is kept no more: there is nowhere left to go. */
static void
test_an_edit_of_what_left_the_trash_with_its_folder(void)
{
	struct workspace_set short_history = WORKSPACE_SET_NONE;
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;
	struct object_info old = OBJECT_INFO_INIT;

	CHECK_INT(0, sync_open(86400000, 0));
	CHECK_INT(0, obj_put("d/x", "old", &old));
	edit_by_id(&tr, &old, "x");
	CHECK_INT(0, obj_delete("d/x", 0, NULL));
	short_history.history_ms = 1;
	CHECK_INT(0, workspace_set(store, space.id, &short_history, (struct actor) { 1, 0 }));
	nanosleep(&(struct timespec) { .tv_nsec = 5000000 }, NULL);
	CHECK_INT(ERR_CONFLICT, end(&c, &tr));
	c.parent = space.root_folder_id;
	CHECK_INT(0, end(&c, &tr));
	object_info_release(&old);
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

/* Who may write to the file alone makes none beside it. */
static void
test_a_conflict_copy_takes_a_role_on_the_folder(void)
{
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;
	struct object_info old = OBJECT_INFO_INIT;

	CHECK_INT(0, sync_open(0, 0));
	CHECK_INT(0, obj_put("a", "old", &old));
	CHECK_INT(0, principal_create(store, "kim", false, false, &admin));
	CHECK_INT(0, grant_add(store, space.id, SLICE("a"), admin.id, ROLE_EDITOR, (struct actor) { 1, 0 }));
	edit_by_id(&tr, &old, "a");
	CHECK_INT(0, obj_put("a", "theirs", NULL));
	c.rename = true;
	CHECK_INT(ERR_PRECONDITION, end(&c, &tr));
	CHECK(strstr(c.conflict_name, "a (conflict laptop ") == c.conflict_name);
	CHECK_INT(1, obj_number("SELECT count(*) FROM file"));
	CHECK_INT(0, grant_add(store, space.id, SLICE(""), admin.id, ROLE_EDITOR, (struct actor) { 1, 0 }));
	CHECK_INT(0, end(&c, &tr));
	CHECK_INT(old.file_id, c.conflict_of);
	object_info_release(&old);
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

/* Nor is the copy called as a folder is. */
static void
test_a_conflict_copy_is_no_twin(void)
{
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;
	struct object_info old = OBJECT_INFO_INIT;
	int64_t now = clock_wall_us();
	char name[256], key[300];

	CHECK_INT(0, sync_open(0, 0));
	CHECK_INT(0, obj_put("a", "old", &old));
	edit_by_id(&tr, &old, "a");
	CHECK_INT(0, obj_put("a", "theirs", NULL));
	for (int s = 0; s < 60; s++) {
		transfer_conflict_name(SLICE("a"), SLICE("laptop"), now + s * 1000000ll, 1, name);
		snprintf(key, sizeof(key), "%s/k", name);
		CHECK_INT(0, obj_put(key, "in its way", NULL));
	}
	c.rename = true;
	CHECK_INT(0, end(&c, &tr));
	CHECK_STR(" 2)", c.conflict_name + strlen(c.conflict_name) - 3);
	CHECK_INT(old.file_id, c.conflict_of);
	object_info_release(&old);
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

static void
test_conflict_names(void)
{
	char out[256], long_name[251];
	int64_t at = 1795355535 * 1000000ll;

	transfer_conflict_name(SLICE("report.pdf"), SLICE("kim's laptop"), at, 1, out);
	CHECK_STR("report (conflict kim's laptop 2026-11-22 135215).pdf", out);
	transfer_conflict_name(SLICE("report (conflict kim 2026-11-22 135215).pdf"), SLICE("phone"), at, 2, out);
	CHECK_STR("report (conflict phone 2026-11-22 135215 2).pdf", out);
	transfer_conflict_name(SLICE(".profile"), SLICE("a/b"), at, 1, out);
	CHECK_STR(".profile (conflict a_b 2026-11-22 135215)", out);
	for (int i = 0; i < 250; i += 2)
		memcpy(long_name + i, "\xc3\xa4", 2);
	long_name[250] = '\0';
	transfer_conflict_name(SLICE(long_name), SLICE("x"), at, 1, out);
	CHECK(strlen(out) <= 255 && strlen(out) >= 254 && utf8_valid(out, strlen(out)));
}

/* ---- the end ---- */

/* Over a session's time, which each part begins anew. */
static void
test_sessions_end_with_their_time(void)
{
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;
	int64_t late = clock_wall_us() + 8ll * 24 * 3600 * 1000000;
	unsigned n;

	CHECK_INT(0, sync_open(0, 0));
	tr.size = 5;
	CHECK_INT(0, begin(&tr, "a", NULL, 0, false));
	CHECK_INT(0, send(&tr, 1, "hello"));
	CHECK_INT(0, upload_expire(store, clock_wall_us(), 10, &n));
	CHECK_INT(0, n);
	CHECK_INT(0, upload_expire(store, late, 10, &n));
	CHECK_INT(1, n);
	CHECK_INT(ERR_NOTFOUND, end(&c, &tr));
	CHECK_INT(ERR_NOTFOUND, send(&tr, 1, "hello"));
	CHECK_INT(0, obj_number("SELECT count(*) FROM upload_part"));
	CHECK_SOUND();
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

static void
test_abort_and_quota(void)
{
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;

	CHECK_INT(0, sync_open(0, 0));
	CHECK_INT(0, obj_quota(10));
	tr.size = 11;
	CHECK_INT(ERR_QUOTA, begin(&tr, "a", NULL, 0, false));
	tr.size = 10;
	CHECK_INT(0, begin(&tr, "a", NULL, 0, false));
	CHECK_INT(0, send(&tr, 1, "0123456789"));
	CHECK_INT(0, transfer_abort(store, tr.id, admin.id, NULL));
	CHECK_INT(ERR_NOTFOUND, end(&c, &tr));
	CHECK_INT(ERR_NOTFOUND, send(&tr, 1, "0123456789"));
	CHECK_INT(ERR_NOTFOUND, transfer_abort(store, tr.id, admin.id, NULL));
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

static void
test_open_sessions_share_the_quota(void)
{
	static const char *const two[] = { "0123456789", "abcde" };
	struct transfer a = TRANSFER_INIT, b = TRANSFER_INIT, by_chunks = TRANSFER_INIT;
	struct transfer_complete c = COMPLETE_INIT;
	unsigned n;

	CHECK_INT(0, sync_open(0, 0));
	/* Until it is complete it is there beside what it replaces. */
	CHECK_INT(0, obj_put("a", "012345", NULL));
	CHECK_INT(0, obj_quota(10));
	a.size = 6;
	CHECK_INT(ERR_QUOTA, begin(&a, "a", NULL, 0, false));
	CHECK_INT(0, obj_delete("a", 0, NULL));
	CHECK_INT(0, obj_quota(30));
	a.size = b.size = 12;
	CHECK_INT(0, begin(&a, "a", NULL, 0, false));
	CHECK_INT(0, send(&a, 1, "aaaaaaaaaaaa"));
	CHECK_INT(0, begin(&b, "b", NULL, 0, false));
	CHECK_INT(0, obj_put("k", "0123456789", NULL));
	CHECK_INT(ERR_QUOTA, send(&b, 1, "bbbbbbbbbbbb"));
	CHECK_INT(12, obj_number("SELECT upload_bytes FROM workspace"));
	/* Its own parts are no hindrance to its end. */
	CHECK_INT(0, end(&c, &a));
	CHECK_INT(0, obj_number("SELECT upload_bytes FROM workspace"));
	CHECK_INT(0, obj_delete("k", 0, NULL));
	CHECK_INT(0, send(&b, 1, "bbbbbbbbbbbb"));
	CHECK_INT(ERR_QUOTA, obj_put("k", "1234567", NULL));
	CHECK_INT(0, transfer_abort(store, b.id, admin.id, NULL));
	CHECK_INT(0, obj_put("k", "0123456789", NULL));
	/* What a session was told to be there is held by it too. */
	CHECK_INT(ERR_QUOTA, begin(&by_chunks, "c", two, 2, false));
	CHECK_INT(0, obj_quota(47));
	buf_clear(&by_chunks.chunks);
	by_chunks.size = 0;
	CHECK_INT(0, begin(&by_chunks, "c", two, 2, false));
	CHECK_INT(10, obj_number("SELECT upload_bytes FROM workspace"));
	CHECK_INT(0, obj_delete("k", 0, NULL));
	CHECK_INT(0, send(&by_chunks, 2, "abcde"));
	CHECK_INT(15, obj_number("SELECT upload_bytes FROM workspace"));
	CHECK_INT(0, upload_expire(store, clock_wall_us() + 8 * 86400ll * 1000000, 10, &n));
	CHECK_INT(0, obj_number("SELECT uploads + upload_bytes FROM workspace"));
	CHECK_SOUND();
	node_release(&c.node);
	transfer_release(&a);
	transfer_release(&b);
	transfer_release(&by_chunks);
	obj_close();
}

/* Whatever its kind, an open session ends with its workspace. */
static void
test_sessions_end_with_their_workspace(void)
{
	struct transfer tr = TRANSFER_INIT;

	CHECK_INT(0, sync_open(0, 0));
	tr.size = 5;
	CHECK_INT(0, begin(&tr, "a", NULL, 0, false));
	CHECK_INT(0, send(&tr, 1, "hello"));
	CHECK_INT(0, workspace_delete(store, space.id, (struct actor) { 1, 0 }));
	CHECK_INT(0, obj_number("SELECT count(*) FROM upload"));
	CHECK_INT(0, obj_number("SELECT count(*) FROM upload_part"));
	transfer_release(&tr);
	obj_close();
}

static const struct test tests[] = {
	TEST(test_a_base_that_is_not_current), TEST(test_the_same_content_is_unchanged),
	TEST(test_an_edit_beats_a_delete), TEST(test_folders_are_in_the_way),
	TEST(test_an_edit_is_kept_whatever_took_the_name), TEST(test_an_edit_of_what_a_marker_hides_is_kept_too),
	TEST(test_an_edit_makes_no_folder_beside_a_file),
	TEST(test_an_edit_shows_no_folder_beside_a_file),
	TEST(test_an_edit_is_of_the_file_that_has_its_base), TEST(test_an_edit_of_what_left_the_trash_with_its_folder),
	TEST(test_a_conflict_copy_takes_a_role_on_the_folder), TEST(test_a_conflict_copy_is_no_twin), TEST(test_conflict_names), TEST(test_sessions_end_with_their_time),
	TEST(test_abort_and_quota), TEST(test_open_sessions_share_the_quota),
	TEST(test_sessions_end_with_their_workspace), TEST_END
};
TEST_MAIN(tests)
