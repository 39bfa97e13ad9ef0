#include <string.h>

#include "err.h"
#include "log.h"
#include "past.h"

/* Two scans that are merged: what is shown now, and what left its place since. No place is in both. */
enum { SHOWN, LEFT };

void
past_scan_release(struct past_scan *scan)
{
	db_row_release(&scan->rows[SHOWN]);
	db_row_release(&scan->rows[LEFT]);
	db_row_release(&scan->old);
}

int
past_scan_start(struct past_scan *scan, const struct past_view *view, bool all, int64_t folder, struct slice name)
{
	const struct past_from from = { view->workspace, view->sequence, folder, name };
	int rc;

	past_scan_release(scan);
	*scan = (struct past_scan) PAST_SCAN_INIT;
	scan->view = view;
	scan->all = all;
	scan->ended[LEFT] = !view->moved;
	rc = all ? tbl_past_all_now(view->db, &from, &scan->rows[SHOWN]) :
	    tbl_past_folder_now(view->db, &from, &scan->rows[SHOWN]);
	if (rc == 0 && view->moved)
		rc = all ? tbl_past_all_then(view->db, &from, &scan->rows[LEFT]) :
		    tbl_past_folder_then(view->db, &from, &scan->rows[LEFT]);
	return rc;
}

static int
fill(struct past_scan *scan, int which)
{
	int rc;

	if (scan->ended[which] || scan->filled[which])
		return 0;
	if ((rc = db_next(&scan->rows[which])) == 0)
		tbl_past_seen(&scan->rows[which], which == SHOWN, scan->all, &scan->heads[which]);
	scan->filled[which] = rc == 0;
	scan->ended[which] = rc == ERR_END;
	return rc == ERR_END ? 0 : rc;
}

/* Which of the two comes first; ERR_END. */
static int
first(struct past_scan *scan, int *which)
{
	const struct past_seen *now = &scan->heads[SHOWN], *then = &scan->heads[LEFT];

	if (!scan->filled[SHOWN] || !scan->filled[LEFT]) {
		*which = scan->filled[SHOWN] ? SHOWN : LEFT;
		return scan->filled[*which] ? 0 : ERR_END;
	}
	if (now->folder != then->folder)
		*which = now->folder < then->folder ? SHOWN : LEFT;
	else
		*which = bytes_cmp(now->name.p, now->name.len, then->name.p, then->name.len) <= 0 ? SHOWN : LEFT;
	return 0;
}

/* A file that shows another version now, or left its place: what it showed then. */
static int
look_back(struct past_scan *scan, int which, struct past_seen *seen)
{
	const struct past_view *view = scan->view;
	struct version_row *v = &scan->version;
	int rc = past_version(view, seen, &scan->old, v);

	if (rc == ERR_NOTFOUND && which == SHOWN && view->lost)
		return 0;	/* as it is now: the feed says so too */
	if (rc == ERR_NOTFOUND && !view->lost)
		log_error("workspace %lld at %lld: what file %lld held is not there: run `fsctl check`",
		    (long long)view->workspace, (long long)view->sequence, (long long)seen->node_id);
	if (rc)
		return rc;
	seen->version_id = v->id;
	seen->size = v->size;
	seen->modified_at = v->created_at;
	seen->etag = SLICE(v->etag);
	seen->hash = (struct slice) { (const char *)v->hash, v->has_hash ? sizeof(v->hash) : 0 };
	seen->headers = v->headers;
	seen->modified_by = v->created_by;
	seen->latest = v->sequence > seen->born ? v->sequence : seen->born;
	return 0;
}

/* What of an entry that left its place the scan did not bring. */
static int
complete(struct past_scan *scan, int which, struct past_seen *seen)
{
	int rc = 0;

	db_row_release(&scan->old);
	if (seen->kind == ENTRY_FILE && (which == LEFT || seen->latest > scan->view->sequence))
		rc = look_back(scan, which, seen);
	if (rc == 0 && scan->all && (which == LEFT || seen->kind == ENTRY_FOLDER)) {
		rc = tbl_past_made(scan->view->db, scan->view->workspace, seen->kind, seen->node_id, &seen->created_at,
		    &seen->created_by);
		rc = rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (rc == 0 && which == LEFT && seen->kind == ENTRY_FOLDER)
		seen->latest = seen->born;
	return rc;
}

int
past_scan_next(struct past_scan *scan, struct past_seen *seen)
{
	int rc, which;

	do {
		if ((rc = fill(scan, SHOWN)) != 0 || (rc = fill(scan, LEFT)) != 0 || (rc = first(scan, &which)) != 0)
			return rc;
		scan->filled[which] = false;
		*seen = scan->heads[which];
		rc = complete(scan, which, seen);
	} while (rc == ERR_NOTFOUND);	/* its content is lost */
	return rc;
}
