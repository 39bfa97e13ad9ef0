#include "clock.h"
#include "commit.h"
#include "feed_for.h"
#include "feed_trim.h"
#include "past_tree.h"
#include "tbl_device.h"
#include "tbl_entry.h"
#include "tree_kit.h"

/*
 * The feed as readers see it. A model: random steps on a tree of two levels, with grants that come and go and folders and files that move in and out
 * of what is shared. Each reader folds its feed into a map, lists what it gained as a client would, and must end with what it may read.
 */
#define READERS 6		/* an administrator, three who are given parts, and two of a scope: the administrator and the first of those */
#define KNOWN 600

struct known {
	int64_t id, parent;
	bool folder;
	char name[40];
};

struct reader {
	struct principal who;
	int64_t from, scope;
	struct known list[KNOWN];
	unsigned n;
	/* of the page */
	struct known page[KNOWN];
	enum event_type types[KNOWN];
	unsigned npage, mark;
	bool open, bad;
};

/* ---- the fold ---- */

static struct known *
find(struct reader *r, int64_t id)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->list[i].id == id)
			return &r->list[i];
	return NULL;
}

static void
set(struct reader *r, const struct known *k)
{
	struct known *old = find(r, k->id);

	if (!old && r->n < KNOWN)
		old = &r->list[r->n++];
	if (old)
		*old = *k;
}

static void
drop(struct reader *r, int64_t id)
{
	for (unsigned i = 0; i < r->n;) {
		if (r->list[i].id != id && r->list[i].parent != id) {
			i++;
			continue;
		}
		bool below = r->list[i].folder && r->list[i].id != id;
		int64_t gone = r->list[i].id;

		r->list[i] = r->list[--r->n];
		if (below)
			drop(r, gone);
		i = 0;
	}
}

static bool may_see(struct reader *r, enum node_kind kind, int64_t id);

/* What a client does with a folder or file that it gained: it asks for it, and for all below. */
static void
list(struct reader *r, bool folder, int64_t id, int64_t parent)
{
	struct node n = NODE_INIT;
	struct known below[KNOWN];
	struct db_conn *db = NULL;
	struct db_row row = DB_ROW_INIT;
	struct entry_at at = { space.id, id, { "", 0 } };
	struct entry_seen e;
	unsigned count = 0;
	struct known k = { .id = id, .parent = parent, .folder = folder };

	if (!may_see(r, folder ? NODE_FOLDER : NODE_FILE, id) || db_read_begin(store->db, &db) != 0)
		return;
	if (node_load(db, folder ? NODE_FOLDER : NODE_FILE, id, &n) == 0) {
		snprintf(k.name, sizeof(k.name), "%s", n.name.len ? n.name.data : "");
		set(r, &k);
	}
	if (folder && tbl_entry_scan(db, &at, &row) == 0)
		while (db_next(&row) == 0) {
			tbl_entry_seen(&row, &e);
			if (e.live && e.name.len && count < KNOWN)
				below[count++] = (struct known) { .id = e.node_id, .folder = e.kind == ENTRY_FOLDER };
		}
	db_row_release(&row);
	db_read_end(db);
	node_release(&n);
	for (unsigned i = 0; i < count; i++)
		list(r, below[i].folder, below[i].id, id);
}

static void
take(struct reader *r, enum event_type type, const struct known *k)
{
	if (type == EVENT_FOLDER_MOVED && !find(r, k->id))
		type = EVENT_ACCESS_GAINED;
	switch (type) {
	case EVENT_ACCESS_GAINED:
	case EVENT_FOLDER_RESTORED:
		if (k->id == space.root_folder_id)
			r->n = 0;
		list(r, k->folder, k->id, k->parent);
		break;
	case EVENT_ACCESS_LOST:
	case EVENT_FILE_DELETED:
	case EVENT_FOLDER_DELETED:
		drop(r, k->id);
		break;
	case EVENT_SHARE_GRANTED:
	case EVENT_SHARE_REVOKED:
		break;
	default:
		set(r, k);
	}
}

static void
each(void *arg, const struct event *e, struct slice path)
{
	struct reader *r = arg;
	struct known *k = &r->page[r->npage];

	(void)path;
	if (r->npage == KNOWN) {
		r->bad = true;
		return;
	}
	*k = (struct known) { .id = e->node, .parent = e->parent, .folder = e->folder };
	snprintf(k->name, sizeof(k->name), "%.*s", (int)(e->name.len - (e->folder && e->name.len)), e->name.p);
	r->types[r->npage++] = e->type;
	r->open = true;
}

