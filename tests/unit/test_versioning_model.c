#include "versions_kit.h"
#include "workspace.h"

/*
 * Versioning against a model of AWS's rules, which is a list of versions a key, newest first:
 *
 *	never		a PUT replaces "null", a DELETE removes it
 *	enabled		a PUT adds a version, a DELETE a marker, each with an id of its own
 *	suspended	both add one called "null", and the "null" before goes wherever it is in the list
 *	?versionId=	removes that one; what is first then is current
 *
 * Of ours beside it: content that gave way without being named is kept as history; a file keeps its id while its list is
 * not empty; the feed tells what is shown.
 */
#define KEYS 3
#define DEEP 48
#define GONE 64
#define FILES 4096

static const char *const keys[KEYS] = { "a", "d/e/b", "d/x" };

struct version {
	int64_t id;
	bool null, marker;
	char text[16];
};

struct stack {
	int64_t file;			/* meaningful while n > 0 */
	struct version v[DEEP];		/* newest first */
	int n;
};

static struct model {
	int versioning;
	int64_t history_ms;
	struct stack keys[KEYS];
	int64_t past, past_bytes;	/* kept as history */
	int64_t gone[GONE];		/* ids that were */
	unsigned ngone;
} model;

static bool
shown(const struct stack *s)
{
	return s->n > 0 && !s->v[0].marker;
}

static void
drop(struct stack *s, int i, bool named)
{
	const struct version *v = &s->v[i];

	if (!named && !v->marker && model.history_ms) {
		model.past++;
		model.past_bytes += (int64_t)strlen(v->text);
	}
	model.gone[model.ngone++ % GONE] = v->id;
	memmove(&s->v[i], &s->v[i + 1], (size_t)(--s->n - i) * sizeof(s->v[0]));
}

static void
push(struct stack *s, int64_t id, bool marker, const char *text)
{
	bool null = model.versioning != VERSIONING_ENABLED;

	for (int i = 0; null && i < s->n; i++)
		if (s->v[i].null)
			drop(s, i--, false);
	memmove(&s->v[1], &s->v[0], (size_t)s->n++ * sizeof(s->v[0]));
	s->v[0] = (struct version) { .id = id, .null = null, .marker = marker };
	snprintf(s->v[0].text, sizeof(s->v[0].text), "%s", text);
}

/* ---- what the store says, compared with it ---- */

static bool
same_finds(const char *key, const struct stack *s)
{
	const struct version *null = NULL;
	bool good = true;
	int rc;

	for (int i = 0; i < s->n; i++) {
		good = good && !strcmp(s->v[i].text, obj_text(key, s->v[i].id, &rc)) && rc == 0;
		null = s->v[i].null ? &s->v[i] : null;
	}
	good = good && !strcmp(null ? null->text : "", obj_text(key, VERSION_NULL, &rc)) && (rc == 0) == (null != NULL);
	good = good && !strcmp(shown(s) ? s->v[0].text : "", obj_text(key, 0, &rc)) && (rc == 0) == shown(s);
	for (unsigned i = 0; good && i < GONE && i < model.ngone; i += 7) {
		obj_text(key, model.gone[i], &rc);
		good = rc == ERR_NOTFOUND;
	}
	return good;
}

/* One line an item: key, version, size, L for the latest, M for a marker; or a prefix. */
static void
line(struct buf *b, const char *key, const struct version *v, bool latest)
{
	buf_addf(b, "%s %lld %zu%s%s%s\n", key, (long long)v->id, strlen(v->text), latest ? " L" : "",
	    v->marker ? " M" : "", v->null ? " null" : "");
}

static void
each(void *arg, const struct list_item *item)
{
	struct buf *b = arg;

	if (item->prefix)
		buf_addf(b, "%.*s\n", (int)item->key.len, item->key.p);
	else
		buf_addf(b, "%.*s %lld %llu%s%s%s\n", (int)item->key.len, item->key.p, (long long)item->version_id,
		    (unsigned long long)item->size, item->latest ? " L" : "", item->delete_marker ? " M" : "",
		    item->null_version ? " null" : "");
}

