#include "apply_kit.h"

/* Many changes in one commit: contents that are there or staged, and refusals that leave no trace. */

/* ---- contents ---- */

static void
test_staged_chunks_become_files(void)
{
	static const char *const texts[] = { "one", "two", "one" };
	int rc;

	CHECK_INT(0, open_store(0, 0));
	CHECK_INT(0, stage(texts, 3, staged));
	begin();
	batch.nstaged = 1;
	create("a", "one");
	create("b", "two");
	create("empty", "");
	create("missing", "three");
	CHECK_INT(0, run(false));
	CHECK(ops[0].rc == 0 && ops[1].rc == 0 && ops[2].rc == 0);
	CHECK_INT(ERR_INVALID, ops[3].rc);
	CHECK(ops[3].missing.len == sizeof(unsigned));
	CHECK(batch.before + 3 == batch.sequence && ops[0].sequence == batch.before + 1 && ops[2].sequence == batch.sequence);
	CHECK_STR("one", obj_text("a", 0, &rc));
	CHECK_STR("two", obj_text("b", 0, &rc));
	CHECK_STR("", obj_text("empty", 0, &rc));
	CHECK_INT(0, rc);
	/* What was staged stays for another call, whatever became of the files. */
	CHECK_INT(0, obj_delete("b", 0, NULL));
	CHECK_INT(0, obj_collect());
	begin();
	batch.nstaged = 1;
	create("c", "two");
	CHECK_INT(0, run(true));
	CHECK_STR("two", obj_text("c", 0, &rc));
	close_store();
}

static void
test_what_is_staged_counts_until_it_is_files(void)
{
	static const char *const texts[] = { "one", "two" };

	CHECK_INT(0, open_store(0, 0));
	CHECK_INT(0, obj_quota(10));
	CHECK_INT(0, stage(texts, 2, staged));
	CHECK_INT(ERR_QUOTA, stage(texts, 2, staged + 1));
	begin();
	staged[1] = staged[0];	/* naming it twice changes nothing */
	batch.nstaged = 2;
	create("a", "one");
	create("b", "two");
	CHECK_INT(0, run(true));
	CHECK_INT(6, obj_number("SELECT bytes FROM workspace"));
	CHECK_INT(0, obj_number("SELECT uploads + upload_bytes FROM workspace"));
	/* It has served. */
	begin();
	batch.nstaged = 1;
	create("c", "two");
	CHECK_INT(ERR_EXPIRED, run(true));
	/* After a refusal it stays, as far as there is room for it. */
	CHECK_INT(0, stage(texts, 1, staged));
	begin();
	batch.nstaged = 1;
	create("missing", "x");
	CHECK_INT(0, run(false));
	CHECK(ops[0].rc == ERR_INVALID && obj_number("SELECT uploads FROM workspace") == 1);
	begin();
	batch.nstaged = 1;
	create("missing", "x");
	create("c", "one");
	CHECK_INT(0, run(false));
	CHECK(ops[0].rc == ERR_INVALID && ops[1].rc == 0);
	CHECK_INT(9, obj_number("SELECT bytes FROM workspace"));
	CHECK_INT(0, obj_number("SELECT uploads + upload_bytes FROM workspace"));
	CHECK_INT(0, obj_collect());
	CHECK_INT(0, obj_number("SELECT count(*) FROM upload_part"));
	close_store();
}

static void
test_nobody_makes_files_of_what_others_staged(void)
{
	static const char *const texts[] = { "secret" };

	CHECK_INT(0, open_store(0, 0));
	CHECK_INT(0, stage(texts, 1, staged));
	begin();
	batch.nstaged = 1;
	create("a", "secret");
	CHECK_INT(0, principal_create(store, "lee", false, false, &admin));
	CHECK_INT(0, grant_add(store, space.id, SLICE(""), admin.id, ROLE_EDITOR, (struct actor) { 0 }));
	CHECK_INT(ERR_EXPIRED, run(false));
	begin();
	create("a", "secret");
	CHECK_INT(0, run(false));
	CHECK_INT(ERR_INVALID, ops[0].rc);
	close_store();
}