static void
ended(void *arg)
{
	struct reader *r = arg;

	r->bad |= !r->open;
	r->mark = r->npage;
	r->open = false;
}

static void
cut(void *arg)
{
	struct reader *r = arg;

	r->npage = r->mark;
	r->open = false;
}

/* Pages of a random size to the end of the feed. */
static int
follow(struct reader *r)
{
	struct feed_query q = { .workspace = space.id, .who = &r->who, .scope = r->scope };
	const struct feed_out out = { each, ended, cut, r };
	int rc;

	do {
		q.from = r->from;
		q.max = 1 + (unsigned)random() % 12;
		r->npage = r->mark = 0;
		r->open = false;
		if ((rc = feed_read_for(store, &q, &out)) != 0)
			return rc;
		if (r->bad || (!q.more && r->open) || (q.more && q.last == r->from))
			return ERR_INTERNAL;
		for (unsigned i = 0; i < r->npage; i++)
			take(r, r->types[i], &r->page[i]);
		r->from = q.last;
	} while (q.more);
	return 0;
}

/* It forgets all and takes the tree as it was at some sequence, as a device does whose cursor is too old. */
static void
add_node(void *arg, const struct node *n, struct slice path)
{
	struct reader *r = arg;
	struct known k = { .id = n->id, .parent = n->parent, .folder = n->kind == NODE_FOLDER };

	(void)path;
	snprintf(k.name, sizeof(k.name), "%s", n->name.len ? n->name.data : "");
	set(r, &k);
}

static int
begin_again(struct reader *r)
{
	int64_t head = kit_now(), horizon = obj_number("SELECT past_horizon FROM workspace");
	struct past_tree_query q = { .workspace = space.id, .who = &r->who, .under = r->scope, .max = KNOWN,
		.when.sequence = head - random() % (head - horizon + 1) };
	struct past_tree_end end = PAST_TREE_END_INIT;
	int rc;

	r->n = 0;
	rc = past_tree(store, &q, add_node, r, &end);
	r->from = end.sequence;
	past_tree_end_release(&end);
	return rc == 0 && end.more ? ERR_TOOBIG : rc;
}

/* ---- what it may read ---- */

static bool
may_see(struct reader *r, enum node_kind kind, int64_t id)
{
	struct node n = NODE_INIT;
	bool sees = node_find(store, &r->who, ACTION_READ, kind, id, &n) == 0;

	node_release(&n);
	return sees;
}

/* It may, and the node is in the scope. */
static bool
may_know(struct reader *r, enum node_kind kind, int64_t id)
{
	struct node n = NODE_INIT;
	struct db_conn *db = NULL;
	bool may = may_see(r, kind, id);

	if (!may || !r->scope || db_read_begin(store->db, &db) != 0)
		return may;
	for (; id != r->scope && node_load(db, kind, id, &n) == 0 && n.parent; kind = NODE_FOLDER)
		id = n.parent;
	db_read_end(db);
	node_release(&n);
	return id == r->scope;
}

/* Known and reached from what has no shown parent: what the client would show. */
static bool
shown(struct reader *r, const struct known *k)
{
	for (int depth = 0; k && depth < LIMIT_DEPTH; depth++) {
		if (!k->parent || k->parent == (r->scope ? r->scope : space.root_folder_id) || k->id == r->scope)
			return true;
		k = find(r, k->parent);
	}
	return false;
}

static const char *
compare(struct reader *r)
{
	static char text[200];
	struct db_conn *db = NULL;
	struct db_row row = DB_ROW_INIT;
	struct known all[KNOWN];
	unsigned n = 0, seen = 0;

	if (db_read_begin(store->db, &db) == 0 &&
	    db_query0(db, "SELECT node_id, kind, name FROM entry WHERE live = 1", &row) == 0)
		while (db_next(&row) == 0 && n < KNOWN) {
			size_t len;
			const char *name = db_bytes(&row, 2, &len);

			all[n] = (struct known) { .id = db_int(&row, 0), .folder = db_int(&row, 1) == ENTRY_FOLDER };
			len -= all[n].folder;
			snprintf(all[n].name, sizeof(all[n].name), "%.*s", (int)len, name);
			n += len > 0;
		}
	db_row_release(&row);
	db_read_end(db);
	for (unsigned i = 0; i < n; i++) {
		struct known *k = find(r, all[i].id);
		bool may = may_know(r, all[i].folder ? NODE_FOLDER : NODE_FILE, all[i].id);
		bool has = k && shown(r, k);

		if (all[i].id == r->scope)
			continue;	/* it is what was asked for */
		seen += may;
		if (may == has && (!may || !strcmp(k->name, all[i].name)))
			continue;
		snprintf(text, sizeof(text), "%s: %s%s, it may %d, its map has %d (\"%s\")", r->who.name, all[i].name,
		    all[i].folder ? "/" : "", may, has, k ? k->name : "");
		return text;
	}
	for (unsigned i = 0; i < r->n; i++)
		seen -= shown(r, &r->list[i]) && r->list[i].id != space.root_folder_id && r->list[i].id != r->scope;
	return seen ? "its map has more than it may read" : NULL;
}

