#include <string.h>

#include "commit.h"
#include "content.h"
#include "db.h"
#include "err.h"
#include "feed.h"
#include "node.h"
#include "refs.h"
#include "store_in.h"
#include "tbl_version.h"
#include "tree_in.h"

void
content_release(struct content *c)
{
	buf_release(&c->manifest);
	buf_release(&c->headers);
}

int
content_of(struct store *store, int64_t version, struct content *c)
{
	struct db_row row = DB_ROW_INIT;
	struct db_conn *db = NULL;
	struct version_row v;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = tbl_version_by_id(db, version, &row, &v);
	if (rc == 0 && v.kind != VERSION_CONTENT)
		rc = ERR_NOTFOUND;
	if (rc == 0) {
		c->version = v.id;
		c->file = v.file_id;
		c->workspace = v.workspace;
		c->size = (uint64_t)v.size;
		c->modified_us = v.created_at;
		if ((c->has_hash = v.has_hash))
			memcpy(c->hash, v.hash, sizeof(c->hash));
		buf_clear(&c->manifest);
		buf_clear(&c->headers);
		buf_add(&c->manifest, v.manifest.p, v.manifest.len);
		buf_add(&c->headers, v.headers.p, v.headers.len);
		if ((rc = buf_finish(&c->manifest)) == 0)
			rc = buf_finish(&c->headers);
	}
	db_row_release(&row);
	db_read_end(db);
	return rc;
}

static bool
walk(const struct manifest *m, bool (*each)(void *arg, const struct manifest_chunk *chunk), void *arg)
{
	struct manifest_chunk chunk;

	for (uint32_t i = 0; i < m->count; i++) {
		manifest_chunk_at(m, i, &chunk);
		if (!each(arg, &chunk))
			return false;
	}
	return true;
}

/* A leaf at a time in a transaction of its own: `each` may take its time. */
static int
fetch_leaf(struct store *store, int64_t id, struct buf *encoded)
{
	struct db_conn *db = NULL;
	int rc = db_read_begin(store->db, &db);

	if (rc)
		return rc;
	buf_clear(encoded);
	rc = refs_leaf(db, id, encoded);
	db_read_end(db);
	return rc;
}

int
content_chunks(struct store *store, const struct content *c, bool (*each)(void *arg, const struct manifest_chunk *chunk),
    void *arg)
{
	struct buf encoded = BUF_INIT(1 << 20);
	struct manifest_leaf leaf;
	struct manifest m, l;
	bool on = true;
	int rc = manifest_decode(c->manifest.data, c->manifest.len, &m);

	if (rc == 0 && m.kind != MANIFEST_LEAVES)
		(void)walk(&m, each, arg);
	for (uint32_t i = 0; rc == 0 && on && m.kind == MANIFEST_LEAVES && i < m.count; i++) {
		manifest_leaf_at(&m, i, &leaf);
		if ((rc = fetch_leaf(store, leaf.id, &encoded)) == 0 &&
		    (rc = manifest_decode(encoded.data, encoded.len, &l)) == 0)
			on = walk(&l, each, arg);
	}
	buf_release(&encoded);
	return rc;
}

/* ---- a hash that was found out ---- */

struct hashed {
	const struct content *c;
	const uint8_t *hash;
};

static int
tell(struct txn *t, const struct hashed *h, const struct node *n)
{
	struct event e = { .workspace = n->workspace, .type = EVENT_FILE_METADATA_CHANGED, .ends_commit = true, .node = n->id,
		.parent = n->parent, .name = { n->name.data ? n->name.data : "", n->name.len }, .version = n->version_id,
		.size = n->size, .has_hash = true, .actor = n->modified_by };
	int depth, rc = tree_depth(t, n->workspace, n->parent, &depth);

	memcpy(e.content_hash, h->hash, sizeof(e.content_hash));
	return rc == 0 ? feed_emit(t, &e) : rc == ERR_NOTFOUND ? 0 : rc;
}

static int
run_hashed(struct txn *t, void *arg)
{
	const struct hashed *h = arg;
	struct node n = NODE_INIT;
	int rc = tbl_version_hash(t->db, h->c->workspace, h->c->version, h->hash);

	if (rc)
		return rc;
	if ((rc = node_load(t->db, NODE_FILE, h->c->file, &n)) == 0)
		rc = tell(t, h, &n);
	node_release(&n);
	return rc == ERR_NOTFOUND ? 0 : rc;	/* a folder's marker */
}

int
content_hashed(struct store *store, const struct content *c, const uint8_t hash[32])
{
	struct hashed h = { c, hash };

	return commit_run(store, &(struct commit) { .workspace = c->workspace, .run = run_hashed, .arg = &h });
}
