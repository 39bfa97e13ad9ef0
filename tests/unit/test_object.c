#include <unistd.h>

#include "object_kit.h"

static void
test_put_and_find(void)
{
	struct object_info info = OBJECT_INFO_INIT, put = { 0 };
	struct slice type;
	char hello[64] = { 0 };
	size_t len = sizeof(hello);

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_put("a/b/c.txt", "hello", &put));
	CHECK(put.file_id > 0 && put.version_id > 0 && put.sequence == 4 + space.sequence - 1);
	CHECK_INT(0, object_find(store, space.id, SLICE("a/b/c.txt"), 0, &info));
	CHECK_INT(put.version_id, info.version_id);
	CHECK_INT(put.file_id, info.file_id);
	CHECK_INT(put.modified_us, info.modified_us);
	CHECK_INT(5, info.size);
	CHECK_STR("5d41402abc4b2a76b9719d911017c592", info.etag);
	CHECK(info.has_hash && info.null_version && !info.versioned && !info.delete_marker);
	CHECK(meta_find(info.headers.data, info.headers.len, "content-type", &type) && slice_is(type, "text/plain"));
	CHECK_INT(0, object_find_small(store, space.id, SLICE("a/b/c.txt"), 0, &info, hello, &len));
	CHECK_INT(5, len);
	CHECK_STR("hello", hello);
	CHECK_INT(ERR_NOTFOUND, object_find(store, space.id, SLICE("a/b"), 0, &info));
	CHECK_INT(ERR_NOTFOUND, object_find(store, space.id, SLICE("a/b/"), 0, &info));
	CHECK_INT(ERR_NOTFOUND, object_find(store, space.id, SLICE("a/x/c.txt"), 0, &info));
	CHECK_INT(ERR_NOTFOUND, object_find(store, space.id + 1, SLICE("a/b/c.txt"), 0, &info));
	len = 3;
	CHECK_INT(0, object_find_small(store, space.id, SLICE("a/b/c.txt"), 0, &info, hello, &len));
	CHECK_INT(0, len);
	CHECK_SOUND();
	object_info_release(&info);
	obj_close();
}

static void
test_odd_keys_live_side_by_side(void)
{
	static const char *const keys[] = { "a", "a/", "a//", "a//b", "/", "//", "a-b", "\x01", "\x7f", "\xc3\xa9/\xe2\x82\xac", "..", "a/.." };
	size_t n = sizeof(keys) / sizeof(keys[0]);
	int rc;

	CHECK_INT(0, obj_open(0, 0));
	for (size_t i = 0; i < n; i++)
		CHECK_INT(0, obj_put(keys[i], keys[i], NULL));
	for (size_t i = 0; i < n; i++) {
		CHECK_STR(keys[i], obj_text(keys[i], 0, &rc));
		CHECK_INT(0, rc);
	}
	CHECK_SOUND();
	CHECK_INT((long long)n, obj_number("SELECT objects FROM workspace"));
	for (size_t i = 0; i < n; i++) {
		CHECK_INT(0, obj_delete(keys[i], 0, NULL));
		CHECK_SOUND();
	}
	CHECK_INT(0, obj_number("SELECT count(*) FROM entry"));
	CHECK_INT(1, obj_number("SELECT count(*) FROM folder"));
	CHECK_INT(0, obj_number("SELECT count(*) FROM file_version"));
	obj_close();
}

static void
test_keys_that_are_refused(void)
{
	static const struct expectation any = { EXPECT_ANY };
	char key[1200];
	size_t n = 0;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(ERR_INVALID, obj_put("", "x", NULL));
	CHECK_INT(ERR_INVALID, obj_put("\xff", "x", NULL));
	memset(key, 'k', sizeof(key));
	key[1025] = '\0';
	CHECK_INT(ERR_TOOBIG, obj_put_if(key, "x", any, NULL));
	key[1024] = '\0';
	CHECK_INT(0, obj_put_if(key, "x", any, NULL));
	for (int i = 0; i < LIMIT_DEPTH; i++)
		n += (size_t)sprintf(key + n, "d/");
	strcpy(key + n, "f");
	CHECK_INT(0, obj_put(key, "deep", NULL));
	strcpy(key + n, "e/f");
	CHECK_INT(ERR_TOOBIG, obj_put(key, "deeper", NULL));
	CHECK_SOUND();
	obj_close();
}