/* ---- the steps ---- */

static const char *const folders[] = { "a", "b", "c", "a/x", "b/x", "c/x", "a/y", "b/y", "b/a", "b/a/x", "c/b" };
static const char *const names[] = { "x", "y", "z", "a", "b", "f1", "f2", "f3" };
#define PICK(list) list[(size_t)random() % (sizeof(list) / sizeof(list[0]))]

static void
step(struct reader *readers)
{
	const char *folder = PICK(folders), *other = PICK(folders), *name = PICK(names);
	struct reader *r = &readers[1 + random() % 3];
	char path[100], grant[110];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	switch (random() % 11) {
	case 0: case 1: case 2:
		(void)obj_put(path, "text", NULL);
		break;
	case 3:
		(void)obj_delete(path, 0, NULL);
		break;
	case 4: case 5:
		if (FILE_ID(path))
			(void)kit_move(NODE_FILE, FILE_ID(path), FOLDER(other), PICK(names));
		break;
	case 6:
		if (FOLDER(folder) && FOLDER(other))
			(void)kit_move(NODE_FOLDER, FOLDER(folder), FOLDER(other), NULL);
		break;
	case 7:
		if (FOLDER(path) && random() % 3 == 0)
			(void)kit_remove(NODE_FOLDER, FOLDER(path), -1);
		else
			(void)kit_make(FOLDER(folder), name);
		break;
	case 8:
		snprintf(grant, sizeof(grant), "%s%s", random() % 3 ? folder : path, random() % 3 ? "/" : "");
		if (random() % 20 == 0)
			*grant = '\0';
		if (!*grant || grant[strlen(grant) - 1] != '/' || FOLDER(folder))
			(void)grant_add(store, space.id, SLICE(grant), r->who.id, ROLE_VIEWER, (struct actor) { 1, 0 });
		break;
	case 9: {
		struct grant grants[64];
		unsigned n = 0;

		if (grant_list(store, space.id, grants, 64, &n) == 0 && n) {
			struct grant *g = &grants[(unsigned)random() % n];

			(void)grant_remove(store, space.id, SLICE(g->path), g->principal, (struct actor) { 1, 0 });
		}
		break;
	}
	default:
		if (deleted.id && random() % 2)
			(void)kit_undelete(deleted.kind, deleted.id, 0, NULL);
	}
}

static void
run_model(unsigned seed, int64_t history_ms)
{
	const char *more = getenv("FEED_SEED");	/* others, by hand */
	static struct reader readers[READERS];
	const char *why;
	char name[32];

	seed += more ? (unsigned)atoi(more) : 0;
	srandom(seed);
	memset(readers, 0, sizeof(readers));
	deleted = (struct tree_delete) { 0 };
	CHECK_INT(0, obj_open(history_ms, 0));
	CHECK_INT(0, principal_find(store, "admin", &readers[0].who));
	for (int i = 1; i < 4; i++) {
		snprintf(name, sizeof(name), "reader%d", i);
		CHECK_INT(0, principal_create(store, name, false, false, &readers[i].who));
	}
	CHECK_INT(0, obj_put("a/x/f1", "text", NULL));
	readers[4].who = readers[0].who;
	readers[5].who = readers[1].who;
	readers[4].scope = readers[5].scope = FOLDER("a/x");
	for (int i = 0; i < 400; i++) {
		step(readers);
		for (int j = 0; j < READERS; j++) {
			if (random() % 7 > 0)
				continue;
			if (random() % 5 == 0)
				CHECK_INT(0, begin_again(&readers[j]));
			CHECK_INT(0, follow(&readers[j]));
			if ((why = compare(&readers[j])) != NULL)
				fprintf(stderr, "# seed %u, step %d, reader %d: %s\n", seed, i, j, why);
			CHECK(!why);
		}
	}
	obj_close();
}

