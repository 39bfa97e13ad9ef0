#include "commit.h"
#include "list.h"
#include "object_kit.h"

/* ---- what a listing must show, from a sorted list of keys ---- */

#define KEYS_MAX 400
static char *keys[KEYS_MAX];
static int nkeys;

static int
by_bytes(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return bytes_cmp(*x, strlen(*x), *y, strlen(*y));
}

static void
keys_add(const char *key)
{
	for (int i = 0; i < nkeys; i++)
		if (!strcmp(keys[i], key))
			return;
	keys[nkeys++] = strdup(key);
	qsort(keys, (size_t)nkeys, sizeof(keys[0]), by_bytes);
}

static void
keys_clear(void)
{
	while (nkeys)
		free(keys[--nkeys]);
}

/* All items on one line each, with '>' before common prefixes. `after` hides what is at or before it, rolled up or not. */
static void
expect(const char *prefix, const char *delimiter, const char *after, bool after_prefix, struct buf *out)
{
	const char *found, *key;
	char last[2048] = "";
	size_t len;

	for (int i = 0; i < nkeys; i++) {
		key = keys[i];
		if (strncmp(key, prefix, strlen(prefix)) || bytes_cmp(key, strlen(key), after, strlen(after)) <= 0 ||
		    (after_prefix && !strncmp(key, after, strlen(after))))
			continue;
		found = *delimiter ? strstr(key + strlen(prefix), delimiter) : NULL;
		if (!found) {
			buf_addf(out, "%s\n", key);
			continue;
		}
		len = (size_t)(found - key) + strlen(delimiter);
		if (strlen(last) == len && !strncmp(last, key, len))
			continue;
		snprintf(last, sizeof(last), "%.*s", (int)len, key);
		buf_addf(out, ">%s\n", last);
	}
}

/* ---- what it shows ---- */

struct page {
	struct buf out;
	unsigned n;
};

static void
each(void *arg, const struct list_item *item)
{
	struct page *p = arg;

	p->n++;
	buf_addf(&p->out, "%s%.*s\n", item->prefix ? ">" : "", (int)item->key.len, item->key.p);
}

/* All pages one after the other; the number of pages, or a negative code. */
static int
list(const char *prefix, const char *delimiter, const char *after, bool after_prefix, unsigned max, struct buf *out)
{
	struct list_query q = { .workspace = space.id, .prefix = SLICE(prefix), .delimiter = SLICE(delimiter),
		.after = SLICE(after), .after_prefix = after_prefix, .max = max };
	struct list_end end[2] = { LIST_END_INIT, LIST_END_INIT };
	struct page p = { .out = BUF_INIT(1 << 20) };
	int rc, pages = 0;

	do {
		p.n = 0;
		rc = list_objects(store, &q, each, &p, &end[pages % 2]);
		if (rc == 0 && (p.n > max || (p.n == 0 && end[pages % 2].truncated && pages > 50)))
			rc = ERR_INTERNAL;
		q.after = (struct slice) { end[pages % 2].after.data, end[pages % 2].after.len };
		q.after_prefix = end[pages % 2].after_prefix;
	} while (rc == 0 && end[pages++ % 2].truncated && pages < 1000);
	buf_add(out, p.out.data, p.out.len);
	buf_release(&p.out);
	list_end_release(&end[0]);
	list_end_release(&end[1]);
	return rc ? rc : pages;
}

static bool
agrees(const char *prefix, const char *delimiter, const char *after, bool after_prefix, unsigned max)
{
	struct buf want = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);
	int pages = list(prefix, delimiter, after, after_prefix, max, &got);
	bool same;

	expect(prefix, delimiter, after, after_prefix, &want);
	same = pages > 0 && want.len == got.len && (!want.len || !memcmp(want.data, got.data, want.len));
	if (!same)
		fprintf(stderr, "# prefix \"%s\" delimiter \"%s\" after \"%s\"%s max %u: %d pages\n# wanted:\n%s# got:\n%s",
		    prefix, delimiter, after, after_prefix ? " as prefix" : "", max, pages, want.data ? want.data : "",
		    got.data ? got.data : "");
	buf_release(&want);
	buf_release(&got);
	return same;
}

static int
put_all(void)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < nkeys; i++)
		rc = obj_put(keys[i], "x", NULL);
	return rc;
}

static const char *const odd[] = { "a", "a-b", "a/x", "a//b", "/", "a/", "a0", "a/x/y", "a/x-y", "a.b", "\x01", "a/\x01",
	"\x7f", "a/\x7f", "\xc3\xa9", "\xc3\xa9/\xe2\x82\xac", "//", "///", "b/c/d/e/f", "b/c.d/e", "b/c/d.e" };
static const char *const delimiters[] = { "", "/", "-", ".", "x", "//", "/x", "b/c", "\xc3" };