static void
test_overwrite_keeps_the_file(void)
{
	struct object_info first = { 0 }, second = { 0 };
	int rc;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_put("k", "one", &first));
	CHECK_INT(0, obj_put("k", "twotwo", &second));
	CHECK_INT(first.file_id, second.file_id);
	CHECK(second.version_id > first.version_id && second.sequence == first.sequence + 1);
	CHECK_STR("twotwo", obj_text("k", 0, &rc));
	CHECK_INT(1, obj_number("SELECT count(*) FROM file_version"));
	CHECK_INT(6, obj_number("SELECT bytes FROM workspace"));
	CHECK_INT(1, obj_number("SELECT count(*) FROM chunk WHERE dead_at IS NOT NULL"));
	CHECK_INT(0, obj_put("k", "twotwo", NULL));
	CHECK_SOUND();
	obj_close();
}

static void
test_conditions(void)
{
	struct expectation absent = { EXPECT_ABSENT }, etag = { EXPECT_ETAG, "*", 0 }, version = { EXPECT_VERSION };
	struct object_info info = { 0 };

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(ERR_NOTFOUND, obj_put_if("d/k", "x", etag, NULL));
	CHECK_INT(1, obj_number("SELECT count(*) FROM folder"));
	CHECK_INT(0, obj_put_if("d/k", "x", absent, &info));
	CHECK_INT(ERR_PRECONDITION, obj_put_if("d/k", "y", absent, NULL));
	CHECK_INT(0, obj_put_if("d/k", "y", etag, NULL));
	snprintf(etag.etag, sizeof(etag.etag), "%s", info.etag);
	CHECK_INT(ERR_PRECONDITION, obj_put_if("d/k", "z", etag, &info));
	version.version_id = info.version_id;
	CHECK_INT(ERR_PRECONDITION, obj_put_if("d/k", "z", version, NULL));
	CHECK_INT(0, obj_put("d/k", "z", &info));
	version.version_id = info.version_id;
	CHECK_INT(0, obj_put_if("d/k", "zz", version, NULL));
	CHECK_SOUND();
	obj_close();
}

static void
test_delete_conditions(void)
{
	struct object_delete d[2];
	struct object_info info = { 0 };

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_put("k", "x", &info));
	d[0] = (struct object_delete) { .workspace = space.id, .key = SLICE("k"), .expect = { EXPECT_ETAG, "nonsense", 0 } };
	d[1] = (struct object_delete) { .workspace = space.id, .key = SLICE("missing"), .expect = { EXPECT_ETAG, "nonsense", 0 } };
	CHECK_INT(0, object_delete(store, d, 2));
	CHECK_INT(ERR_PRECONDITION, d[0].rc);
	CHECK_INT(ERR_NOTFOUND, d[1].rc);
	CHECK_INT(0, object_delete(store, d, 1));
	CHECK_INT(ERR_PRECONDITION, d[0].rc);
	snprintf(d[0].expect.etag, ETAG_TEXT, "%s", info.etag);
	CHECK_INT(0, object_delete(store, d, 1));
	CHECK_INT(0, obj_number("SELECT objects FROM workspace"));
	CHECK_SOUND();
	obj_close();
}

