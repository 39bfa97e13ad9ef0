#ifndef APPLY_KIT_H
#define APPLY_KIT_H

#include "apply.h"
#include "sync_kit.h"
#include "transfer.h"

/* A batch of changes to the workspace of the running test. */

static struct apply_op ops[APPLY_OPS];
static struct apply batch;
static int64_t staged[4];

static inline int
open_store(int64_t history_ms, int versioning)
{
	int rc = sync_open(history_ms, versioning);

	memset(ops, 0, sizeof(ops));
	batch = (struct apply)APPLY_INIT;
	batch.ops = ops;
	return rc;
}

static inline void
close_store(void)
{
	apply_release(&batch);
	obj_close();
}

static inline int
run(bool atomic)
{
	struct idem idem = no_key();
	int rc;

	batch.workspace = space.id;
	batch.who = &admin;
	batch.actor = (struct actor) { admin.id, 0 };
	batch.label = SLICE("laptop");
	batch.atomic = atomic;
	rc = apply_run(store, &batch, &idem);
	idem_end(store, &idem);
	return rc;
}

/* A new list of operations. */
static inline void
begin(void)
{
	apply_release(&batch);
	memset(ops, 0, sizeof(ops));
	batch.chunks = (struct buf)BUF_INIT(16 << 20);
	batch.count = 0;
	batch.nstaged = 0;
}

static inline struct apply_op *
add(enum apply_kind kind, const char *name)
{
	struct apply_op *op = &ops[batch.count++];

	op->kind = kind;
	op->parent = kind == APPLY_MOVE ? 0 : space.root_folder_id;
	op->parent_op = -1;
	op->node = NODE_FILE;
	op->headers = (struct slice) { "", 0 };
	if (name)
		op->name = SLICE(name);
	return op;
}

static inline void
chunk(struct apply_op *op, const char *text)
{
	struct manifest_chunk c = { .bytes = (uint32_t)strlen(text) };

	digest_sha256(text, c.bytes, c.id);
	if (!op->chunks)
		op->chunk = batch.chunks.len / sizeof(c);
	buf_add(&batch.chunks, &c, sizeof(c));
	op->chunks++;
	op->size += c.bytes;
}

static inline struct apply_op *
create(const char *name, const char *text)
{
	struct apply_op *op = add(APPLY_CREATE, name);

	if (*text)
		chunk(op, text);
	return op;
}

static inline int
stage(const char *const *texts, size_t n, int64_t *id)
{
	struct ingest_options o = { .size = UINT64_MAX, .pieces = true, .leaves = true };
	struct transfer_stage s = { .workspace = space.id, .principal = admin.id };
	struct ingest_result result;
	struct idem idem = no_key();
	struct ingest *in = NULL;
	size_t used;
	int rc = ingest_new(store, &o, &in);

	for (size_t i = 0; rc == 0 && i < n; i++)
		if ((rc = ingest_write(in, texts[i], strlen(texts[i]), &used)) == 0)
			rc = ingest_cut(in);
	if (rc == 0 && (rc = ingest_finish(in, &result)) == 0) {
		s.bytes = &result;
		rc = transfer_stage(store, &s, &idem);
		*id = s.id;
	}
	ingest_free(in);
	idem_end(store, &idem);
	batch.staged = staged;
	return rc;
}

#endif