#define MODEL(seed, history)                                                                                \
	static void test_what_readers_fold_is_what_they_may_read_##seed(void)                                \
	{                                                                                                    \
		run_model(seed, history);                                                                    \
	}
MODEL(1, 0)
MODEL(2, 86400000)
MODEL(3, 0)
MODEL(4, 86400000)
MODEL(5, 0)
MODEL(6, 86400000)

/* ---- one by one ---- */

static char told[4096];

static void
add_line(void *arg, const struct event *e, struct slice path)
{
	size_t n = strlen(told);

	(void)arg;
	snprintf(told + n, sizeof(told) - n, "%s %.*s%s%s\n", feed_event_name(e->type), (int)path.len, path.p,
	    e->parent ? " in" : "", e->from_name.p ? " from" : "");
}

static void
add_end(void *arg)
{
	(void)arg;
	strcpy(told + strlen(told) - 1, " .\n");
}

static const char *
tell(const struct principal *who, int64_t from, int64_t scope)
{
	struct feed_query q = { .workspace = space.id, .who = who, .scope = scope, .from = from, .max = 100 };

	told[0] = '\0';
	return feed_read_for(store, &q, &(struct feed_out) { add_line, add_end, add_end, NULL }) == 0 ? told : "failed";
}

static void
test_nothing_is_said_of_what_is_above(void)
{
	struct principal kim;
	int64_t now;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, principal_create(store, "kim", false, false, &kim));
	CHECK_INT(0, obj_put("secret/s/f", "x", NULL));
	CHECK_INT(0, obj_put("secret/other", "x", NULL));
	CHECK_INT(0, grant_add(store, space.id, SLICE("secret/s/"), kim.id, ROLE_VIEWER, (struct actor) { 1, 0 }));
	CHECK_STR("FOLDER_CREATED s/\nFILE_CREATED s/f in .\nACCESS_GAINED s/ .\n", tell(&kim, 0, 0));
	/* Across the edge: what went says where it was, not where it is. */
	now = kit_now();
	CHECK_INT(0, kit_move(NODE_FILE, FILE_ID("secret/other"), FOLDER("secret/s"), "g"));
	CHECK_INT(0, kit_move(NODE_FILE, FILE_ID("secret/s/f"), FOLDER("secret"), "hidden"));
	CHECK_STR("ACCESS_GAINED s/g in .\nACCESS_LOST s/f in .\n", tell(&kim, now, 0));
	/* The shared folder itself moves: no parent is named. */
	now = kit_now();
	CHECK_INT(0, kit_move(NODE_FOLDER, FOLDER("secret/s"), FOLDER(""), "t"));
	CHECK_STR("FOLDER_MOVED t/ from .\n", tell(&kim, now, 0));
	now = kit_now();
	CHECK_INT(0, grant_remove(store, space.id, SLICE("t/"), kim.id, (struct actor) { 1, 0 }));
	CHECK_INT(0, obj_put("t/later", "x", NULL));
	CHECK_STR("ACCESS_LOST t/ .\n", tell(&kim, now, 0));
	/* What was shared by itself, below what was lost, is told again. */
	CHECK_INT(0, obj_put("t/u/x", "x", NULL));
	CHECK_INT(0, grant_add(store, space.id, SLICE("t/"), kim.id, ROLE_VIEWER, (struct actor) { 1, 0 }));
	CHECK_INT(0, grant_add(store, space.id, SLICE("t/u/"), kim.id, ROLE_VIEWER, (struct actor) { 1, 0 }));
	now = kit_now();
	CHECK_INT(0, grant_remove(store, space.id, SLICE("t/"), kim.id, (struct actor) { 1, 0 }));
	CHECK_STR("ACCESS_LOST t/ .\nACCESS_GAINED u/ .\n", tell(&kim, now, 0));
	obj_close();
}

