#include <string.h>

#include "clock.h"
#include "commit.h"
#include "db.h"
#include "digest.h"
#include "err.h"
#include "id.h"
#include "ingest.h"
#include "namespace.h"
#include "refs.h"
#include "store_in.h"
#include "tbl_upload.h"
#include "upload.h"
#include "upload_held.h"

/*
 * The life of an upload: open (upload_create) -> completed (upload_complete; kept for a day to answer the same call again) ->
 * forgotten; or open -> aborted (upload_abort, expiry) -> its parts go in bounded pieces -> forgotten. Its row outlives its
 * parts, so a crash in between leaves an aborted row that expiry finishes.
 */
#define PARTS_A_STEP 64		/* dropped in one transaction */

void
upload_info_release(struct upload_info *info)
{
	buf_release(&info->key);
	buf_release(&info->headers);
}

struct creation {
	const struct upload_create *create;
	int64_t id;
};

static int
run_create(struct txn *t, void *arg)
{
	struct creation *c = arg;
	const struct upload_create *u = c->create;
	struct workspace_row *w;
	int rc;

	if ((rc = txn_workspace(t, u->workspace, &w)) != 0)
		return rc;
	return upload_held_open(t, w, &(struct upload_row) {
		.id = c->id, .workspace = u->workspace, .kind = UPLOAD_S3, .status = UPLOAD_OPEN, .key = u->key,
		.created_by = u->actor.principal, .created_at = t->now_us,
		.expires_at = t->now_us + t->store->settings.upload_expiry_ms * 1000,
		.headers = { u->headers->data ? u->headers->data : "", u->headers->len },
		.checksum_algorithm = u->checksum_kind, .checksum_type = (int)u->checksum_type });
}

int
upload_create(struct store *store, const struct upload_create *create, int64_t *id)
{
	struct creation c = { create, id_new() };
	int rc;

	if ((rc = namespace_key_check(create->key)) != 0)
		return rc;
	if ((rc = commit_run(store, &(struct commit) { .workspace = create->workspace, .run = run_create, .arg = &c })) == 0)
		*id = c.id;
	return rc;
}

int
upload_find(struct store *store, int64_t workspace, struct slice key, int64_t id, struct upload_info *info)
{
	struct db_row row = DB_ROW_INIT;
	struct db_conn *db = NULL;
	struct upload_row u;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	if ((rc = tbl_upload_get(db, workspace, id, &row, &u)) != 0)
		goto out;
	if (u.kind != UPLOAD_S3 || u.status == UPLOAD_ABORTED || bytes_cmp(u.key.p, u.key.len, key.p, key.len)) {
		rc = ERR_NOTFOUND;
		goto out;
	}
	info->id = u.id;
	info->workspace = u.workspace;
	info->created_us = u.created_at;
	info->created_by = u.created_by;
	info->status = u.status;
	info->checksum_kind = (uint8_t)u.checksum_algorithm;
	info->checksum_type = (enum checksum_type)u.checksum_type;
	buf_add(&info->key, u.key.p, u.key.len);
	buf_add(&info->headers, u.headers.p, u.headers.len);
	if ((rc = buf_finish(&info->key)) == 0)
		rc = buf_finish(&info->headers);
out:
	db_row_release(&row);
	db_read_end(db);
	return rc;
}

/* ---- parts ---- */

struct part_in {
	int64_t workspace, id;
	const struct ingest_result *bytes;	/* or: */
	const struct buf *manifest;		/* references to what is there */
	struct upload_part *part;
};

/* The open upload; ERR_NOTFOUND for any other. */
static int
check_open(struct txn *t, int64_t workspace, int64_t id)
{
	struct db_row row = DB_ROW_INIT;
	struct upload_row u;
	int rc = tbl_upload_get(t->db, workspace, id, &row, &u);

	if (rc == 0 && (u.status != UPLOAD_OPEN || u.kind != UPLOAD_S3))
		rc = ERR_NOTFOUND;
	db_row_release(&row);
	return rc;
}

/* Lets go of the part that had the number before. */
static int
drop_part(struct txn *t, int64_t upload, unsigned number)
{
	struct db_row row = DB_ROW_INIT;
	struct upload_part_row old;
	int rc = tbl_upload_part_get(t->db, upload, number, &row, &old);

	if (rc == 0)
		rc = refs_drop(t, 0, old.manifest.p, old.manifest.len);
	else if (rc == ERR_NOTFOUND)
		rc = 0;
	db_row_release(&row);
	return rc;
}

static int
run_part(struct txn *t, void *arg)
{
	struct buf manifest = BUF_INIT(64 << 20), checksum = BUF_INIT(64);
	struct part_in *in = arg;
	struct upload_part *p = in->part;
	struct workspace_row *w;
	int rc;

	checksum_encode(&p->checksum, &checksum);
	if ((rc = txn_workspace(t, in->workspace, &w)) != 0 || (rc = check_open(t, in->workspace, in->id)) != 0 ||
	    (rc = upload_held_part(t, w, in->id, p->number, (int64_t)p->size)) != 0)
		goto out;
	if (in->bytes) {
		rc = refs_commit(t, 0, in->bytes, &manifest);
	} else {
		buf_add(&manifest, in->manifest->data, in->manifest->len);
		rc = refs_take(t, 0, in->manifest->data, in->manifest->len);
	}
	if (rc || (rc = buf_finish(&manifest)) != 0 || (rc = buf_finish(&checksum)) != 0 ||
	    (rc = drop_part(t, in->id, p->number)) != 0)
		goto out;
	rc = tbl_upload_part_put(t->db, in->id, &(struct upload_part_row) {
		.number = p->number, .size = (int64_t)p->size, .created_at = t->now_us, .etag = SLICE(p->etag),
		.checksum = { checksum.data ? checksum.data : "", checksum.len }, .manifest = { manifest.data, manifest.len } });
	if (rc == 0)
		rc = tbl_upload_touch(t->db, in->id, t->now_us + t->store->settings.upload_expiry_ms * 1000);
	p->modified_us = t->now_us;
out:
	buf_release(&manifest);
	buf_release(&checksum);
	return rc;
}