static int
list_pages(struct list_query *query, struct buf *out)
{
	struct list_end end = LIST_END_INIT;
	struct buf after = BUF_INIT(4096);
	int rc;

	while ((rc = list_objects(store, query, each, out, &end)) == 0 && end.truncated) {
		buf_clear(&after);
		buf_add(&after, end.after.data, end.after.len);
		query->after = (struct slice) { after.data, after.len };
		query->after_prefix = end.after_prefix;
		query->after_version = end.after_version;
	}
	buf_addch(out, '\0');
	buf_release(&after);
	list_end_release(&end);
	return rc;
}

static bool
same_listing(unsigned max, bool by_folder)
{
	struct list_query query = { .workspace = space.id, .prefix = SLICE(""), .versions = true, .max = max,
		.delimiter = by_folder ? SLICE("/") : SLICE("") };
	struct buf want = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);
	bool good;

	for (int k = 0; k < KEYS; k++)
		for (int i = 0; i < model.keys[k].n && !(by_folder && k); i++)
			line(&want, keys[k], &model.keys[k].v[i], i == 0);
	if (by_folder && model.keys[1].n + model.keys[2].n)
		buf_addstr(&want, "d/\n");
	buf_addch(&want, '\0');
	good = list_pages(&query, &got) == 0 && !strcmp(want.data, got.data);
	if (!good)
		fprintf(stderr, "# pages of %u, wanted\n%sgot\n%s", max, want.data, got.data ? got.data : "nothing");
	buf_release(&want);
	buf_release(&got);
	return good;
}

static bool
same_sums(void)
{
	return obj_number("SELECT count(*) FROM file_version WHERE keep = 2") == model.past &&
	    obj_number("SELECT history_bytes FROM workspace") == model.past_bytes;
}

/* ---- a reader of the feed ---- */

static struct replay {
	int64_t from;
	struct { int64_t id, version; uint64_t size; bool shown; } files[FILES];
	int n;
	const char *wrong;
} replay;

static int
file_of(int64_t id)
{
	int i = 0;

	while (i < replay.n && replay.files[i].id != id)
		i++;
	if (i == replay.n && i < FILES - 1)
		replay.files[replay.n++].id = id;
	return i;
}

static void
see(void *arg, const struct event *e, struct slice path)
{
	int known = replay.n, i;

	(void)arg;
	(void)path;
	if (e->folder)
		return;
	i = file_of(e->node);
	if (e->type == EVENT_FILE_CREATED && i < known)
		replay.wrong = "created twice";
	else if (e->type == EVENT_FILE_RESTORED && replay.files[i].shown)
		replay.wrong = "restored, and was there";
	else if ((e->type == EVENT_FILE_VERSION_COMMITTED || e->type == EVENT_FILE_METADATA_CHANGED) && !replay.files[i].shown)
		replay.wrong = "changed, and was not there";
	else if (e->type == EVENT_FILE_METADATA_CHANGED && e->version != replay.files[i].version)
		replay.wrong = "another version without having been committed";
	replay.files[i].shown = e->type != EVENT_FILE_DELETED;
	replay.files[i].version = e->version;
	replay.files[i].size = e->size;
}

static bool
same_feed(void)
{
	int there = 0, wanted = 0, i;
	bool more = true;

	while (more)
		if (feed_read(store, space.id, replay.from, 100, see, NULL, &replay.from, &more) != 0)
			return false;
	if (replay.wrong)
		fprintf(stderr, "# the feed: %s\n", replay.wrong);
	for (i = 0; i < replay.n; i++)
		there += replay.files[i].shown;
	for (int k = 0; k < KEYS; k++) {
		const struct stack *s = &model.keys[k];

		if (!shown(s))
			continue;
		wanted++;
		i = file_of(s->file);
		if (!replay.files[i].shown || replay.files[i].version != s->v[0].id ||
		    replay.files[i].size != strlen(s->v[0].text))
			return false;
	}
	return !replay.wrong && there == wanted;
}