static void
test_hashes_are_verified(void)
{
	static const char *const texts[] = { "first", "second" };

	CHECK_INT(0, open_store(0, 0));
	CHECK_INT(0, stage(texts, 2, staged));
	begin();
	batch.nstaged = 1;
	for (int i = 0; i < 3; i++) {
		struct apply_op *op = create(i == 0 ? "good" : i == 1 ? "bad" : "one", "first");

		op->has_hash = true;
		digest_sha256(i == 0 ? "firstsecond" : "else", i == 0 ? 11 : 4, op->hash);
		if (i < 2)
			chunk(op, "second");
	}
	CHECK_INT(0, run(false));
	CHECK(ops[0].rc == 0 && ops[1].rc == ERR_DIGEST && ops[2].rc == ERR_DIGEST);
	CHECK_INT(1, obj_number("SELECT count(*) FROM file_version WHERE content_hash IS NOT NULL"));
	CHECK(object_find(store, space.id, SLICE("bad"), 0, &(struct object_info)OBJECT_INFO_INIT) == ERR_NOTFOUND);
	begin();
	create("short", "first")->size = 4;
	CHECK_INT(0, run(false));
	CHECK_INT(ERR_RANGE, ops[0].rc);
	close_store();
}

static void
test_a_base_tells_its_chunks_of_its_own_file_alone(void)
{
	static const char *const texts[] = { "first", "second" };
	int64_t file, version;

	CHECK_INT(0, open_store(1000000, 0));
	CHECK_INT(0, stage(texts, 2, staged));
	begin();
	batch.nstaged = 1;
	chunk(create("two", "first"), "second");
	create("other", "");
	CHECK_INT(0, run(true));
	file = ops[0].result;
	version = ops[0].version;
	begin();
	for (int i = 0; i < 2; i++) {
		struct apply_op *op = add(APPLY_VERSION, NULL);

		op->id = i ? file : obj_number("SELECT id FROM file WHERE name = CAST('other' AS BLOB)");
		op->base = version;
		op->rename = true;
		chunk(op, "second");
		chunk(op, "first");
	}
	CHECK_INT(0, run(false));
	CHECK_INT(ERR_INVALID, ops[0].rc);
	CHECK_INT(0, ops[1].rc);
	CHECK(ops[1].result == file && ops[1].version != version);
	close_store();
}

/* ---- all, or each ---- */

static int64_t
events(void)
{
	return obj_number("SELECT sequence FROM workspace");
}

static void
test_all_or_none(void)
{
	int64_t before;

	CHECK_INT(0, open_store(0, 0));
	CHECK_INT(0, obj_put("there", "x", NULL));
	before = events();
	begin();
	add(APPLY_FOLDER, "f");
	create("a", "x")->parent_op = 0;
	create("there", "");
	CHECK_INT(ERR_PRECONDITION, run(true));
	CHECK_INT(2, (int64_t)batch.failed);
	CHECK(ops[2].current && strstr(ops[2].conflict_name, "there (conflict laptop "));
	CHECK_INT(before, events());
	CHECK_SOUND();
	CHECK_INT(0, run(false));
	CHECK(ops[0].rc == 0 && ops[1].rc == 0 && ops[2].rc == ERR_PRECONDITION);
	CHECK_INT(0, obj_number("SELECT count(*) FROM change_event WHERE ends_commit = 0 AND event_type <> 7"));
	CHECK_SOUND();
	close_store();
}

