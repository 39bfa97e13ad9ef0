#include <string.h>

#include "commit.h"
#include "db.h"
#include "err.h"
#include "grant.h"
#include "history_in.h"
#include "id.h"
#include "idem.h"
#include "log.h"
#include "past.h"
#include "principal.h"
#include "refs.h"
#include "store_in.h"
#include "tbl_file.h"
#include "tbl_folder.h"
#include "tbl_grant.h"
#include "tbl_purge.h"
#include "tbl_upload.h"
#include "tbl_version.h"
#include "workspace.h"

/*
 * Deletion: empty? -> (a bounded piece of what S3 doesn't see: trash and history, open uploads, the feed)* -> empty
 * still? -> the workspace's row. Each arrow is a transaction of its own, and after each the workspace is whole: the feed's
 * horizon says which events are gone, so if an object comes in between the workspace lives on with it.
 */
#define PIECE 64		/* versions or parts */
#define PIECE_EVENTS 2000

struct removal {
	int64_t workspace;
	struct actor actor;
	char name[LIMIT_BUCKET_NAME + 1];	/* result of a piece, for the log */
	bool last;		/* nothing is left but the workspace itself */
	bool more;		/* result of a piece: call again */
};

/* Deletes a version and lets go of its bytes. */
static int
drop_version(struct txn *t, struct workspace_row *ws, const struct purge_version *v)
{
	struct db_row row = DB_ROW_INIT;
	struct slice manifest;
	int rc;

	if ((rc = tbl_version_delete(t->db, ws->id, v->id, &row, &manifest)) != 0)
		goto out;
	if (manifest.len)
		rc = refs_drop(t, ws->id, manifest.p, manifest.len);
	if (v->keep == KEEP_NONCURRENT)
		ws->noncurrent_bytes -= v->size_bytes;
	else
		ws->history_bytes -= v->size_bytes;
	ws->dirty = true;
out:
	db_row_release(&row);
	return rc;
}

/* One version of the file that is longest in the trash, or that file itself. ERR_NOTFOUND: the trash is empty. */
static int
drop_trash(struct txn *t, struct workspace_row *ws)
{
	struct purge_version v;
	struct purge_file file;
	int rc;

	if ((rc = tbl_purge_trash(t->db, ws->id, &file)) != 0)
		return rc;
	if ((rc = tbl_purge_version(t->db, ws->id, &file, &v)) == 0)
		return drop_version(t, ws, &v);
	if (rc != ERR_NOTFOUND || (rc = grant_end(t, file.id)) != 0)
		return rc;
	return tbl_file_delete(t->db, ws->id, file.id);
}

static int
drop_part(struct txn *t, struct workspace_row *ws, int64_t upload)
{
	struct db_row row = DB_ROW_INIT;
	struct upload_part_row part;
	int64_t number = 0;
	int rc;

	if ((rc = tbl_upload_part_scan(t->db, upload, -1, &row)) == 0 && (rc = db_next(&row)) == 0) {
		tbl_upload_part_seen(&row, &part);
		number = part.number;
		ws->upload_bytes -= part.size;
		ws->dirty = true;
		rc = refs_drop(t, 0, part.manifest.p, part.manifest.len);
	}
	db_row_release(&row);
	return rc ? rc : tbl_upload_part_delete(t->db, upload, number);
}

/* One part of an open upload, or the upload itself. ERR_NOTFOUND: none is open. */
static int
drop_upload(struct txn *t, struct workspace_row *ws)
{
	int64_t upload;
	int rc;

	if ((rc = tbl_upload_open(t->db, ws->id, &upload)) != 0 || (rc = drop_part(t, ws, upload)) != ERR_END)
		return rc;
	ws->uploads--;
	ws->dirty = true;
	return tbl_upload_delete(t->db, upload);
}

/* ERR_NOTFOUND: no event is left. */
static int
drop_events(struct txn *t, struct workspace_row *ws)
{
	int64_t upto = ws->horizon + PIECE_EVENTS < ws->sequence ? ws->horizon + PIECE_EVENTS : ws->sequence;
	int rc;

	if (ws->horizon >= ws->sequence)
		return ERR_NOTFOUND;
	if ((rc = tbl_purge_events(t->db, ws->id, upto)) != 0)
		return rc;
	ws->horizon = upto;
	ws->dirty = true;
	return 0;
}

