#include "commit.h"
#include "history.h"
#include "clock.h"
#include "object_kit.h"

/* Events as one line each: type, path, "." where a commit ends. */
struct lines {
	struct buf out;
	int64_t next;		/* sequence that must come */
	int n;
	bool gap, open;		/* open: the last one did not end a commit */
};

static void
each(void *arg, const struct event *e, struct slice path)
{
	struct lines *l = arg;

	l->gap = l->gap || e->sequence != l->next;
	l->next = e->sequence + 1;
	l->open = !e->ends_commit;
	l->n++;
	buf_addf(&l->out, "%s %.*s%s\n", feed_event_name(e->type), (int)path.len, path.p, e->ends_commit ? "." : "");
}

/* The events from `from` on as text, in pages of `max`. */
static int
read_all(int64_t from, unsigned max, struct lines *l)
{
	bool more = true;
	int rc = 0;

	*l = (struct lines) { .out = BUF_INIT(1 << 20), .next = from + 1 };
	while (rc == 0 && more)
		rc = feed_read(store, space.id, from, max, each, l, &from, &more);
	return rc;
}

static int64_t
sequence(void)
{
	return obj_number("SELECT sequence FROM workspace");
}

#define CHECK_FEED(from, text)                                                                     \
	do {                                                                                       \
		struct lines l_;                                                                   \
		CHECK_INT(0, read_all((from), 100, &l_));                                          \
		CHECK_STR((text), l_.out.data);                                                    \
		CHECK(!l_.gap && !l_.open);                                                        \
		buf_release(&l_.out);                                                              \
	} while (0)

static void
test_what_it_tells(void)
{
	struct object_delete d;
	int64_t from;

	CHECK_INT(0, obj_open(0, 0));
	from = sequence();
	CHECK_INT(0, obj_put("a/b/c", "x", NULL));
	CHECK_FEED(from, "FOLDER_CREATED a/\nFOLDER_CREATED a/b/\nFILE_CREATED a/b/c.\n");
	from = sequence();
	CHECK_INT(0, obj_put("a/b/c", "y", NULL));
	CHECK_INT(0, obj_put("a/b/d", "y", NULL));
	CHECK_INT(0, obj_delete("a/b/d", 0, NULL));
	CHECK_FEED(from, "FILE_VERSION_COMMITTED a/b/c.\nFILE_CREATED a/b/d.\nFILE_DELETED a/b/d.\n");
	from = sequence();
	CHECK_INT(0, obj_delete("missing", 0, NULL));
	CHECK_INT(from, sequence());
	CHECK_INT(0, obj_delete("a/b/c", 0, NULL));
	/* Folders that are gone have no path any more. */
	CHECK_FEED(from, "FILE_DELETED c\nFOLDER_DELETED b/\nFOLDER_DELETED a/.\n");
	/* Versioned: what is hidden by a marker is deleted, what comes back is restored. */
	CHECK_INT(0, obj_versioning(VERSIONING_ENABLED));
	CHECK_INT(0, obj_put("v/w", "x", NULL));
	from = sequence();
	CHECK_INT(0, obj_delete("v/w", 0, &d));
	CHECK_FEED(from, "FILE_DELETED v/w\nFOLDER_DELETED v/.\n");
	from = sequence();
	CHECK_INT(0, obj_delete("v/w", d.version_id, &d));
	CHECK_FEED(from, "FOLDER_RESTORED v/\nFILE_RESTORED v/w.\n");
	/* A refused write tells nothing and takes no number. */
	from = sequence();
	CHECK_INT(ERR_PRECONDITION, obj_put_if("v/w", "x", (struct expectation) { EXPECT_ABSENT }, NULL));
	CHECK_INT(from, sequence());
	CHECK_SOUND();
	obj_close();
}

static void
take(void *arg, const struct event *e, struct slice path)
{
	(void)path;
	*(struct event *)arg = *e;
}

static void
test_what_an_event_carries(void)
{
	struct object_info info = { 0 };
	struct event e = { 0 };
	int64_t last;
	bool more;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_put("k", "hello", &info));
	CHECK_INT(0, feed_read(store, space.id, info.sequence - 1, 10, take, &e, &last, &more));
	CHECK(last == info.sequence && !more);
	CHECK(e.type == EVENT_FILE_CREATED && e.node == info.file_id && e.version == info.version_id && e.size == 5);
	CHECK(e.has_hash && e.actor == 1 && e.parent == space.root_folder_id && !e.folder && e.occurred_us == info.modified_us);
	obj_close();
}

