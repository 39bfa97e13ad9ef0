#ifndef TREE_KIT_H
#define TREE_KIT_H

#include "check.h"
#include "namespace.h"
#include "object_kit.h"
#include "tree.h"

/* The tree by paths, which tests can read: ids are looked up in front of each call. Paths of folders have no slash at their end. */
static struct tree_change changed;	/* what the last call left */
static struct tree_delete deleted;
static struct tree_undelete undeleted;
static struct tree_make made;

static inline int64_t
tree_id(const char *path, enum node_kind kind)
{
	enum node_kind found = kind;
	struct node n = NODE_INIT;
	struct db_conn *db = NULL;
	char folder[1100];
	int64_t id = 0;

	if (!*path)
		return space.root_folder_id;
	snprintf(folder, sizeof(folder), "%s%s", path, kind == NODE_FOLDER ? "/" : "");
	if (node_lookup(store, space.id, SLICE(folder), &found, &id) != 0 || found != kind ||
	    db_read_begin(store->db, &db) != 0 || node_load(db, kind, id, &n) != 0)
		id = 0;		/* or it is not shown */
	db_read_end(db);
	node_release(&n);
	return id;
}
#define FOLDER(path) tree_id(path, NODE_FOLDER)
#define FILE_ID(path) tree_id(path, NODE_FILE)

static inline int
kit_make(int64_t parent, const char *name)
{
	made = (struct tree_make) { .workspace = space.id, .parent = parent, .name = SLICE(name), .actor = { 1, 0 } };
	return tree_make(store, &made, NULL);
}

static inline int
kit_move(enum node_kind kind, int64_t id, int64_t parent, const char *name)
{
	changed = (struct tree_change) { .workspace = space.id, .kind = kind, .id = id, .parent = parent,
		.name = { name, name ? strlen(name) : 0 }, .actor = { 1, 0 } };
	return tree_change(store, &changed, NULL);
}

static inline int
kit_remove(enum node_kind kind, int64_t id, int64_t seen)
{
	deleted = (struct tree_delete) { .workspace = space.id, .kind = kind, .id = id, .seen_only = seen >= 0,
		.seen = seen, .actor = { 1, 0 } };
	return tree_delete(store, &deleted, NULL);
}

static inline int
kit_undelete(enum node_kind kind, int64_t id, int64_t parent, const char *name)
{
	undeleted = (struct tree_undelete) { .workspace = space.id, .kind = kind, .id = id, .parent = parent,
		.name = { name, name ? strlen(name) : 0 }, .actor = { 1, 0 } };
	return tree_undelete(store, &undeleted, NULL);
}

/* ---- the feed, one line an event ---- */

static char feed_text[1 << 16];

static inline void
add_event(void *arg, const struct event *e, struct slice path)
{
	size_t n = strlen(feed_text);

	(void)arg, (void)path;
	snprintf(feed_text + n, sizeof(feed_text) - n, "%s %.*s%s%.*s%s\n", feed_event_name(e->type), (int)e->name.len,
	    e->name.p, e->from_parent ? " from " : "", (int)e->from_name.len, e->from_name.p ? e->from_name.p : "",
	    e->ends_commit ? " ." : "");
}

/* Events behind a sequence. */
static inline const char *
kit_feed(int64_t from)
{
	int64_t last;
	bool more;

	feed_text[0] = '\0';
	return feed_read(store, space.id, from, 1000, add_event, NULL, &last, &more) == 0 ? feed_text : "failed";
}

static inline int64_t
kit_now(void)
{
	return obj_number("SELECT sequence FROM workspace");
}

/* ---- the check of fsctl ---- */

static inline void
say_problem(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "# check: %s\n", text);
}

static inline int
kit_check(void)
{
	struct check_report report;

	return store_check(store, true, say_problem, NULL, NULL, &report);
}

#endif
