#include "gc.h"
#include "tbl_upload.h"
#include "transfer_kit.h"
#include "tree.h"
#include "upload.h"
#include "upload_held.h"

/* Sessions of somebody who may not write any more end, and others do not. */

static struct principal ann;
static struct transfer tr;

/* Ann is an editor of `path`, and has a session open in docs/ that holds 5 bytes. */
static int
open_scene(const char *path)
{
	struct idem idem = no_key();
	int64_t docs;
	int rc;

	tr = (struct transfer) TRANSFER_INIT;
	if ((rc = sync_open(1000000, 0)) != 0 || (rc = principal_create(store, "ann", false, false, &ann)) != 0 ||
	    (rc = obj_put("docs/f", "text", NULL)) != 0 || (rc = obj_put("other/g", "text", NULL)) != 0 ||
	    (rc = grant_add(store, space.id, SLICE(path), ann.id, ROLE_EDITOR, (struct actor) { .principal = 1 })) != 0)
		return rc;
	docs = obj_number("SELECT id FROM folder WHERE CAST(name AS TEXT) = 'docs/'");
	tr.workspace = space.id;
	tr.parent = docs;
	tr.principal = ann.id;
	tr.size = 5;
	buf_addstr(&tr.name, "new");
	rc = transfer_start(store, &ann, &tr, false, false, &idem);
	idem_end(store, &idem);
	return rc ? rc : send(&tr, 1, "hello");
}

/* What is open after maintenance: -1 if the sums are wrong. */
static int64_t
open_after_gc(void)
{
	struct gc_report report;
	int rc = gc_run(store, false, 0, NULL, NULL, &report);
	int64_t n = obj_number("SELECT count(*) FROM upload WHERE status = 1");

	if (rc || n != obj_number("SELECT uploads FROM workspace") || 5 * n != obj_number("SELECT upload_bytes FROM workspace") ||
	    n + report.uploads_expired != 1)
		return -1;
	return n == obj_number("SELECT count(*) FROM upload") ? n : -1;
}

static void
close_scene(void)
{
	if (!obj_number("SELECT uploads FROM workspace"))
		CHECK_SOUND();
	transfer_release(&tr);
	obj_close();
}

static void
test_who_may_write_goes_on(void)
{
	CHECK_INT(0, open_scene("docs/"));
	CHECK_INT(1, open_after_gc());
	close_scene();
}

static void
test_a_grant_is_taken_back(void)
{
	CHECK_INT(0, open_scene("docs/"));
	CHECK_INT(0, grant_remove(store, space.id, SLICE("docs/"), ann.id, (struct actor) { .principal = 1 }));
	CHECK_INT(0, open_after_gc());
	close_scene();
}

/* Who is still a viewer may not write, and neither may who writes elsewhere. */
static void
test_a_role_that_is_less(void)
{
	CHECK_INT(0, open_scene("docs/"));
	CHECK_INT(0, grant_add(store, space.id, SLICE("docs/"), ann.id, ROLE_VIEWER, (struct actor) { .principal = 1 }));
	CHECK_INT(0, grant_add(store, space.id, SLICE("other/"), ann.id, ROLE_EDITOR, (struct actor) { .principal = 1 }));
	CHECK_INT(0, open_after_gc());
	close_scene();
}

static void
test_a_grant_elsewhere(void)
{
	CHECK_INT(0, open_scene("docs/"));
	CHECK_INT(0, grant_remove(store, space.id, SLICE("docs/"), ann.id, (struct actor) { .principal = 1 }));
	CHECK_INT(0, grant_add(store, space.id, SLICE("other/"), ann.id, ROLE_EDITOR, (struct actor) { .principal = 1 }));
	CHECK_INT(0, open_after_gc());
	close_scene();
}

static void
test_who_is_disabled(void)
{
	CHECK_INT(0, open_scene(""));
	CHECK_INT(0, principal_disable(store, ann.id, true));
	CHECK_INT(0, open_after_gc());
	close_scene();
}

static void
test_who_is_gone(void)
{
	CHECK_INT(0, open_scene(""));
	CHECK_INT(0, principal_delete(store, ann.id));
	CHECK_INT(0, open_after_gc());
	close_scene();
}

/* The folder comes back from the trash, or the session is completed in another: nothing that was sent is lost. */
static void
delete_below(const char *path, int64_t left)
{
	CHECK_INT(0, open_scene(path));
	if (left)
		CHECK_INT(0, grant_add(store, space.id, SLICE("other/"), ann.id, ROLE_EDITOR, (struct actor) { .principal = 1 }));
	else
		CHECK_INT(0, grant_remove(store, space.id, SLICE(path), ann.id, (struct actor) { .principal = 1 }));
	CHECK_INT(0, obj_delete("docs/f", 0, NULL));
	CHECK_INT(ERR_NOTFOUND, transfer_permit(store, &ann, &tr));
	CHECK_INT(left, open_after_gc());
	close_scene();
}

