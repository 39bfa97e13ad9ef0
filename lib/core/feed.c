#include <assert.h>
#include <string.h>

#include "commit.h"
#include "db.h"
#include "err.h"
#include "feed.h"
#include "feed_in.h"
#include "namespace.h"
#include "planted.h"
#include "store_in.h"
#include "tbl_event.h"

static const char *const names[] = {
	[EVENT_FILE_CREATED] = "FILE_CREATED",
	[EVENT_FILE_VERSION_COMMITTED] = "FILE_VERSION_COMMITTED",
	[EVENT_FILE_METADATA_CHANGED] = "FILE_METADATA_CHANGED",
	[EVENT_FILE_MOVED] = "FILE_MOVED",
	[EVENT_FILE_DELETED] = "FILE_DELETED",
	[EVENT_FILE_RESTORED] = "FILE_RESTORED",
	[EVENT_FOLDER_CREATED] = "FOLDER_CREATED",
	[EVENT_FOLDER_MOVED] = "FOLDER_MOVED",
	[EVENT_FOLDER_DELETED] = "FOLDER_DELETED",
	[EVENT_FOLDER_RESTORED] = "FOLDER_RESTORED",
	[EVENT_CONFLICT_COPY_CREATED] = "CONFLICT_COPY_CREATED",
	[EVENT_SHARE_GRANTED] = "SHARE_GRANTED",
	[EVENT_SHARE_REVOKED] = "SHARE_REVOKED",
	[EVENT_ACCESS_GAINED] = "ACCESS_GAINED",
	[EVENT_ACCESS_LOST] = "ACCESS_LOST",
};

const char *
feed_event_name(enum event_type type)
{
	return (size_t)type < sizeof(names) / sizeof(names[0]) && names[type] ? names[type] : "UNKNOWN";
}

#define NODE_FILE 1
#define NODE_FOLDER 2

int
feed_emit(struct txn *t, struct event *e)
{
	struct workspace_row *w;
	int rc;

	if ((rc = txn_workspace(t, e->workspace, &w)) != 0)
		return rc;
	if (PLANTED("event") && e->type == EVENT_FILE_MOVED)
		return 0;
	e->sequence = w->sequence + 1;
	if (PLANTED("sequence")) {
		static int64_t outside;	/* of the transaction: what was undone has taken its number along */

		outside = outside < w->sequence ? e->sequence : outside + 1;
		e->sequence = outside;
	}
	if (!e->occurred_us)
		e->occurred_us = t->now_us;
	rc = tbl_event_insert(t->db, &(struct event_row) {
		.workspace = e->workspace, .sequence = e->sequence, .type = (int)e->type,
		.ends_commit = e->ends_commit, .node_kind = e->folder ? NODE_FOLDER : NODE_FILE, .node = e->node,
		.parent = e->parent, .name = e->name, .version = e->version, .size = (int64_t)e->size,
		.hash = e->has_hash ? e->content_hash : NULL, .from_parent = e->from_parent,
		.from_name = e->from_name, .actor = e->actor, .device = e->device, .occurred_at = e->occurred_us,
		.principal = e->principal, .role = e->role });
	if (rc == 0) {
		w->sequence = e->sequence;
		w->dirty = true;
	}
	return rc;
}

void
feed_event_of(const struct event_row *row, struct event *e)
{
	*e = (struct event) {
		.workspace = row->workspace, .sequence = row->sequence, .type = (enum event_type)row->type,
		.ends_commit = row->ends_commit, .folder = row->node_kind == NODE_FOLDER, .node = row->node,
		.parent = row->parent, .name = row->name, .version = row->version, .size = (uint64_t)row->size,
		.has_hash = row->hash != NULL, .from_parent = row->from_parent, .from_name = row->from_name,
		.actor = row->actor, .device = row->device, .occurred_us = row->occurred_at,
		.principal = row->principal, .role = row->role,
	};
	if (row->hash)
		memcpy(e->content_hash, row->hash, 32);
}

/* Neighbours in the feed mostly share their parent, whose path is kept. */
struct paths {
	int64_t parent;		/* whose path stands in the first `len` bytes */
	size_t len;
	struct buf path;
};

/* A folder that is gone has no path any more: the name alone is given. */
static int
path_of_event(struct db_conn *db, struct paths *p, const struct event *e, struct slice *path)
{
	int rc = 0;

	if (e->parent != p->parent) {
		buf_clear(&p->path);
		if (e->parent && (rc = namespace_path_of(db, e->workspace, e->parent, &p->path)) == ERR_NOTFOUND) {
			buf_clear(&p->path);
			rc = 0;
		}
		p->parent = e->parent;
		p->len = p->path.len;
	}
	p->path.len = p->len;
	buf_add(&p->path, e->name.p, e->name.len);
	*path = (struct slice) { p->path.data ? p->path.data : "", p->path.len };
	return rc ? rc : buf_finish(&p->path);
}

int
feed_page_to(struct db_conn *db, const struct workspace_row *w, int64_t from, unsigned max, int64_t *to)
{
	int64_t end;
	int rc;

	if (from < w->horizon)
		return ERR_EXPIRED;
	if (from >= w->sequence) {
		*to = from;
		return 0;
	}
	*to = w->sequence - from > max ? from + max : w->sequence;
	if ((rc = tbl_event_last_end(db, w->id, from, *to, &end)) == 0)
		*to = end;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int
read_events(struct db_conn *db, int64_t workspace, int64_t from, int64_t to,
    void (*each)(void *arg, const struct event *event, struct slice path), void *arg)
{
	struct paths paths = { .path = BUF_INIT(LIMIT_KEY_STORED * 2) };
	struct db_row row = DB_ROW_INIT;
	struct event_row found;
	struct slice path;
	struct event event;
	int rc = to > from ? tbl_event_scan(db, workspace, from, to, &row) : ERR_END;

	while (rc == 0 && (rc = db_next(&row)) == 0 && (rc = tbl_event_seen(&row, &found)) == 0) {
		feed_event_of(&found, &event);
		if ((rc = path_of_event(db, &paths, &event, &path)) == 0)
			each(arg, &event, path);
	}
	db_row_release(&row);
	buf_release(&paths.path);
	return rc == ERR_END ? 0 : rc;
}

int
feed_read(struct store *store, int64_t workspace, int64_t from, unsigned max,
    void (*each)(void *arg, const struct event *event, struct slice path), void *arg, int64_t *last, bool *more)
{
	struct db_conn *db = NULL;
	struct workspace_row w;
	int64_t to;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	if ((rc = tbl_workspace_get(db, workspace, &w)) == 0 && (rc = feed_page_to(db, &w, from, max, &to)) == 0 &&
	    (rc = read_events(db, workspace, from, to, each, arg)) == 0) {
		*last = to;
		*more = to < w.sequence;
	}
	db_read_end(db);
	return rc;
}
