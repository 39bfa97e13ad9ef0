#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "err.h"
#include "list_in.h"
#include "namespace.h"
#include "store_in.h"
#include "tbl_entry.h"
#include "tbl_workspace.h"

/*
 * A walk down the tree with one open scan a folder. The order of entries in each folder is the order of keys, so the first key
 * at or behind `bound` is found by going down along it:
 *
 *	start_level -> (step -> file: shown, or its common prefix, and on behind that
 *	                     -> folder: entered, or shown as common prefix)*
 *
 * The bound is at or before where the walk is: only the folders that lead to it are begun in their middle.
 */
#define WORK_MAX 10000		/* rows looked at for one page */

void
list_end_release(struct list_end *end)
{
	buf_release(&end->after);
}

static struct slice
slice_of(const struct buf *b)
{
	return (struct slice) { b->data ? b->data : "", b->len };
}

static bool
starts(struct slice s, struct slice with)
{
	return s.len >= with.len && !memcmp(s.p, with.p, with.len);
}

/* The least string above everything that begins with `s`; empty if there is none. */
static void
end_of_prefix(struct slice s, struct buf *to)
{
	while (s.len && (uint8_t)s.p[s.len - 1] == 0xff)
		s.len--;
	buf_clear(to);
	buf_add(to, s.p, s.len);
	if (s.len && to->data)
		to->data[s.len - 1] = (char)((uint8_t)to->data[s.len - 1] + 1);
}

/* The next page starts behind this. What was looked at and is not shown counts too. */
static void
set_place(struct list_walk *w, struct slice key, bool prefix, int64_t version)
{
	buf_clear(&w->end->after);
	buf_add(&w->end->after, key.p, key.len);
	w->end->after_prefix = prefix;
	w->end->after_version = version;
}

bool
list_show(struct list_walk *w, const struct list_item *item)
{
	int64_t version = item->null_version ? VERSION_NULL : item->version_id;

	if (w->shown == w->q->max) {
		w->full = true;
		return false;
	}
	w->shown++;
	set_place(w, item->key, item->prefix, w->q->versions && !item->prefix ? version : 0);
	w->each(w->arg, item);
	return true;
}

bool
list_work(struct list_walk *w)
{
	w->full = w->full || w->work++ >= WORK_MAX;
	return !w->full;
}

/* ---- levels ---- */

static void
pop(struct list_walk *w)
{
	struct level *top = &w->levels[--w->depth];

	db_row_release(&top->row);
	if (top->past)
		past_scan_release(top->past);
	free(top->past);
	top->past = NULL;
}

/* Of the past: the scan is kept with its folder, and started again. */
static int
start_past(struct list_walk *w, struct level *top, struct slice from)
{
	if (!top->past) {
		if (!(top->past = malloc(sizeof(*top->past))))
			return ERR_NOMEM;
		*top->past = (struct past_scan)PAST_SCAN_INIT;
	}
	return past_scan_start(top->past, &w->view, false, top->folder, from);
}

/*
 * Starts the scan of the folder on top: from the beginning, or, where the bound lies in it, from the bound's name there; if that
 * leads into a folder further down, from that folder.
 */
static int
start_level(struct list_walk *w)
{
	struct level *top = &w->levels[w->depth - 1];
	struct slice from = { "", 0 };
	const char *slash;

	if (starts(slice_of(&w->bound), (struct slice) { w->path.data ? w->path.data : "", top->len })) {
		from = (struct slice) { w->bound.data ? w->bound.data + top->len : "", w->bound.len - top->len };
		if ((slash = memchr(from.p, '/', from.len)))
			from.len = (size_t)(slash - from.p) + 1;
	}
	if (w->past)
		return start_past(w, top, from);
	return tbl_entry_scan(w->db, &(struct entry_at) { w->q->workspace, top->folder, from }, &top->row);
}

