#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "blob.h"
#include "clock.h"
#include "db.h"
#include "err.h"
#include "store_in.h"
#include "tbl_segment.h"
#include "tbl_store.h"

/* More workspaces than closures of a batch may touch: each closure touches at most two. */
#define ROWS_MAX 1024

/* A workspace's row as this transaction sees it, and as it was before the running closure. */
struct slot {
	struct workspace_row row, before;
	bool used;
	bool touched;		/* by the running closure: `before` is filled */
	bool loaded_now;	/* by the running closure */
	bool gone_now;		/* forgotten by the running closure */
	bool gone;		/* or by one before: who waits for it is told */
};

/* Homes to be written, kept until a transaction that wrote them is durable. */
#define HOMES_MAX 64

struct batch {
	struct store *store;
	struct txn txn;
	struct slot *slots[ROWS_MAX];	/* allocated one by one: closures hold pointers into them */
	size_t count, allocated;
	struct blob_home homes[HOMES_MAX];
	size_t nhomes;
	bool guarded;
	bool structure;		/* raises its epoch; that of authorisation: store->auth_changing */
	bool auth_before, structure_before;
};

int
batch_new(struct store *store, struct batch **batch)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b)
		return ERR_NOMEM;
	b->store = store;
	b->txn = (struct txn) { .store = store, .db = db_writer(store->db), .batch = b };
	*batch = b;
	return 0;
}

void
batch_free(struct batch *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->allocated; i++)
		free(b->slots[i]);
	free(b);
}

static void
forget_all(struct batch *b)
{
	b->count = 0;
	b->store->auth_changing = b->structure = false;
}

int
batch_begin(struct batch *b, bool guarded)
{
	forget_all(b);
	b->guarded = guarded;
	b->txn.now_us = clock_wall_us();
	return db_begin(b->txn.db);
}

void
batch_rollback(struct batch *b)
{
	db_rollback(b->txn.db);
	forget_all(b);
}

/* Before a closure: nothing is touched yet. */
static void
mark(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		b->slots[i]->gone |= b->slots[i]->gone_now;
		b->slots[i]->touched = b->slots[i]->loaded_now = b->slots[i]->gone_now = false;
	}
	b->auth_before = b->store->auth_changing;
	b->structure_before = b->structure;
}

/* After an undone closure: rows and epochs as they were. */
static void
restore(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		struct slot *s = b->slots[i];

		if (s->loaded_now)
			s->used = false;
		else if (s->touched)
			s->row = s->before;
		if (s->gone_now && !s->loaded_now)
			s->used = true;
		s->gone_now = false;
	}
	b->store->auth_changing = b->auth_before;
	b->structure = b->structure_before;
}

int
batch_run(struct batch *b, const struct commit *c, enum batch_state *state)
{
	struct db_conn *db = b->txn.db;
	int64_t changes = db_changes(db);
	int rc, undone = 0;

	mark(b);
	if ((!b->guarded || (rc = db_savepoint(db)) == 0) && (rc = c->run(&b->txn, c->arg)) >= 0) {
		undone = b->guarded ? db_release(db) : 0;
	} else if (db_in_txn(db)) {
		restore(b);
		undone = b->guarded ? db_undo(db) : 0;
	}
	if (undone) {
		rc = undone;
		db_rollback(db);	/* or the half of a closure would be committed with the others */
	}
	*state = !db_in_txn(db) ? BATCH_LOST :
		 rc < 0 && !b->guarded && db_changes(db) != changes ? BATCH_SPOILED : BATCH_STANDS;
	return rc;
}

static int
write_rows(struct batch *b)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < b->count; i++)
		if (b->slots[i]->used && b->slots[i]->row.dirty)
			rc = tbl_workspace_update(b->txn.db, &b->slots[i]->row);
	if (rc == 0 && (b->store->auth_changing || b->structure))
		rc = tbl_store_epochs_set(b->txn.db, b->store->auth_epoch + b->store->auth_changing,
		    b->store->structure_epoch + b->structure);
	return rc;
}