/* Nothing is in its root; folders in the trash are not there. */
static int
check_empty(struct db_conn *c, const struct workspace_row *ws)
{
	struct db_row row = DB_ROW_INIT;
	struct folder_row root;
	int rc = tbl_folder_get(c, ws->id, ws->root_folder_id, &row, &root);

	db_row_release(&row);
	return rc ? rc : root.entries ? ERR_NOTEMPTY : 0;
}

/* About `max` versions of a folder in the trash. ERR_NOTFOUND: there is none. */
static int
drop_folder(struct txn *t, struct workspace_row *ws, unsigned max)
{
	struct trash_folder folder;
	unsigned n;
	bool ended;
	int rc = tbl_trash_first(t->db, ws->id, INT64_MAX, &folder);

	return rc ? rc : history_end_folder(t, ws, &folder, max, &n, &ended);
}

static int
finish(struct txn *t, struct removal *r, const struct workspace_row *ws)
{
	int rc;

	r->more = false;
	if ((rc = tbl_grant_delete_workspace(t->db, ws->id)) != 0 ||
	    (rc = tbl_folder_delete(t->db, ws->id, ws->root_folder_id)) != 0 ||
	    (rc = tbl_purge_cursors(t->db, ws->id)) != 0 ||
	    (rc = tbl_workspace_delete(t->db, ws->id)) != 0 || (rc = txn_auth_changed(t)) != 0 ||
	    (rc = txn_structure_changed(t)) != 0)
		return rc;
	txn_workspace_forget(t, r->workspace);
	return 0;
}

/* A piece of what S3 doesn't see. ERR_NOTFOUND: there is none. */
static int
drop_piece(struct txn *t, struct workspace_row *ws)
{
	int rc, n = 0;

	if ((rc = drop_folder(t, ws, PIECE)) != ERR_NOTFOUND)
		return rc;
	past_lose(ws, ws->sequence);
	rc = 0;
	while (n < PIECE && (rc = drop_trash(t, ws)) == 0)
		n++;
	if (rc == ERR_NOTFOUND)
		while (n < PIECE && (rc = drop_upload(t, ws)) == 0)
			n++;
	return rc == ERR_NOTFOUND ? drop_events(t, ws) : rc;
}

static int
run_piece(struct txn *t, void *arg)
{
	struct removal *r = arg;
	struct workspace_row *ws;
	int rc;

	r->more = true;
	if ((rc = txn_workspace(t, r->workspace, &ws)) != 0 || (rc = check_empty(t->db, ws)) != 0)
		return rc;
	memcpy(r->name, ws->name, sizeof(r->name));
	rc = drop_piece(t, ws);
	if (r->last)
		return rc == ERR_NOTFOUND ? finish(t, r, ws) : rc ? rc : ERR_AGAIN;
	r->more = rc == 0;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static void
say_deleted(struct store *store, const struct removal *r)
{
	char workspace[ID_TEXT], user[ID_TEXT];
	struct principal p = { 0 };

	id_format(ID_WORKSPACE, r->workspace, workspace);
	id_format(ID_USER, r->actor.principal, user);
	(void)principal_get(store, r->actor.principal, &p);	/* who is gone has no name */
	log_info("workspace %s (%s) was deleted by %s (%s)", r->name, workspace, p.name, user);
}

/* The reply is kept in the transaction that ends the workspace, and what came in before that makes another round. */
int
workspace_delete_once(struct store *store, int64_t id, struct actor actor, struct idem *idem)
{
	struct removal removal = { .workspace = id, .actor = actor };
	const struct commit commit = { .workspace = id, .run = run_piece, .arg = &removal, .frees = true };
	int rc;

	do {
		removal.last = false;
		do
			rc = commit_run(store, &commit);
		while (rc == 0 && removal.more);
		removal.last = true;
		if (rc == 0)
			rc = idem_run(store, &commit, idem);
	} while (rc == ERR_AGAIN);
	if (rc == 0)
		say_deleted(store, &removal);
	return rc;
}

int
workspace_delete(struct store *store, int64_t id, struct actor actor)
{
	return workspace_delete_once(store, id, actor, NULL);
}
