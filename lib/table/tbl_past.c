#include "err.h"
#include "tbl_past.h"

#define NOW "SELECT e.folder_id, e.name, e.kind, e.node_id, e.born, e.version_id, e.latest, e.size_bytes, e.modified_at, e.etag"
#define THEN "SELECT folder_id, name, kind, node_id, born, version_id"

static struct slice
bytes(const struct db_row *row, int column)
{
	struct slice s;

	s.p = db_bytes(row, column, &s.len);
	return s;
}

void
tbl_past_seen(const struct db_row *row, bool now, bool facts, struct past_seen *s)
{
	s->folder = db_int(row, 0);
	s->name = bytes(row, 1);
	s->kind = (int)db_int(row, 2);
	s->node_id = db_int(row, 3);
	s->born = db_int(row, 4);
	s->version_id = db_int(row, 5);
	s->left = !now;
	if (!now)
		return;
	s->latest = db_int(row, 6);
	s->size = db_int(row, 7);
	s->modified_at = db_int(row, 8);
	s->etag = bytes(row, 9);
	if (!facts)
		return;
	s->hash = bytes(row, 10);
	s->headers = bytes(row, 11);
	s->modified_by = db_int(row, 12);
	s->created_at = db_int(row, 13);
	s->created_by = db_int(row, 14);
}

#define ARGS(f) \
	DB_INT((f)->workspace), DB_INT((f)->folder), DB_BYTES((f)->name.p, (f)->name.len), DB_INT((f)->sequence)

static const char folder_now[] = NOW " FROM entry e WHERE e.workspace_id = $1 AND e.folder_id = $2 AND e.name >= $3"
				     " AND e.live = 1 AND e.born <= $4 ORDER BY e.name";

int
tbl_past_folder_now(struct db_conn *c, const struct past_from *from, struct db_row *row)
{
	return db_query(c, folder_now, row, ARGS(from));
}

static const char folder_then[] = THEN " FROM entry_past WHERE workspace_id = $1 AND folder_id = $2 AND name >= $3"
				       " AND born <= $4 AND died > $4 ORDER BY name";

int
tbl_past_folder_then(struct db_conn *c, const struct past_from *from, struct db_row *row)
{
	return db_query(c, folder_then, row, ARGS(from));
}

static const char all_now[] =
    NOW ", v.content_hash, v.headers, v.created_by, f.created_at, f.created_by FROM entry e"
	" LEFT JOIN file_version v ON v.id = e.version_id LEFT JOIN file f ON f.id = e.node_id"
	" WHERE e.workspace_id = $1 AND (e.folder_id, e.name) >= ($2, $3) AND e.live = 1 AND e.born <= $4"
	" ORDER BY e.folder_id, e.name";

int
tbl_past_all_now(struct db_conn *c, const struct past_from *from, struct db_row *row)
{
	return db_query(c, all_now, row, ARGS(from));
}

static const char all_then[] = THEN " FROM entry_past WHERE workspace_id = $1 AND (folder_id, name) >= ($2, $3)"
				    " AND born <= $4 AND died > $4 ORDER BY folder_id, name";

int
tbl_past_all_then(struct db_conn *c, const struct past_from *from, struct db_row *row)
{
	return db_query(c, all_then, row, ARGS(from));
}

static const char any[] = "SELECT died FROM entry_past WHERE workspace_id = $1 AND died > $2 LIMIT 1";

int
tbl_past_any(struct db_conn *c, int64_t workspace, int64_t sequence)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, any, &row, DB_INT(workspace), DB_INT(sequence));

	db_row_release(&row);
	return rc;
}

static const char oldest[] = "SELECT died FROM entry_past WHERE workspace_id = $1 AND (kind = 1 OR died <= $2)"
			     " ORDER BY died LIMIT 1";

int
tbl_past_oldest(struct db_conn *c, int64_t workspace, int64_t folders, int64_t *died)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, oldest, &row, DB_INT(workspace), DB_INT(folders));

	if (rc == 0)
		*died = db_int(&row, 0);
	db_row_release(&row);
	return rc;
}

static const char at_then[] = THEN " FROM entry_past WHERE workspace_id = $1 AND folder_id = $2 AND name = $3"
				   " AND born <= $4 AND died > $4 LIMIT 1";

int
tbl_past_at(struct db_conn *c, const struct past_from *from, struct past_seen *seen)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, at_then, &row, ARGS(from));

	if (rc == 0)
		tbl_past_seen(&row, false, false, seen);
	db_row_release(&row);
	return rc;
}

static const char place_now[] =
    "SELECT e.folder_id, e.name, e.born FROM folder d JOIN entry e ON e.workspace_id = d.workspace_id AND e.folder_id = d.parent_id"
    " AND e.name = d.name WHERE d.id = $1 AND d.workspace_id = $2 AND e.node_id = d.id AND e.live = 1 AND e.born <= $3";
static const char place_then[] =
    "SELECT folder_id, name, born, died FROM entry_past WHERE node_id = $1 AND workspace_id = $2 AND died > $3 AND born <= $3"
    " AND kind = 2 ORDER BY died LIMIT 1";

int
tbl_past_place_now(struct db_conn *c, int64_t workspace, int64_t sequence, int64_t id, struct db_row *row,
    struct past_place *place)
{
	int rc = db_one(c, place_now, row, DB_INT(id), DB_INT(workspace), DB_INT(sequence));

	if (rc == 0)
		*place = (struct past_place) { db_int(row, 0), bytes(row, 1), db_int(row, 2), INT64_MAX };
	return rc;
}

int
tbl_past_place_then(struct db_conn *c, int64_t workspace, int64_t sequence, int64_t id, struct db_row *row,
    struct past_place *place)
{
	int rc = db_one(c, place_then, row, DB_INT(id), DB_INT(workspace), DB_INT(sequence));

	if (rc == 0)
		*place = (struct past_place) { db_int(row, 0), bytes(row, 1), db_int(row, 2), db_int(row, 3) };
	return rc;
}

static const char given[] =
    "SELECT coalesce(f.folder_id, d.parent_id, 0) FROM share_grant g LEFT JOIN file f ON f.id = g.resource_id"
    " LEFT JOIN folder d ON d.id = g.resource_id"
    " WHERE g.principal_id = $1 AND g.workspace_id = $2 AND g.revoked_at IS NULL";

int
tbl_past_given(struct db_conn *c, int64_t workspace, int64_t principal, struct db_row *row)
{
	return db_query(c, given, row, DB_INT(principal), DB_INT(workspace));
}

static const char file_made[] = "SELECT created_at, created_by FROM file WHERE id = $1 AND workspace_id = $2";
static const char folder_made[] = "SELECT created_at, created_by FROM folder WHERE id = $1 AND workspace_id = $2";

int
tbl_past_made(struct db_conn *c, int64_t workspace, int kind, int64_t id, int64_t *created_at, int64_t *created_by)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, kind == ENTRY_FILE ? file_made : folder_made, &row, DB_INT(id), DB_INT(workspace));

	if (rc == 0) {
		*created_at = db_int(&row, 0);
		*created_by = db_int(&row, 1);
	}
	db_row_release(&row);
	return rc;
}
