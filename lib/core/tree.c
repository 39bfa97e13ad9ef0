#include <string.h>

#include "digest.h"
#include "err.h"
#include "grant.h"
#include "idem.h"
#include "ingest.h"
#include "past.h"
#include "refs.h"
#include "tbl_trash.h"
#include "tree_in.h"
#include "twin.h"

/* What the changes of the tree share: how to reach a node by its id, who has a name, markers; and making folders. */

int
tree_name_check(struct slice name)
{
	if (!name.len || name.len > TREE_NAME || memchr(name.p, '/', name.len) || memchr(name.p, '\0', name.len))
		return ERR_INVALID;
	return utf8_valid(name.p, name.len) ? 0 : ERR_INVALID;
}

int
tree_show(struct txn *t, enum node_kind kind, int64_t id, struct node *n)
{
	int rc;

	if (!n)
		return 0;
	if ((rc = node_load(t->db, kind, id, n)) == 0)
		rc = node_locate(t->db, n);
	return rc == ERR_NOTFOUND ? ERR_CORRUPT : rc;
}

int
tree_depth(struct txn *t, int64_t workspace, int64_t folder, int *depth)
{
	struct db_row row = DB_ROW_INIT;
	struct folder_row f;
	int rc, n = 0;

	for (;; n++) {
		rc = n > LIMIT_DEPTH ? ERR_NOTFOUND : tbl_folder_get(t->db, workspace, folder, &row, &f);
		db_row_release(&row);
		if (rc)
			return rc;
		if (f.parent_id == FOLDER_NO_PARENT)
			break;
		folder = f.parent_id;
	}
	*depth = n;
	return 0;
}

int
tree_aim(struct txn *t, int64_t workspace, int64_t folder, struct slice key, struct actor actor, struct target *g)
{
	int depth, rc = tree_depth(t, workspace, folder, &depth);

	return rc ? rc : object_aim_in(t, workspace, folder, key, actor, g);
}

int
tree_aim_file(struct txn *t, int64_t workspace, int64_t file, bool marked, struct actor actor, struct buf *name,
    struct target *g)
{
	struct db_row row = DB_ROW_INIT;
	struct file_row f;
	int rc = tbl_file_get(t->db, workspace, file, &row, &f);

	if (rc == 0 && f.state != FILE_LIVE && !(marked && f.state == FILE_MARKED))
		rc = ERR_NOTFOUND;
	if (rc == 0) {
		buf_clear(name);
		buf_add(name, f.name.p, f.name.len);
		rc = buf_finish(name);
	}
	db_row_release(&row);
	if (rc == 0)
		rc = tree_aim(t, workspace, f.folder_id, (struct slice) { name->data ? name->data : "", name->len },
		    actor, g);
	return rc == 0 && (!g->exists || g->entry.node_id != file) ? ERR_CORRUPT : rc;
}

/* ---- markers of folders ---- */

/* Puts the empty file at a target that is not shown. */
static int
put_marker(struct txn *t, struct target *g, bool goes_on)
{
	static const struct ingest_result nothing = { 0 };
	static const struct checksum none = { CHECKSUM_NONE };
	uint8_t md5[MD5_SIZE], sha256[SHA256_SIZE];
	struct buf manifest = BUF_INIT(64);
	char etag[2 * MD5_SIZE + 1];
	int rc;

	digest_md5("", 0, md5);
	hex_encode(md5, sizeof(md5), etag);
	digest_sha256("", 0, sha256);
	if ((rc = refs_commit(t, g->w->id, &nothing, &manifest)) == 0)
		rc = object_commit(t, g, &(struct object_new) { .etag = etag, .hash = sha256, .checksum = &none,
		    .headers = { "", 0 }, .parts = { "", 0 }, .manifest = { manifest.data, manifest.len },
		    .goes_on = goes_on }, NULL);
	buf_release(&manifest);
	return rc;
}

int
tree_mark(struct txn *t, struct workspace_row *w, int64_t folder, struct actor actor)
{
	struct target g;
	int rc;

	if (folder == w->root_folder_id)
		return 0;
	if ((rc = object_aim_in(t, w->id, folder, (struct slice) { "", 0 }, actor, &g)) != 0)
		return rc;
	return g.exists && g.entry.live ? 0 : put_marker(t, &g, true);
}

