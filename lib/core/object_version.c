#include <stdio.h>
#include <string.h>

#include "err.h"
#include "object_in.h"
#include "past.h"
#include "planted.h"
#include "refs.h"

/*
 * A version is current -> noncurrent (kept by S3 versioning), history (kept for as long as the workspace says) or destroyed. A
 * workspace's `bytes` counts current versions, `noncurrent_bytes` and `history_bytes` the others.
 */
int
object_destroy(struct txn *t, int64_t workspace, int64_t version)
{
	struct db_row row = DB_ROW_INIT;
	struct slice manifest;
	int rc;

	rc = tbl_version_delete(t->db, workspace, version, &row, &manifest);
	if (rc == 0 && manifest.len)
		rc = refs_drop(t, workspace, manifest.p, manifest.len);
	db_row_release(&row);
	return rc == ERR_NOTFOUND ? ERR_CORRUPT : rc;
}

int
object_retire(struct txn *t, struct workspace_row *w, int64_t version, int64_t size, bool marker, int64_t sequence)
{
	if (!marker && w->history_ms == 0)
		past_lose(w, sequence);
	if (marker || w->history_ms == 0)
		return object_destroy(t, w->id, version);
	w->history_bytes += size;
	w->dirty = true;
	return tbl_version_supersede(t->db, w->id, version, KEEP_HISTORY, t->now_us, sequence);
}

static int
keep_noncurrent(struct txn *t, struct workspace_row *w, int64_t version, int64_t size, int64_t sequence)
{
	w->noncurrent_bytes += size;
	w->dirty = true;
	return tbl_version_supersede(t->db, w->id, version, KEEP_NONCURRENT, t->now_us, sequence);
}

/* Versioning is suspended: the version called "null" gives way, wherever it is in the stack. */
static int
supersede_suspended(struct txn *t, struct target *g, int64_t size, int64_t sequence)
{
	struct workspace_row *w = g->w;
	struct db_row row = DB_ROW_INIT;
	struct version_row v;
	bool is_null, marker;
	int rc;

	if ((rc = tbl_version_get(t->db, w->id, g->entry.version_id, &row, &v)) != 0)
		return rc == ERR_NOTFOUND ? ERR_CORRUPT : rc;
	is_null = v.null_version;
	marker = v.kind == VERSION_MARKER;
	db_row_release(&row);
	if (is_null)
		return object_retire(t, w, g->entry.version_id, size, marker, sequence);
	if ((rc = keep_noncurrent(t, w, g->entry.version_id, size, sequence)) != 0)
		return rc;
	if ((rc = tbl_version_null(t->db, w->id, g->entry.node_id, &row, &v)) != 0)
		return rc == ERR_NOTFOUND ? 0 : rc;
	w->noncurrent_bytes -= v.size;
	marker = v.kind == VERSION_MARKER;
	db_row_release(&row);
	return object_retire(t, w, v.id, v.size, marker, sequence);
}

int
object_supersede(struct txn *t, struct target *g, int64_t sequence, bool *null_version)
{
	struct workspace_row *w = g->w;
	int64_t size = g->entry.live ? g->entry.size : 0;

	*null_version = w->versioning != VERSIONING_ENABLED;
	if (!g->exists)
		return 0;
	if (g->entry.live) {
		w->objects--;
		w->bytes -= PLANTED("quota") ? 0 : size;
		w->dirty = true;
	}
	if (w->versioning == VERSIONING_ENABLED)
		return keep_noncurrent(t, w, g->entry.version_id, size, sequence);
	if (w->versioning == VERSIONING_SUSPENDED)
		return supersede_suspended(t, g, size, sequence);
	return object_retire(t, w, g->entry.version_id, size, !g->entry.live, sequence);
}

void
object_fill(const struct version_row *v, struct object_info *info)
{
	info->workspace = v->workspace;
	info->file_id = v->file_id;
	info->version_id = v->id;
	info->sequence = v->sequence;
	info->delete_marker = v->kind == VERSION_MARKER;
	info->null_version = v->null_version;
	info->versioned = v->versioning != VERSIONING_NEVER;
	info->size = (uint64_t)v->size;
	info->modified_us = v->created_at;
	snprintf(info->etag, sizeof(info->etag), "%s", v->etag);
	info->has_hash = v->has_hash;
	if (v->has_hash)
		memcpy(info->content_hash, v->hash, 32);
	buf_clear(&info->headers);
	buf_add(&info->headers, v->headers.p, v->headers.len);
	buf_clear(&info->manifest);
	buf_add(&info->manifest, v->manifest.p, v->manifest.len);
	buf_clear(&info->parts);
	buf_add(&info->parts, v->parts.p, v->parts.len);
}
