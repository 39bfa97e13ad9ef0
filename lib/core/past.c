#include <string.h>

#include "clock.h"
#include "commit.h"
#include "db.h"
#include "err.h"
#include "namespace.h"
#include "object_in.h"
#include "past.h"
#include "store_in.h"
#include "tbl_event.h"
#include "tbl_file.h"

void
past_lose(struct workspace_row *w, int64_t sequence)
{
	if (sequence <= w->past_horizon)
		return;
	w->past_horizon = sequence;
	w->dirty = true;
}

int
past_bury(struct txn *t, struct workspace_row *w, const struct entry_at *at, const struct entry_row *e, int64_t died)
{
	if (w->history_ms == 0)
		past_lose(w, died);
	return w->history_ms > 0 || e->kind == ENTRY_FOLDER ? tbl_entry_bury(t->db, at, e, died) : 0;
}

int
past_forget(struct txn *t, const struct workspace_row *w, int64_t sequence, unsigned max, unsigned *n)
{
	int rc = tbl_entry_forget(t->db, w->id, sequence, w->horizon, max);

	*n = rc == 0 ? (unsigned)db_changed(t->db) : 0;
	return rc;
}

/* ---- when ---- */

int
past_when_parse(const char *text, struct past_when *when)
{
	char upper[CLOCK_TEXT];
	size_t len = strlen(text);
	uint64_t number;

	*when = (struct past_when) { .is_time = true };
	if (parse_u64(text, len, &number) == 0 && number <= INT64_MAX) {
		*when = (struct past_when) { .sequence = (int64_t)number };
		return 0;
	}
	if (len >= sizeof(upper))
		return ERR_INVALID;
	for (size_t i = 0; i <= len; i++)
		upper[i] = text[i] == 't' || text[i] == 'z' ? (char)(text[i] - 'a' + 'A') : text[i];
	if (clock_parse_amz(upper, &when->time_us) == 0)
		return 0;
	return clock_parse_rfc3339(upper, &when->time_us);
}

int
past_sequence_at(struct db_conn *db, const struct workspace_row *w, int64_t time_us, int64_t *sequence)
{
	/* Sequences have no gaps. */
	int64_t low = w->horizon, high = w->sequence, mid, at;
	int rc;

	while (low < high) {
		mid = low + (high - low + 1) / 2;
		if ((rc = tbl_event_time(db, w->id, mid, &at)) != 0)
			return rc == ERR_NOTFOUND ? ERR_CORRUPT : rc;
		if (at <= time_us)
			low = mid;
		else
			high = mid - 1;
	}
	*sequence = low;
	/* What happened before the feed's first event is not known; before the first of all nothing did. */
	return low == w->horizon && low > 0 ? ERR_EXPIRED : 0;
}

int
past_reopen(struct db_conn *db, const struct workspace_row *w, int64_t sequence, struct past_view *view)
{
	int rc;

	if (sequence > w->sequence)
		return ERR_INVALID;
	rc = tbl_past_any(db, w->id, sequence);
	*view = (struct past_view) { .db = db, .workspace = w->id, .root = w->root_folder_id, .sequence = sequence,
		.moved = rc == 0, .lost = sequence < w->past_horizon };
	return rc == ERR_NOTFOUND ? 0 : rc;
}

int
past_open(struct db_conn *db, const struct workspace_row *w, const struct past_when *when, struct past_view *view)
{
	int64_t sequence = when->sequence;
	int rc;

	if (when->is_time && when->time_us > clock_wall_us())
		return ERR_INVALID;
	if (when->is_time && (rc = past_sequence_at(db, w, when->time_us, &sequence)) != 0)
		return rc;
	return sequence < w->past_horizon ? ERR_EXPIRED : past_reopen(db, w, sequence, view);
}

int
past_resolve(struct store *store, int64_t workspace, const struct past_when *when, int64_t *sequence)
{
	struct db_conn *db = NULL;
	struct workspace_row w;
	struct past_view view;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	if ((rc = tbl_workspace_get(db, workspace, &w)) == 0 && (rc = past_open(db, &w, when, &view)) == 0)
		*sequence = view.sequence;
	db_read_end(db);
	return rc;
}

/* ---- what was there ---- */

