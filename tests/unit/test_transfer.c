#include "object_kit.h"

#include "blob.h"
#include "clock.h"
#include "commit.h"
#include "hashes.h"
#include "transfer.h"
#include "upload.h"

/* Sessions of the JSON API: by parts, by chunks, conflicts, repetition. */

static struct principal admin;

static int
render(void *arg, struct buf *reply)
{
	(void)arg;
	buf_addstr(reply, "{}");
	return 0;
}

static struct idem
no_key(void)
{
	struct idem i = IDEM_INIT;

	i.render = render;
	return i;
}

static int
begin(struct transfer *tr, const char *name, const char *const *chunks, size_t n, bool has_base)
{
	struct idem idem = no_key();
	struct manifest_chunk c;
	int rc;

	tr->workspace = space.id;
	tr->parent = tr->parent ? tr->parent : space.root_folder_id;
	tr->principal = admin.id;
	buf_clear(&tr->name);
	buf_addstr(&tr->name, name);
	for (size_t i = 0; i < n; i++) {
		c.bytes = (uint32_t)strlen(chunks[i]);
		digest_sha256(chunks[i], c.bytes, c.id);
		buf_add(&tr->chunks, &c, sizeof(c));
		tr->size += c.bytes;
	}
	rc = transfer_start(store, &admin, tr, chunks != NULL, has_base, &idem);
	idem_end(store, &idem);
	return rc;
}

static int
send(const struct transfer *tr, unsigned number, const char *text)
{
	struct obj_text o = { 0 };
	int rc = obj_ingest(&o, text);

	if (rc == 0)
		rc = transfer_put_part(store, tr, number, &o.result);
	ingest_free(o.in);
	return rc;
}

static int
end(struct transfer_complete *c, const struct transfer *tr)
{
	struct idem idem = no_key();
	int rc;

	c->id = tr->id;
	c->who = &admin;
	c->label = SLICE("laptop");
	rc = transfer_complete(store, c, &idem);
	idem_end(store, &idem);
	return rc;
}

#define COMPLETE_INIT { .node = NODE_INIT }

static int
put_text(const char *name, const char *text, struct transfer_complete *c)
{
	struct transfer tr = TRANSFER_INIT;
	int rc;

	tr.size = strlen(text);
	if ((rc = begin(&tr, name, NULL, 0, false)) == 0 && (rc = *text ? send(&tr, 1, text) : 0) == 0)
		rc = end(c, &tr);
	transfer_release(&tr);
	return rc;
}

static int
open_store(int64_t history_ms)
{
	int rc = obj_open(history_ms, 0);

	return rc ? rc : principal_find(store, "admin", &admin);
}

/* ---- by parts ---- */

static void
test_one_part(void)
{
	struct transfer_complete c = COMPLETE_INIT, again = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;
	struct object_info info = OBJECT_INFO_INIT;
	unsigned numbers[4], n;
	int64_t version;

	CHECK_INT(0, open_store(0));
	tr.size = 5;
	CHECK_INT(0, begin(&tr, "a.txt", NULL, 0, false));
	CHECK(tr.base == 0 && tr.parts == 1 && tr.part_size == TRANSFER_PART);
	CHECK_INT(ERR_INVALID, end(&c, &tr));
	CHECK_INT(1, c.missing);
	CHECK_INT(0, transfer_missing(store, &tr, 0, numbers, 4, &n));
	CHECK(n == 1 && numbers[0] == 1);
	CHECK_INT(ERR_DIGEST, send(&tr, 1, "too long"));
	CHECK_INT(0, send(&tr, 1, "wrong"));
	CHECK_INT(0, send(&tr, 1, "hello"));
	CHECK_INT(0, transfer_missing(store, &tr, 0, numbers, 4, &n));
	CHECK_INT(0, n);
	CHECK_INT(0, end(&c, &tr));
	CHECK(c.node.id == tr.file_id && c.node.size == 5 && c.node.has_hash && c.before == c.sequence - 1);
	version = c.node.version_id;
	CHECK_INT(0, end(&again, &tr));
	CHECK(again.repeated && again.node.version_id == version && again.sequence == c.sequence);
	CHECK_INT(0, object_find(store, space.id, SLICE("a.txt"), 0, &info));
	CHECK(info.size == 5 && info.version_id == version);
	CHECK_STR("5d41402abc4b2a76b9719d911017c592", info.etag);
	object_info_release(&info);
	node_release(&c.node);
	node_release(&again.node);
	transfer_release(&tr);
	obj_close();
}

