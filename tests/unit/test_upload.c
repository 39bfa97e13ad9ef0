#include "clock.h"
#include "commit.h"
#include "digest.h"
#include "object_kit.h"
#include "reader.h"
#include "upload.h"

/* Parts are made of a repeated word, so that 5 MiB are quickly there. */
static int
put_part(int64_t id, unsigned number, size_t size, char fill, enum digest_kind kind, struct upload_part *part)
{
	struct ingest_options options = { .size = size, .md5 = true, .checksum = kind != DIGEST_MD5, .checksum_kind = kind,
		.chunk_min = CHUNK_MIN, .chunk_avg = CHUNK_AVG, .chunk_max = CHUNK_MAX, .leaves = true };
	struct ingest_result result;
	struct ingest *in = NULL;
	char *bytes = malloc(size + 1);
	size_t used = 0, at = 0;
	int rc;

	memset(bytes, fill, size);
	*part = (struct upload_part) { .number = number, .size = size };
	if ((rc = ingest_new(store, &options, &in)) != 0)
		goto out;
	while (rc == 0 && at < size) {
		rc = ingest_write(in, bytes + at, size - at, &used);
		at += used;
	}
	if (rc == 0 && (rc = ingest_finish(in, &result)) == 0) {
		hex_encode(result.md5, 16, part->etag);
		if (kind != DIGEST_MD5) {
			part->checksum = (struct checksum) { CHECKSUM_FULL, (uint8_t)kind, (uint8_t)digest_size(kind) };
			memcpy(part->checksum.value, result.checksum, part->checksum.len);
		}
		rc = upload_put_part(store, space.id, id, &result, part);
	}
out:
	ingest_free(in);
	free(bytes);
	return rc;
}

static int
create(const char *key, enum checksum_type type, enum digest_kind kind, int64_t *id)
{
	struct buf headers = BUF_INIT(1024);
	struct upload_create c = { .workspace = space.id, .key = SLICE(key), .headers = &headers, .checksum_type = type,
		.checksum_kind = (uint8_t)kind, .actor = { 1, 0 } };
	int rc;

	meta_add(&headers, "content-type", 12, "x/y", 3);
	rc = upload_create(store, &c, id);
	buf_release(&headers);
	return rc;
}

static struct upload_complete
completion(const char *key, int64_t id, const struct upload_part *parts, size_t count)
{
	return (struct upload_complete) { .workspace = space.id, .id = id, .key = SLICE(key), .parts = parts, .count = count,
		.object_size = UINT64_MAX, .actor = { 1, 0 } };
}

#define MIN LIMIT_PART_MIN

static void
test_three_parts(void)
{
	struct object_info info = OBJECT_INFO_INIT, again = OBJECT_INFO_INIT, found = OBJECT_INFO_INIT;
	struct upload_complete c;
	struct upload_part p[3], old;
	struct reader *r = NULL;
	char got[3] = "";
	size_t n;
	int64_t id;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, create("d/big", CHECKSUM_NONE, 0, &id));
	CHECK_INT(0, put_part(id, 3, 7, 'c', DIGEST_MD5, &p[2]));
	CHECK_INT(0, put_part(id, 1, MIN, 'a', DIGEST_MD5, &p[0]));
	CHECK_INT(0, put_part(id, 2, MIN, 'x', DIGEST_MD5, &old));
	CHECK_INT(0, put_part(id, 2, MIN, 'b', DIGEST_MD5, &p[1]));
	CHECK_INT(0, put_part(id, 9, 100, 'z', DIGEST_MD5, &old));	/* not listed in the end */
	c = completion("d/big", id, p, 3);
	CHECK_INT(0, upload_complete(store, &c, &info));
	CHECK_INT(2 * MIN + 7, info.size);
	CHECK(strlen(info.etag) == 34 && !strcmp(info.etag + 32, "-3"));
	CHECK_INT(0, object_find(store, space.id, SLICE("d/big"), 0, &found));
	CHECK_STR(info.etag, found.etag);
	CHECK(found.size == info.size && found.parts.len == 24 && found.headers.len > 0 && !found.has_hash);
	CHECK_INT(0, reader_new(store, found.manifest.data, found.manifest.len, MIN - 1, 2, &r));
	CHECK_INT(0, reader_read(r, got, 1, &n));
	CHECK_INT(0, reader_read(r, got + 1, 1, &n));
	CHECK_STR("ab", got);
	reader_free(r);
	/* Nothing but the new version holds references. */
	CHECK_INT(0, obj_collect());
	CHECK_INT(0, obj_number("SELECT count(*) FROM upload_part"));
	CHECK_INT(3, obj_number("SELECT count(*) FROM leaf"));
	CHECK_INT(0, obj_number("SELECT count(*) FROM leaf WHERE refs <> 1"));
	CHECK_INT((long long)(2 * MIN + 7), obj_number("SELECT sum(refs * size_bytes) FROM chunk"));
	/* Sent again: the same answer. With another list: no such upload. */
	CHECK_INT(0, upload_complete(store, &c, &again));
	CHECK(again.version_id == info.version_id && again.sequence == info.sequence && !strcmp(again.etag, info.etag));
	c.count = 2;
	CHECK_INT(ERR_NOTFOUND, upload_complete(store, &c, &again));
	c.count = 3;
	CHECK_INT(0, obj_delete("d/big", 0, NULL));
	CHECK_INT(0, upload_complete(store, &c, &again));
	CHECK_STR(info.etag, again.etag);
	CHECK_INT(0, obj_collect());
	CHECK_INT(0, obj_number("SELECT count(*) FROM leaf"));
	CHECK_INT(0, obj_number("SELECT objects FROM workspace"));
	CHECK_SOUND();
	object_info_release(&info);
	object_info_release(&again);
	object_info_release(&found);
	obj_close();
}