/* ---- operations ---- */

static bool
same_file(struct stack *s, int64_t file)
{
	bool good = s->n == 0 || s->file == file;

	s->file = file;
	return good;
}

static void
try_put(int k)
{
	struct expectation expect = { EXPECT_ANY };
	struct stack *s = &model.keys[k];
	struct object_info info = { 0 };
	int want = 0, rc;
	char text[16];

	snprintf(text, sizeof(text), "text %ld", random() % 20);
	if (random() % 4 == 0) {
		expect.kind = EXPECT_ABSENT;
		want = shown(s) ? ERR_PRECONDITION : 0;
	} else if (random() % 4 == 0) {
		expect = (struct expectation) { EXPECT_ETAG, "*", 0 };
		want = shown(s) ? 0 : ERR_NOTFOUND;
	}
	rc = obj_put_if(keys[k], text, expect, &info);
	CHECK_INT(want, rc);
	if (rc)
		return;
	CHECK(same_file(s, info.file_id));
	push(s, info.version_id, false, text);
	CHECK_INT(s->v[0].null, info.null_version);
	CHECK_INT(model.versioning != VERSIONING_NEVER, info.versioned);
}

/* Any version there is onto any key: onto its own that restores it. */
static void
try_copy(int k)
{
	struct object_info from = OBJECT_INFO_INIT, info = { 0 };
	struct object_copy copy = { .from = &from, .workspace = space.id, .key = SLICE(keys[k]), .actor = { 1, 0 } };
	int source = (int)(random() % KEYS), which, rc;
	struct stack *s = &model.keys[source];
	char text[16];

	if (!s->n)
		return;
	which = (int)(random() % s->n);
	CHECK_INT(0, object_find(store, space.id, SLICE(keys[source]), s->v[which].id, &from));
	CHECK_INT(s->v[which].marker, from.delete_marker);
	rc = object_copy(store, &copy, &info);
	object_info_release(&from);
	CHECK_INT(s->v[which].marker ? ERR_INVALID : 0, rc);
	if (rc)
		return;
	memcpy(text, s->v[which].text, sizeof(text));
	s = &model.keys[k];
	CHECK(same_file(s, info.file_id));
	push(s, info.version_id, false, text);
}

static void
try_delete(int k)
{
	struct object_delete d = { .workspace = space.id, .key = SLICE(keys[k]), .actor = { 1, 0 } };
	struct stack *s = &model.keys[k];
	int want = 0;

	if (random() % 4 == 0) {
		d.expect = (struct expectation) { EXPECT_ETAG, "nonsense", 0 };
		want = shown(s) ? ERR_PRECONDITION : ERR_NOTFOUND;
	} else if (random() % 4 == 0) {
		d.expect = (struct expectation) { EXPECT_ETAG, "*", 0 };
		want = shown(s) ? 0 : ERR_NOTFOUND;
	}
	CHECK_INT(0, object_delete(store, &d, 1));
	CHECK_INT(want, d.rc);
	CHECK_INT(want == 0 && model.versioning != VERSIONING_NEVER, d.made_marker);
	CHECK(!d.was_marker);
	if (want)
		return;
	if (model.versioning == VERSIONING_NEVER) {
		if (s->n)
			drop(s, 0, false);
		return;
	}
	if (s->n == 0)
		s->file = obj_number("SELECT id FROM file ORDER BY id DESC LIMIT 1");
	push(s, d.version_id, true, "");
	CHECK_INT(s->v[0].null, d.null_version);
}

