#include <string.h>

#include "apply.h"
#include "db.h"
#include "digest.h"
#include "err.h"
#include "gate.h"
#include "refs.h"
#include "store_in.h"
#include "tbl_chunk.h"
#include "tbl_event.h"
#include "transfer_in.h"
#include "tree_in.h"
#include "upload_held.h"

/*
 * Every refusal of an operation comes before its first change, so that those of others stand. What is true of a folder (it can be reached, it is
 * explicit) is found out once for neighbours that go into the same one.
 */
struct applying {
	struct store *store;
	struct apply *a;
	struct transfer_set staged;	/* of what was staged, before the closure */
	int64_t ready;			/* the folder that is known to be there and explicit; 0: none */
	bool asked, may_tell;		/* transfer_may_tell(), once it is asked */
	struct buf manifest;
};

void
apply_release(struct apply *a)
{
	for (size_t i = 0; i < a->count; i++) {
		buf_release(&a->ops[i].missing);
		buf_release(&a->ops[i].called);
	}
	buf_release(&a->chunks);
}

static const struct manifest_chunk *
chunks_of(const struct apply *a, const struct apply_op *op)
{
	return (const struct manifest_chunk *)(const void *)a->chunks.data + op->chunk;
}

/* ---- what is there ---- */

struct looking {
	struct applying *x;
	const struct apply_op *op;
	struct transfer_set base;
	bool based;			/* `base` is filled */
};

static int
is_there(struct looking *l, struct db_conn *db, const struct manifest_chunk *c, bool *there)
{
	struct applying *x = l->x;
	struct chunk_row row;
	int rc = tbl_chunk_get(db, c->id, &row);

	*there = false;
	if (rc || row.dead_at || row.size != c->bytes)
		return rc == ERR_NOTFOUND ? 0 : rc;
	if (!x->asked)
		x->may_tell = transfer_may_tell(x->store, db, x->a->who, x->a->workspace);
	x->asked = true;
	*there = (x->may_tell && tbl_chunk_known(db, &row, x->a->workspace) == 0) || transfer_set_has(&x->staged, c->id);
	if (*there || !l->op->base || l->op->kind != APPLY_VERSION)
		return 0;
	if (!l->based && (rc = transfer_set_version(&l->base, db, x->a->workspace, l->op->base, l->op->id)) != 0)
		return rc;
	l->based = true;
	*there = transfer_set_has(&l->base, c->id);
	return 0;
}

/* ERR_INVALID: op->missing says which. */
static int
look_for_chunks(struct applying *x, struct db_conn *db, struct apply_op *op)
{
	struct looking l = { .x = x, .op = op, .base = TRANSFER_SET_INIT };
	const struct manifest_chunk *c = chunks_of(x->a, op);
	bool there;
	int rc = 0;

	op->missing.max = APPLY_OPS * LIMIT_PARTS * sizeof(unsigned);
	buf_clear(&op->missing);
	for (unsigned i = 0; rc == 0 && i < op->chunks; i++)
		if ((rc = is_there(&l, db, &c[i], &there)) == 0 && !there)
			buf_add(&op->missing, &i, sizeof(i));
	buf_release(&l.base.ids);
	if (rc || (rc = buf_finish(&op->missing)) != 0)
		return rc;
	return op->missing.len ? ERR_INVALID : 0;
}

/* ---- before the transaction ---- */

static int
load_staged(struct applying *x, struct db_conn *db)
{
	struct apply *a = x->a;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < a->nstaged; i++)
		rc = transfer_staged(db, a->staged[i], a->workspace, a->actor.principal, &x->staged);
	transfer_set_sort(&x->staged);
	return rc;
}

/* The chunks that make up a whole are hashed in their order; what they are called makes sure that this holds whatever happens meanwhile. */
static int
verify(struct applying *x, struct apply_op *op)
{
	struct digest *d = NULL;
	uint8_t hash[SHA256_SIZE];
	int rc;

	if ((rc = digest_new(DIGEST_SHA256, &d)) == 0 &&
	    (rc = transfer_hash_chunks(x->store, chunks_of(x->a, op), op->chunks, d)) == 0) {
		digest_final(d, hash);
		op->verified = true;
		op->rc = memcmp(hash, op->hash, sizeof(hash)) ? ERR_DIGEST : 0;
	}
	digest_free(d);
	return rc == ERR_NOTFOUND || rc == ERR_CORRUPT ? 0 : rc;	/* the closure says that it is missing */
}

