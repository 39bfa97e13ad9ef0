#include "clock.h"
#include "commit.h"
#include "feed.h"
#include "history.h"
#include "list.h"
#include "past_tree.h"
#include "share.h"
#include "tree_kit.h"
#include "tbl_grant.h"
#include "tbl_upload.h"
#include "transfer.h"
#include "upload.h"

/*
 * Every statement that serving requests runs must go straight to its rows: no scan of a table, no sorting. The
 * test runs each operation once and then asks the engine for the plan of all that was prepared.
 */

static void
no_item(void *arg, const struct list_item *item)
{
	(void)arg, (void)item;
}

static void
no_upload(void *arg, const struct upload_list_item *item)
{
	(void)arg, (void)item;
}

static void
no_event(void *arg, const struct event *event, struct slice path)
{
	(void)arg, (void)event, (void)path;
}

static int
run_lists(void)
{
	struct list_query q = { .workspace = space.id, .prefix = SLICE("a"), .delimiter = SLICE("/"), .after = SLICE("a/a"),
		.max = 10 };
	struct upload_list u = { .workspace = space.id, .prefix = SLICE("a"), .delimiter = SLICE("/"), .after_key = { "", 0 },
		.max = 10 };
	struct list_end end = LIST_END_INIT;
	struct buf next = BUF_INIT(4096);
	bool truncated;
	int64_t id;
	int rc = 0;

	for (int i = 0; i < 4 && rc == 0; i++) {
		q.versions = i & 1;
		q.after_version = i & 1 ? VERSION_NULL : 0;
		q.delimiter.len = (size_t)(i >> 1);
		q.since = i & 1;
		rc = list_objects(store, &q, no_item, NULL, &end);
	}
	if (rc == 0)
		rc = upload_list(store, &u, no_upload, NULL, &truncated, &next, &id);
	list_end_release(&end);
	buf_release(&next);
	return rc;
}

static int
run_upload(const char *key, bool finish)
{
	struct object_info from = OBJECT_INFO_INIT, info = OBJECT_INFO_INIT;
	struct upload_info found = UPLOAD_INFO_INIT;
	struct upload_part part = { .number = 1 }, got;
	struct buf headers = BUF_INIT(64);
	struct upload_complete c = { .workspace = space.id, .key = SLICE(key), .parts = &part, .count = 1,
		.object_size = UINT64_MAX, .actor = { 1, 0 } };
	bool more;
	unsigned n;
	int rc;

	if ((rc = upload_create(store, &(struct upload_create) { .workspace = space.id, .key = SLICE(key),
		 .headers = &headers, .actor = { 1, 0 } }, &c.id)) != 0 ||
	    (rc = upload_find(store, space.id, SLICE(key), c.id, &found)) != 0 ||
	    (rc = object_find(store, space.id, SLICE("a/b/c"), 0, &from)) != 0)
		goto out;
	memcpy(part.etag, from.etag, ETAG_TEXT);
	for (int i = 0; i < 2 && rc == 0; i++)
		rc = upload_copy_part(store, space.id, c.id, &from, 0, from.size, &part);
	if (rc == 0)
		rc = upload_list_parts(store, c.id, 0, &got, 1, &n, &more);
	for (int i = 0; i < 2 && rc == 0 && finish; i++)
		rc = upload_complete(store, &c, &info);
	if (rc == 0 && !finish)
		rc = upload_abort(store, space.id, SLICE(key), c.id);
out:
	object_info_release(&from);
	object_info_release(&info);
	upload_info_release(&found);
	return rc;
}

