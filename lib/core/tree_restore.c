#include "err.h"
#include "idem.h"
#include "refs.h"
#include "tree_in.h"

/* An old version becomes the newest once more, by reference: history is never rewritten. */

static bool
same(const struct version_row *a, const struct version_row *b)
{
	return a->id == b->id ||
	       (a->kind == b->kind && !bytes_cmp(a->manifest.p, a->manifest.len, b->manifest.p, b->manifest.len) &&
		!bytes_cmp(a->headers.p, a->headers.len, b->headers.p, b->headers.len));
}

static int
commit_version(struct txn *t, struct tree_restore *r, struct target *g, const struct version_row *v)
{
	struct object_info info = OBJECT_INFO_INIT;
	struct checksum checksum;
	int rc;

	if ((rc = checksum_decode(v->checksum.p, v->checksum.len, &checksum)) != 0 ||
	    (rc = object_admit(g, (uint64_t)v->size)) != 0 ||
	    (rc = refs_take(t, g->w->id, v->manifest.p, v->manifest.len)) != 0 ||
	    (rc = object_commit(t, g, &(struct object_new) { .size = (uint64_t)v->size, .etag = v->etag,
		 .hash = v->has_hash ? v->hash : NULL, .checksum = &checksum, .headers = v->headers,
		 .manifest = v->manifest, .parts = v->parts,
		 .event = g->entry.live ? 0 : EVENT_FILE_RESTORED }, &info)) != 0)
		return rc;
	r->result = info.version_id;
	return 0;
}

static int
restore(struct txn *t, struct tree_restore *r, struct target *g)
{
	struct db_row row = DB_ROW_INIT, now_row = DB_ROW_INIT;
	struct version_row v, now;
	int rc;

	if ((rc = tbl_version_get(t->db, r->workspace, r->version, &row, &v)) != 0 ||
	    (rc = tbl_version_get(t->db, r->workspace, g->entry.version_id, &now_row, &now)) != 0)
		goto out;
	if (v.file_id != r->file || v.kind != VERSION_CONTENT) {
		rc = ERR_NOTFOUND;
	} else if (g->entry.live && same(&v, &now)) {
		r->unchanged = true;
		r->result = now.id;
	} else {
		rc = commit_version(t, r, g, &v);
	}
out:
	db_row_release(&row);
	db_row_release(&now_row);
	return rc;
}

int
tree_restore_in(struct txn *t, struct tree_restore *r)
{
	struct buf name = BUF_INIT(LIMIT_KEY_STORED);
	struct tree_taken taken;
	struct target g;
	int rc;

	r->unchanged = false;
	r->current = r->existing = 0;
	if ((rc = tree_aim_file(t, r->workspace, r->file, true, r->actor, &name, &g)) == 0 && r->base &&
	    !(g.entry.live && r->base == g.entry.version_id)) {
		r->current = g.entry.live ? g.entry.version_id : 0;
		rc = ERR_PRECONDITION;
	}
	if (rc == 0 && !g.entry.live && !r->cleared && (rc = tree_clear(t, &g.at, 0, &taken)) == ERR_EXISTS) {
		r->existing = taken.id;
		r->existing_kind = taken.kind;
	}
	if (rc == 0) {
		r->before = g.w->sequence;
		rc = restore(t, r, &g);
	}
	if (rc == 0)
		r->sequence = g.w->sequence;
	buf_release(&name);
	return rc ? rc : tree_show(t, NODE_FILE, r->file, r->node);
}

static int
run_restore(struct txn *t, void *arg)
{
	return tree_restore_in(t, arg);
}

int
tree_restore(struct store *store, struct tree_restore *r, struct idem *idem)
{
	return idem_run(store, &(struct commit) { .workspace = r->workspace, .run = run_restore, .arg = r }, idem);
}