static int
prepare_op(struct applying *x, struct apply_op *op, uint64_t *read)
{
	struct db_conn *db = NULL;
	int rc;

	if ((op->kind != APPLY_CREATE && op->kind != APPLY_VERSION) || op->chunks < 2 || !op->has_hash || op->rc)
		return 0;
	if (op->size > APPLY_VERIFY - *read)
		return ERR_TOOBIG;
	if ((rc = db_read_begin(x->store->db, &db)) != 0)
		return rc;
	rc = look_for_chunks(x, db, op);
	db_read_end(db);
	if (rc)
		return rc == ERR_INVALID ? 0 : rc;
	*read += op->size;
	return verify(x, op);
}

static int
prepare(struct applying *x)
{
	struct db_conn *db = NULL;
	uint64_t read = 0;
	int rc = 0;

	if (x->a->nstaged) {
		if ((rc = db_read_begin(x->store->db, &db)) != 0)
			return rc;
		rc = load_staged(x, db);
		db_read_end(db);
	}
	for (size_t i = 0; rc == 0 && i < x->a->count; i++)
		rc = prepare_op(x, &x->a->ops[i], &read);
	return rc;
}

/* ---- contents ---- */

/* The whole's hash: known of one chunk or none, else verified or not known. ERR_DIGEST. */
static int
hash_of(const struct apply *a, struct apply_op *op, uint8_t one[32], const uint8_t **hash)
{
	*hash = NULL;
	if (op->chunks > 1) {
		if (op->has_hash && op->verified)
			*hash = op->hash;
		return 0;
	}
	if (op->chunks)
		memcpy(one, chunks_of(a, op)->id, 32);
	else
		digest_sha256("", 0, one);
	*hash = one;
	return op->has_hash && memcmp(one, op->hash, 32) ? ERR_DIGEST : 0;
}

static int
put_version(struct txn *t, struct applying *x, struct apply_op *op, struct transfer_place *p)
{
	static const struct checksum none = { CHECKSUM_NONE };
	const struct manifest_chunk *c = chunks_of(x->a, op);
	struct object_info info = OBJECT_INFO_INIT;
	char etag[ETAG_TEXT];
	size_t wrong;
	int rc;

	buf_clear(&x->manifest);
	transfer_etag(p->hash, c, op->chunks, etag);
	if ((rc = refs_of_chunks(t, p->workspace, c, op->chunks, &x->manifest, &wrong)) == 0)
		rc = transfer_place_commit(t, p, &(struct object_new) { .size = op->size, .etag = etag, .hash = p->hash,
		    .checksum = &none, .headers = op->headers, .manifest = { x->manifest.data, x->manifest.len },
		    .parts = { "", 0 } }, &info);
	op->result = info.file_id;
	op->version = info.version_id;
	object_info_release(&info);
	return rc == ERR_NOTFOUND ? ERR_CORRUPT : rc;	/* all was there */
}

static int
check_sizes(struct txn *t, struct applying *x, const struct apply_op *op)
{
	const struct manifest_chunk *c = chunks_of(x->a, op);
	struct workspace_row *w;
	uint64_t sum = 0;
	int rc = txn_workspace(t, x->a->workspace, &w);

	for (size_t i = 0; rc == 0 && i < op->chunks; i++) {
		if (c[i].bytes == 0 || c[i].bytes > w->chunk_max)
			return ERR_RANGE;
		sum += c[i].bytes;
	}
	return rc ? rc : sum == op->size ? 0 : ERR_RANGE;
}

static int
call(struct apply_op *op, struct slice name)
{
	op->called.max = LIMIT_KEY_STORED;
	buf_clear(&op->called);
	buf_add(&op->called, name.p, name.len);
	return buf_finish(&op->called);
}