static int
run_objects(void)
{
	static const char *const keys[] = { "a/b/c", "a/b/", "k" };
	struct object_info v = { 0 }, from = OBJECT_INFO_INIT;
	struct object_copy copy = { .from = &from, .workspace = space.id, .key = SLICE("a/copy"), .actor = { 1, 0 } };
	struct object_delete d;
	int rc = 0;

	for (int i = 0; i < 3 && rc == 0; i++)
		if ((rc = obj_put(keys[i], "text", NULL)) == 0 && (rc = obj_put(keys[i], "text 2", &v)) == 0)
			rc = obj_put("gone/x", "x", NULL);
	if (rc || (rc = object_find(store, space.id, SLICE("k"), 0, &from)) != 0 ||
	    (rc = object_copy(store, &copy, NULL)) != 0)
		return rc;
	obj_text("k", v.version_id, &rc);
	obj_text("k", v.version_id - 1, &rc);
	obj_text("k", VERSION_NULL, &rc);
	object_info_release(&from);
	if ((rc = obj_delete("gone/x", 0, NULL)) != 0 || (rc = obj_delete("k", 0, &d)) != 0 ||
	    (rc = obj_delete("k", d.version_id ? d.version_id : 1, NULL)) != 0 ||
	    (rc = obj_delete("k", VERSION_NULL, NULL)) != 0)
		return rc;
	return 0;
}

static void
no_node(void *arg, const struct node *n, struct slice path)
{
	(void)arg, (void)n, (void)path;
}

/* As of every sequence that can be shown, for the administrator and for somebody who was given nothing. */
static int
run_past(void)
{
	struct principal who[2] = { { .id = 1, .admin = true }, { .id = 2 } };
	struct past_tree_query q = { .workspace = space.id, .max = 1000 };
	struct list_query l = { .workspace = space.id, .prefix = SLICE("a"), .delimiter = SLICE("/"), .after = SLICE(""),
		.max = 10, .past = true };
	struct past_tree_end end = PAST_TREE_END_INIT;
	struct object_info info = OBJECT_INFO_INIT;
	struct list_end list = LIST_END_INIT;
	struct workspace_row w;
	int rc = workspace_get(store, space.id, &w);

	for (int64_t s = w.past_horizon; rc == 0 && s <= w.sequence; s++) {
		q.when.sequence = l.sequence = s;
		for (int i = 0; rc == 0 && i < 2; i++) {
			q.who = &who[i];
			rc = past_tree(store, &q, no_node, NULL, &end);
		}
		if (rc == 0 && (rc = list_objects(store, &l, no_item, NULL, &list)) == 0 &&
		    (rc = past_find(store, space.id, s, SLICE("a/b/c"), 0, &info)) == ERR_NOTFOUND)
			rc = 0;
	}
	if (rc == 0)
		rc = past_resolve(store, space.id, &(struct past_when) { .is_time = true, .time_us = clock_wall_us() },
		    &w.sequence);
	list_end_release(&list);
	object_info_release(&info);
	past_tree_end_release(&end);
	return rc;
}

static void
no_child(void *arg, const struct tree_child *child)
{
	(void)arg, (void)child;
}

static void
no_gone(void *arg, const struct tree_gone *gone)
{
	(void)arg, (void)gone;
}

static void
no_version(void *arg, const struct tree_version *version)
{
	(void)arg, (void)version;
}

static int
run_tree_lists(int64_t folder, int64_t file)
{
	struct tree_children q = TREE_CHILDREN_INIT;
	struct tree_trash trash = { .workspace = space.id, .limit = 10 };
	struct buf name = BUF_INIT(1024);
	struct tree_gone gone;
	int64_t workspace;
	bool more;
	int rc;

	q.workspace = space.id;
	q.folder = folder;
	q.limit = 10;
	q.after = q.prefix = (struct slice) { "", 0 };
	if ((rc = tree_children(store, &q, no_child, NULL)) == 0 &&
	    (rc = tree_trash(store, &trash, no_gone, NULL)) == 0 &&
	    (rc = tree_versions(store, space.id, file, 0, 10, no_version, NULL, &more)) == 0)
		rc = tree_trash_get(store, NODE_FOLDER, folder, &gone, &workspace, &name);
	buf_release(&q.next);
	buf_release(&name);
	return rc;
}

