#include "db.h"
#include "err.h"
#include "log.h"
#include "tbl_chunk.h"

#define COLUMNS "hash, refs, home, place, stored, size_bytes, generation, dead_at, origin"

static int
read_row(const struct db_row *row, struct chunk_row *chunk)
{
	chunk->refs = db_int(row, 1);
	chunk->home = db_int(row, 2);
	chunk->place = db_int(row, 3);
	chunk->stored = (uint32_t)db_int(row, 4);
	chunk->size = (uint32_t)db_int(row, 5);
	chunk->generation = db_int(row, 6);
	chunk->dead_at = db_int(row, 7);
	chunk->origin = db_int(row, 8);
	return db_fixed(row, 0, chunk->hash, 32);
}

static const char get[] = "SELECT " COLUMNS " FROM chunk WHERE hash = $1";

int
tbl_chunk_get(struct db_conn *c, const uint8_t hash[32], struct chunk_row *chunk)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, get, &row, DB_BYTES(hash, 32));

	if (rc == 0)
		rc = read_row(&row, chunk);
	db_row_release(&row);
	return rc;
}

static const char know[] = "INSERT INTO chunk_known (hash, workspace_id)"
			   " SELECT hash, $1 FROM chunk WHERE hash = $2 AND origin <> $1 ON CONFLICT (hash, workspace_id) DO NOTHING";

/* Behind a statement that took a reference for the workspace: which has become the origin if there was none. */
static int
taken(struct db_conn *c, const uint8_t hash[32], int64_t workspace)
{
	if (!db_changed(c))
		return ERR_NOTFOUND;
	return workspace ? db_exec(c, know, DB_INT(workspace), DB_BYTES(hash, 32)) : 0;
}

static const char take[] = "UPDATE chunk SET refs = refs + 1, dead_at = NULL,"
			   " origin = CASE WHEN origin = 0 THEN $1 ELSE origin END WHERE hash = $2";

int
tbl_chunk_take(struct db_conn *c, const uint8_t hash[32], int64_t workspace)
{
	int rc = db_exec(c, take, DB_INT(workspace), DB_BYTES(hash, 32));

	return rc ? rc : taken(c, hash, workspace);
}

static const char insert[] = "INSERT INTO chunk (" COLUMNS ") VALUES ($1, 1, $2, $3, $4, $5, 1, NULL, $6)"
			     " ON CONFLICT (hash) DO NOTHING";

int
tbl_chunk_take_at(struct db_conn *c, const struct chunk_row *chunk, bool *ours)
{
	struct chunk_row there;
	int rc = db_exec(c, insert, DB_BYTES(chunk->hash, 32), DB_INT(chunk->home), DB_INT(chunk->place),
	    DB_INT(chunk->stored), DB_INT(chunk->size), DB_INT(chunk->origin));

	*ours = true;
	if (rc || db_changed(c))
		return rc;
	if ((rc = tbl_chunk_take(c, chunk->hash, chunk->origin)) == 0 && (rc = tbl_chunk_get(c, chunk->hash, &there)) == 0)
		*ours = there.home == chunk->home && there.place == chunk->place;
	return rc;
}

static const char take_live[] = "UPDATE chunk SET refs = refs + 1,"
				" origin = CASE WHEN origin = 0 THEN $1 ELSE origin END"
				" WHERE hash = $2 AND size_bytes = $3 AND dead_at IS NULL";

int
tbl_chunk_take_live(struct db_conn *c, const uint8_t hash[32], uint32_t size, int64_t workspace)
{
	int rc = db_exec(c, take_live, DB_INT(workspace), DB_BYTES(hash, 32), DB_INT(size));

	return rc ? rc : taken(c, hash, workspace);
}

static const char drop[] = "UPDATE chunk SET refs = refs - 1, dead_at = CASE WHEN refs = 1 THEN $1 ELSE NULL END,"
			   " origin = CASE WHEN origin = $2 THEN 0 ELSE origin END WHERE hash = $3 AND refs > 0";
static const char unknow[] = "DELETE FROM chunk_known WHERE hash = $1 AND workspace_id = $2";