/* Enters a folder whose path stands in w->path. */
static int
enter(struct list_walk *w, int64_t folder)
{
	if (w->depth == LIST_LEVELS)
		return ERR_TOOBIG;
	w->levels[w->depth++] = (struct level) { .row = DB_ROW_INIT, .folder = folder, .len = w->path.len };
	return start_level(w);
}

/* Goes on at the bound: up to the nearest folder that holds it, and down from there. */
static int
seek(struct list_walk *w)
{
	while (w->depth && (w->bound.len == 0 ||
		!starts(slice_of(&w->bound), (struct slice) { w->path.data, w->levels[w->depth - 1].len })))
		pop(w);
	if (w->depth == 0)
		return 0;
	db_row_release(&w->levels[w->depth - 1].row);
	return start_level(w);
}

/* ---- rows ---- */

/* Bytes of the common prefix that the key or folder at hand falls under; 0: none. */
static size_t
common_prefix(const struct list_walk *w)
{
	struct slice d = w->q->delimiter;
	size_t skip = w->q->prefix.len;
	const char *found;

	if (!d.len || w->path.len <= skip)
		return 0;
	found = memmem(w->path.data + skip, w->path.len - skip, d.p, d.len);
	return found ? (size_t)(found - w->path.data) + d.len : 0;
}

/* Shows a common prefix and goes on behind it. `folder`: the row at hand is all there is of it. */
static int
roll_up(struct list_walk *w, size_t len, bool folder)
{
	const struct list_item item = { .key = { w->path.data, len }, .prefix = true };

	if (!list_show(w, &item) || (folder && len == w->path.len))
		return 0;
	end_of_prefix(item.key, &w->bound);
	return seek(w);
}

static int
see_file(struct list_walk *w, const struct entry_seen *e)
{
	size_t prefix = common_prefix(w);

	if (prefix)
		return roll_up(w, prefix, false);
	if (w->q->versions)
		return list_versions(w, slice_of(&w->path), e);
	list_show(w, &(struct list_item) { .key = slice_of(&w->path), .size = (uint64_t)e->size,
		.modified_us = e->modified_at, .etag = e->etag, .version_id = e->version_id });
	return 0;
}

/* A folder that the bound leads into holds keys before it: whether any come behind must be looked up. */
static int
see_folder(struct list_walk *w, const struct entry_seen *e)
{
	bool cut = w->bound.len > w->path.len && starts(slice_of(&w->bound), slice_of(&w->path));
	size_t prefix = cut ? 0 : common_prefix(w);

	return prefix ? roll_up(w, prefix, true) : enter(w, e->node_id);
}

static int
next_row(struct level *top, struct entry_seen *e)
{
	struct past_seen seen;
	int rc;

	if (!top->past) {
		if ((rc = db_next(&top->row)) == 0)
			tbl_entry_seen(&top->row, e);
		return rc;
	}
	if ((rc = past_scan_next(top->past, &seen)) == 0)
		*e = (struct entry_seen) { .name = seen.name, .etag = seen.etag, .kind = seen.kind, .live = true,
			.node_id = seen.node_id, .version_id = seen.version_id, .size = seen.size,
			.modified_at = seen.modified_at };
	return rc;
}

/* One row of the folder on top. */
static int
step(struct list_walk *w)
{
	struct level *top = &w->levels[w->depth - 1];
	struct entry_seen e;
	int rc;

	w->path.len = top->len;
	if ((rc = next_row(top, &e)) != 0) {
		if (rc == ERR_END)
			pop(w);
		return rc == ERR_END ? 0 : rc;
	}
	if (!list_work(w))
		return 0;
	buf_add(&w->path, e.name.p, e.name.len);
	if ((rc = buf_finish(&w->path)) != 0)
		return rc;
	if (w->depth == 1 && !starts(slice_of(&w->path), w->q->prefix)) {
		pop(w);		/* sorted: nothing with the prefix follows */
		return 0;
	}
	if (!e.live && !w->q->versions) {
		set_place(w, slice_of(&w->path), e.kind == ENTRY_FOLDER, 0);
		return 0;
	}
	return e.kind == ENTRY_FOLDER ? see_folder(w, &e) : see_file(w, &e);
}