/* Create and version: what it refuses, and then the change. */
static int
apply_content(struct txn *t, struct applying *x, struct apply_op *op, struct transfer_place *p)
{
	uint8_t one[32];
	int rc;

	if ((rc = check_sizes(t, x, op)) != 0 || (rc = hash_of(x->a, op, one, &p->hash)) != 0)
		return rc;
	rc = transfer_place_find(t, p);
	op->current = p->current;
	op->conflict_of = p->conflict_of;
	memcpy(op->conflict_name, p->conflict_name, sizeof(op->conflict_name));
	if (rc)
		return rc;
	if (p->same) {
		op->unchanged = true;
		op->result = p->target.entry.node_id;
		op->version = p->target.entry.version_id;
		return call(op, p->target.at.name);
	}
	if ((rc = look_for_chunks(x, t->db, op)) != 0)
		return rc;
	if (op->has_hash && !p->hash)
		return ERR_BUSY;	/* its chunks came while the others were verified */
	if ((rc = transfer_place_revive(t, p)) != 0 || (rc = put_version(t, x, op, p)) != 0)
		return rc;
	x->ready = p->reached ? p->folder : 0;
	return call(op, p->target.at.name);
}

static int
run_content(struct txn *t, struct applying *x, struct apply_op *op, int64_t parent)
{
	struct transfer_place p = TRANSFER_PLACE_INIT;
	int rc;

	p.workspace = x->a->workspace;
	p.file = op->kind == APPLY_VERSION ? op->id : 0;
	p.folder = parent;
	p.name = op->name;
	p.reached = !p.file && parent == x->ready;
	p.base = op->kind == APPLY_VERSION ? op->base : 0;
	p.rename = op->rename;
	p.label = x->a->label;
	p.who = x->a->who;
	p.actor = x->a->actor;
	p.size = op->size;
	p.content = (struct transfer_content) { .chunks = chunks_of(x->a, op), .count = op->chunks };
	rc = apply_content(t, x, op, &p);
	transfer_place_release(&p);
	return rc == ERR_CONFLICT ? ERR_NOTFOUND : rc;	/* the folder is gone */
}

/* ---- the tree ---- */

static int
run_folder(struct txn *t, struct applying *x, struct apply_op *op, int64_t parent)
{
	struct tree_make m = { .workspace = x->a->workspace, .parent = parent, .name = op->name, .actor = x->a->actor };
	int rc = tree_make_in(t, &m);

	if (rc == 0)
		rc = call(op, op->name);
	op->result = m.folder;
	op->existing = m.existing;
	op->existing_kind = m.existing_kind;
	return rc;
}

static int
run_move(struct txn *t, struct applying *x, struct apply_op *op, int64_t parent)
{
	struct node n = NODE_INIT;
	struct tree_change c = { .workspace = x->a->workspace, .kind = op->node, .id = op->id, .parent = parent,
		.name = op->name, .base = op->base, .actor = x->a->actor, .node = &n };
	int rc = tree_change_in(t, &c);

	if (rc == 0)
		rc = call(op, (struct slice) { n.name.data ? n.name.data : "", n.name.len });
	node_release(&n);
	x->ready = 0;
	op->result = op->id;
	op->existing = c.existing;
	op->existing_kind = c.existing_kind;
	op->current = c.current;
	return rc;
}

static int
run_delete(struct txn *t, struct applying *x, struct apply_op *op)
{
	struct tree_delete d = { .workspace = x->a->workspace, .kind = op->node, .id = op->id, .actor = x->a->actor };
	int rc;

	if (op->node == NODE_FILE)
		d.base = op->base;
	d.seen_only = op->node == NODE_FOLDER && op->base;
	d.seen = op->base;
	rc = tree_delete_in(t, &d);
	x->ready = 0;
	op->result = op->id;
	op->deleted = d.deleted;
	op->kept = d.kept;
	op->current = d.current;
	return rc;
}

/* ---- all of them ---- */

static int
run_op(struct txn *t, struct applying *x, size_t i)
{
	struct apply_op *op = &x->a->ops[i];
	const struct apply_op *maker = op->parent_op >= 0 ? &x->a->ops[op->parent_op] : NULL;
	int64_t parent = maker ? maker->result : op->parent;

	if (maker && maker->rc)
		return ERR_NOTFOUND;
	switch (op->kind) {
	case APPLY_FOLDER:
		return run_folder(t, x, op, parent);
	case APPLY_MOVE:
		return run_move(t, x, op, parent);
	case APPLY_DELETE:
		return run_delete(t, x, op);
	default:
		return run_content(t, x, op, parent);
	}
}