static void
test_every_combination(void)
{
	static const char *const more[] = { "a/x/z", "zz", "b/c", "b/c/d", "b/c/d/", "a/y" };
	const char *all[32];
	size_t n = 0;

	CHECK_INT(0, obj_open(0, 0));
	keys_clear();
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		keys_add(all[n++] = odd[i]);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		all[n++] = more[i];
	all[n++] = "";
	CHECK_INT(0, put_all());
	for (size_t p = 0; p < n; p++)
		for (size_t d = 0; d < sizeof(delimiters) / sizeof(delimiters[0]); d++)
			for (size_t a = 0; a < n; a++) {
				CHECK(agrees(all[p], delimiters[d], all[a], false, 1000));
				if (a % 5 == d % 5) {
					CHECK(agrees(all[p], delimiters[d], all[a], *all[a] != '\0', 2));
					CHECK(agrees(all[p], delimiters[d], all[a], false, 1));
				}
			}
	keys_clear();
	obj_close();
}

static const char *
random_key(char *key, size_t size)
{
	static const char *const pieces[] = { "a", "b", "/", "/", "/", "-", ".", "0", "\x01", "\x7f", "\xc3\xa9", "A" };
	size_t n = 0;

	key[0] = '\0';
	for (long len = 1 + random() % 6; len > 0 && n + 4 < size; len--)
		n += (size_t)snprintf(key + n, size - n, "%s", pieces[random() % 12]);
	return key;
}

static void
test_random_keys(void)
{
	char prefix[64], after[64];

	CHECK_INT(0, obj_open(0, 0));
	keys_clear();
	srandom(7);
	while (nkeys < 300)
		keys_add(random_key(prefix, sizeof(prefix)));
	CHECK_INT(0, put_all());
	CHECK_SOUND();
	for (int i = 0; i < 1500; i++) {
		random_key(prefix, sizeof(prefix));
		prefix[random() % 4] = '\0';
		random_key(after, sizeof(after));
		if (random() % 3 == 0)
			after[0] = '\0';
		if (!utf8_valid(prefix, strlen(prefix)))
			continue;
		CHECK(agrees(prefix, delimiters[random() % 9], after, *after && random() % 4 == 0, (unsigned)(1 + random() % 40)));
	}
	keys_clear();
	obj_close();
}

/* Deleted keys leave no trace in a listing, also where versioning keeps their entries. */
static void
test_deleted_keys(void)
{
	char key[64];

	CHECK_INT(0, obj_open(0, VERSIONING_ENABLED));
	keys_clear();
	srandom(8);
	while (nkeys < 100)
		keys_add(random_key(key, sizeof(key)));
	CHECK_INT(0, put_all());
	for (int i = nkeys; i-- > 0;)
		if (random() % 3) {
			CHECK_INT(0, obj_delete(keys[i], 0, NULL));
			free(keys[i]);
			memmove(&keys[i], &keys[i + 1], (size_t)(--nkeys - i) * sizeof(keys[0]));
		}
	CHECK_SOUND();
	for (size_t d = 0; d < sizeof(delimiters) / sizeof(delimiters[0]); d++)
		for (unsigned max = 1; max < 40; max += 6)
			CHECK(agrees("", delimiters[d], "", false, max) && agrees("a", delimiters[d], "", false, max));
	keys_clear();
	obj_close();
}

static void
each_fact(void *arg, const struct list_item *item)
{
	*(struct list_item *)arg = *item;
}

static void
test_facts_of_an_item(void)
{
	struct list_query q = { .max = 10, .prefix = { "", 0 }, .after = { "", 0 }, .delimiter = { "", 0 } };
	struct list_end end = LIST_END_INIT;
	struct object_info info = { 0 };
	struct list_item item;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_put("k", "hello", &info));
	q.workspace = space.id;
	CHECK_INT(0, list_objects(store, &q, each_fact, &item, &end));
	CHECK(!end.truncated && item.size == 5 && item.version_id == info.version_id && item.modified_us == info.modified_us);
	q.workspace = 12345;
	CHECK_INT(ERR_NOTFOUND, list_objects(store, &q, each_fact, &item, &end));
	list_end_release(&end);
	obj_close();
}

/* 12,000 entries that are not shown, made short. */
static int
run_hidden(struct txn *t, void *arg)
{
	(void)arg;
	return db_exec(t->db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)"
	    " INSERT INTO entry SELECT $1, $2, CAST('k' || i AS BLOB), 1, i, 0, 1, 1, 1, 0, 'x', 1 FROM n", DB_INT(space.id),
	    DB_INT(space.root_folder_id));
}