static void
try_delete_version(int k)
{
	struct stack *s = &model.keys[k];
	struct object_delete d;
	int which;

	if (!s->n || random() % 8 == 0) {
		int64_t before = obj_number("SELECT sequence FROM workspace"), id = 1;

		if (model.ngone)
			id = model.gone[(unsigned)random() % (model.ngone < GONE ? model.ngone : GONE)];
		CHECK_INT(0, obj_delete(keys[k], id, &d));
		CHECK(!d.version_id && !d.was_marker && !d.made_marker);
		CHECK_INT(before, obj_number("SELECT sequence FROM workspace"));
		return;
	}
	which = (int)(random() % (random() % 2 ? s->n : 1));
	CHECK_INT(0, obj_delete(keys[k], s->v[which].null && random() % 2 ? VERSION_NULL : s->v[which].id, &d));
	CHECK_INT(s->v[which].id, d.version_id);
	CHECK_INT(s->v[which].marker, d.was_marker);
	CHECK_INT(s->v[which].null, d.null_version);
	drop(s, which, model.versioning != VERSIONING_NEVER);
}

static void
try_switch(void)
{
	struct workspace_set set = WORKSPACE_SET_NONE;

	model.versioning = random() % 2 ? VERSIONING_ENABLED : VERSIONING_SUSPENDED;
	CHECK_INT(0, obj_versioning(model.versioning));
	set.versioning = VERSIONING_NEVER;
	CHECK_INT(ERR_CONFLICT, workspace_set(store, space.id, &set, (struct actor) { 1, 0 }));
}

static void
try_any(int step)
{
	int k = (int)(random() % KEYS);
	long what = random() % 12;
	bool full = model.keys[k].n >= DEEP - 1;

	if (step > 60 && random() % 16 == 0)
		try_switch();
	else if (what < 4 && !full)
		try_put(k);
	else if (what < 6 && !full)
		try_copy(k);
	else if (what < 8 && !full)
		try_delete(k);
	else
		try_delete_version(k);
	for (int i = 0; !test_failed_ && i < KEYS; i++)
		CHECK(same_finds(keys[i], &model.keys[i]));
	CHECK(same_sums());
	CHECK(same_feed());
}

/* ---- the tests ---- */

static void
begin(int64_t history_ms, int versioning, unsigned seed)
{
	memset(&model, 0, sizeof(model));
	memset(&replay, 0, sizeof(replay));
	model.history_ms = history_ms;
	model.versioning = versioning;
	srandom(seed);
	CHECK_INT(0, obj_open(history_ms, versioning));
}

static void
run(int64_t history_ms, unsigned seed)
{
	bool any = false;

	begin(history_ms, VERSIONING_NEVER, seed);
	for (int i = 0; !test_failed_ && i < 800; i++) {
		try_any(i);
		if (i % 10 == 0)
			CHECK_SOUND();
		if (i % 5 == 0)
			CHECK(same_listing(1 + (unsigned)random() % 6, random() % 3 == 0));
	}
	for (int k = 0; k < KEYS; k++)
		any = any || model.keys[k].n;
	if (any)
		CHECK_INT(ERR_NOTEMPTY, workspace_delete(store, space.id, (struct actor) { 1, 0 }));
	if (!test_failed_)
		empty_by_pages(1 + seed % 4);
	CHECK(!test_failed_);
	CHECK_SOUND();
	CHECK_INT(0, workspace_delete(store, space.id, (struct actor) { 1, 0 }));
	obj_close();
}

static void
test_random_operations(void)
{
	run(0, 1);
}

static void
test_other_random_operations(void)
{
	run(0, 2);
}

static void
test_random_operations_with_history(void)
{
	run(86400000, 3);
}

static void
test_other_random_operations_with_history(void)
{
	run(86400000, 4);
}

static const struct test tests[] = {
	TEST(test_random_operations), TEST(test_other_random_operations),
	TEST(test_random_operations_with_history), TEST(test_other_random_operations_with_history),
	TEST_END
};
TEST_MAIN(tests)