int
upload_put_part(struct store *store, int64_t workspace, int64_t id, const struct ingest_result *bytes,
    struct upload_part *part)
{
	struct part_in in = { .workspace = workspace, .id = id, .bytes = bytes, .part = part };

	return commit_run(store, &(struct commit) { .workspace = workspace, .run = run_part, .arg = &in });
}

static void
part_of(const struct upload_part_row *row, struct upload_part *part)
{
	*part = (struct upload_part) { .number = (unsigned)row->number, .size = (uint64_t)row->size,
		.modified_us = row->created_at };
	memcpy(part->etag, row->etag.p, row->etag.len < ETAG_TEXT ? row->etag.len : ETAG_TEXT - 1);
}

int
upload_list_parts(struct store *store, int64_t id, unsigned after, struct upload_part *parts, unsigned max, unsigned *n,
    bool *more)
{
	struct db_row row = DB_ROW_INIT;
	struct upload_part_row p;
	struct db_conn *db = NULL;
	unsigned i = 0;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = tbl_upload_part_scan(db, id, after, &row);
	while (rc == 0 && (rc = db_next(&row)) == 0 && i < max) {
		tbl_upload_part_seen(&row, &p);
		part_of(&p, &parts[i]);
		rc = checksum_decode(p.checksum.p, p.checksum.len, &parts[i++].checksum);
	}
	db_row_release(&row);
	db_read_end(db);
	if (rc != 0 && rc != ERR_END)
		return rc;
	*n = i;
	*more = rc == 0;
	return 0;
}

/* ---- the end of an upload ---- */

struct ending {
	int64_t workspace, id;
	struct slice key;
	int64_t expired;	/* expiry names the upload alone: only if its time is still over at this one; else 0 */
	bool more;		/* parts are left */
};

/* What an open one holds counts no longer. A workspace that is gone counts nothing. */
static int
let_go(struct txn *t, const struct upload_row *u)
{
	struct workspace_row *w;
	int rc = u->status == UPLOAD_OPEN ? txn_workspace(t, u->workspace, &w) : ERR_NOTFOUND;

	return rc == ERR_NOTFOUND ? 0 : rc ? rc : upload_held_end(t, w, u->id);
}

static int
run_abort(struct txn *t, void *arg)
{
	struct ending *e = arg;
	struct db_row row = DB_ROW_INIT;
	struct upload_row u;
	int rc;

	if ((rc = tbl_upload_get(t->db, e->workspace, e->id, &row, &u)) == 0 &&
	    (e->expired ? u.expires_at > e->expired : u.status != UPLOAD_OPEN || u.kind != UPLOAD_S3 ||
	    bytes_cmp(u.key.p, u.key.len, e->key.p, e->key.len)))
		rc = ERR_NOTFOUND;
	if (rc == 0)
		rc = let_go(t, &u);
	db_row_release(&row);
	/* Already over at once: should the next steps not come to run, expiry finds it. */
	if (rc == 0 && (rc = tbl_upload_status(t->db, e->id, UPLOAD_ABORTED)) == 0)
		rc = tbl_upload_touch(t->db, e->id, 0);
	return rc;
}

/* Drops some parts; when none is left, the row. */
static int
run_sweep(struct txn *t, void *arg)
{
	struct ending *e = arg;
	struct upload_part_row p;
	int64_t numbers[PARTS_A_STEP];
	unsigned n = 0;
	struct db_row row = DB_ROW_INIT;
	int rc = tbl_upload_part_scan(t->db, e->id, -1, &row);

	while (rc == 0 && n < PARTS_A_STEP && (rc = db_next(&row)) == 0) {
		tbl_upload_part_seen(&row, &p);
		numbers[n++] = p.number;
		rc = refs_drop(t, 0, p.manifest.p, p.manifest.len);
	}
	db_row_release(&row);
	if (rc != 0 && rc != ERR_END)
		return rc;
	e->more = rc == 0;
	rc = 0;
	for (unsigned i = 0; rc == 0 && i < n; i++)
		rc = tbl_upload_part_delete(t->db, e->id, numbers[i]);
	return rc == 0 && !e->more ? tbl_upload_delete(t->db, e->id) : rc;
}

static int
end_upload(struct store *store, struct ending *e)
{
	int rc;

	rc = commit_run(store, &(struct commit) { .workspace = e->workspace, .run = run_abort, .arg = e, .frees = true });
	for (e->more = true; rc == 0 && e->more;)
		rc = commit_run(store, &(struct commit) { .workspace = e->workspace, .run = run_sweep, .arg = e,
		    .frees = true });
	return rc;
}

int
upload_abort(struct store *store, int64_t workspace, struct slice key, int64_t id)
{
	return end_upload(store, &(struct ending) { .workspace = workspace, .id = id, .key = key });
}

int
upload_expire(struct store *store, int64_t now_us, unsigned max, unsigned *n)
{
	struct ending e = { .expired = now_us };
	struct db_conn *db = NULL;
	int rc = 0;

	for (*n = 0; *n < max; (*n)++) {
		if ((rc = db_read_begin(store->db, &db)) != 0)
			return rc;
		rc = tbl_upload_expired(db, now_us, &e.id, &e.workspace);
		db_read_end(db);
		if (rc || (rc = end_upload(store, &e)) != 0)
			break;
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}