/* What an operation may be refused with; everything else is a failure of all. */
static bool
is_refusal(int rc)
{
	static const int refusals[] = { ERR_NOTFOUND, ERR_EXISTS, ERR_CONFLICT, ERR_PRECONDITION, ERR_INVALID, ERR_RANGE,
		ERR_TOOBIG, ERR_NOTEMPTY, ERR_DIGEST, ERR_QUOTA, ERR_DENIED, ERR_BUSY };

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i] == rc)
			return true;
	return false;
}

/* Whether staged[i] was named before. */
static bool
named_twice(const struct apply *a, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (a->staged[k] == a->staged[i])
			return true;
	return false;
}

/* What is staged becomes files, so it does not count beside them. */
static int
take_staged(struct txn *t, const struct apply *a, struct workspace_row *w)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < a->nstaged; i++)
		if ((rc = transfer_staged(t->db, a->staged[i], a->workspace, a->actor.principal, NULL)) == 0 &&
		    !named_twice(a, i))
			rc = upload_held_end(t, w, a->staged[i]);
	return rc;
}

/* It has served, unless an operation was refused, which may come again. */
static int
end_staged(struct txn *t, const struct apply *a, struct workspace_row *w)
{
	bool refused = false;
	int rc = 0;

	for (size_t i = 0; i < a->count; i++)
		refused = refused || a->ops[i].rc;
	for (size_t i = 0; rc == 0 && i < a->nstaged; i++)
		if (!named_twice(a, i))
			rc = transfer_stage_end(t, w, a->staged[i], refused);
	return rc;
}

static void
forget(struct apply *a)
{
	for (size_t i = 0; i < a->count; i++) {
		struct apply_op *op = &a->ops[i];

		op->result = op->version = op->conflict_of = op->existing = op->current = 0;
		op->unchanged = false;
	}
	a->failed = a->count;
}

static int
run_all(struct txn *t, struct applying *x, const int *refused, struct workspace_row *w)
{
	struct apply *a = x->a;

	for (size_t i = 0; i < a->count; i++) {
		struct apply_op *op = &a->ops[i];

		op->rc = refused[i] ? refused[i] : run_op(t, x, i);
		if (op->rc && (a->atomic || !is_refusal(op->rc))) {
			a->failed = i;
			return op->rc;
		}
		op->sequence = w->sequence;
	}
	return 0;
}

struct running {
	struct applying *x;
	const int *refused;		/* what was known before, for each */
};

static int
run_apply(struct txn *t, void *arg)
{
	struct running *r = arg;
	struct applying *x = r->x;
	struct apply *a = x->a;
	struct workspace_row *w;
	int rc;

	x->ready = 0;
	x->asked = false;
	forget(a);
	if ((rc = txn_workspace(t, a->workspace, &w)) != 0 || (rc = take_staged(t, a, w)) != 0)
		return rc;
	a->before = w->sequence;
	if ((rc = run_all(t, x, r->refused, w)) != 0)
		return rc;
	a->sequence = w->sequence;
	if ((rc = end_staged(t, a, w)) != 0)
		return rc;
	return a->atomic ? tbl_event_join(t->db, a->workspace, a->before, a->sequence) : 0;
}

int
apply_run(struct store *store, struct apply *a, struct idem *idem)
{
	struct applying x = { .store = store, .a = a, .staged = TRANSFER_SET_INIT, .manifest = BUF_INIT(64 << 20) };
	int refused[APPLY_OPS], rc;
	struct running r = { &x, refused };

	a->failed = a->count;
	if (a->count > APPLY_OPS || a->nstaged > APPLY_STAGED)
		return ERR_TOOBIG;
	if ((rc = gate_write(store)) == 0 && (rc = prepare(&x)) == 0) {
		for (size_t i = 0; i < a->count; i++)
			refused[i] = a->ops[i].rc;
		rc = idem_run(store, &(struct commit) { .workspace = a->workspace, .run = run_apply, .arg = &r,
		    .large = true }, idem);
	}
	buf_release(&x.staged.ids);
	buf_release(&x.manifest);
	return rc;
}
