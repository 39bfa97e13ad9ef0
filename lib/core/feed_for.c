#include <string.h>

#include "db.h"
#include "err.h"
#include "feed_for.h"
#include "feed_in.h"
#include "feed_tell.h"
#include "node.h"
#include "store_in.h"

struct reading {
	struct store *store;
	struct db_conn *db;
	struct feed_query *q;
	struct workspace_row w;
	struct feed_tell tell;
	int64_t mark;		/* the last end of a commit */
	bool lost;		/* a folder was, up to the mark */
};

static void
end_commit(struct reading *r, int64_t sequence)
{
	if (r->tell.open)
		r->tell.out->ended(r->tell.out->arg);
	r->lost |= r->tell.lost;
	r->tell.open = r->tell.lost = false;
	r->mark = sequence;
}

/* No more is given. The page ends before the commit that it stands in, unless that is its only one. */
static int64_t
end_full(struct reading *r, int64_t last)
{
	if (!r->tell.open || r->mark == r->q->from)
		return last;
	r->tell.out->cut(r->tell.out->arg);
	r->tell.open = r->tell.lost = false;
	return r->mark;
}

/* The events behind q->from up to `to`; q->last gets how far it came. */
static int
read_rows(struct reading *r, int64_t to)
{
	struct db_row row = DB_ROW_INIT;
	struct feed_query *q = r->q;
	struct feed_tell *tell = &r->tell;
	struct event_row found;
	struct event e;
	int rc = to > q->from ? tbl_event_scan(r->db, r->w.id, q->from, to, &row) : ERR_END;

	q->last = r->mark = q->from;
	while (rc == 0 && (rc = db_next(&row)) == 0 && (rc = tbl_event_seen(&row, &found)) == 0) {
		if (tell->given >= q->max && !tell->open)
			break;
		/* What isn't shown at the end of a commit is passed even so: then the page ends with it. */
		tell->peek = tell->given >= q->max;
		feed_event_of(&found, &e);
		if ((rc = feed_tell_event(tell, &e)) == ERR_BUSY && tell->peek) {
			q->last = end_full(r, q->last);
			rc = ERR_END;
		}
		if (rc)
			break;
		q->last = found.sequence;
		if (found.ends_commit)
			end_commit(r, found.sequence);
	}
	tell->peek = false;
	db_row_release(&row);
	return rc == ERR_END ? 0 : rc;
}

/* What was shared with the reader may have been below what was lost, and be seen still. */
static int
read_shared(struct reading *r)
{
	int rc = feed_tell_shared(&r->tell, r->q->last);

	if (r->tell.open)
		r->tell.out->ended(r->tell.out->arg);
	return rc;
}

/* The reader, the workspace, and where a page of at most `max` rows would end. */
static int
begin(struct reading *r, unsigned max, int64_t *to)
{
	struct feed_query *q = r->q;
	enum role role;
	int64_t end;
	int rc;

	if ((rc = tbl_workspace_get(r->db, q->workspace, &r->w)) != 0 ||
	    (rc = perm_role(r->store, r->db, q->who, q->workspace, &role)) != 0)
		return rc;
	q->whole = role != ROLE_NONE;
	q->personal = !q->whole || q->scope;
	q->head = r->w.sequence;
	if (q->from > r->w.sequence)
		return ERR_INVALID;
	if (q->personal && max < FEED_LOOK)
		max = FEED_LOOK;
	if ((rc = feed_page_to(r->db, &r->w, q->from, max, to)) != 0 || *to < q->from + max)
		return rc;
	/* A commit may be larger than the page, and what is shown of it not. */
	if ((rc = tbl_event_last_end(r->db, r->w.id, *to - 1, *to, &end)) == ERR_NOTFOUND) {
		*to = q->head - *to > FEED_LOOK ? *to + FEED_LOOK : q->head;
		rc = 0;
	}
	return rc;
}

int
feed_read_for(struct store *store, struct feed_query *q, const struct feed_out *out)
{
	struct reading r = { .store = store, .q = q };
	int64_t to;
	int rc;

	if ((rc = db_read_begin(store->db, &r.db)) != 0)
		return rc;
	if ((rc = begin(&r, q->max, &to)) == 0) {
		feed_tell_init(&r.tell, r.db, &r.w, q, out);
		rc = read_rows(&r, to);
		if (rc == 0 && (r.lost || r.tell.lost))
			rc = read_shared(&r);
		feed_tell_release(&r.tell);
	}
	q->more = rc == 0 && q->last < q->head;
	db_read_end(r.db);
	return rc;
}

int
feed_page_end(struct store *store, struct feed_query *q)
{
	struct reading r = { .store = store, .q = q };
	int rc;

	if ((rc = db_read_begin(store->db, &r.db)) != 0)
		return rc;
	rc = begin(&r, q->max, &q->last);
	q->more = rc == 0 && q->last < q->head;
	db_read_end(r.db);
	return rc;
}
