#include "versions_kit.h"

/* Versioning, case by case: listings while versions go, the feed, history, the quota. */

/* A marker of the listing names a version; when that is destroyed, the one that took its place is still shown. */
static void
go_on_behind_what_is_gone(unsigned max)
{
	CHECK_INT(0, obj_open(0, VERSIONING_NEVER));
	CHECK_INT(0, obj_put("a", "null", NULL));
	CHECK_INT(0, obj_versioning(VERSIONING_ENABLED));
	CHECK_INT(0, obj_put("a", "one", NULL));
	CHECK_INT(0, obj_delete("a", 0, NULL));
	CHECK_INT(0, obj_put("d/x", "one", NULL));
	CHECK_INT(0, obj_put("d/x", "two", NULL));
	CHECK_INT(0, obj_put("e", "one", NULL));
	CHECK_INT(0, obj_put("e", "two", NULL));
	CHECK_INT(0, obj_versioning(VERSIONING_SUSPENDED));
	CHECK_INT(0, obj_put("e", "null", NULL));
	CHECK_INT(0, obj_delete("f", 0, NULL));
	empty_by_pages(max);
	CHECK(!test_failed_);
	CHECK_SOUND();
	obj_close();
}

static void
test_pages_of_one_go_on_behind_what_is_gone(void)
{
	go_on_behind_what_is_gone(1);
}

static void
test_pages_of_three_go_on_behind_what_is_gone(void)
{
	go_on_behind_what_is_gone(3);
}

static int64_t
last_event(void)
{
	return obj_number("SELECT event_type FROM change_event ORDER BY sequence DESC LIMIT 1");
}

static void
test_the_feed_of_versions(void)
{
	struct object_info v1 = { 0 }, v2 = { 0 };
	struct object_delete marker, other;

	CHECK_INT(0, obj_open(0, VERSIONING_ENABLED));
	CHECK_INT(0, obj_put("d/k", "one", &v1));
	CHECK_INT(0, obj_put("d/k", "two", &v2));
	CHECK_INT(EVENT_FILE_VERSION_COMMITTED, last_event());
	/* The current one is destroyed: the one before is current, with its content. */
	CHECK_INT(0, obj_delete("d/k", v2.version_id, NULL));
	CHECK_INT(EVENT_FILE_VERSION_COMMITTED, last_event());
	CHECK_INT(v1.version_id, obj_number("SELECT version_id FROM change_event ORDER BY sequence DESC LIMIT 1"));
	CHECK_INT(1, obj_number("SELECT count(*) FROM change_event c JOIN file_version v ON v.id = c.version_id"
	    " AND v.content_hash = c.content_hash WHERE c.sequence = (SELECT sequence FROM workspace)"));
	/* Two markers: the folder is gone with the first, and back with the last of them. */
	CHECK_INT(0, obj_delete("d/k", 0, &marker));
	CHECK_INT(EVENT_FOLDER_DELETED, last_event());
	CHECK_INT(0, obj_delete("d/k", 0, &other));
	CHECK_INT(EVENT_FILE_DELETED, last_event());
	CHECK_INT(0, obj_delete("d/k", marker.version_id, NULL));
	CHECK_INT(EVENT_FILE_DELETED, last_event());
	CHECK_INT(0, obj_delete("d/k", other.version_id, NULL));
	CHECK_INT(EVENT_FILE_RESTORED, last_event());
	CHECK_INT(v1.version_id, obj_number("SELECT version_id FROM change_event ORDER BY sequence DESC LIMIT 1"));
	CHECK_INT(1, obj_number("SELECT count(*) FROM file"));
	CHECK_SOUND();
	obj_close();
}

/* What versioning keeps is no history and what history keeps S3 does not see; what is destroyed by its id is neither. */
static void
test_history_beside_versions(void)
{
	struct object_info null = { 0 }, v1 = { 0 }, again = { 0 };
	int rc;

	CHECK_INT(0, obj_open(86400000, VERSIONING_NEVER));
	CHECK_INT(0, obj_put("k", "1", NULL));
	CHECK_INT(0, obj_put("k", "22", &null));
	CHECK_INT(1, obj_number("SELECT history_bytes FROM workspace"));
	CHECK_INT(0, obj_versioning(VERSIONING_ENABLED));
	CHECK_INT(0, obj_put("k", "333", &v1));
	CHECK_INT(2, obj_number("SELECT noncurrent_bytes FROM workspace"));
	CHECK_INT(1, obj_number("SELECT history_bytes FROM workspace"));
	CHECK_INT(0, obj_versioning(VERSIONING_SUSPENDED));
	CHECK_INT(0, obj_put("k", "4444", NULL));
	CHECK_INT(3, obj_number("SELECT noncurrent_bytes FROM workspace"));
	CHECK_INT(3, obj_number("SELECT history_bytes FROM workspace"));
	obj_text("k", null.version_id, &rc);
	CHECK_INT(ERR_NOTFOUND, rc);
	CHECK_INT(0, obj_delete("k", null.version_id, NULL));
	CHECK_INT(3, obj_number("SELECT history_bytes FROM workspace"));
	CHECK_INT(0, obj_delete("k", VERSION_NULL, NULL));
	CHECK_STR("333", obj_text("k", 0, &rc));
	CHECK_INT(3, obj_number("SELECT history_bytes FROM workspace"));
	CHECK_SOUND();
	/* The last version goes: with history left the file is in the trash, and the key begins anew. */
	CHECK_INT(0, obj_delete("k", v1.version_id, NULL));
	CHECK_INT(1, obj_number("SELECT count(*) FROM file WHERE state = 3"));
	CHECK_INT(0, obj_number("SELECT count(*) FROM entry"));
	CHECK_INT(0, obj_put("k", "5", &again));
	CHECK(again.file_id != v1.file_id);
	CHECK_SOUND();
	obj_close();
}

static void
test_the_quota_counts_versions(void)
{
	struct object_info v1 = { 0 };

	CHECK_INT(0, obj_open(86400000, VERSIONING_ENABLED));
	CHECK_INT(0, obj_quota(10));
	CHECK_INT(0, obj_put("k", "12345", &v1));
	CHECK_INT(0, obj_put("k", "1234", NULL));
	CHECK_INT(ERR_QUOTA, obj_put("k", "12", NULL));
	CHECK_INT(0, obj_delete("k", 0, NULL));
	CHECK_INT(ERR_QUOTA, obj_put("k", "12", NULL));
	CHECK_INT(0, obj_delete("k", v1.version_id, NULL));
	CHECK_INT(0, obj_put("k", "12", NULL));
	CHECK_SOUND();
	obj_close();
}

static const struct test tests[] = {
	TEST(test_pages_of_one_go_on_behind_what_is_gone),
	TEST(test_pages_of_three_go_on_behind_what_is_gone), TEST(test_the_feed_of_versions),
	TEST(test_history_beside_versions), TEST(test_the_quota_counts_versions), TEST_END
};
TEST_MAIN(tests)