static void
test_quota_holds_in_the_transaction(void)
{
	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_quota(10));
	CHECK_INT(0, obj_put("a", "123456", NULL));
	CHECK_INT(ERR_QUOTA, obj_put("b", "12345", NULL));
	CHECK_INT(0, obj_put("b", "1234", NULL));
	CHECK_INT(0, obj_put("a", "12345", NULL));
	CHECK_INT(ERR_QUOTA, obj_put("a", "1234567", NULL));
	CHECK_INT(0, obj_quota(5));
	CHECK_INT(0, obj_put("a", "123", NULL));
	CHECK_INT(ERR_QUOTA, obj_put("a", "1234", NULL));
	CHECK_INT(0, obj_delete("a", 0, NULL));
	CHECK_INT(0, obj_versioning(VERSIONING_ENABLED));
	CHECK_INT(ERR_QUOTA, obj_put("b", "12", NULL));
	CHECK_INT(0, obj_put("b", "1", NULL));
	CHECK_SOUND();
	obj_close();
}

static void
test_history_and_trash(void)
{
	struct object_info first = { 0 }, second = { 0 };
	int rc;

	CHECK_INT(0, obj_open(86400000, 0));
	CHECK_INT(0, obj_put("d/k", "one", &first));
	CHECK_INT(0, obj_put("d/k", "two", &second));
	CHECK_INT(3, obj_number("SELECT history_bytes FROM workspace"));
	obj_text("d/k", first.version_id, &rc);
	CHECK_INT(ERR_NOTFOUND, rc);	/* S3 does not see history */
	CHECK_INT(0, obj_delete("d/k", 0, NULL));
	CHECK_INT(6, obj_number("SELECT history_bytes FROM workspace"));
	CHECK_INT(3, obj_number("SELECT state FROM file"));
	CHECK_INT(second.version_id, obj_number("SELECT current_version_id FROM file"));
	CHECK_INT(2, obj_number("SELECT count(*) FROM entry_past"));	/* the file and its folder */
	CHECK_SOUND();
	CHECK_INT(0, obj_put("d/k", "three", &second));
	CHECK(second.file_id != first.file_id);
	CHECK_SOUND();
	obj_close();
}

static void
test_versions(void)
{
	struct object_info v1 = { 0 }, v2 = { 0 }, info = OBJECT_INFO_INIT;
	struct object_delete d;
	int rc;

	CHECK_INT(0, obj_open(0, VERSIONING_ENABLED));
	CHECK_INT(0, obj_put("f/k", "one", &v1));
	CHECK_INT(0, obj_put("f/k", "two", &v2));
	CHECK(v1.versioned && !v1.null_version);
	CHECK_STR("one", obj_text("f/k", v1.version_id, &rc));
	CHECK_STR("two", obj_text("f/k", 0, &rc));
	CHECK_INT(3, obj_number("SELECT noncurrent_bytes FROM workspace"));
	CHECK_INT(0, obj_delete("f/k", 0, &d));
	CHECK(d.made_marker && !d.was_marker && d.version_id > v2.version_id);
	CHECK_INT(ERR_NOTFOUND, object_find(store, space.id, SLICE("f/k"), 0, &info));
	CHECK(info.delete_marker && info.version_id == d.version_id);
	CHECK_INT(0, object_find(store, space.id, SLICE("f/k"), d.version_id, &info));
	CHECK(info.delete_marker);
	CHECK_STR("two", obj_text("f/k", v2.version_id, &rc));
	CHECK_INT(0, obj_number("SELECT objects FROM workspace"));
	CHECK_SOUND();
	/* The marker goes: what it hid is back, with the same identity. */
	CHECK_INT(0, obj_delete("f/k", d.version_id, &d));
	CHECK(d.was_marker && !d.made_marker);
	CHECK_STR("two", obj_text("f/k", 0, &rc));
	CHECK_INT(EVENT_FILE_RESTORED, obj_number("SELECT event_type FROM change_event ORDER BY sequence DESC LIMIT 1"));
	CHECK_SOUND();
	/* The current one goes: the one before it is current. */
	CHECK_INT(0, obj_delete("f/k", v2.version_id, &d));
	CHECK_STR("one", obj_text("f/k", 0, &rc));
	CHECK_INT(v1.version_id, obj_number("SELECT version_id FROM change_event ORDER BY sequence DESC LIMIT 1"));
	CHECK_SOUND();
	CHECK_INT(0, obj_delete("f/k", v2.version_id, &d));
	CHECK_INT(0, d.version_id);
	CHECK_INT(0, obj_delete("f/k", v1.version_id, &d));
	CHECK_INT(0, obj_number("SELECT count(*) FROM file"));
	CHECK_INT(1, obj_number("SELECT count(*) FROM folder"));
	CHECK_SOUND();
	/* A marker on nothing. */
	CHECK_INT(0, obj_delete("g/h", 0, &d));
	CHECK(d.made_marker);
	CHECK_SOUND();
	CHECK_INT(0, obj_put("g/h", "x", &v1));
	CHECK_SOUND();
	object_info_release(&info);
	obj_close();
}