static void
test_what_is_refused(void)
{
	struct object_info info = OBJECT_INFO_INIT;
	struct upload_complete c;
	struct upload_part p[2], listed[2];
	int64_t id;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, create("k", CHECKSUM_NONE, 0, &id));
	CHECK_INT(0, put_part(id, 1, 100, 'a', DIGEST_MD5, &p[0]));
	CHECK_INT(0, put_part(id, 2, 100, 'b', DIGEST_MD5, &p[1]));
	c = completion("k", id, p, 2);
	CHECK_INT(ERR_INVALID, upload_complete(store, &c, &info));
	CHECK(c.wrong == COMPLETE_TOO_SMALL && c.wrong_part == 1);
	listed[0] = p[1];
	listed[1] = p[0];
	c = completion("k", id, listed, 2);
	CHECK_INT(ERR_INVALID, upload_complete(store, &c, &info));
	CHECK(c.wrong == COMPLETE_ORDER && c.wrong_part == 1);
	listed[0] = p[0];
	listed[0].number = 7;
	c = completion("k", id, listed, 1);
	CHECK_INT(ERR_INVALID, upload_complete(store, &c, &info));
	CHECK(c.wrong == COMPLETE_NO_PART && c.wrong_part == 7);
	listed[0] = p[0];
	memcpy(listed[0].etag, p[1].etag, ETAG_TEXT);
	CHECK_INT(ERR_INVALID, upload_complete(store, &c, &info));
	CHECK(c.wrong == COMPLETE_NO_PART && c.wrong_part == 1);
	c = completion("k", id, p, 1);
	c.object_size = 99;
	CHECK_INT(ERR_INVALID, upload_complete(store, &c, &info));
	CHECK(c.wrong == COMPLETE_OK && c.why);
	c = completion("other", id, p, 1);
	CHECK_INT(ERR_NOTFOUND, upload_complete(store, &c, &info));
	c = completion("k", id + 1, p, 1);
	CHECK_INT(ERR_NOTFOUND, upload_complete(store, &c, &info));
	/* None of these did any harm: both parts are there, and one is enough. */
	CHECK_INT(2, obj_number("SELECT count(*) FROM upload_part"));
	c = completion("k", id, p + 1, 1);
	CHECK_INT(0, upload_complete(store, &c, &info));
	CHECK_INT(ERR_NOTFOUND, put_part(id, 3, 10, 'x', DIGEST_MD5, &listed[0]));
	CHECK_INT(0, obj_collect());
	CHECK_SOUND();
	object_info_release(&info);
	obj_close();
}