static void
test_pages(void)
{
	struct lines all, paged;
	int64_t last, from;
	char key[32];
	bool more;

	CHECK_INT(0, obj_open(0, 0));
	from = sequence();
	for (int i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "d%d/e%d/f", i, i);
		CHECK_INT(0, obj_put(key, "x", NULL));
	}
	CHECK_INT(0, read_all(from, 1000, &all));
	CHECK_INT(60, all.n);
	for (unsigned max = 1; max < 70; max++) {
		CHECK_INT(0, read_all(from, max, &paged));
		CHECK_STR(all.out.data, paged.out.data);
		buf_release(&paged.out);
	}
	/* No page ends inside a commit, if it holds one. */
	for (unsigned max = 3; max < 70; max++) {
		struct lines l = { .out = BUF_INIT(1 << 20), .next = from + 1 };

		CHECK_INT(0, feed_read(store, space.id, from, max, each, &l, &last, &more));
		CHECK(!l.open && l.n == (int)(max < 60 ? max / 3 * 3 : 60) && more == (max < 60));
		buf_release(&l.out);
	}
	CHECK_INT(0, feed_read(store, space.id, sequence(), 10, each, &all, &last, &more));
	CHECK(last == sequence() && !more);
	CHECK_INT(ERR_NOTFOUND, feed_read(store, 77, 0, 10, each, &all, &last, &more));
	buf_release(&all.out);
	obj_close();
}

struct cut {
	int64_t horizon;
};

static int
run_cut(struct txn *t, void *arg)
{
	struct workspace_row *w;
	int rc = txn_workspace(t, space.id, &w);

	if (rc)
		return rc;
	w->horizon = ((struct cut *)arg)->horizon;
	w->dirty = true;
	return 0;
}

static void
test_the_horizon(void)
{
	struct lines l = { .out = BUF_INIT(1 << 20) };
	struct cut cut;
	int64_t last;
	bool more;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_put("a", "x", NULL));
	CHECK_INT(0, obj_put("b", "x", NULL));
	cut.horizon = sequence() - 1;
	CHECK_INT(0, commit_run(store, &(struct commit) { .workspace = space.id, .run = run_cut, .arg = &cut }));
	CHECK_INT(ERR_EXPIRED, feed_read(store, space.id, cut.horizon - 1, 10, each, &l, &last, &more));
	CHECK_INT(0, feed_read(store, space.id, cut.horizon, 10, each, &l, &last, &more));
	CHECK_STR("FILE_CREATED b.\n", l.out.data);
	buf_release(&l.out);
	obj_close();
}

static void
test_history_expires(void)
{
	int64_t day = 86400ll * 1000000;
	char key[32];
	unsigned n;

	CHECK_INT(0, obj_open(86400000, 0));
	for (int i = 0; i < 50; i++) {
		snprintf(key, sizeof(key), "d/k%d", i);
		CHECK_INT(0, obj_put(key, "one", NULL));
		CHECK_INT(0, obj_put(key, "two", NULL));
		if (i % 2)
			CHECK_INT(0, obj_delete(key, 0, NULL));
	}
	CHECK_SOUND();
	CHECK_INT(75 * 3, obj_number("SELECT history_bytes FROM workspace"));
	CHECK_INT(0, history_expire(store, clock_wall_us(), 1000, &n));
	CHECK_INT(0, n);
	CHECK_INT(0, history_expire(store, clock_wall_us() + day, 40, &n));
	CHECK_INT(40, n);
	CHECK_SOUND();
	CHECK_INT(0, history_expire(store, clock_wall_us() + day, 1000, &n));
	CHECK_INT(35, n);
	CHECK_SOUND();
	CHECK_INT(0, obj_number("SELECT history_bytes FROM workspace"));
	CHECK_INT(25, obj_number("SELECT count(*) FROM file"));
	CHECK_INT(25, obj_number("SELECT count(*) FROM file_version"));
	CHECK_INT(0, obj_number("SELECT count(*) FROM entry_past"));
	obj_close();
}

static const struct test tests[] = { TEST(test_what_it_tells), TEST(test_what_an_event_carries), TEST(test_pages),
	TEST(test_the_horizon), TEST(test_history_expires), TEST_END };
TEST_MAIN(tests)
