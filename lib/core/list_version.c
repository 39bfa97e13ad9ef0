#include "err.h"
#include "list_in.h"

static bool
show(struct list_walk *w, struct slice key, const struct version_seen *v, bool latest)
{
	return list_show(w, &(struct list_item) { .key = key, .size = (uint64_t)v->size, .modified_us = v->created_at,
		.etag = v->etag, .version_id = v->id, .latest = latest, .delete_marker = v->marker,
		.null_version = v->null_version });
}

/*
 * The id that "null" stands for, as a place in the file's versions. 0: there is none any more, so nobody knows where it was, and the
 * file's versions are shown from the first on lest one that was never shown is left out.
 */
static int
place_of_null(struct list_walk *w, const struct entry_seen *e, int64_t *id)
{
	struct version_seen current = { .null_version = true };
	struct db_row row = DB_ROW_INIT;
	struct version_row v;
	int rc;

	rc = tbl_version_null(w->db, w->q->workspace, e->node_id, &row, &v);
	*id = rc == 0 ? v.id : 0;
	db_row_release(&row);
	if (rc != ERR_NOTFOUND)
		return rc;
	rc = w->versioned ? tbl_version_one(w->db, w->q->workspace, e->version_id, &row) : 0;
	if (rc == 0 && w->versioned)
		tbl_version_seen(&row, &current);
	db_row_release(&row);
	if (rc == 0 && current.null_version)
		*id = e->version_id;
	return rc == ERR_NOTFOUND ? ERR_CORRUPT : rc;
}

/* Where the last page ended inside this file's versions: go on with ids below *before. */
static int
resume(struct list_walk *w, struct slice key, const struct entry_seen *e, int64_t *before)
{
	int64_t after = w->q->after_version;
	int rc = 0;

	*before = 0;
	if (after && bytes_cmp(key.p, key.len, w->q->after.p, w->q->after.len) == 0) {
		*before = after;
		if (after == VERSION_NULL)
			rc = place_of_null(w, e, before);
	}
	if (*before == 0)
		*before = INT64_MAX;
	return rc;
}

/* In a workspace that never was versioned the entry says it all. */
static int
show_current(struct list_walk *w, struct slice key, const struct entry_seen *e)
{
	struct version_seen v = { .id = e->version_id, .size = e->size, .created_at = e->modified_at, .etag = e->etag,
		.null_version = true };
	struct db_row row = DB_ROW_INIT;
	int rc = 0;

	if (w->versioned && (rc = tbl_version_one(w->db, w->q->workspace, e->version_id, &row)) == 0)
		tbl_version_seen(&row, &v);
	if (rc == 0)
		show(w, key, &v, true);
	db_row_release(&row);
	return rc == ERR_NOTFOUND ? ERR_CORRUPT : rc;
}

int
list_versions(struct list_walk *w, struct slice key, const struct entry_seen *e)
{
	struct db_row row = DB_ROW_INIT;
	struct version_seen v;
	int64_t before;
	int rc;

	if ((rc = resume(w, key, e, &before)) != 0)
		return rc;
	/* Also behind the place: what was current there may have been destroyed since. */
	if (e->version_id < before) {
		if ((rc = show_current(w, key, e)) != 0)
			return rc;
		before = e->version_id;
	}
	if (!w->versioned || w->full)
		return 0;
	rc = tbl_version_scan(w->db, w->q->workspace, e->node_id, before, &row);
	while (rc == 0 && !w->full && (rc = db_next(&row)) == 0) {
		tbl_version_seen(&row, &v);
		if (list_work(w))
			show(w, key, &v, false);
	}
	db_row_release(&row);
	return rc == ERR_END ? 0 : rc;
}