static void
test_the_announced_hash_must_be(void)
{
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;

	CHECK_INT(0, open_store(0));
	tr.size = 5;
	tr.has_hash = true;
	digest_sha256("hello", 5, tr.hash);
	CHECK_INT(0, begin(&tr, "a", NULL, 0, false));
	CHECK_INT(0, send(&tr, 1, "jello"));
	CHECK_INT(ERR_DIGEST, end(&c, &tr));
	CHECK_INT(0, send(&tr, 1, "hello"));
	CHECK_INT(0, end(&c, &tr));
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

/* ---- by chunks ---- */

static void
test_by_chunks(void)
{
	static const char *const two[] = { "first", "second" };
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;
	unsigned numbers[4], n;

	CHECK_INT(0, open_store(0));
	CHECK_INT(0, put_text("there", "first", &c));
	tr.has_hash = true;
	digest_sha256("firstsecond", 11, tr.hash);
	CHECK_INT(0, begin(&tr, "both", two, 2, false));
	CHECK_INT(0, transfer_missing(store, &tr, 0, numbers, 4, &n));
	CHECK(n == 1 && numbers[0] == 2);
	/* What was told to be there stays, whatever becomes of the file that it was found in. */
	CHECK_INT(0, object_delete(store, &(struct object_delete) { .workspace = space.id, .key = SLICE("there") }, 1));
	CHECK_INT(ERR_DIGEST, send(&tr, 2, "seconD"));
	CHECK_INT(0, send(&tr, 2, "second"));
	CHECK_INT(0, end(&c, &tr));
	CHECK(c.node.size == 11 && c.node.has_hash && !memcmp(c.node.content_hash, tr.hash, 32));
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

/* Two chunks without a word on the whole: its hash is found out later, told once. */
static unsigned reads;
static const struct blob_ops *real;

static int
counted_get(struct blob_store *bs, const uint8_t id[32], const struct blob_place *place, size_t from, size_t len,
    bool whole, void *bytes)
{
	reads++;
	return real->get(bs, id, place, from, len, whole, bytes);
}

/* To be verified a chunk is read once, however often the list names it. */
static void
test_a_chunk_that_is_repeated_is_read_once(void)
{
	enum { TIMES = 1000, LEN = 8 };
	const char *list[2 * TIMES + 1];
	char whole[sizeof(list) / sizeof(list[0]) * LEN + 1];
	struct transfer tr = TRANSFER_INIT;
	struct transfer_complete c = COMPLETE_INIT;
	struct blob_ops counting;
	size_t n = sizeof(list) / sizeof(list[0]);

	CHECK_INT(0, open_store(0));
	CHECK_INT(0, obj_put("a", "repeated", NULL));
	CHECK_INT(0, obj_put("b", "in turns", NULL));
	CHECK_INT(0, obj_put("c", "just one", NULL));
	for (size_t i = 0; i < n; i++) {
		list[i] = i == n - 1 ? "just one" : i % 2 ? "repeated" : "in turns";
		memcpy(whole + i * LEN, list[i], LEN);
	}
	tr.has_hash = true;
	digest_sha256(whole, n * LEN, tr.hash);
	CHECK_INT(0, begin(&tr, "many", list, n, false));
	real = store->blobs->ops;
	counting = *real;
	counting.get = counted_get;
	store->blobs->ops = &counting;
	CHECK_INT(0, end(&c, &tr));
	store->blobs->ops = real;
	CHECK_INT(3, reads);
	CHECK(c.node.has_hash && c.node.size == n * LEN);
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

static void
test_hashes_are_found_out(void)
{
	static const char *const two[] = { "first", "second" };
	struct transfer_complete c = COMPLETE_INIT;
	struct object_info info = OBJECT_INFO_INIT;
	struct transfer tr = TRANSFER_INIT;
	struct hashes hashes = { 0 };
	uint8_t hash[32];
	int64_t n, before;

	CHECK_INT(0, open_store(0));
	CHECK_INT(0, begin(&tr, "both", two, 2, false));
	CHECK_INT(0, send(&tr, 1, "first"));
	CHECK_INT(0, send(&tr, 2, "second"));
	CHECK_INT(0, end(&c, &tr));
	CHECK(!c.node.has_hash);
	before = obj_number("SELECT sequence FROM workspace");
	CHECK_INT(0, hashes_run(store, &hashes, NULL, NULL, &n));
	CHECK_INT(1, n);
	CHECK_INT(0, object_find(store, space.id, SLICE("both"), 0, &info));
	digest_sha256("firstsecond", 11, hash);
	CHECK(info.has_hash && !memcmp(info.content_hash, hash, 32) && info.version_id == c.node.version_id);
	CHECK_INT(before + 1, obj_number("SELECT sequence FROM workspace"));
	CHECK_INT(1, obj_number("SELECT count(*) FROM change_event WHERE event_type = 3 AND length(content_hash) = 32"));
	CHECK_INT(0, hashes_run(store, &hashes, NULL, NULL, &n));
	CHECK_INT(0, n);
	CHECK_INT(before + 1, obj_number("SELECT sequence FROM workspace"));
	object_info_release(&info);
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

static int
lose_a_chunk(struct txn *t, void *arg)
{
	(void)arg;
	return db_exec0(t->db, "UPDATE chunk SET place = place + 8 WHERE size_bytes = 4");
}

/* What can't be read is passed over, and what comes after it is not. */
static void
test_what_cannot_be_read_has_no_hash(void)
{
	static const char *const lost[] = { "lost", "pieces" }, *const whole[] = { "whole", "pieces" };
	struct transfer_complete c = COMPLETE_INIT;
	struct hashes hashes = { 0 };
	int64_t n;

	CHECK_INT(0, open_store(0));
	for (int i = 0; i < 2; i++) {
		struct transfer tr = TRANSFER_INIT;

		CHECK_INT(0, begin(&tr, i ? "whole" : "lost", i ? whole : lost, 2, false));
		CHECK_INT(0, send(&tr, 1, i ? "whole" : "lost"));
		CHECK_INT(0, send(&tr, 2, "pieces"));
		CHECK_INT(0, end(&c, &tr));
		transfer_release(&tr);
	}
	CHECK_INT(0, commit_run(store, &(struct commit) { .run = lose_a_chunk }));
	CHECK_INT(0, hashes_run(store, &hashes, NULL, NULL, &n));
	CHECK_INT(1, n);
	CHECK_INT(1, obj_number("SELECT count(*) FROM file_version WHERE content_hash IS NULL"));
	node_release(&c.node);
	obj_close();
}

/* What a session held and let go of is told to the next as before. */
static void
test_what_was_there_stays_known(void)
{
	static const char *const one[] = { "first" };
	struct transfer_complete c = COMPLETE_INIT;
	unsigned numbers[4], n;

	CHECK_INT(0, open_store(0));
	for (int i = 0; i < 3; i++) {
		struct transfer tr = TRANSFER_INIT;

		CHECK_INT(0, begin(&tr, i == 0 ? "a" : i == 1 ? "b" : "c", one, 1, false));
		CHECK_INT(0, transfer_missing(store, &tr, 0, numbers, 4, &n));
		CHECK_INT(i == 0, n);
		if (n) {
			CHECK_INT(0, send(&tr, 1, "first"));
			CHECK_INT(0, send(&tr, 1, "first"));
		}
		CHECK_INT(0, end(&c, &tr));
		transfer_release(&tr);
	}
	CHECK_SOUND();
	node_release(&c.node);
	obj_close();
}

/* Over a session's time, which each part begins anew. */
static void
test_sessions_end_with_their_time(void)
{
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;
	int64_t late = clock_wall_us() + 8ll * 24 * 3600 * 1000000;
	unsigned n;

	CHECK_INT(0, open_store(0));
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
test_lists_that_are_wrong(void)
{
	static const char *const empty[] = { "" };
	static const char *const one[] = { "x" };
	struct transfer tr = TRANSFER_INIT;

	CHECK_INT(0, open_store(0));
	CHECK_INT(ERR_INVALID, begin(&tr, "a", empty, 1, false));
	buf_clear(&tr.chunks);
	tr.size = 5;
	CHECK_INT(ERR_INVALID, begin(&tr, "a", one, 1, false));
	transfer_release(&tr);
	obj_close();
}

static void
test_chunks_of_others_are_not_told(void)
{
	static const char *const secret[] = { "their secret" };
	struct transfer tr = TRANSFER_INIT;
	struct workspace_row other;
	struct principal kim;
	unsigned numbers[4], n;

	CHECK_INT(0, open_store(0));
	CHECK_INT(0, principal_create(store, "kim", false, false, &kim));
	CHECK_INT(0, kit_workspace(store, "kims", kim.id, 0, &other));
	CHECK_INT(0, kit_put(store, other.id, "a", "their secret", kim.id));
	CHECK_INT(0, principal_create(store, "lee", false, false, &admin));
	CHECK_INT(0, grant_add(store, space.id, SLICE(""), admin.id, ROLE_EDITOR, (struct actor) { 1, 0 }));
	CHECK_INT(0, begin(&tr, "a", secret, 1, false));
	CHECK_INT(0, transfer_missing(store, &tr, 0, numbers, 4, &n));
	CHECK_INT(1, n);
	transfer_release(&tr);
	obj_close();
}

/* ---- conflicts ---- */

static void
test_a_base_that_is_not_current(void)
{
	struct transfer_complete c = COMPLETE_INIT, mine = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;

	CHECK_INT(0, open_store(0));
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

	CHECK_INT(0, open_store(0));
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

	CHECK_INT(0, open_store(1000000));
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

	CHECK_INT(0, open_store(0));
	CHECK_INT(0, obj_put("a/b", "x", NULL));
	CHECK_INT(ERR_EXISTS, put_text("a", "file", &c));
	node_release(&c.node);
	obj_close();
}

/* ---- the end ---- */

static void
test_abort_and_quota(void)
{
	struct workspace_set set = WORKSPACE_SET_NONE;
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;

	CHECK_INT(0, open_store(0));
	set.quota_bytes = 10;
	CHECK_INT(0, workspace_set(store, space.id, &set, (struct actor) { 1, 0 }));
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
	struct workspace_set set = WORKSPACE_SET_NONE;
	struct transfer a = TRANSFER_INIT, b = TRANSFER_INIT, by_chunks = TRANSFER_INIT;
	struct transfer_complete c = COMPLETE_INIT;
	unsigned n;

	CHECK_INT(0, open_store(0));
	/* Until it is complete it is there beside what it replaces. */
	CHECK_INT(0, obj_put("a", "012345", NULL));
	set.quota_bytes = 10;
	CHECK_INT(0, workspace_set(store, space.id, &set, (struct actor) { 1, 0 }));
	a.size = 6;
	CHECK_INT(ERR_QUOTA, begin(&a, "a", NULL, 0, false));
	CHECK_INT(0, obj_delete("a", 0, NULL));
	set.quota_bytes = 30;
	CHECK_INT(0, workspace_set(store, space.id, &set, (struct actor) { 1, 0 }));
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
	set.quota_bytes = 47;
	CHECK_INT(0, workspace_set(store, space.id, &set, (struct actor) { 1, 0 }));
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

	CHECK_INT(0, open_store(0));
	tr.size = 5;
	CHECK_INT(0, begin(&tr, "a", NULL, 0, false));
	CHECK_INT(0, send(&tr, 1, "hello"));
	CHECK_INT(0, workspace_delete(store, space.id, (struct actor) { 1, 0 }));
	CHECK_INT(0, obj_number("SELECT count(*) FROM upload"));
	CHECK_INT(0, obj_number("SELECT count(*) FROM upload_part"));
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

static const struct test tests[] = {
	TEST(test_one_part),
	TEST(test_the_announced_hash_must_be),
	TEST(test_by_chunks),
	TEST(test_a_chunk_that_is_repeated_is_read_once),
	TEST(test_hashes_are_found_out),
	TEST(test_what_cannot_be_read_has_no_hash),
	TEST(test_what_was_there_stays_known),
	TEST(test_sessions_end_with_their_time),
	TEST(test_lists_that_are_wrong),
	TEST(test_chunks_of_others_are_not_told),
	TEST(test_a_base_that_is_not_current),
	TEST(test_the_same_content_is_unchanged),
	TEST(test_an_edit_beats_a_delete),
	TEST(test_folders_are_in_the_way),
	TEST(test_abort_and_quota),
	TEST(test_open_sessions_share_the_quota),
	TEST(test_sessions_end_with_their_workspace),
	TEST(test_conflict_names),
	TEST_END
};
TEST_MAIN(tests)