/*
 * What the blob store flushed: durable tails, so that recovery looks only behind them. They are told once, so they
 * stay here until a commit took them.
 */
static void
take_homes(struct batch *b)
{
	struct blob_home found[BLOB_LANES * 2];
	size_t n, i, k;

	n = blob_homes(b->store->blobs, found, BLOB_LANES * 2);
	for (i = 0; i < n; i++) {
		for (k = 0; k < b->nhomes && b->homes[k].home != found[i].home; k++)
			;
		b->homes[k] = found[i];
		if (k == b->nhomes)
			b->nhomes++;
	}
}

static int
write_homes(struct batch *b)
{
	int rc = 0;

	if (b->nhomes + BLOB_LANES * 2 <= HOMES_MAX)
		take_homes(b);
	for (size_t i = 0; rc == 0 && i < b->nhomes; i++)
		rc = tbl_segment_put(b->txn.db, (int64_t)b->homes[i].home,
		    b->homes[i].sealed ? SEGMENT_SEALED : SEGMENT_OPEN, (int64_t)b->homes[i].tail);
	return rc;
}

static void
publish(struct batch *b)
{
	struct store *store = b->store;

	if (store->auth_changing)
		store->auth_epoch++;
	store->auth_changing = false;
	if (b->structure)
		store->structure_epoch++;
	for (size_t i = 0; store->committed && i < b->count; i++) {
		const struct slot *s = b->slots[i];

		if (s->gone || s->gone_now || (s->used && s->row.dirty))
			store->committed(store->committed_arg, s->row.id, s->row.sequence);
	}
}

int
batch_commit(struct batch *b)
{
	int rc;

	if ((rc = blob_sync(b->store->blobs, BLOB_LANE_SMALL)) != 0)
		return rc == ERR_SPACE ? ERR_IO : rc;
	if ((rc = write_homes(b)) == 0 && (rc = write_rows(b)) == 0)
		rc = db_commit(b->txn.db);
	if (rc == 0) {
		b->nhomes = 0;
		publish(b);
	}
	return rc;
}

static struct slot *
slot_new(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (!b->slots[i]->used && !b->slots[i]->gone_now && !b->slots[i]->gone)
			return b->slots[i];
	if (b->count == b->allocated) {
		if (b->allocated == ROWS_MAX || !(b->slots[b->allocated] = malloc(sizeof(struct slot))))
			return NULL;
		b->allocated++;
	}
	return b->slots[b->count++];
}

static struct slot *
slot_find(struct batch *b, int64_t workspace)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->slots[i]->used && b->slots[i]->row.id == workspace)
			return b->slots[i];
	return NULL;
}

int
txn_workspace(struct txn *t, int64_t workspace, struct workspace_row **row)
{
	struct slot *s = slot_find(t->batch, workspace);
	struct workspace_row found;
	int rc;

	if (s && !s->touched) {
		s->before = s->row;
		s->touched = true;
	}
	if (!s) {
		if ((rc = tbl_workspace_get(t->db, workspace, &found)) != 0)
			return rc;
		if (!(s = slot_new(t->batch)))
			return ERR_NOMEM;
		*s = (struct slot) { .row = found, .before = found, .used = true, .touched = true, .loaded_now = true };
	}
	*row = &s->row;
	return 0;
}

void
txn_workspace_forget(struct txn *t, int64_t workspace)
{
	struct slot *s = slot_find(t->batch, workspace);

	if (s) {
		s->used = false;
		s->gone_now = true;
	}
}

int
txn_auth_changed(struct txn *t)
{
	t->store->auth_changing = true;
	return 0;
}

int
txn_structure_changed(struct txn *t)
{
	t->batch->structure = true;
	return 0;
}

bool
txn_structure_changing(const struct txn *t)
{
	return t->batch->structure;
}

int64_t
store_auth_epoch(const struct store *store)
{
	return store->auth_epoch;
}

int64_t
store_structure_epoch(const struct store *store)
{
	return store->structure_epoch;
}