/* ---- a page ---- */

/* Where the page starts: the prefix, or behind where the last page ended. */
static int
set_bound(struct list_walk *w)
{
	const struct list_query *q = w->q;
	struct buf *b = &w->bound;

	if (q->after_prefix) {
		end_of_prefix(q->after, b);
	} else if (q->after.len) {
		buf_add(b, q->after.p, q->after.len);
		if (!q->versions || !q->after_version)
			buf_addch(b, '\0');	/* no key holds one: the least string above */
	}
	if (bytes_cmp(b->data ? b->data : "", b->len, q->prefix.p, q->prefix.len) < 0) {
		buf_clear(b);
		buf_add(b, q->prefix.p, q->prefix.len);
	}
	return buf_finish(b);
}

/* Which tree is shown. */
static int
find_tree(struct list_walk *w, const struct workspace_row *row)
{
	const struct list_query *q = w->q;
	int rc = q->since ? tbl_entry_moved(w->db, q->workspace, q->since) : ERR_NOTFOUND;

	if (rc != 0 && rc != ERR_NOTFOUND)
		return rc;
	w->past = q->past || rc == 0;
	w->end->sequence = q->past ? q->sequence : w->past ? q->since : row->sequence;
	if (!w->past)
		return 0;
	return q->past ? past_open(w->db, row, &(struct past_when) { .sequence = q->sequence }, &w->view) :
	    past_reopen(w->db, row, q->since, &w->view);
}

static int
find_folder(struct list_walk *w, struct store *store, int64_t epoch, const struct workspace_row *row, int64_t *folder)
{
	const struct list_query *q = w->q;
	struct slice path = namespace_path(q->prefix);
	int rc = find_tree(w, row);

	if (rc)
		return rc;
	return w->past ? past_folder(&w->view, path, folder) :
	    namespace_folder(store, w->db, epoch, q->workspace, path, folder);
}

static int
walk(struct list_walk *w, struct store *store, int64_t epoch)
{
	struct slice path = namespace_path(w->q->prefix);
	struct workspace_row row;
	int64_t folder;
	int rc;

	if ((rc = tbl_workspace_get(w->db, w->q->workspace, &row)) != 0 || (rc = set_bound(w)) != 0)
		return rc;
	w->versioned = row.versioning != VERSIONING_NEVER;
	if (!starts(slice_of(&w->bound), path))
		return 0;	/* the last page ended behind all keys with the prefix */
	rc = find_folder(w, store, epoch, &row, &folder);
	if (rc == ERR_NOTFOUND)
		return 0;
	buf_add(&w->path, path.p, path.len);
	if (rc == 0 && (rc = buf_finish(&w->path)) == 0)
		rc = enter(w, folder);
	while (rc == 0 && w->depth && !w->full)
		rc = step(w);
	return rc;
}

int
list_objects(struct store *store, const struct list_query *query, void (*each)(void *arg, const struct list_item *item),
    void *arg, struct list_end *end)
{
	struct list_walk w = { .q = query, .each = each, .arg = arg, .end = end,
		.path = BUF_INIT(LIMIT_KEY_STORED * 2), .bound = BUF_INIT(LIMIT_KEY_STORED * 2) };
	int64_t epoch = store_structure_epoch(store);
	int rc;

	buf_clear(&end->after);
	end->truncated = end->after_prefix = false;
	end->after_version = 0;
	if ((rc = db_read_begin(store->db, &w.db)) != 0)
		return rc;
	rc = walk(&w, store, epoch);
	while (w.depth)
		pop(&w);
	db_read_end(w.db);
	if (rc == 0)
		rc = buf_finish(&end->after);
	end->truncated = rc == 0 && w.full;
	buf_release(&w.path);
	buf_release(&w.bound);
	return rc;
}
