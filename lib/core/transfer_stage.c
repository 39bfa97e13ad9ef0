#include <string.h>

#include "db.h"
#include "err.h"
#include "id.h"
#include "ingest.h"
#include "refs.h"
#include "store_in.h"
#include "transfer_in.h"
#include "upload_held.h"

/*
 * Chunks that wait for files to be made of them: an upload of kind staging, whose part 1 holds the references. It ends with
 * the batch that made files of it, or with its time, as sessions do.
 */
#define STAGE_PART 1

static int
run_stage(struct txn *t, void *arg)
{
	struct transfer_stage *s = arg;
	struct buf manifest = BUF_INIT(1 << 20);
	struct workspace_row *w;
	int rc;

	s->expires_us = t->now_us + t->store->settings.upload_expiry_ms * 1000;
	if ((rc = txn_workspace(t, s->workspace, &w)) == 0 && (rc = refs_commit(t, 0, s->bytes, &manifest)) == 0 &&
	    (rc = upload_held_open(t, w, &(struct upload_row) { .id = s->id, .workspace = s->workspace,
		 .kind = UPLOAD_STAGING, .status = UPLOAD_OPEN, .key = { "", 0 }, .created_by = s->principal,
		 .created_at = t->now_us, .expires_at = s->expires_us, .headers = { "", 0 } })) == 0 &&
	    (rc = upload_held_part(t, w, s->id, STAGE_PART, (int64_t)s->bytes->size)) == 0)
		rc = tbl_upload_part_put(t->db, s->id, &(struct upload_part_row) { .number = STAGE_PART,
		    .size = (int64_t)s->bytes->size, .created_at = t->now_us, .etag = { "", 0 }, .checksum = { "", 0 },
		    .manifest = { manifest.data, manifest.len } });
	buf_release(&manifest);
	return rc;
}

int
transfer_stage(struct store *store, struct transfer_stage *s, struct idem *idem)
{
	s->id = id_new();
	return idem_run(store, &(struct commit) { .workspace = s->workspace, .run = run_stage, .arg = s, .large = true }, idem);
}

int
transfer_staged(struct db_conn *db, int64_t id, int64_t workspace, int64_t principal, struct transfer_set *set)
{
	struct db_row row = DB_ROW_INIT, part = DB_ROW_INIT;
	struct upload_part_row p;
	struct upload_row u;
	int rc = tbl_upload_get(db, workspace, id, &row, &u);

	if (rc == 0 && (u.kind != UPLOAD_STAGING || u.status != UPLOAD_OPEN || u.created_by != principal))
		rc = ERR_NOTFOUND;
	if (rc == 0 && set && (rc = tbl_upload_part_get(db, id, STAGE_PART, &part, &p)) == 0)
		rc = transfer_set_add(set, db, p.manifest.p, p.manifest.len);
	db_row_release(&part);
	db_row_release(&row);
	return rc == ERR_NOTFOUND ? ERR_EXPIRED : rc;
}

int
transfer_stage_end(struct txn *t, struct workspace_row *w, int64_t id, bool keep)
{
	int rc = keep ? upload_held_again(t, w, id) : ERR_QUOTA;

	/* Over at once: expiry takes it apart. */
	if (rc != ERR_QUOTA || (rc = tbl_upload_status(t->db, id, UPLOAD_ABORTED)) != 0)
		return rc;
	return tbl_upload_touch(t->db, id, 0);
}
