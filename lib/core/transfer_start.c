#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "err.h"
#include "gate.h"
#include "id.h"
#include "namespace.h"
#include "node.h"
#include "object_in.h"
#include "refs.h"
#include "store_in.h"
#include "tbl_chunk.h"
#include "tbl_node.h"
#include "transfer_in.h"
#include "upload_held.h"
#include "workspace.h"

/* How a session begins: what is there, what may be told of it, and what the session holds. */

/* ---- sets of chunks ---- */

int
transfer_set_add(struct transfer_set *set, struct db_conn *db, const void *manifest, size_t len)
{
	struct buf encoded = BUF_INIT(1 << 20);
	struct manifest_chunk chunk;
	struct manifest_leaf leaf;
	struct manifest m, l;
	int rc = manifest_decode(manifest, len, &m);

	for (uint32_t i = 0; rc == 0 && i < m.count; i++) {
		if (m.kind == MANIFEST_LEAVES) {
			buf_clear(&encoded);
			manifest_leaf_at(&m, i, &leaf);
			if ((rc = refs_leaf(db, leaf.id, &encoded)) == 0)
				rc = manifest_decode(encoded.data, encoded.len, &l);
			for (uint32_t k = 0; rc == 0 && k < l.count; k++) {
				manifest_chunk_at(&l, k, &chunk);
				buf_add(&set->ids, chunk.id, 32);
			}
		} else {
			manifest_chunk_at(&m, i, &chunk);
			buf_add(&set->ids, chunk.id, 32);
		}
	}
	buf_release(&encoded);
	return rc ? rc : buf_finish(&set->ids);
}

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

void
transfer_set_sort(struct transfer_set *set)
{
	if (set->ids.len)
		qsort(set->ids.data, set->ids.len / 32, 32, compare_ids);
}

static const char *
find_id(const struct transfer_set *set, const uint8_t id[32])
{
	return set->ids.len ? bsearch(id, set->ids.data, set->ids.len / 32, 32, compare_ids) : NULL;
}

bool
transfer_set_has(const struct transfer_set *set, const uint8_t id[32])
{
	return find_id(set, id) != NULL;
}

bool
transfer_set_twice(const struct transfer_set *set, const uint8_t id[32])
{
	const char *at = find_id(set, id), *end = set->ids.data + set->ids.len;

	return at && ((at > set->ids.data && !memcmp(at - 32, id, 32)) || (at + 32 < end && !memcmp(at + 32, id, 32)));
}