static void
test_checksums(void)
{
	struct object_info info = OBJECT_INFO_INIT;
	struct upload_part p[2];
	struct upload_complete c;
	char *all = malloc(MIN + 10);
	uint8_t want[DIGEST_MAX], both[64];
	int64_t id;

	memset(all, 'a', MIN);
	memset(all + MIN, 'b', 10);
	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, create("full", CHECKSUM_FULL, DIGEST_CRC64NVME, &id));
	CHECK_INT(0, put_part(id, 1, MIN, 'a', DIGEST_CRC64NVME, &p[0]));
	CHECK_INT(0, put_part(id, 2, 10, 'b', DIGEST_CRC64NVME, &p[1]));
	digest_once(DIGEST_CRC64NVME, all, MIN + 10, want);
	c = completion("full", id, p, 2);
	c.checksum = (struct checksum) { CHECKSUM_FULL, DIGEST_CRC64NVME, 8, 0, { 1, 2, 3 } };
	CHECK_INT(ERR_INVALID, upload_complete(store, &c, &info));
	CHECK(c.wrong == COMPLETE_CHECKSUM && c.wrong_part == 0);
	memcpy(c.checksum.value, want, 8);
	CHECK_INT(0, upload_complete(store, &c, &info));
	CHECK(info.checksum.type == CHECKSUM_FULL && info.checksum.len == 8 && !memcmp(info.checksum.value, want, 8));

	CHECK_INT(0, create("composite", CHECKSUM_COMPOSITE, DIGEST_SHA256, &id));
	CHECK_INT(0, put_part(id, 1, MIN, 'a', DIGEST_SHA256, &p[0]));
	CHECK_INT(0, put_part(id, 2, 10, 'b', DIGEST_SHA256, &p[1]));
	memcpy(both, p[0].checksum.value, 32);
	memcpy(both + 32, p[1].checksum.value, 32);
	digest_sha256(both, 64, want);
	c = completion("composite", id, p, 2);
	CHECK_INT(0, upload_complete(store, &c, &info));
	CHECK(info.checksum.type == CHECKSUM_COMPOSITE && info.checksum.parts == 2 && !memcmp(info.checksum.value, want, 32));
	free(all);
	object_info_release(&info);
	obj_close();
}

static void
test_abort_and_expiry(void)
{
	struct upload_info info = UPLOAD_INFO_INIT;
	struct upload_part p, parts[4];
	int64_t id, other;
	unsigned n;
	bool more;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, create("k", CHECKSUM_NONE, 0, &id));
	for (unsigned i = 1; i <= 150; i++)
		CHECK_INT(0, put_part(id, i, i, 'a', DIGEST_MD5, &p));
	CHECK_INT(0, upload_list_parts(store, id, 2, parts, 4, &n, &more));
	CHECK(n == 4 && more && parts[0].number == 3 && parts[3].size == 6);
	CHECK_INT(ERR_NOTFOUND, upload_abort(store, space.id, SLICE("x"), id));
	CHECK_INT(0, upload_abort(store, space.id, SLICE("k"), id));
	CHECK_INT(ERR_NOTFOUND, upload_find(store, space.id, SLICE("k"), id, &info));
	CHECK_INT(ERR_NOTFOUND, upload_abort(store, space.id, SLICE("k"), id));
	CHECK_INT(0, obj_number("SELECT count(*) FROM upload_part"));
	CHECK_INT(0, obj_number("SELECT count(*) FROM upload"));
	CHECK_INT(0, obj_collect());
	CHECK_INT(0, obj_number("SELECT count(*) FROM chunk"));
	CHECK_INT(0, create("k", CHECKSUM_NONE, 0, &id));
	CHECK_INT(0, create("k", CHECKSUM_NONE, 0, &other));
	CHECK_INT(0, put_part(id, 1, 10, 'a', DIGEST_MD5, &p));
	CHECK_INT(0, upload_expire(store, clock_wall_us(), 10, &n));
	CHECK_INT(0, n);
	CHECK_INT(0, upload_expire(store, clock_wall_us() + 8 * 86400ll * 1000000, 10, &n));
	CHECK_INT(2, n);
	CHECK_INT(0, obj_number("SELECT count(*) FROM upload"));
	CHECK_INT(0, obj_collect());
	CHECK_INT(0, obj_number("SELECT count(*) FROM chunk"));
	upload_info_release(&info);
	obj_close();
}

