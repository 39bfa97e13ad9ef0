#include "blob.h"
#include "commit.h"
#include "hashes.h"
#include "transfer_kit.h"

/* How contents arrive: by parts, by chunks, and what is known of them then. */

/* ---- by parts ---- */

static void
test_one_part(void)
{
	struct transfer_complete c = COMPLETE_INIT, again = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;
	struct object_info info = OBJECT_INFO_INIT;
	unsigned numbers[4], n;
	int64_t version;

	CHECK_INT(0, sync_open(0, 0));
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

	CHECK_INT(0, sync_open(0, 0));
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

	CHECK_INT(0, sync_open(0, 0));
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

static unsigned reads;
static const struct blob_ops *real;
static struct blob_ops counting;

static int
counted_get(struct blob_store *bs, const uint8_t id[32], const struct blob_place *place, size_t from, size_t len,
    bool whole, void *bytes)
{
	reads++;
	return real->get(bs, id, place, from, len, whole, bytes);
}

/* What is read through `counting` counts. */
static void
count_reads(void)
{
	real = store->blobs->ops;
	counting = *real;
	counting.get = counted_get;
	reads = 0;
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
	size_t n = sizeof(list) / sizeof(list[0]);

	CHECK_INT(0, sync_open(0, 0));
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
	count_reads();
	store->blobs->ops = &counting;
	CHECK_INT(0, end(&c, &tr));
	store->blobs->ops = real;
	CHECK_INT(3, reads);
	CHECK(c.node.has_hash && c.node.size == n * LEN);
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

/* By chunks, without a hash of the whole, on what the name shows. */
static void
put_cut(const char *const *list, size_t n, struct transfer_complete *c)
{
	struct transfer tr = TRANSFER_INIT;

	CHECK_INT(0, begin(&tr, "a", list, n, false));
	for (size_t i = 0; i < n; i++)
		CHECK_INT(0, send(&tr, (unsigned)i + 1, list[i]));
	reads = 0;
	store->blobs->ops = &counting;
	CHECK_INT(0, end(c, &tr));
	store->blobs->ops = real;
	transfer_release(&tr);
}

/* Other cuts hide that bytes are the same: they are read where the size says that they can be. */
static void
test_the_same_bytes_cut_otherwise_are_unchanged(void)
{
	static const char *const same[] = { "the ", "same" }, *const other[] = { "the ", "sane" }, *const longer[] = { "the ", "sames" };
	struct transfer_complete c = COMPLETE_INIT;
	int64_t version;

	CHECK_INT(0, sync_open(0, 0));
	count_reads();
	CHECK_INT(0, put_text("a", "the same", &c));
	version = c.node.version_id;
	put_cut(same, 2, &c);
	CHECK(c.unchanged && c.node.version_id == version && reads == 2);
	put_cut(longer, 2, &c);
	CHECK(!c.unchanged && c.node.version_id != version && !reads && !c.node.has_hash);
	CHECK_INT(0, put_text("a", "the same", &c));
	version = c.node.version_id;
	put_cut(other, 2, &c);
	CHECK(!c.unchanged && c.node.version_id != version && reads == 2);
	/* What was read for it needs no reading later. */
	CHECK(c.node.has_hash);
	/* The same cuts need none. */
	put_cut(other, 2, &c);
	CHECK(c.unchanged && !reads);
	node_release(&c.node);
	obj_close();
}

/* Two chunks without a word on the whole: its hash is found out later, told once. */
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

	CHECK_INT(0, sync_open(0, 0));
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
forget_hashes(struct txn *t, void *arg)
{
	(void)arg;
	return db_exec0(t->db, "UPDATE file_version SET content_hash = NULL");
}

/* A folder's marker that a multipart upload wrote: its hash is found out as well, and nobody is told. */
static void
test_the_hash_of_a_marker_is_found_out(void)
{
	struct hashes hashes = { 0 };
	int64_t n, before;

	CHECK_INT(0, sync_open(0, 0));
	CHECK_INT(0, obj_put("d/", "body", NULL));
	CHECK_INT(0, commit_run(store, &(struct commit) { .run = forget_hashes }));
	before = obj_number("SELECT sequence FROM workspace");
	CHECK_INT(0, hashes_run(store, &hashes, NULL, NULL, &n));
	CHECK_INT(1, n);
	CHECK_INT(0, obj_number("SELECT count(*) FROM file_version WHERE content_hash IS NULL"));
	CHECK_INT(before, obj_number("SELECT sequence FROM workspace"));
	obj_close();
}

/* ---- parts that are sent anew while they are verified ---- */

static char whole_text[TRANSFER_PART + 2];	/* of two parts, the second one byte */
static const struct transfer *changing;

/* The first byte that is read has the second part sent anew. */
static int
changing_get(struct blob_store *bs, const uint8_t id[32], const struct blob_place *place, size_t from, size_t len,
    bool whole, void *bytes)
{
	const struct transfer *tr = changing;
	int rc;

	changing = NULL;
	rc = tr ? send(tr, 2, "y") : 0;
	return rc ? rc : real->get(bs, id, place, from, len, whole, bytes);
}

static const char *
text_with(char last)
{
	memset(whole_text, 'a', TRANSFER_PART);
	whole_text[TRANSFER_PART] = last;
	return whole_text;
}

/* A session of two parts whose second changes behind the first look at it. */
static void
end_changed(struct transfer *tr, struct transfer_complete *c, int *rc)
{
	tr->size = TRANSFER_PART + 1;
	CHECK_INT(0, begin(tr, "a", NULL, 0, false));
	CHECK_INT(0, send(tr, 2, "x"));
	text_with('\0');
	CHECK_INT(0, send(tr, 1, whole_text));
	count_reads();
	counting.get = changing_get;
	changing = tr;
	store->blobs->ops = &counting;
	*rc = end(c, tr);
	store->blobs->ops = real;
	CHECK(!changing);
}

static void
test_what_was_verified_is_what_is_committed(void)
{
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;
	int rc = 0;

	CHECK_INT(0, sync_open(0, 0));
	tr.has_hash = true;
	digest_sha256(text_with('x'), TRANSFER_PART + 1, tr.hash);
	end_changed(&tr, &c, &rc);
	CHECK_INT(ERR_DIGEST, rc);
	CHECK_INT(0, send(&tr, 2, "x"));
	CHECK_INT(0, end(&c, &tr));
	CHECK(c.node.has_hash && !memcmp(c.node.content_hash, tr.hash, 32));
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

/* Read since it may be what is shown, without a hash that was announced: then the version has none, for now. */
static void
test_the_hash_of_other_parts_is_not_kept(void)
{
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;
	int rc = -1;

	CHECK_INT(0, sync_open(0, 0));
	CHECK_INT(0, obj_put("a", text_with('z'), NULL));
	end_changed(&tr, &c, &rc);
	CHECK_INT(0, rc);
	CHECK(!c.unchanged && !c.node.has_hash);
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

	CHECK_INT(0, sync_open(0, 0));
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

/* Nor does the end of a session fail for want of a hash that nobody asked for: its chunks are repaired when they can be. */
static void
test_a_hash_that_was_not_announced_may_be_out_of_reach(void)
{
	static const char *const cut[] = { "lost", " pieces" };
	struct transfer_complete c = COMPLETE_INIT;
	struct transfer tr = TRANSFER_INIT;
	uint8_t hash[32];
	int64_t version;

	CHECK_INT(0, sync_open(0, 0));
	CHECK_INT(0, put_text("a", "lost pieces", &c));
	version = c.node.version_id;
	CHECK_INT(0, begin(&tr, "a", cut, 2, false));
	CHECK_INT(0, send(&tr, 1, "lost"));
	CHECK_INT(0, send(&tr, 2, " pieces"));
	CHECK_INT(0, commit_run(store, &(struct commit) { .run = lose_a_chunk }));
	CHECK_INT(0, end(&c, &tr));
	CHECK(!c.unchanged && c.node.version_id != version && !c.node.has_hash);
	transfer_release(&tr);
	/* One that was announced must be found. */
	tr = (struct transfer)TRANSFER_INIT;
	tr.has_hash = true;
	digest_sha256("lost pieces", 11, hash);
	memcpy(tr.hash, hash, 32);
	CHECK_INT(0, begin(&tr, "b", cut, 2, false));
	CHECK(end(&c, &tr) < 0);
	node_release(&c.node);
	transfer_release(&tr);
	obj_close();
}

/* What a session held and let go of is told to the next as before. */
static void
test_what_was_there_stays_known(void)
{
	static const char *const one[] = { "first" };
	struct transfer_complete c = COMPLETE_INIT;
	unsigned numbers[4], n;

	CHECK_INT(0, sync_open(0, 0));
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

static void
test_lists_that_are_wrong(void)
{
	static const char *const empty[] = { "" };
	static const char *const one[] = { "x" };
	struct transfer tr = TRANSFER_INIT;

	CHECK_INT(0, sync_open(0, 0));
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

	CHECK_INT(0, sync_open(0, 0));
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

static const struct test tests[] = {
	TEST(test_one_part), TEST(test_the_announced_hash_must_be), TEST(test_by_chunks),
	TEST(test_a_chunk_that_is_repeated_is_read_once),
	TEST(test_the_same_bytes_cut_otherwise_are_unchanged), TEST(test_hashes_are_found_out), TEST(test_the_hash_of_a_marker_is_found_out),
	TEST(test_what_was_verified_is_what_is_committed), TEST(test_the_hash_of_other_parts_is_not_kept),
	TEST(test_what_cannot_be_read_has_no_hash), TEST(test_what_was_there_stays_known),
	TEST(test_a_hash_that_was_not_announced_may_be_out_of_reach),
	TEST(test_lists_that_are_wrong), TEST(test_chunks_of_others_are_not_told), TEST_END
};
TEST_MAIN(tests)