static void
test_one_commit_for_the_feed(void)
{
	CHECK_INT(0, open_store(0, 0));
	CHECK_INT(0, obj_put("there", "x", NULL));
	begin();
	add(APPLY_FOLDER, "f");
	create("a", "x")->parent_op = 0;
	create("b", "x");
	create("there", "x");
	CHECK_INT(0, run(true));
	CHECK(ops[3].unchanged);
	CHECK_INT(1, obj_number("SELECT count(*) FROM change_event WHERE ends_commit = 1 AND sequence > 1"));
	CHECK_SOUND();
	close_store();
}

static void
test_what_failed_has_nothing_in_it(void)
{
	CHECK_INT(0, open_store(0, 0));
	begin();
	add(APPLY_FOLDER, "f");
	add(APPLY_FOLDER, "f");
	create("a", "")->parent_op = 1;
	create("b", "")->parent_op = 0;
	create("c", "")->rc = ERR_DENIED;
	create("d", "")->parent = 12345;
	CHECK_INT(0, run(false));
	CHECK_INT(ERR_EXISTS, ops[1].rc);
	CHECK(ops[1].existing == ops[0].result && ops[1].existing_kind == NODE_FOLDER);
	CHECK_INT(ERR_NOTFOUND, ops[2].rc);
	CHECK_INT(0, ops[3].rc);
	CHECK_INT(ERR_DENIED, ops[4].rc);
	CHECK_INT(ERR_NOTFOUND, ops[5].rc);
	CHECK_SOUND();
	close_store();
}

static void
test_moves_and_deletions(void)
{
	struct object_info info = OBJECT_INFO_INIT;
	int rc;

	CHECK_INT(0, open_store(0, 0));
	CHECK_INT(0, obj_put("a", "x", &info));
	begin();
	add(APPLY_FOLDER, "f");
	add(APPLY_MOVE, "b")->id = info.file_id;
	ops[1].parent_op = 0;
	create("in", "x")->parent_op = 0;
	add(APPLY_DELETE, NULL)->id = info.file_id;
	ops[3].base = 1;
	add(APPLY_DELETE, NULL)->id = info.file_id;
	create("late", "")->parent_op = 0;
	CHECK_INT(0, run(false));
	for (size_t i = 0; i < batch.count; i++)
		CHECK_INT(i == 3 ? ERR_PRECONDITION : 0, ops[i].rc);
	CHECK(ops[3].current == info.version_id);
	CHECK_INT(0, strcmp("b", ops[1].called.data));
	CHECK_STR("x", obj_text("f/in", 0, &rc));
	CHECK_STR("", obj_text("f/late", 0, &rc));
	CHECK_INT(0, rc);
	(void)obj_text("f/b", 0, &rc);
	CHECK_INT(ERR_NOTFOUND, rc);
	object_info_release(&info);
	close_store();
}

/* The folder is gone when the next operation looks for it. */
static void
test_what_was_known_of_a_folder_ends_with_it(void)
{
	CHECK_INT(0, open_store(0, 0));
	begin();
	add(APPLY_FOLDER, "f");
	CHECK_INT(0, run(true));
	int64_t folder = ops[0].result;

	begin();
	create("a", "")->parent = folder;
	add(APPLY_DELETE, NULL)->id = folder;
	ops[1].node = NODE_FOLDER;
	create("b", "")->parent = folder;
	CHECK_INT(0, run(false));
	CHECK(ops[0].rc == 0 && ops[1].rc == 0 && ops[2].rc == ERR_NOTFOUND);
	CHECK_SOUND();
	close_store();
}

static const struct test tests[] = {
	TEST(test_staged_chunks_become_files), TEST(test_what_is_staged_counts_until_it_is_files),
	TEST(test_nobody_makes_files_of_what_others_staged), TEST(test_hashes_are_verified),
	TEST(test_a_base_tells_its_chunks_of_its_own_file_alone), TEST(test_all_or_none),
	TEST(test_one_commit_for_the_feed), TEST(test_what_failed_has_nothing_in_it),
	TEST(test_moves_and_deletions), TEST(test_what_was_known_of_a_folder_ends_with_it), TEST_END
};
TEST_MAIN(tests)