static void test_the_folder_is_gone(void) { delete_below("docs/", 1); }
static void test_the_folder_and_the_role_are_gone(void) { delete_below("docs/", 0); }

static int
run_stage(struct txn *t, void *arg)
{
	struct workspace_row *w;
	int rc = txn_workspace(t, space.id, &w);

	return rc ? rc : upload_held_open(t, w, &(struct upload_row) { .id = *(int64_t *)arg, .workspace = space.id,
	    .kind = UPLOAD_STAGING, .status = UPLOAD_OPEN, .key = { "", 0 }, .created_by = ann.id,
	    .expires_at = INT64_MAX, .headers = { "", 0 } });
}

/* What is staged waits for any place in the workspace. */
static void
test_what_is_staged(void)
{
	int64_t id = 77;

	CHECK_INT(0, open_scene("docs/"));
	CHECK_INT(0, transfer_abort(store, tr.id, ann.id, NULL));
	CHECK_INT(0, commit_run(store, &(struct commit) { .workspace = space.id, .run = run_stage, .arg = &id }));
	CHECK_INT(0, gc_run(store, false, 0, NULL, NULL, &(struct gc_report) { 0 }));
	CHECK_INT(1, obj_number("SELECT uploads FROM workspace"));
	CHECK_INT(0, grant_remove(store, space.id, SLICE("docs/"), ann.id, (struct actor) { .principal = 1 }));
	CHECK_INT(0, gc_run(store, false, 0, NULL, NULL, &(struct gc_report) { 0 }));
	CHECK_INT(0, obj_number("SELECT uploads FROM workspace"));
	CHECK_INT(0, obj_number("SELECT count(*) FROM upload"));
	close_scene();
}

/* ---- a share for each ---- */

struct crowd {
	int64_t first, count, by;
};

static int
run_crowd(struct txn *t, void *arg)
{
	struct crowd *c = arg;
	struct workspace_row *w;
	int rc = txn_workspace(t, space.id, &w);

	for (int64_t i = 0; rc == 0 && i < c->count; i++)
		rc = upload_held_open(t, w, &(struct upload_row) { .id = c->first + i, .workspace = space.id,
		    .kind = UPLOAD_STAGING, .status = UPLOAD_OPEN, .key = { "", 0 }, .created_by = c->by,
		    .expires_at = INT64_MAX, .headers = { "", 0 } });
	return rc;
}

static int
crowd(int64_t first, int64_t count, int64_t by)
{
	struct crowd c = { first, count, by };

	return commit_run(store, &(struct commit) { .workspace = space.id, .run = run_crowd, .arg = &c });
}

/* One user leaves room for others, and the owner may have all; more than one step's worth ends, too. */
static void
test_one_leaves_room_for_others(void)
{
	struct principal bob;

	CHECK_INT(0, open_scene("docs/"));
	CHECK_INT(0, principal_create(store, "bob", false, false, &bob));
	CHECK_INT(0, crowd(1000, LIMIT_UPLOADS_EACH - 1, ann.id));
	CHECK_INT(ERR_TOOMANY, crowd(20000, 1, ann.id));
	CHECK_INT(0, crowd(20000, 10, bob.id));
	CHECK_INT(0, crowd(30000, LIMIT_UPLOADS_EACH - 10, obj_number("SELECT owner_id FROM workspace")));
	CHECK_INT(ERR_TOOMANY, crowd(50000, 1, bob.id));
	CHECK_INT(0, grant_remove(store, space.id, SLICE("docs/"), ann.id, (struct actor) { .principal = 1 }));
	CHECK_INT(0, gc_run(store, false, 0, NULL, NULL, &(struct gc_report) { 0 }));
	CHECK_INT(LIMIT_UPLOADS_EACH - 10, obj_number("SELECT uploads FROM workspace"));	/* bob has no role either */
	CHECK_INT(0, crowd(60000, 10, obj_number("SELECT owner_id FROM workspace")));
	close_scene();
}

static const struct test tests[] = {
	TEST(test_who_may_write_goes_on), TEST(test_a_grant_is_taken_back), TEST(test_a_role_that_is_less),
	TEST(test_a_grant_elsewhere), TEST(test_who_is_disabled), TEST(test_who_is_gone), TEST(test_the_folder_is_gone),
	TEST(test_the_folder_and_the_role_are_gone), TEST(test_what_is_staged), TEST(test_one_leaves_room_for_others),
	TEST_END
};
TEST_MAIN(tests)
