#include "db.h"
#include "err.h"
#include "limits.h"
#include "sight.h"
#include "tbl_grant.h"
#include "tbl_past.h"
#include "tbl_workspace.h"

static void
narrow(struct sight_place *place, int64_t from, int64_t to)
{
	place->from = from > place->from ? from : place->from;
	place->to = to < place->to ? to : place->to;
}

/* What a grant on the node itself, or on the workspace, adds to what is above. */
static int
add_grant(const struct sight *s, int64_t resource, int64_t sequence, struct sight_place *place)
{
	struct grant_held held;
	int rc;

	if (s->always) {
		place->granted = place->given = true;
		return 0;
	}
	if ((rc = tbl_grant_held(s->db, s->w->id, resource, s->who, sequence, &held)) != 0)
		return rc;
	place->granted |= held.yes;
	place->given |= held.yes || held.now;
	narrow(place, held.from, held.to);
	return 0;
}

static int
place_of(const struct sight *s, int64_t folder, int64_t sequence, struct past_place *at)
{
	struct db_row row = DB_ROW_INIT;
	int rc = tbl_past_place_now(s->db, s->w->id, sequence, folder, &row, at);

	if (rc == ERR_NOTFOUND)
		rc = tbl_past_place_then(s->db, s->w->id, sequence, folder, &row, at);
	db_row_release(&row);
	return rc;
}

static int climb(struct sight *s, int64_t folder, int64_t sequence, int depth, struct sight_place *place);

static int
find(struct sight *s, int64_t folder, int64_t sequence, int depth, struct sight_place *place)
{
	struct past_place at;
	int rc;

	if (folder == s->w->root_folder_id) {
		*place = (struct sight_place) { .to = INT64_MAX, .reached = true };
		rc = add_grant(s, s->w->id, sequence, place);
	} else if ((rc = place_of(s, folder, sequence, &at)) == 0 &&
	    (rc = climb(s, at.parent, sequence, depth + 1, place)) == 0) {
		narrow(place, at.born, at.died - 1);
		rc = add_grant(s, folder, sequence, place);
	}
	if (rc == ERR_NOTFOUND) {
		*place = (struct sight_place) { .from = sequence, .to = sequence };
		rc = 0;
	}
	place->folder = folder;
	place->inside |= !s->scope || folder == s->scope;
	return rc;
}

/* The way up, as far as it is not known. */
static int
climb(struct sight *s, int64_t folder, int64_t sequence, int depth, struct sight_place *place)
{
	struct sight_place *known = &s->places[((uint64_t)folder * 0x9e3779b97f4a7c15u) >> 58];
	int rc;

	if (depth > LIMIT_DEPTH + 1)
		return ERR_CORRUPT;
	if (known->folder == folder && folder && sequence >= known->from && sequence <= known->to) {
		*place = *known;
		return 0;
	}
	if ((rc = find(s, folder, sequence, depth, place)) == 0)
		*known = *place;
	return rc;
}

int
sight_folder(struct sight *s, int64_t folder, int64_t sequence, struct sight_place *place)
{
	return climb(s, folder, sequence, 0, place);
}

int
sight_file(struct sight *s, int64_t file, int64_t parent, int64_t sequence, struct sight_place *place)
{
	int rc = climb(s, parent, sequence, 0, place);

	place->folder = 0;
	return rc ? rc : add_grant(s, file, sequence, place);
}