int
tree_mark_path(struct txn *t, struct workspace_row *w, struct slice path, struct actor actor, int64_t *folder)
{
	struct target g;
	int rc;

	*folder = w->root_folder_id;
	if (!path.len)
		return 0;
	if ((rc = object_aim_in(t, w->id, w->root_folder_id, path, actor, &g)) == 0 && !(g.exists && g.entry.live))
		rc = put_marker(t, &g, true);
	*folder = g.place.folder;
	return rc;
}

/* ---- names ---- */

static int
take(const struct entry_row *e, struct tree_taken *taken)
{
	taken->id = e->node_id;
	taken->kind = e->kind == ENTRY_FOLDER ? NODE_FOLDER : NODE_FILE;
	return ERR_EXISTS;
}

int
tree_free(struct txn *t, const struct entry_at *at, struct tree_taken *taken)
{
	struct entry_row e;
	int rc = tbl_entry_get(t->db, at, &e);

	*taken = (struct tree_taken) { 0 };
	if (rc == 0)
		return e.live ? take(&e, taken) : ERR_EXISTS;
	return rc == ERR_NOTFOUND ? tree_clear(t, at, 0, taken) : rc;
}

/* The folder's own place, if it is not shown; at->folder 0: there is nothing above it to ask. The name lives as long as the row. */
static int
above(struct txn *t, struct entry_at *at, int64_t top, struct db_row *row)
{
	struct folder_row f;
	int rc = at->folder == top ? ERR_END : tbl_folder_get(t->db, at->workspace, at->folder, row, &f);

	at->folder = 0;
	if (rc == 0 && !f.live && f.parent_id > 0)
		*at = (struct entry_at) { at->workspace, f.parent_id, f.name };
	return rc == ERR_END ? 0 : rc;
}

int
tree_clear(struct txn *t, const struct entry_at *at, int64_t top, struct tree_taken *taken)
{
	struct db_row row = DB_ROW_INIT;
	struct entry_at a = *at;
	struct entry_row e;
	int rc;

	*taken = (struct tree_taken) { 0 };
	do {
		rc = twin_get(t->db, &a, &e);
		db_row_release(&row);
		if (rc == 0)
			rc = take(&e, taken);
		else if (rc == ERR_NOTFOUND)
			rc = above(t, &a, top, &row);
	} while (rc == 0 && a.folder);
	db_row_release(&row);
	return rc;
}

/* ---- making folders ---- */

static int
check_make(struct txn *t, struct tree_make *m, struct slice key, const struct target *g)
{
	struct tree_taken taken = { 0 };
	int rc = tree_clear(t, &(struct entry_at) { m->workspace, m->parent, key }, 0, &taken);

	if (rc == 0 && g->exists && g->entry.live)
		taken = (struct tree_taken) { g->at.folder, NODE_FOLDER }, rc = ERR_EXISTS;
	m->existing = taken.id;
	m->existing_kind = taken.kind;
	return rc;
}

int
tree_make_in(struct txn *t, struct tree_make *m)
{
	char room[TREE_NAME + 1];
	struct slice key = { room, m->name.len + 1 };
	struct target g;
	int depth, rc;

	m->existing = 0;
	if ((rc = tree_name_check(m->name)) != 0 || (rc = tree_depth(t, m->workspace, m->parent, &depth)) != 0)
		return rc;
	if (depth >= LIMIT_DEPTH)
		return ERR_TOOBIG;
	memcpy(room, m->name.p, m->name.len);
	room[m->name.len] = '/';
	if ((rc = object_aim_in(t, m->workspace, m->parent, key, m->actor, &g)) != 0 ||
	    (rc = check_make(t, m, key, &g)) != 0 || (rc = tree_mark(t, g.w, m->parent, m->actor)) != 0 ||
	    (rc = put_marker(t, &g, false)) != 0)
		return rc;
	m->folder = g.at.folder;
	m->sequence = g.w->sequence;
	return tree_show(t, NODE_FOLDER, m->folder, m->node);
}

static int
run_make(struct txn *t, void *arg)
{
	return tree_make_in(t, arg);
}

int
tree_make(struct store *store, struct tree_make *m, struct idem *idem)
{
	return idem_run(store, &(struct commit) { .workspace = m->workspace, .run = run_make, .arg = m }, idem);
}