int
tbl_chunk_drop(struct db_conn *c, const uint8_t hash[32], int64_t workspace, int64_t now)
{
	struct chunk_row there;
	int rc = db_exec(c, drop, DB_INT(now), DB_INT(workspace), DB_BYTES(hash, 32));

	if (rc == 0 && db_changed(c))
		return workspace ? db_exec(c, unknow, DB_BYTES(hash, 32), DB_INT(workspace)) : 0;
	if (rc || (rc = tbl_chunk_get(c, hash, &there)) != 0)
		return rc;
	log_error("chunk %02x%02x%02x%02x…: more references dropped than taken", hash[0], hash[1], hash[2], hash[3]);
	return ERR_CORRUPT;
}

static const char known[] = "SELECT 1 FROM chunk_known WHERE hash = $1 AND workspace_id = $2";

int
tbl_chunk_known(struct db_conn *c, const struct chunk_row *row, int64_t workspace)
{
	struct db_row found = DB_ROW_INIT;
	int rc = row->origin == workspace ? 0 : db_one(c, known, &found, DB_BYTES(row->hash, 32), DB_INT(workspace));

	db_row_release(&found);
	return rc;
}

static const char move[] = "UPDATE chunk SET home = $1, place = $2, stored = $3, generation = generation + 1"
			   " WHERE hash = $4 AND home = $5 AND place = $6";

int
tbl_chunk_move(struct db_conn *c, const struct chunk_row *to, int64_t from_home, int64_t from_place, bool *moved)
{
	int rc = db_exec(c, move, DB_INT(to->home), DB_INT(to->place), DB_INT(to->stored), DB_BYTES(to->hash, 32),
	    DB_INT(from_home), DB_INT(from_place));

	if (rc == 0)
		*moved = db_changed(c) > 0;
	return rc;
}

static const char delete_one[] = "DELETE FROM chunk WHERE hash = $1";

int
tbl_chunk_delete(struct db_conn *c, const uint8_t hash[32])
{
	return db_exec(c, delete_one, DB_BYTES(hash, 32));
}

static int
fetch(struct db_row *row, int rc, struct chunk_row *rows, unsigned max, unsigned *n)
{
	unsigned i = 0;

	while (rc == 0 && i < max && (rc = db_next(row)) == 0)
		rc = read_row(row, &rows[i++]);
	db_row_release(row);
	if (rc != 0 && rc != ERR_END)
		return rc;
	*n = i;
	return 0;
}

static const char dead[] = "SELECT " COLUMNS " FROM chunk WHERE dead_at IS NOT NULL AND dead_at < $1"
			   " ORDER BY dead_at, hash LIMIT $2";

int
tbl_chunk_dead(struct db_conn *c, int64_t before, struct chunk_row *rows, unsigned max, unsigned *n)
{
	struct db_row row = DB_ROW_INIT;

	return fetch(&row, db_query(c, dead, &row, DB_INT(before), DB_INT(max)), rows, max, n);
}

static const char dead_scan[] = "SELECT home, stored FROM chunk WHERE dead_at IS NOT NULL AND dead_at < $1";

int
tbl_chunk_dead_scan(struct db_conn *c, int64_t before, struct db_row *row)
{
	return db_query(c, dead_scan, row, DB_INT(before));
}

static const char dead_sum[] = "SELECT count(*), coalesce(sum(stored), 0) FROM chunk"
			       " WHERE dead_at IS NOT NULL AND dead_at < $1";

int
tbl_chunk_dead_sum(struct db_conn *c, int64_t before, int64_t *count, int64_t *stored)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one(c, dead_sum, &row, DB_INT(before));

	if (rc == 0) {
		*count = db_int(&row, 0);
		*stored = db_int(&row, 1);
	}
	db_row_release(&row);
	return rc;
}

static const char list[] = "SELECT " COLUMNS " FROM chunk WHERE hash > $1 ORDER BY hash LIMIT $2";

int
tbl_chunk_list(struct db_conn *c, const uint8_t after[32], struct chunk_row *rows, unsigned max, unsigned *n)
{
	struct db_row row = DB_ROW_INIT;

	return fetch(&row, db_query(c, list, &row, DB_BYTES(after, 32), DB_INT(max)), rows, max, n);
}
