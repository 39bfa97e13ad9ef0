#include "err.h"
#include "grant.h"
#include "history_in.h"
#include "namespace.h"
#include "object_in.h"
#include "past.h"
#include "tbl_file.h"
#include "tbl_folder.h"
#include "tbl_purge.h"

/*
 * The end of folders that were deleted as a whole: always the first file below, so that nothing needs to be remembered between the
 * pieces, and after each the sums are right.
 */
struct ending {
	struct workspace_row *w;
	int64_t top;
	unsigned max, n;
	int64_t objects, bytes;		/* shown files that ended */
	struct buf name;
};

/* The first entry of a folder; its name is kept in `name`. ERR_NOTFOUND: there is none. */
static int
first_entry(struct txn *t, struct ending *e, int64_t folder, struct entry_at *at, struct entry_seen *seen)
{
	struct db_row row = DB_ROW_INIT;
	int rc;

	*at = (struct entry_at) { e->w->id, folder, { "", 0 } };
	if ((rc = tbl_entry_scan(t->db, at, &row)) == 0 && (rc = db_next(&row)) == 0) {
		tbl_entry_seen(&row, seen);
		buf_clear(&e->name);
		buf_add(&e->name, seen->name.p, seen->name.len);
		rc = buf_finish(&e->name);
		at->name = (struct slice) { e->name.data ? e->name.data : "", e->name.len };
	}
	db_row_release(&row);
	return rc == ERR_END ? ERR_NOTFOUND : rc;
}

/* One entry less; folders that are empty by that go too, up to the top. */
static int
leave(struct txn *t, struct ending *e, int64_t folder, bool live)
{
	struct db_row row = DB_ROW_INIT;
	struct entry_row entry;
	struct folder_row f;
	int rc;

	while ((rc = tbl_folder_count(t->db, e->w->id, folder, -(int)live, -1, &row, &f)) == 0) {
		struct entry_at at = { e->w->id, f.parent_id, f.name };

		if (f.entries > 0 || folder == e->top || (rc = tbl_entry_get(t->db, &at, &entry)) != 0 ||
		    (rc = tbl_entry_delete(t->db, &at)) != 0 || (rc = grant_end(t, folder)) != 0 ||
		    (rc = tbl_folder_delete(t->db, e->w->id, folder)) != 0)
			break;
		live = entry.live;
		folder = f.parent_id;
		db_row_release(&row);
	}
	db_row_release(&row);
	return rc;
}

/* A version of the file that is not its current one. ERR_NOTFOUND: only that is left. */
static int
end_old(struct txn *t, struct ending *e, int64_t file, int64_t current)
{
	struct purge_version v;
	int rc = tbl_purge_version(t->db, e->w->id, &(struct purge_file) { file, current }, &v);

	if (rc)
		return rc;
	if (v.keep == KEEP_CURRENT)
		return ERR_NOTFOUND;
	if (v.keep == KEEP_NONCURRENT)
		e->w->noncurrent_bytes -= v.size_bytes;
	else
		e->w->history_bytes -= v.size_bytes;
	e->n++;
	return object_destroy(t, e->w->id, v.id);
}

static int
end_file(struct txn *t, struct ending *e, const struct entry_at *at, const struct entry_seen *seen)
{
	int rc = 0;

	while (rc == 0 && e->n < e->max)
		rc = end_old(t, e, seen->node_id, seen->version_id);
	if (rc != ERR_NOTFOUND)
		return rc;
	if (seen->live) {
		e->objects++;
		e->bytes += seen->size;
		e->w->history_bytes -= seen->size;
	}
	e->n++;
	if ((rc = object_destroy(t, e->w->id, seen->version_id)) != 0 || (rc = grant_end(t, seen->node_id)) != 0 ||
	    (rc = tbl_file_delete(t->db, e->w->id, seen->node_id)) != 0 ||
	    (rc = tbl_entry_delete(t->db, at)) != 0)
		return rc;
	return leave(t, e, at->folder, seen->live);
}

/* The first file below the top. ERR_NOTFOUND: nothing is left in it. */
static int
end_first(struct txn *t, struct ending *e)
{
	struct entry_seen seen = { .node_id = e->top };
	struct entry_at at;
	int rc;

	do
		rc = first_entry(t, e, seen.node_id, &at, &seen);
	while (rc == 0 && seen.kind == ENTRY_FOLDER);
	return rc ? rc : end_file(t, e, &at, &seen);
}

int
history_end_folder(struct txn *t, struct workspace_row *w, const struct trash_folder *folder, unsigned max, unsigned *n,
    bool *ended)
{
	struct ending e = { .w = w, .top = folder->folder, .max = max, .name = BUF_INIT(LIMIT_KEY_STORED) };
	int rc = 0;

	past_lose(w, folder->sequence);
	w->dirty = true;
	while (rc == 0 && e.n < e.max)
		rc = end_first(t, &e);
	buf_release(&e.name);
	*ended = rc == ERR_NOTFOUND;
	*n = e.n;
	if (rc == 0)
		return tbl_trash_end(t->db, w->id, folder->folder, e.objects, e.bytes);
	if (rc != ERR_NOTFOUND || (rc = tbl_trash_delete(t->db, w->id, folder->folder)) != 0 ||
	    (rc = grant_end(t, folder->folder)) != 0)
		return rc;
	return tbl_folder_delete(t->db, w->id, folder->folder);
}