/* Each way that a folder and a file can go and come back; what a workspace does not allow is refused. */
static int
run_tree(void)
{
	struct object_info old = { 0 }, now = { 0 };
	int64_t folder, file;
	int rc;

	if ((rc = kit_make(space.root_folder_id, "tree")) != 0 || (rc = obj_put("tree/in/f", "f", &old)) != 0 ||
	    (rc = obj_put("tree/in/f", "g", &now)) != 0 || (rc = obj_put("hidden", "h", NULL)) != 0 ||
	    (rc = obj_delete("hidden", 0, NULL)) != 0)
		return rc;
	folder = made.folder;
	file = now.file_id;
	kit_move(NODE_FILE, file, folder, "hidden");
	kit_move(NODE_FILE, file, space.root_folder_id, "hidden");
	kit_move(NODE_FOLDER, folder, 0, "tree2");
	tree_restore(store, &(struct tree_restore) { .workspace = space.id, .file = file, .version = old.version_id,
	    .actor = { 1, 0 } }, NULL);
	if ((rc = run_tree_lists(folder, file)) != 0)
		return rc;
	kit_remove(NODE_FILE, file, -1);
	kit_undelete(NODE_FILE, file, 0, NULL);
	if ((rc = obj_put("tree2/in/x", "x", NULL)) != 0 || (rc = kit_remove(NODE_FOLDER, FOLDER("tree2/in"), 1)) != 0)
		return rc;
	kit_remove(NODE_FOLDER, folder, -1);
	kit_undelete(NODE_FOLDER, folder, 0, NULL);
	kit_remove(NODE_FOLDER, folder, -1);
	return 0;
}

static void
no_grant(void *arg, const struct share_entry *e)
{
	(void)arg, (void)e;
}

static void
no_shared(void *arg, const struct share_node *n)
{
	(void)arg, (void)n;
}

static int
run_shares(void)
{
	struct share_query q = { .workspace = space.id, .kind = SHARE_FILE, .limit = 10 };
	struct share s = { .workspace = space.id, .role = ROLE_VIEWER, .actor = { 1, 0 } };
	struct workspace_row rows[2];
	struct principal ann;
	enum node_kind kind;
	int64_t last;
	unsigned n;
	bool more;
	int rc;

	if ((rc = principal_create(store, "ann", false, false, &ann)) != 0 ||
	    (rc = obj_put("shared/f", "text", NULL)) != 0 ||
	    (rc = node_lookup(store, space.id, SLICE("shared/f"), &kind, &q.id)) != 0)
		return rc;
	s.kind = SHARE_FILE;
	s.id = q.id;
	s.principal = ann.id;
	q.who = &ann;
	if ((rc = share_give(store, &s, NULL)) != 0 || (rc = share_list(store, &q, no_grant, NULL)) != 0 ||
	    (rc = share_nodes(store, &ann, space.id, 0, 10, no_shared, NULL, &last, &more)) != 0 ||
	    (rc = share_given(store, ann.id, 0, rows, 2, &n)) != 0 ||
	    (rc = share_owned(store, ann.id, "", rows, 2, &n)) != 0)
		return rc;
	q.who = &(struct principal) { .id = 1, .admin = true };
	if ((rc = share_list(store, &q, no_grant, NULL)) != 0 || (rc = share_take(store, &s, NULL)) != 0 ||
	    (rc = share_give(store, &s, NULL)) != 0 || (rc = obj_delete("shared/f", 0, NULL)) != 0)
		return rc;
	return grant_expire(store, 10, &n);
}

/* Of a workspace that has an open upload. */
static int
run_deletion(void)
{
	struct workspace_row other = { .name = "other", .owner_id = space.owner_id };
	struct buf headers = BUF_INIT(64);
	struct upload_create c = { .key = SLICE("k"), .headers = &headers, .actor = { 1, 0 } };
	int64_t id;
	int rc;

	if ((rc = workspace_create(store, &other, c.actor)) != 0)
		return rc;
	c.workspace = other.id;
	rc = upload_create(store, &c, &id);
	return rc ? rc : workspace_delete(store, other.id, c.actor);
}

