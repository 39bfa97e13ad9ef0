#ifndef GC_KIT_H
#define GC_KIT_H

#include "gc.h"
#include "object_kit.h"
#include "reader.h"

/*
 * A store with small segments, so that they fill and end, over either kind of blob store; and contents by number. A test is
 * a function that leaves the store open, given to OVER_SEGMENTS() or OVER_BOTH().
 */

static bool in_memory;

static inline int
reopen(int64_t grace_ms)
{
	struct store_settings settings = STORE_SETTINGS_DEFAULT;

	settings.relaxed = true;
	settings.memory = in_memory;
	settings.reserve_bytes = 0;
	settings.reserve_percent = 0;
	settings.segment_size = 2u << 20;
	settings.grace_ms = grace_ms;
	return store_open(test_tmpdir(), &settings, &store);
}

static inline int
start(int64_t grace_ms)
{
	struct principal admin;
	int rc;

	if ((rc = store_create(test_tmpdir(), &kit_admin)) != 0 || (rc = reopen(grace_ms)) != 0 ||
	    (rc = principal_find(store, "admin", &admin)) != 0)
		return rc;
	return kit_workspace(store, "space", admin.id, 0, &space);
}

static inline int
gc(struct gc_report *report)
{
	return gc_run(store, false, -1, NULL, NULL, report);
}

/* ---- contents: bytes that a number alone decides; every third content is large enough for several chunks ---- */

static inline size_t
size_of(unsigned content)
{
	return content % 3 == 2 ? 700000 + content * 1000 : 1000 + content * 7919 % 200000;
}

static inline void
fill(unsigned content, uint8_t *bytes, size_t len)
{
	uint64_t x = (content + 1) * 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[i] = (uint8_t)(x >> 24);
	}
}

static inline int
ingest(unsigned content, struct ingest **in, struct ingest_result *result)
{
	size_t len = size_of(content), used = 0, n;
	struct ingest_options options = { .size = len, .md5 = true, .chunk_min = 65536, .chunk_avg = 131072,
		.chunk_max = 262144 };
	uint8_t *bytes = malloc(len);
	int rc = bytes ? ingest_new(store, &options, in) : ERR_NOMEM;

	if (rc == 0)
		fill(content, bytes, len);
	for (; rc == 0 && used < len; used += n)
		rc = ingest_write(*in, bytes + used, len - used, &n);
	if (rc == 0)
		rc = ingest_finish(*in, result);
	free(bytes);
	return rc;
}

static inline int
commit_put(const char *key, const struct ingest_result *result)
{
	struct buf headers = BUF_INIT(64);
	struct object_put put = { .workspace = space.id, .key = SLICE(key), .bytes = result, .headers = &headers,
		.actor = { .principal = 1 } };

	hex_encode(result->md5, 16, put.etag);
	return object_put(store, &put, NULL);
}

static inline int
put(const char *key, unsigned content)
{
	struct ingest_result result;
	struct ingest *in = NULL;
	int rc = ingest(content, &in, &result);

	if (rc == 0)
		rc = commit_put(key, &result);
	ingest_free(in);
	return rc;
}

static inline int
copy(const char *from, const char *to)
{
	struct object_info info = OBJECT_INFO_INIT, made = OBJECT_INFO_INIT;
	int rc = object_find(store, space.id, SLICE(from), 0, &info);

	if (rc == 0)
		rc = object_copy(store, &(struct object_copy) { .from = &info, .workspace = space.id, .key = SLICE(to),
		    .actor = { 1, 0 } }, &made);
	object_info_release(&info);
	object_info_release(&made);
	return rc;
}

static inline int
read_all(struct reader *r, uint8_t *bytes, size_t len, size_t *got)
{
	size_t n;
	int rc = 0;

	for (*got = 0; rc == 0 && *got < len; *got += n)
		if ((rc = reader_read(r, bytes + *got, len - *got, &n)) != 0)
			break;
	return rc == ERR_END ? 0 : rc;
}

/* Whether the key has exactly that content: 0, ERR_CORRUPT if not, or why it can't be read. */
static inline int
verify(const char *key, unsigned content)
{
	struct object_info info = OBJECT_INFO_INIT;
	size_t len = size_of(content), got = 0;
	uint8_t *want = malloc(len), *bytes = malloc(len);
	struct reader *r = NULL;
	int rc = object_find(store, space.id, SLICE(key), 0, &info);

	if (rc == 0 && info.size != len)
		rc = ERR_CORRUPT;
	if (rc == 0 && (rc = reader_new(store, info.manifest.data, info.manifest.len, 0, len, &r)) == 0)
		rc = read_all(r, bytes, len, &got);
	fill(content, want, len);
	if (rc == 0 && (got != len || memcmp(want, bytes, len)))
		rc = ERR_CORRUPT;
	reader_free(r);
	object_info_release(&info);
	free(want);
	free(bytes);
	return rc;
}

/* ---- many ---- */

#define MANY 120

static inline int
put_many(unsigned first, unsigned end)
{
	char key[32];
	int rc = 0;

	for (unsigned i = first; rc == 0 && i < end; i++) {
		snprintf(key, sizeof(key), "many/%u", i);
		rc = put(key, i);
	}
	return rc;
}

static inline int
verify_many(unsigned end, unsigned every)
{
	char key[32];
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < end; i += every) {
		snprintf(key, sizeof(key), "many/%u", i);
		if ((rc = verify(key, i)) != 0)
			fprintf(stderr, "# %s: %s\n", key, err_text(rc));
	}
	return rc;
}

/* All but every so many; 0: all. */
static inline int
delete_many(unsigned end, unsigned keep)
{
	char key[32];
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < end; i++) {
		snprintf(key, sizeof(key), "many/%u", i);
		rc = keep && i % keep == 0 ? 0 : obj_delete(key, 0, NULL);
	}
	return rc;
}

#define OVER_SEGMENTS(name)							\
	static void								\
	test_##name(void)							\
	{									\
		in_memory = false;						\
		name();								\
		obj_close();							\
	}
/* Over segment files, and over memory too. */
#define OVER_BOTH(name)								\
	OVER_SEGMENTS(name)							\
	static void								\
	test_##name##_in_memory(void)						\
	{									\
		in_memory = true;						\
		name();								\
		obj_close();							\
	}
#define TEST_OVER_BOTH(name) TEST(test_##name), TEST(test_##name##_in_memory)

#endif
