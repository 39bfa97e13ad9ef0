#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "db.h"
#include "err.h"
#include "ingest.h"
#include "log.h"
#include "manifest.h"
#include "object_in.h"
#include "reader.h"
#include "refs.h"
#include "store_in.h"

/* Objects by key: put and find. Deletes and copies have files of their own; what they share is in object_in.h. */

void
object_info_release(struct object_info *info)
{
	buf_release(&info->headers);
	buf_release(&info->manifest);
	buf_release(&info->parts);
}

/* ---- put ---- */

struct object_putting {
	struct store *store;
	struct commit_wait wait;
	const struct object_put *put;
	struct object_info *info;
	struct buf manifest;
	struct target target;
};

static int
run_put(struct txn *t, void *arg)
{
	struct object_putting *p = arg;
	const struct object_put *put = p->put;
	const struct ingest_result *bytes = put->bytes;
	int rc;

	buf_clear(&p->manifest);
	if ((rc = object_aim(t, put->workspace, put->key, put->actor, &p->target)) != 0 ||
	    (rc = object_judge(&p->target, &put->expect)) != 0 ||
	    (rc = object_admit(&p->target, bytes->size)) != 0 ||
	    (rc = refs_commit(t, put->workspace, bytes, &p->manifest)) != 0)
		return rc;
	return object_commit(t, &p->target, &(struct object_new) {
		.size = bytes->size, .etag = put->etag, .hash = put->has_hash ? put->content_hash : NULL,
		.checksum = &put->checksum, .headers = { put->headers->data, put->headers->len },
		.manifest = { p->manifest.data, p->manifest.len } }, p->info);
}

static int
begin_put(struct object_putting *p)
{
	int rc = namespace_key_check(p->put->key);

	if (rc)
		return rc;
	p->wait.commit = (struct commit) { .workspace = p->put->workspace, .run = run_put, .arg = p,
		.large = p->put->bytes->count > LEAF_CHUNKS };
	return commit_start(p->store, &p->wait);
}

int
object_put(struct store *store, const struct object_put *put, struct object_info *info)
{
	struct object_putting p = { .store = store, .put = put, .info = info, .manifest = BUF_INIT(64 << 20) };
	int rc = begin_put(&p);

	if (rc == 0 && (rc = commit_end(&p.wait)) == 0)
		namespace_learn(store, put->workspace, &p.target.place);
	buf_release(&p.manifest);
	return rc;
}

int
object_put_begin(struct store *store, const struct object_put *put, struct object_info *info, void (*done)(void *arg),
    void *arg, struct object_putting **pending)
{
	struct object_putting *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return ERR_NOMEM;
	*p = (struct object_putting) { .store = store, .put = put, .info = info, .manifest = BUF_INIT(64 << 20),
		.wait = { .done = done, .arg = arg } };
	*pending = p;
	if ((rc = begin_put(p)) != 0) {
		*pending = NULL;
		free(p);
	}
	return rc;
}

bool
object_put_ready(struct object_putting *p, int *rc)
{
	if (!commit_ready(&p->wait, rc))
		return false;
	if (*rc == 0)
		namespace_learn(p->store, p->put->workspace, &p->target.place);
	return true;
}

void
object_putting_free(struct object_putting *p)
{
	if (!p)
		return;
	(void)commit_end(&p->wait);
	buf_release(&p->manifest);
	free(p);
}

/* ---- find ---- */

/* A version named by its id must be of the file that the key shows, and one that S3 knows. */
static int
find_version(struct db_conn *db, const struct entry_at *at, int64_t version, struct db_row *row, struct version_row *v)
{
	struct entry_row e;
	int rc;

	if ((rc = tbl_version_at(db, at, row, v)) != 0 || version == 0 || version == v->id ||
	    (version == VERSION_NULL && v->null_version))
		return rc;
	db_row_release(row);
	if ((rc = tbl_entry_get(db, at, &e)) != 0)
		return rc;
	if (version == VERSION_NULL)
		return tbl_version_null(db, at->workspace, e.node_id, row, v);
	if ((rc = tbl_version_get(db, at->workspace, version, row, v)) != 0)
		return rc;
	return v->file_id == e.node_id && v->keep == KEEP_NONCURRENT ? 0 : ERR_NOTFOUND;
}

/* In a read transaction that began after `epoch` was taken. */
static int
find(struct store *store, struct db_conn *db, int64_t epoch, int64_t workspace, struct slice key, int64_t version,
    struct object_info *info)
{
	struct slice path = namespace_path(key);
	struct entry_at at = { .workspace = workspace, .name = { key.p + path.len, key.len - path.len } };
	struct db_row row = DB_ROW_INIT;
	struct version_row v;
	int rc;

	info->delete_marker = false;
	info->version_id = 0;
	if ((rc = namespace_folder(store, db, epoch, workspace, path, &at.folder)) != 0)
		return rc;
	if ((rc = find_version(db, &at, version, &row, &v)) != 0)
		goto out;
	object_fill(&v, info);
	if ((rc = checksum_decode(v.checksum.p, v.checksum.len, &info->checksum)) == 0 &&
	    (rc = buf_finish(&info->headers)) == 0 && (rc = buf_finish(&info->manifest)) == 0)
		rc = buf_finish(&info->parts);
	if (rc == 0 && info->delete_marker && version == 0)
		rc = ERR_NOTFOUND;
out:
	db_row_release(&row);
	return rc;
}

int
object_find(struct store *store, int64_t workspace, struct slice key, int64_t version, struct object_info *info)
{
	int64_t epoch = store_structure_epoch(store);
	struct db_conn *db = NULL;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = find(store, db, epoch, workspace, key, version, info);
	db_read_end(db);
	return rc;
}

static bool
is_small(const struct object_info *info, size_t room)
{
	struct manifest m;

	return info->size > 0 && info->size <= room &&
	    manifest_decode(info->manifest.data, info->manifest.len, &m) == 0 && m.kind == MANIFEST_INLINE;
}

/* Compaction may move the bytes between the look-up and the read. */
#define TRIES 3

int
object_find_small(struct store *store, int64_t workspace, struct slice key, int64_t version, struct object_info *info,
    void *bytes, size_t *len)
{
	struct db_conn *db = NULL;
	struct blob_place place;
	size_t room = *len;
	uint8_t id[32];
	bool small;
	int rc;

	for (int i = 0; i < TRIES; i++) {
		int64_t epoch = store_structure_epoch(store);

		if ((rc = db_read_begin(store->db, &db)) != 0)
			return rc;
		rc = find(store, db, epoch, workspace, key, version, info);
		small = rc == 0 && is_small(info, room);
		if (small &&
		    (rc = reader_place(store, db, info->manifest.data, info->manifest.len, id, &place)) == ERR_NOTFOUND) {
			log_error("version %lld names a chunk that is not there: run `fsctl check`", (long long)info->version_id);
			rc = ERR_CORRUPT;	/* of one snapshot: the key is there, its bytes are lost */
		}
		db_read_end(db);
		if (rc != 0 || !small) {
			*len = 0;
			return rc;
		}
		rc = blob_get(store->blobs, id, &place, 0, info->size, false, bytes);
		if (rc == 0)
			*len = info->size;
		if (rc != ERR_NOTFOUND)
			return rc;
	}
	/* It moved each time: the reader follows it further. */
	*len = 0;
	return 0;
}