/* Of uploads that nobody may go on with, and of a crowd of them. */
static int
run_revocation(void)
{
	struct upload_open at = { 0 };
	struct db_conn *db = NULL;
	int64_t n;
	bool more;
	int role, rc;

	if ((rc = transfer_revoke(store, &at, &more)) != 0 || (rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	if ((rc = tbl_upload_count(db, space.id, 1, &n)) == 0)
		rc = tbl_grant_strongest(db, space.id, 1, &role);
	db_read_end(db);
	return rc;
}

static int
run_all(void)
{
	int64_t last;
	unsigned n;
	bool more;
	int rc;

	if ((rc = run_objects()) != 0 || (rc = run_lists()) != 0 || (rc = run_upload("a/up", true)) != 0 ||
	    (rc = run_upload("a/other", false)) != 0 || (rc = run_tree()) != 0 || (rc = run_deletion()) != 0 || (rc = upload_expire(store, clock_wall_us(), 10, &n)) != 0 || (rc = run_past()) != 0 ||
	    (rc = run_shares()) != 0 || (rc = run_revocation()) != 0 ||
	    (rc = history_expire(store, clock_wall_us() + 1000ll * 86400 * 1000000, 1000, &n)) != 0 ||
	    (rc = past_expire(store, clock_wall_us() + 1000ll * 86400 * 1000000, 1000, &n)) != 0)
		return rc;
	return feed_read(store, space.id, 0, 7, no_event, NULL, &last, &more);
}

struct plans {
	struct db_conn *db;
	int seen, bad;
};

/*
 * A step "SCAN x" reads all of x. Allowed are: the results of a subquery of a few rows, and statements of which the whole table is
 * the point (one row, or all workspaces in order).
 */
static bool
allowed(const char *sql, const char *step)
{
	return strstr(step, "SCAN ids") || strstr(step, "SCAN CONSTANT ROW") || strstr(sql, "FROM workspace WHERE name >");
}

static void
each_statement(void *arg, const char *sql)
{
	struct buf plan = BUF_INIT(1 << 16);
	struct plans *p = arg;
	char *step, *rest = NULL;

	p->seen++;
	if (db_explain(p->db, sql, &plan) != 0) {
		fprintf(stderr, "# no plan: %s\n", sql);
		p->bad++;
	}
	for (step = plan.len ? strtok_r(plan.data, "\n", &rest) : NULL; step; step = strtok_r(NULL, "\n", &rest))
		if ((strstr(step, "SCAN ") || strstr(step, "TEMP B-TREE") || strstr(step, "AUTOMATIC")) && !allowed(sql, step)) {
			fprintf(stderr, "# %s\n#\t%s\n", sql, step);
			p->bad++;
		}
	buf_release(&plan);
}

/* The committer's connection is the committer's: after a commit it still moves the log. */
static int
run_writes(struct txn *t, void *arg)
{
	struct plans *p = arg;

	p->db = t->db;
	p->seen = p->bad = 0;	/* a closure may run again */
	db_statements(t->db, each_statement, p);
	return 0;
}

static void
check(int64_t history_ms, int versioning)
{
	struct plans p = { 0 };
	struct db_conn *db = NULL;
	int writes;

	CHECK_INT(0, obj_open(history_ms, versioning));
	CHECK_INT(0, run_all());
	CHECK_INT(0, commit_run(store, &(struct commit) { .run = run_writes, .arg = &p }));
	writes = p.seen;
	CHECK_INT(0, db_read_begin(store->db, &db));
	p.db = db;
	db_statements(db, each_statement, &p);
	db_read_end(db);
	fprintf(stderr, "# %d statements that write, %d that read\n", writes, p.seen - writes);
	CHECK(writes > 30 && p.seen - writes > 15);
	CHECK_INT(0, p.bad);
	obj_close();
}

static void
test_never_versioned(void)
{
	check(0, 0);
}

static void
test_with_history(void)
{
	check(86400000, 0);
}

static void
test_versioned(void)
{
	check(0, VERSIONING_ENABLED);
}

static void
test_suspended(void)
{
	check(86400000, VERSIONING_SUSPENDED);
}

static const struct test tests[] = { TEST(test_never_versioned), TEST(test_with_history), TEST(test_versioned),
	TEST(test_suspended), TEST_END };
TEST_MAIN(tests)