static void
test_suspended(void)
{
	struct object_info null1 = { 0 }, v2 = { 0 }, null3 = { 0 };
	struct object_delete d;
	int rc;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_put("k", "null1", &null1));
	CHECK_INT(0, obj_versioning(VERSIONING_ENABLED));
	CHECK_INT(0, obj_put("k", "v2", &v2));
	CHECK_STR("null1", obj_text("k", VERSION_NULL, &rc));
	CHECK_INT(0, obj_versioning(VERSIONING_SUSPENDED));
	CHECK_INT(0, obj_put("k", "null3", &null3));
	CHECK(null3.null_version && null3.file_id == null1.file_id);
	CHECK_STR("null3", obj_text("k", VERSION_NULL, &rc));
	CHECK_STR("v2", obj_text("k", v2.version_id, &rc));
	obj_text("k", null1.version_id, &rc);
	CHECK_INT(ERR_NOTFOUND, rc);
	CHECK_SOUND();
	CHECK_INT(0, obj_delete("k", 0, &d));
	CHECK(d.made_marker && d.null_version);
	CHECK_SOUND();
	CHECK_INT(0, obj_delete("k", VERSION_NULL, &d));
	CHECK(d.was_marker);
	CHECK_STR("v2", obj_text("k", 0, &rc));
	CHECK_SOUND();
	obj_close();
}

static void
test_copy(void)
{
	struct object_info from = OBJECT_INFO_INIT, copy = { 0 };
	struct object_copy c = { .from = &from, .key = SLICE("to/there"), .actor = { 1, 0 } };
	struct buf headers = BUF_INIT(64);
	int rc;

	CHECK_INT(0, obj_open(0, 0));
	c.workspace = space.id;
	CHECK_INT(0, obj_put("k", "text", NULL));
	CHECK_INT(0, object_find(store, space.id, SLICE("k"), 0, &from));
	CHECK_INT(0, object_copy(store, &c, &copy));
	CHECK(copy.file_id != from.file_id);
	CHECK_STR(from.etag, copy.etag);
	CHECK_STR("text", obj_text("to/there", 0, &rc));
	CHECK_SOUND();
	/* Onto itself, with other headers. */
	c.key = SLICE("k");
	c.headers = &headers;
	CHECK_INT(0, object_copy(store, &c, &copy));
	CHECK_INT(from.file_id, copy.file_id);
	CHECK_STR("text", obj_text("k", 0, &rc));
	CHECK_SOUND();
	CHECK_INT(ERR_NOTFOUND, object_copy(store, &c, &copy));	/* that source version is gone */
	CHECK_INT(0, obj_delete("k", 0, NULL));
	CHECK_STR("text", obj_text("to/there", 0, &rc));
	CHECK_SOUND();
	object_info_release(&from);
	obj_close();
}

static void
test_many_deletes_at_once(void)
{
	struct object_delete d[120];
	char keys[120][32];

	CHECK_INT(0, obj_open(0, 0));
	for (int i = 0; i < 120; i++) {
		snprintf(keys[i], sizeof(keys[i]), "d%d/k%d", i / 10, i);
		d[i] = (struct object_delete) { .workspace = space.id, .key = SLICE(keys[i]), .actor = { 1, 0 } };
		if (i % 3)
			CHECK_INT(0, obj_put(keys[i], "x", NULL));
	}
	CHECK_INT(0, object_delete(store, d, 120));
	for (int i = 0; i < 120; i++)
		CHECK_INT(0, d[i].rc);
	CHECK_INT(0, obj_number("SELECT count(*) FROM entry"));
	CHECK_SOUND();
	CHECK_INT(ERR_NOTFOUND, (d[0].workspace = 1, object_delete(store, d, 1)));
	obj_close();
}