/* A page looks at so many rows and no more. */
static void
test_work_is_bounded(void)
{
	struct list_query q = { .max = 1000, .prefix = { "", 0 }, .after = { "", 0 }, .delimiter = { "", 0 } };
	struct list_end end = LIST_END_INIT, next = LIST_END_INIT;
	struct page p = { .out = BUF_INIT(1 << 20) };

	CHECK_INT(0, obj_open(0, VERSIONING_ENABLED));
	CHECK_INT(0, obj_put("zz", "x", NULL));
	CHECK_INT(0, commit_run(store, &(struct commit) { .workspace = space.id, .run = run_hidden }));
	q.workspace = space.id;
	CHECK_INT(0, list_objects(store, &q, each, &p, &end));
	CHECK(end.truncated && p.n == 0 && end.after.len);
	q.after = (struct slice) { end.after.data, end.after.len };
	CHECK_INT(0, list_objects(store, &q, each, &p, &next));
	CHECK_INT(1, p.n);
	CHECK(!next.truncated);
	list_end_release(&end);
	list_end_release(&next);
	buf_release(&p.out);
	obj_close();
}

/* ---- versions ---- */

static void
each_version(void *arg, const struct list_item *item)
{
	struct page *p = arg;

	p->n++;
	if (item->prefix)
		buf_addf(&p->out, ">%.*s\n", (int)item->key.len, item->key.p);
	else
		buf_addf(&p->out, "%.*s %lld%s%s%s %llu\n", (int)item->key.len, item->key.p, (long long)item->version_id,
		    item->latest ? " latest" : "", item->delete_marker ? " marker" : "", item->null_version ? " null" : "",
		    (unsigned long long)item->size);
}

static int
list_all_versions(const char *prefix, const char *delimiter, unsigned max, struct buf *out)
{
	struct list_query q = { .workspace = space.id, .prefix = SLICE(prefix), .delimiter = SLICE(delimiter),
		.after = { "", 0 }, .max = max, .versions = true };
	struct list_end end[2] = { LIST_END_INIT, LIST_END_INIT };
	struct page p = { .out = BUF_INIT(1 << 20) };
	int rc, pages = 0;

	do {
		struct list_end *e = &end[pages % 2];

		p.n = 0;
		if ((rc = list_objects(store, &q, each_version, &p, e)) == 0 && p.n > max)
			rc = ERR_INTERNAL;
		q.after = (struct slice) { e->after.data, e->after.len };
		q.after_prefix = e->after_prefix;
		q.after_version = e->after_version;
	} while (rc == 0 && end[pages++ % 2].truncated && pages < 1000);
	buf_add(out, p.out.data, p.out.len);
	buf_addch(out, '.');
	buf_release(&p.out);
	list_end_release(&end[0]);
	list_end_release(&end[1]);
	return rc;
}

static void
test_versions(void)
{
	struct object_info a1 = { 0 }, a2 = { 0 }, b1 = { 0 }, b3 = { 0 }, c1 = { 0 };
	struct buf want = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);
	struct object_delete b2, d1;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_put("a", "1", &a1));
	CHECK_INT(0, list_all_versions("", "", 10, &got));
	buf_addf(&want, "a %lld latest null 1\n.", (long long)a1.version_id);
	CHECK_STR(want.data, got.data);
	CHECK_INT(0, obj_versioning(VERSIONING_ENABLED));
	CHECK_INT(0, obj_put("a", "22", &a2));
	CHECK_INT(0, obj_put("d/b", "333", &b1));
	CHECK_INT(0, obj_delete("d/b", 0, &b2));
	CHECK_INT(0, obj_put("d/b", "4444", &b3));
	CHECK_INT(0, obj_put("e", "55555", &c1));
	CHECK_INT(0, obj_delete("f/g", 0, &d1));
	buf_clear(&want);
	buf_addf(&want, "a %lld latest 2\na %lld null 1\n", (long long)a2.version_id, (long long)a1.version_id);
	buf_addf(&want, "d/b %lld latest 4\nd/b %lld marker 0\nd/b %lld 3\n", (long long)b3.version_id,
	    (long long)b2.version_id, (long long)b1.version_id);
	buf_addf(&want, "e %lld latest 5\nf/g %lld latest marker 0\n.", (long long)c1.version_id, (long long)d1.version_id);
	for (unsigned max = 1; max < 9; max++) {
		buf_clear(&got);
		CHECK_INT(0, list_all_versions("", "", max, &got));
		CHECK_STR(want.data, got.data);
	}
	buf_clear(&want);
	buf_addf(&want, "a %lld latest 2\na %lld null 1\n>d/\ne %lld latest 5\n>f/\n.", (long long)a2.version_id,
	    (long long)a1.version_id, (long long)c1.version_id);
	for (unsigned max = 1; max < 7; max++) {
		buf_clear(&got);
		CHECK_INT(0, list_all_versions("", "/", max, &got));
		CHECK_STR(want.data, got.data);
	}
	buf_release(&want);
	buf_release(&got);
	obj_close();
}

static const struct test tests[] = { TEST(test_every_combination), TEST(test_random_keys), TEST(test_deleted_keys),
	TEST(test_facts_of_an_item), TEST(test_work_is_bounded), TEST(test_versions), TEST_END };
TEST_MAIN(tests)