static void
test_quota_of_parts(void)
{
	struct upload_part p;
	int64_t id;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_quota(100));
	CHECK_INT(0, obj_put("k", "0123456789", NULL));
	CHECK_INT(0, create("u", CHECKSUM_NONE, 0, &id));
	CHECK_INT(0, put_part(id, 1, 60, 'a', DIGEST_MD5, &p));
	CHECK_INT(ERR_QUOTA, put_part(id, 2, 31, 'a', DIGEST_MD5, &p));
	CHECK_INT(0, put_part(id, 2, 30, 'a', DIGEST_MD5, &p));
	/* A part that is sent again takes the place of what it was, no more. */
	CHECK_INT(0, put_part(id, 1, 60, 'b', DIGEST_MD5, &p));
	CHECK_INT(ERR_QUOTA, put_part(id, 1, 61, 'c', DIGEST_MD5, &p));
	CHECK_INT(0, put_part(id, 1, 20, 'c', DIGEST_MD5, &p));
	CHECK_INT(0, put_part(id, 3, 40, 'd', DIGEST_MD5, &p));
	CHECK_INT(ERR_QUOTA, put_part(id, 4, 1, 'd', DIGEST_MD5, &p));
	obj_close();
}

static void
test_open_uploads_share_the_quota(void)
{
	struct object_info info = OBJECT_INFO_INIT;
	struct upload_complete c;
	struct upload_part p[2], other;
	int64_t a, b;
	unsigned n;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_quota(100));
	CHECK_INT(0, create("a", CHECKSUM_NONE, 0, &a));
	CHECK_INT(0, create("b", CHECKSUM_NONE, 0, &b));
	CHECK_INT(0, put_part(a, 1, 60, 'a', DIGEST_MD5, &p[0]));
	CHECK_INT(ERR_QUOTA, put_part(b, 1, 41, 'b', DIGEST_MD5, &other));
	CHECK_INT(0, put_part(b, 1, 30, 'b', DIGEST_MD5, &other));
	CHECK_INT(ERR_QUOTA, obj_put("k", "0123456789a", NULL));
	CHECK_INT(0, obj_put("k", "0123456789", NULL));
	CHECK_INT(90, obj_number("SELECT upload_bytes FROM workspace"));
	/* What it held becomes the object; what was not listed is free. */
	CHECK_INT(0, put_part(a, 1, 20, 'a', DIGEST_MD5, &p[0]));
	CHECK_INT(0, put_part(a, 2, 40, 'c', DIGEST_MD5, &p[1]));
	c = completion("a", a, p, 1);
	CHECK_INT(0, upload_complete(store, &c, &info));
	CHECK_INT(30, obj_number("SELECT upload_bytes FROM workspace"));
	CHECK_INT(0, put_part(b, 2, 40, 'd', DIGEST_MD5, &other));
	CHECK_INT(ERR_QUOTA, put_part(b, 3, 1, 'd', DIGEST_MD5, &other));
	/* Whatever is left is let go at an abort, and by expiry. */
	CHECK_INT(0, upload_abort(store, space.id, SLICE("b"), b));
	CHECK_INT(0, obj_number("SELECT upload_bytes FROM workspace"));
	CHECK_INT(0, create("b", CHECKSUM_NONE, 0, &b));
	CHECK_INT(0, put_part(b, 1, 70, 'e', DIGEST_MD5, &other));
	CHECK_INT(ERR_QUOTA, obj_put("l", "x", NULL));
	CHECK_INT(0, upload_expire(store, clock_wall_us() + 8 * 86400ll * 1000000, 10, &n));
	CHECK_INT(0, obj_put("l", "x", NULL));
	CHECK_INT(0, obj_number("SELECT uploads + upload_bytes FROM workspace"));
	object_info_release(&info);
	obj_close();
}

/* Says that so many are open, which would take thousands of calls. */
static int
run_crowd(struct txn *t, void *arg)
{
	struct workspace_row *w;
	int rc = txn_workspace(t, space.id, &w);

	if (rc == 0) {
		w->uploads = *(int64_t *)arg;
		w->dirty = true;
	}
	return rc;
}

static void
test_so_many_are_open_at_once(void)
{
	int64_t id, n = LIMIT_UPLOADS - 1;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, commit_run(store, &(struct commit) { .workspace = space.id, .run = run_crowd, .arg = &n }));
	CHECK_INT(0, create("k", CHECKSUM_NONE, 0, &id));
	CHECK_INT(ERR_TOOMANY, create("k", CHECKSUM_NONE, 0, &n));
	CHECK_INT(0, upload_abort(store, space.id, SLICE("k"), id));
	CHECK_INT(0, create("k", CHECKSUM_NONE, 0, &id));
	obj_close();
}

/* ---- listing ---- */

struct shown {
	struct buf out;
};