/* ---- random operations against a list of versions a key ---- */

#define KEYS 9
#define DEEP 64
static const char *const model_keys[KEYS] = { "a", "a/", "a/b", "a/b/c", "a/b/d", "x//y", "x//z", "m/n/o/p", "q" };

struct model {
	struct { int64_t id; bool null_version, marker; char text[16]; } v[DEEP];	/* newest first */
	int n;
};

static void
model_drop(struct model *m, int i)
{
	memmove(&m->v[i], &m->v[i + 1], (size_t)(--m->n - i) * sizeof(m->v[0]));
}

static void
model_push(struct model *m, int versioning, int64_t id, bool marker, const char *text)
{
	for (int i = 0; i < m->n; i++)
		if (versioning != VERSIONING_ENABLED && m->v[i].null_version)
			model_drop(m, i--);
	memmove(&m->v[1], &m->v[0], (size_t)m->n++ * sizeof(m->v[0]));
	m->v[0].id = id;
	m->v[0].null_version = versioning != VERSIONING_ENABLED;
	m->v[0].marker = marker;
	snprintf(m->v[0].text, sizeof(m->v[0].text), "%s", text);
}

static bool
model_agrees(const char *key, const struct model *m)
{
	int rc;

	obj_text(key, 0, &rc);
	if ((rc == 0) != (m->n && !m->v[0].marker))
		return false;
	for (int i = 0; i < m->n; i++)
		if (strcmp(m->v[i].text, obj_text(key, m->v[i].id, &rc)) || rc ||
		    (m->v[i].null_version && strcmp(m->v[i].text, obj_text(key, VERSION_NULL, &rc))))
			return false;
	return !m->n || m->v[0].marker || !strcmp(m->v[0].text, obj_text(key, 0, &rc));
}

static void
run_model(int64_t history_ms, unsigned seed)
{
	struct model models[KEYS] = { 0 };
	struct object_info info = { 0 };
	struct object_delete d;
	int versioning = 0, k;
	struct model *m;
	char text[16];

	CHECK_INT(0, obj_open(history_ms, 0));
	srandom(seed);
	for (int i = 0; i < 400; i++) {
		k = (int)(random() % KEYS);
		m = &models[k];
		if (i == 100 || i == 300)
			CHECK_INT(0, obj_versioning(versioning = VERSIONING_ENABLED));
		if (i == 200)
			CHECK_INT(0, obj_versioning(versioning = VERSIONING_SUSPENDED));
		if (random() % 5 < 2 && m->n < DEEP - 1) {
			snprintf(text, sizeof(text), "text %ld", random() % 20);
			CHECK_INT(0, obj_put(model_keys[k], text, &info));
			model_push(m, versioning, info.version_id, false, text);
		} else if (random() % 2 && m->n < DEEP - 1) {
			CHECK_INT(0, obj_delete(model_keys[k], 0, &d));
			if (versioning)
				model_push(m, versioning, d.version_id, true, "");
			else
				m->n = 0;
		} else if (m->n) {
			int which = (int)(random() % m->n);

			CHECK_INT(0, obj_delete(model_keys[k],
			    m->v[which].null_version && random() % 2 ? VERSION_NULL : m->v[which].id, &d));
			CHECK_INT(m->v[which].id, d.version_id);
			CHECK_INT(m->v[which].marker, d.was_marker);
			model_drop(m, which);
		}
		CHECK_SOUND();
		CHECK(model_agrees(model_keys[k], m));
	}
	for (k = 0; k < KEYS; k++)
		CHECK(model_agrees(model_keys[k], &models[k]));
	obj_close();
}

/* ---- without waiting ---- */