int
transfer_set_version(struct transfer_set *set, struct db_conn *db, int64_t workspace, int64_t version, int64_t file)
{
	struct db_row row = DB_ROW_INIT;
	struct version_row v;
	int rc = version ? tbl_version_get(db, workspace, version, &row, &v) : ERR_NOTFOUND;

	if (rc == 0 && v.kind == VERSION_CONTENT && (!file || v.file_id == file))
		rc = transfer_set_add(set, db, v.manifest.p, v.manifest.len);
	db_row_release(&row);
	transfer_set_sort(set);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* ---- start ---- */

bool
transfer_may_tell(struct store *store, struct db_conn *db, const struct principal *who, int64_t workspace)
{
	enum role role = ROLE_NONE;

	return perm_role(store, db, who, workspace, &role) == 0 && perm_allows(role, ACTION_READ) == 0;
}

struct starting {
	struct transfer *tr;
	const struct principal *who;
	bool has_base;
	int64_t base;			/* as the caller gave it */
	int64_t known;			/* the version whose chunks may be told to be there; 0: none */
};

/* The name that it would get, and what is there now. */
static int
find_target(struct txn *t, struct starting *s, struct entry_row *now)
{
	struct transfer *tr = s->tr;
	struct buf path = BUF_INIT(LIMIT_KEY_STORED * 2);
	struct entry_at at;
	bool live = true;
	int rc = 0;

	*now = (struct entry_row) { 0 };
	if (tr->new_version && (rc = transfer_find(t->db, tr, &live)) != 0)
		return rc;
	/* Of a file that is deleted nothing is shown; its folder may be gone too. */
	if (!live)
		return 0;
	rc = namespace_path_of(t->db, tr->workspace, tr->parent, &path);
	buf_release(&path);
	if (rc)
		return rc;
	at = (struct entry_at) { tr->workspace, tr->parent, { tr->name.data, tr->name.len } };
	rc = tbl_entry_get(t->db, &at, now);
	if (rc == ERR_NOTFOUND || (rc == 0 && !now->live)) {
		*now = (struct entry_row) { 0 };
		rc = 0;
	}
	return rc;
}

static int
check_chunks(const struct transfer *tr, uint32_t max)
{
	const struct manifest_chunk *c = transfer_chunks(tr);
	uint64_t sum = 0;

	for (size_t i = 0; i < transfer_chunk_count(tr); i++) {
		if (c[i].bytes == 0 || c[i].bytes > max)
			return ERR_INVALID;
		sum += c[i].bytes;
	}
	return sum == tr->size ? 0 : ERR_INVALID;
}

/* References to the chunks that are there, each once, in part 0, with the list. */
static int
hold_chunks(struct txn *t, const struct starting *s, struct workspace_row *w)
{
	const struct transfer *tr = s->tr;
	const struct manifest_chunk *c = transfer_chunks(tr);
	struct buf list = BUF_INIT(TRANSFER_CHUNKS * TRANSFER_ENTRY_SIZE), manifest = BUF_INIT(64 << 20);
	struct buf there = BUF_INIT(TRANSFER_CHUNKS * sizeof(*c));
	struct transfer_set known = TRANSFER_SET_INIT;
	bool may_tell = transfer_may_tell(t->store, t->db, s->who, tr->workspace);
	uint64_t bytes = 0;
	size_t wrong;
	/* What the base version is made of may be told to whoever may read it. */
	int rc = transfer_set_version(&known, t->db, tr->workspace, s->known, 0);

	for (size_t i = 0; rc == 0 && i < transfer_chunk_count(tr); i++) {
		struct chunk_row row;
		bool stands = tbl_chunk_get(t->db, c[i].id, &row) == 0 && row.size == c[i].bytes && !row.dead_at;

		buf_add(&list, c[i].id, 32);
		buf_addle(&list, c[i].bytes, 4);
		if (!stands || !(transfer_set_has(&known, c[i].id) || (may_tell && tbl_chunk_known(t->db, &row, tr->workspace) == 0)))
			continue;
		buf_add(&there, &c[i], sizeof(c[i]));
		bytes += c[i].bytes;
	}
	if (rc == 0 && (rc = buf_finish(&list)) == 0 && (rc = buf_finish(&there)) == 0)
		rc = refs_of_chunks(t, 0, (const struct manifest_chunk *)(const void *)there.data,
		    there.len / sizeof(*c), &manifest, &wrong);
	if (rc == 0 && (rc = upload_held_part(t, w, tr->id, 0, (int64_t)bytes)) == 0)
		rc = tbl_upload_part_put(t->db, tr->id, &(struct upload_part_row) { .number = 0, .size = (int64_t)bytes,
			.created_at = t->now_us, .etag = { "", 0 }, .checksum = { list.data ? list.data : "", list.len },
			.manifest = { manifest.data, manifest.len } });
	buf_release(&list);
	buf_release(&there);
	buf_release(&manifest);
	buf_release(&known.ids);
	return rc;
}

/* Whether a file that is deleted was of this name. ERR_NOTFOUND: it was not, or is a folder's marker. */
static int
was_of_name(struct txn *t, const struct transfer *tr, int64_t file)
{
	struct db_row row = DB_ROW_INIT;
	struct node_row f;
	int rc = tbl_node_file(t->db, file, &row, &f);

	if (rc == 0 && (f.parent != tr->parent || bytes_cmp(f.name.p, f.name.len, tr->name.data, tr->name.len)))
		rc = ERR_NOTFOUND;
	db_row_release(&row);
	return rc;
}

/*
 * A base is a version of the file that gets the new one, or of the file that was of this name and is deleted; or it is not kept any more, and the
 * completion finds another version current, or none. It can't have been if it is older than the workspace or was never given. One of a file
 * that `who` doesn't see is like one that is not kept.
 */
static int
check_base(struct txn *t, struct starting *s, const struct entry_row *now)
{
	const struct transfer *tr = s->tr;
	struct db_row row = DB_ROW_INIT;
	struct version_row v;
	bool seen = false;
	int64_t file;
	int rc = tbl_version_get(t->db, tr->workspace, s->base, &row, &v);

	file = rc == 0 ? v.file_id : 0;
	db_row_release(&row);
	if (rc == ERR_NOTFOUND)
		return s->base > tr->workspace && s->base < id_new() ? 0 : ERR_USAGE;
	if (rc == 0 && file != tr->file_id && file != now->node_id) {
		if ((rc = node_seen(t->store, t->db, s->who, NODE_FILE, file, tr->workspace, &seen)) != 0 || !seen)
			return rc;
		rc = was_of_name(t, tr, file);
	}
	if (rc == 0)
		s->known = s->base;
	return rc == ERR_NOTFOUND ? ERR_USAGE : rc;
}

/* What the session begins from. */
static int
set_base(struct txn *t, struct starting *s, const struct entry_row *now)
{
	s->tr->base = s->has_base ? s->base : now->version_id;
	s->known = s->has_base && s->base ? 0 : now->version_id;
	return s->has_base && s->base ? check_base(t, s, now) : 0;
}

static int
run_start(struct txn *t, void *arg)
{
	struct starting *s = arg;
	struct transfer *tr = s->tr;
	struct workspace_row *w;
	struct entry_row now;
	uint8_t sync[TRANSFER_SYNC_SIZE];
	int rc;

	/* It may have gone out of sight since the caller was asked who it is. */
	if ((rc = transfer_permit_file(t->store, t->db, s->who, tr->workspace, tr->new_version ? tr->file_id : 0, tr->parent)) != 0 ||
	    (rc = find_target(t, s, &now)) != 0 || (rc = txn_workspace(t, tr->workspace, &w)) != 0 ||
	    (rc = tr->part_size ? 0 : check_chunks(tr, w->chunk_max)) != 0 ||
	    (rc = set_base(t, s, &now)) != 0 ||
	    (rc = workspace_admit(w, (int64_t)tr->size)) != 0)	/* beside what it replaces, until it is complete */
		return rc;
	if (!tr->new_version && now.kind == ENTRY_FILE)
		tr->file_id = now.node_id;
	else if (!tr->new_version)
		tr->file_id = tr->id;	/* an id that nothing else has */
	tr->created_us = t->now_us;
	tr->expires_us = t->now_us + t->store->settings.upload_expiry_ms * 1000;
	transfer_encode(tr, sync);
	rc = upload_held_open(t, w, &(struct upload_row) {
	    .id = tr->id, .workspace = tr->workspace, .kind = UPLOAD_SYNC, .status = UPLOAD_OPEN,
	    .key = { tr->name.data, tr->name.len }, .file_id = tr->file_id, .created_by = tr->principal,
	    .created_at = tr->created_us, .expires_at = tr->expires_us, .sync = { (const char *)sync, sizeof(sync) },
	    .headers = { tr->headers.data ? tr->headers.data : "", tr->headers.len } });
	return rc || tr->part_size ? rc : hold_chunks(t, s, w);
}

int
transfer_start(struct store *store, const struct principal *who, struct transfer *tr, bool by_chunks, bool has_base,
    struct idem *idem)
{
	struct starting s = { .tr = tr, .who = who, .has_base = has_base, .base = tr->base };
	uint64_t part = TRANSFER_PART;
	int rc;

	if (tr->size > LIMIT_OBJECT || transfer_chunk_count(tr) > TRANSFER_CHUNKS)
		return ERR_TOOBIG;
	if ((rc = gate_write(store)) != 0)
		return rc;
	while (part * LIMIT_PARTS < tr->size)
		part *= 2;
	tr->part_size = by_chunks ? 0 : (uint32_t)part;
	tr->parts = transfer_count_parts(tr);
	tr->id = id_new();
	return idem_run(store, &(struct commit) { .workspace = tr->workspace, .run = run_start, .arg = &s,
	    .large = transfer_chunk_count(tr) > LEAF_CHUNKS }, idem);
}