static void
each(void *arg, const struct upload_list_item *item)
{
	struct shown *s = arg;

	buf_addf(&s->out, "%s%.*s ", item->prefix ? ">" : "", (int)item->key.len, item->key.p);
}

static void
test_listing(void)
{
	static const char *const keys[] = { "b", "a/x", "a/y", "a/x", "c" };
	struct shown s = { BUF_INIT(4096) };
	struct buf next = BUF_INIT(4096), marker = BUF_INIT(4096);
	struct upload_list q = { .max = 100, .prefix = { "", 0 }, .delimiter = { "", 0 }, .after_key = { "", 0 } };
	bool truncated;
	int64_t id;

	CHECK_INT(0, obj_open(0, 0));
	for (int i = 0; i < 5; i++)
		CHECK_INT(0, create(keys[i], CHECKSUM_NONE, 0, &id));
	q.workspace = space.id;
	CHECK_INT(0, upload_list(store, &q, each, &s, &truncated, &next, &id));
	CHECK_STR("a/x a/x a/y b c ", s.out.data);
	CHECK(!truncated);
	buf_clear(&s.out);
	q.delimiter = SLICE("/");
	CHECK_INT(0, upload_list(store, &q, each, &s, &truncated, &next, &id));
	CHECK_STR(">a/ b c ", s.out.data);
	buf_clear(&s.out);
	q.delimiter = SLICE("");
	q.prefix = SLICE("a/x");
	CHECK_INT(0, upload_list(store, &q, each, &s, &truncated, &next, &id));
	CHECK_STR("a/x a/x ", s.out.data);
	buf_clear(&s.out);
	q.prefix = SLICE("");
	q.max = 1;
	q.after_id = 0;
	for (int i = 0; i < 5; i++) {
		buf_clear(&next);
		CHECK_INT(0, upload_list(store, &q, each, &s, &truncated, &next, &q.after_id));
		CHECK(truncated == (i < 4));
		buf_clear(&marker);
		buf_add(&marker, next.data, next.len);
		q.after_key = (struct slice) { marker.data ? marker.data : "", marker.len };
	}
	CHECK_STR("a/x a/x a/y b c ", s.out.data);
	buf_release(&s.out);
	buf_release(&next);
	buf_release(&marker);
	obj_close();
}

static void
test_copied_parts(void)
{
	struct object_info from = OBJECT_INFO_INIT, info = OBJECT_INFO_INIT;
	struct upload_part p[2];
	struct upload_complete c;
	int64_t id;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_put("small", "0123456789", NULL));
	CHECK_INT(0, object_find(store, space.id, SLICE("small"), 0, &from));
	CHECK_INT(0, create("k", CHECKSUM_NONE, 0, &id));
	p[0] = (struct upload_part) { .number = 1 };
	memcpy(p[0].etag, from.etag, ETAG_TEXT);
	CHECK_INT(ERR_UNSUPPORTED, upload_copy_part(store, space.id, id, &from, 0, 5, &p[0]));
	CHECK_INT(ERR_RANGE, upload_copy_part(store, space.id, id, &from, 5, 6, &p[0]));
	CHECK_INT(0, upload_copy_part(store, space.id, id, &from, 0, 10, &p[0]));
	CHECK_INT(2, obj_number("SELECT refs FROM chunk"));
	c = completion("k", id, p, 1);
	CHECK_INT(0, upload_complete(store, &c, &info));
	CHECK_INT(10, info.size);
	/* And from what has leaves. */
	CHECK_INT(0, object_find(store, space.id, SLICE("k"), 0, &from));
	CHECK_INT(0, create("k2", CHECKSUM_NONE, 0, &id));
	CHECK_INT(0, upload_copy_part(store, space.id, id, &from, 0, 10, &p[0]));
	c = completion("k2", id, p, 1);
	CHECK_INT(0, upload_complete(store, &c, &info));
	CHECK_INT(3, obj_number("SELECT refs FROM chunk"));
	CHECK_SOUND();
	object_info_release(&from);
	object_info_release(&info);
	obj_close();
}

static const struct test tests[] = { TEST(test_three_parts), TEST(test_what_is_refused), TEST(test_checksums),
	TEST(test_abort_and_expiry), TEST(test_quota_of_parts), TEST(test_open_uploads_share_the_quota),
	TEST(test_so_many_are_open_at_once), TEST(test_listing), TEST(test_copied_parts), TEST_END };
TEST_MAIN(tests)