static void
count(void *arg)
{
	++*(_Atomic int *)arg;
}

/* Some are let go of before they have an answer: they are done all the same. */
static void
test_puts_under_way(void)
{
	enum { N = 40 };
	static char keys[N][24];
	struct object_info info[N] = { 0 };
	struct object_putting *pending[N];
	struct object_put put[N];
	struct obj_text o[N] = { 0 };
	struct buf headers = BUF_INIT(64);
	_Atomic int done = 0;
	int rc;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_put("d/taken", "x", NULL));
	for (int i = 0; i < N; i++) {
		snprintf(keys[i], sizeof(keys[i]), i % 10 == 9 ? "d/taken" : "d/key%d", i);
		CHECK_INT(0, obj_ingest(&o[i], keys[i]));
		put[i] = (struct object_put) { .workspace = space.id, .key = SLICE(keys[i]), .bytes = &o[i].result,
			.headers = &headers, .expect = { EXPECT_ABSENT }, .actor = { .principal = 1 } };
		CHECK_INT(0, object_put_begin(store, &put[i], &info[i], count, &done, &pending[i]));
	}
	for (int i = N - 1; i >= 0; i--) {	/* the last one is surely under way */
		if (i % 4 == 0) {
			while (!object_put_ready(pending[i], &rc))
				usleep(100);
			CHECK_INT(0, rc);
			CHECK(info[i].version_id != 0);
		}
		object_putting_free(pending[i]);
		ingest_free(o[i].in);
	}
	CHECK_INT(N, done);
	for (int i = 0; i < N; i++)
		CHECK_STR(i % 10 == 9 ? "x" : keys[i], obj_text(keys[i], 0, &rc));
	put[0].key = SLICE("");
	CHECK(object_put_begin(store, &put[0], NULL, count, &done, &pending[0]) < 0);
	CHECK_INT(N, done);
	CHECK(obj_broken() == NULL);
	obj_close();
}

static void
test_delete_under_way(void)
{
	struct object_delete d = { .key = SLICE("a"), .expect = { EXPECT_ETAG, "no such", 0 }, .actor = { 1, 0 } };
	struct object_deleting *pending;
	_Atomic int done = 0;
	int rc;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_put("a", "x", NULL));
	d.workspace = space.id;
	for (int i = 0; i < 3; i++) {
		static const int want[] = { ERR_PRECONDITION, 0, 0 };

		CHECK_INT(0, object_delete_begin(store, &d, count, &done, &pending));
		while (!object_delete_ready(pending, &rc))
			usleep(100);
		object_deleting_free(pending);
		CHECK_INT(0, rc);
		CHECK_INT(want[i], d.rc);
		CHECK_INT(i + 1, done);
		d.expect.kind = EXPECT_ANY;
	}
	CHECK_STR("", obj_text("a", 0, &rc));
	CHECK_INT(ERR_NOTFOUND, rc);
	d.workspace++;
	CHECK_INT(0, object_delete_begin(store, &d, count, &done, &pending));
	while (!object_delete_ready(pending, &rc))
		usleep(100);
	object_deleting_free(pending);
	CHECK_INT(ERR_NOTFOUND, rc);
	obj_close();
}

static void
test_random_operations(void)
{
	run_model(0, 1);
}

static void
test_random_operations_with_history(void)
{
	run_model(86400000, 2);
}

static const struct test tests[] = { TEST(test_put_and_find), TEST(test_odd_keys_live_side_by_side),
	TEST(test_keys_that_are_refused), TEST(test_overwrite_keeps_the_file), TEST(test_conditions),
	TEST(test_delete_conditions), TEST(test_quota_holds_in_the_transaction), TEST(test_history_and_trash),
	TEST(test_versions), TEST(test_suspended), TEST(test_copy), TEST(test_many_deletes_at_once),
	TEST(test_puts_under_way), TEST(test_delete_under_way),
	TEST(test_random_operations), TEST(test_random_operations_with_history), TEST_END };
TEST_MAIN(tests)