int
past_entry(const struct past_view *view, int64_t folder, struct slice name, struct past_seen *seen)
{
	const struct entry_at at = { view->workspace, folder, name };
	struct entry_row e;
	int rc;

	*seen = (struct past_seen) { .folder = folder };
	rc = tbl_entry_get(view->db, &at, &e);
	if (rc == 0 && e.live && e.born <= view->sequence) {
		seen->kind = e.kind;
		seen->node_id = e.node_id;
		seen->born = e.born;
		seen->version_id = e.version_id;
		return 0;
	}
	if ((rc != 0 && rc != ERR_NOTFOUND) || !view->moved)
		return rc ? rc : ERR_NOTFOUND;
	return tbl_past_at(view->db, &(struct past_from) { view->workspace, view->sequence, folder, name }, seen);
}

int
past_folder(const struct past_view *view, struct slice path, int64_t *folder)
{
	int64_t at = view->root;
	struct past_seen seen;
	const char *slash;
	int rc;

	for (struct slice rest = path; rest.len; rest.len -= (size_t)(slash - rest.p) + 1, rest.p = slash + 1) {
		if (!(slash = memchr(rest.p, '/', rest.len)))
			return ERR_NOTFOUND;
		if ((rc = past_entry(view, at, (struct slice) { rest.p, (size_t)(slash - rest.p) + 1 }, &seen)) != 0)
			return rc;
		at = seen.node_id;
	}
	*folder = at;
	return 0;
}

/* A version, if it is content and not too young. ERR_NOTFOUND. */
static int
content_of(const struct past_view *view, int64_t version, struct db_row *row, struct version_row *v)
{
	int rc = tbl_version_get(view->db, view->workspace, version, row, v);

	if (rc == 0 && (v->sequence > view->sequence || v->kind != VERSION_CONTENT)) {
		db_row_release(row);
		rc = ERR_NOTFOUND;
	}
	return rc;
}

/* The version that a file shows now, which may be an old one that became current again. ERR_NOTFOUND: not that either. */
static int
content_now(const struct past_view *view, int64_t file, struct db_row *row, struct version_row *v)
{
	struct db_row at = DB_ROW_INIT;
	struct file_row f;
	int rc = tbl_file_get(view->db, view->workspace, file, &at, &f);

	db_row_release(&at);
	return rc ? rc : content_of(view, f.version_id, row, v);
}

int
past_version(const struct past_view *view, const struct past_seen *seen, struct db_row *row, struct version_row *v)
{
	struct db_row other = DB_ROW_INIT;
	struct version_row now;
	int64_t least = 0;
	int rc;

	if ((rc = content_of(view, seen->version_id, row, v)) != ERR_NOTFOUND)
		return rc;
	if (seen->left && (rc = content_now(view, seen->node_id, &other, &now)) == 0)
		least = now.sequence;
	if (rc == 0 || rc == ERR_NOTFOUND)
		rc = tbl_version_as_of(view->db, view->workspace, seen->node_id, view->sequence, row, v);
	if (least && ((rc == 0 && v->sequence < least) || rc == ERR_NOTFOUND)) {
		db_row_release(row);
		*row = other;
		*v = now;
		return 0;
	}
	db_row_release(&other);
	return rc;
}

static int
find(const struct past_view *view, struct slice key, int64_t version, struct object_info *info)
{
	struct slice path = namespace_path(key), name = { key.p + path.len, key.len - path.len };
	struct db_row row = DB_ROW_INIT;
	struct past_seen seen;
	struct version_row v;
	int64_t folder;
	int rc;

	if ((rc = past_folder(view, path, &folder)) != 0 || (rc = past_entry(view, folder, name, &seen)) != 0)
		return rc;
	if ((rc = past_version(view, &seen, &row, &v)) != 0)
		return rc;
	if (version && version != v.id && !(version == VERSION_NULL && v.null_version))
		rc = ERR_NOTFOUND;
	if (rc == 0) {
		object_fill(&v, info);
		rc = checksum_decode(v.checksum.p, v.checksum.len, &info->checksum);
	}
	if (rc == 0 && (rc = buf_finish(&info->headers)) == 0 && (rc = buf_finish(&info->manifest)) == 0)
		rc = buf_finish(&info->parts);
	db_row_release(&row);
	return rc;
}

int
past_find(struct store *store, int64_t workspace, int64_t sequence, struct slice key, int64_t version,
    struct object_info *info)
{
	struct db_conn *db = NULL;
	struct workspace_row w;
	struct past_view view;
	int rc;

	info->delete_marker = false;
	info->version_id = 0;
	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	if ((rc = tbl_workspace_get(db, workspace, &w)) == 0 &&
	    (rc = past_open(db, &w, &(struct past_when) { .sequence = sequence }, &view)) == 0)
		rc = find(&view, key, version, info);
	db_read_end(db);
	return rc;
}