static void
test_markers_are_left_out_and_commits_end(void)
{
	struct principal admin, kim;
	int64_t now;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, principal_find(store, "admin", &admin));
	CHECK_INT(0, principal_create(store, "kim", false, false, &kim));
	CHECK_INT(0, kit_make(FOLDER(""), "d"));
	CHECK_STR("FOLDER_CREATED d/ in .\n", tell(&admin, 0, 0));
	/* A scope. */
	CHECK_INT(0, obj_put("d/e/f", "x", NULL));
	CHECK_INT(0, obj_put("d/g", "x", NULL));
	CHECK_STR("FOLDER_CREATED d/e/ in\nFILE_CREATED d/e/f in .\n", tell(&admin, 0, FOLDER("d/e")));
	now = kit_now();
	CHECK_INT(0, kit_move(NODE_FILE, FILE_ID("d/g"), FOLDER("d/e"), NULL));
	CHECK_INT(0, kit_move(NODE_FILE, FILE_ID("d/e/f"), FOLDER("d"), NULL));
	CHECK_STR("ACCESS_GAINED d/e/g in .\nACCESS_LOST d/e/f in .\n", tell(&admin, now, FOLDER("d/e")));
	/* A share of the whole workspace shows its root to whom it was given. */
	now = kit_now();
	CHECK_INT(0, grant_add(store, space.id, SLICE(""), kim.id, ROLE_VIEWER, (struct actor) { 1, 0 }));
	CHECK_STR("ACCESS_GAINED  .\n", tell(&kim, now, 0));
	CHECK_STR("SHARE_GRANTED  .\n", tell(&admin, now, 0));
	CHECK_INT(0, grant_remove(store, space.id, SLICE(""), kim.id, (struct actor) { 1, 0 }));
	CHECK_STR("ACCESS_LOST  .\n", tell(&kim, now, 0));
	obj_close();
}

/* ---- how long the log is kept ---- */

static int
run_ack(struct txn *t, void *arg)
{
	int64_t *ack = arg;

	return tbl_device_ack(t->db, ack[0], space.id, ack[1], ack[2]);
}

static int
acknowledge(int64_t device, int64_t sequence, int64_t at_us)
{
	int64_t ack[3] = { device, sequence, at_us };

	return commit_run(store, &(struct commit) { .run = run_ack, .arg = ack });
}

static void
test_the_log_is_trimmed(void)
{
	const int64_t day = 86400ll * 1000000;
	struct feed_keep keep = { .keep_us = day, .idle_us = 60 * day, .keep_min = 5 };
	int64_t now = clock_wall_us(), later = now + 2 * day;
	struct principal admin;
	char key[20];
	unsigned n;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, principal_find(store, "admin", &admin));
	for (int i = 0; i < 30; i++) {
		snprintf(key, sizeof(key), "k%02d", i);
		CHECK_INT(0, obj_put(key, "x", NULL));
	}
	CHECK_INT(0, acknowledge(7, 12, later));
	CHECK_INT(0, acknowledge(8, 3, now - 61 * day));	/* idle: it doesn't count */
	CHECK_INT(0, feed_trim(store, &keep, now, 1000, &n));
	CHECK_INT(0, n);		/* nothing is old */
	CHECK_INT(0, feed_trim(store, &keep, later, 5, &n));
	CHECK_INT(5, n);		/* in pieces */
	CHECK_INT(5, obj_number("SELECT horizon FROM workspace"));
	CHECK_INT(0, feed_trim(store, &keep, later, 1000, &n));
	CHECK_INT(12, obj_number("SELECT horizon FROM workspace"));
	CHECK_INT(12, obj_number("SELECT min(sequence) - 1 FROM change_event"));
	CHECK_INT(0, feed_trim(store, &keep, later, 1000, &n));
	CHECK_INT(0, n);
	CHECK_STR("failed", tell(&admin, 11, 0));
	CHECK(strcmp("failed", tell(&admin, 12, 0)) != 0);
	CHECK_INT(0, acknowledge(7, 30, later));
	CHECK_INT(0, feed_trim(store, &keep, later, 1000, &n));
	CHECK_INT(25, obj_number("SELECT horizon FROM workspace"));	/* keep_min */
	CHECK_SOUND();
	CHECK_INT(0, kit_check());
	obj_close();
}

static const struct test tests[] = { TEST(test_nothing_is_said_of_what_is_above), TEST(test_markers_are_left_out_and_commits_end),
	TEST(test_the_log_is_trimmed), TEST(test_what_readers_fold_is_what_they_may_read_1), TEST(test_what_readers_fold_is_what_they_may_read_2),
	 TEST(test_what_readers_fold_is_what_they_may_read_3), TEST(test_what_readers_fold_is_what_they_may_read_4),
	 TEST(test_what_readers_fold_is_what_they_may_read_5), TEST(test_what_readers_fold_is_what_they_may_read_6),
	TEST_END };
TEST_MAIN(tests)
