#include <stdio.h>
#include <string.h>

#include "err.h"
#include "object_in.h"
#include "refs.h"
#include "upload_held.h"
#include "upload_in.h"

/* The end of an upload that went well: its parts become a version in one transaction. */
#define REPEAT_US (24ll * 3600 * 1000000)	/* how long the same completion gets the same answer */

struct completion {
	struct upload_complete *c;
	struct object_info *info;
	struct buf list;		/* as stored in upload.completed_parts */
	struct upload_joined joined;
	struct target target;
	bool repeated;
};

/* Number u16 LE, length u8, ETag: of each part. */
static int
encode_list(const struct upload_complete *c, struct buf *list)
{
	for (size_t i = 0; i < c->count; i++) {
		size_t len = strlen(c->parts[i].etag);

		buf_addle(list, c->parts[i].number, 2);
		buf_addle(list, len, 1);
		buf_add(list, c->parts[i].etag, len);
	}
	return buf_finish(list);
}

/* The same call again: the answer of the first, as far as its version is still there. */
static int
repeat(struct txn *t, struct completion *m, const struct upload_row *u)
{
	struct object_info *info = m->info;
	struct db_row row = DB_ROW_INIT;
	struct version_row v;
	int rc;

	if (bytes_cmp(u->completed_parts.p, u->completed_parts.len, m->list.data ? m->list.data : "", m->list.len))
		return ERR_NOTFOUND;
	m->repeated = true;
	if ((rc = tbl_version_get(t->db, u->workspace, u->result_version, &row, &v)) == 0) {
		object_fill(&v, info);
		rc = checksum_decode(v.checksum.p, v.checksum.len, &info->checksum);
	} else if (rc == ERR_NOTFOUND) {
		info->workspace = u->workspace;
		info->file_id = u->file_id;
		info->version_id = u->result_version;
		rc = upload_etag(m->c, info->etag);
	}
	db_row_release(&row);
	return rc;
}

static int
complete(struct txn *t, struct completion *m, const struct upload_row *u)
{
	struct upload_complete *c = m->c;
	struct upload_joined *j = &m->joined;
	int rc;

	if ((rc = object_aim(t, c->workspace, c->key, c->actor, &m->target)) != 0)
		return rc;
	if ((rc = object_judge(&m->target, &c->expect)) == ERR_NOTFOUND)
		c->wrong = COMPLETE_NO_OBJECT;
	if (rc || (rc = upload_held_end(t, m->target.w, u->id)) != 0 || (rc = upload_join(t, u, c, j)) != 0 ||
	    (rc = object_admit(&m->target, j->size)) != 0 ||
	    (rc = object_commit(t, &m->target, &(struct object_new) {
		 .size = j->size, .etag = j->etag, .checksum = &j->checksum, .headers = u->headers,
		 .manifest = { j->manifest.data, j->manifest.len }, .parts = { j->sizes.data, j->sizes.len } },
		 m->info)) != 0 ||
	    (rc = tbl_upload_parts_delete(t->db, u->id)) != 0)
		return rc;
	m->info->checksum = j->checksum;
	return tbl_upload_complete(t->db, u->id, (struct slice) { m->list.data, m->list.len }, m->info->version_id,
	    m->info->file_id, t->now_us + REPEAT_US);
}

static int
run_complete(struct txn *t, void *arg)
{
	struct completion *m = arg;
	struct upload_complete *c = m->c;
	struct db_row row = DB_ROW_INIT;
	struct upload_row u;
	int rc;

	c->wrong = COMPLETE_OK;
	c->why = NULL;
	c->wrong_part = 0;
	m->repeated = false;
	rc = tbl_upload_get(t->db, c->workspace, c->id, &row, &u);
	if (rc == 0 && (u.kind != UPLOAD_S3 || bytes_cmp(u.key.p, u.key.len, c->key.p, c->key.len)))
		rc = ERR_NOTFOUND;
	if (rc == 0 && u.status == UPLOAD_COMPLETED)
		rc = repeat(t, m, &u);
	else if (rc == 0)
		rc = u.status == UPLOAD_OPEN ? complete(t, m, &u) : ERR_NOTFOUND;
	db_row_release(&row);
	return rc;
}

int
upload_complete(struct store *store, struct upload_complete *c, struct object_info *info)
{
	struct object_info own = OBJECT_INFO_INIT;
	struct completion m = { .c = c, .info = info ? info : &own, .list = BUF_INIT(LIMIT_PARTS * (ETAG_TEXT + 3)),
		.joined = UPLOAD_JOINED_INIT };
	int rc;

	if ((rc = encode_list(c, &m.list)) == 0)
		rc = commit_run(store, &(struct commit) { .workspace = c->workspace, .run = run_complete, .arg = &m,
		    .large = true });
	if (rc == 0 && !m.repeated)
		namespace_learn(store, c->workspace, &m.target.place);
	upload_joined_release(&m.joined);
	buf_release(&m.list);
	object_info_release(&own);
	return rc;
}
