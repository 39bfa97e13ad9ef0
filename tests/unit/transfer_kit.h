#ifndef TRANSFER_KIT_H
#define TRANSFER_KIT_H

#include "sync_kit.h"
#include "transfer.h"

/* Sessions of the JSON API, from their start to their end. */

static inline int
begin(struct transfer *tr, const char *name, const char *const *chunks, size_t n, bool has_base)
{
	struct idem idem = no_key();
	struct manifest_chunk c;
	int rc;

	tr->workspace = space.id;
	tr->parent = tr->parent ? tr->parent : space.root_folder_id;
	tr->principal = admin.id;
	buf_clear(&tr->name);
	buf_addstr(&tr->name, name);
	for (size_t i = 0; i < n; i++) {
		c.bytes = (uint32_t)strlen(chunks[i]);
		digest_sha256(chunks[i], c.bytes, c.id);
		buf_add(&tr->chunks, &c, sizeof(c));
		tr->size += c.bytes;
	}
	rc = transfer_start(store, &admin, tr, chunks != NULL, has_base, &idem);
	idem_end(store, &idem);
	return rc;
}

static inline int
send(const struct transfer *tr, unsigned number, const char *text)
{
	struct obj_text o = { .part = tr->part_size && tr->parts > 1 };
	int rc = obj_ingest(&o, text);

	if (rc == 0)
		rc = transfer_put_part(store, tr, number, &o.result);
	ingest_free(o.in);
	return rc;
}

static inline int
end(struct transfer_complete *c, const struct transfer *tr)
{
	struct idem idem = no_key();
	int rc;

	c->id = tr->id;
	c->who = &admin;
	c->label = SLICE("laptop");
	rc = transfer_complete(store, c, &idem);
	idem_end(store, &idem);
	return rc;
}

#define COMPLETE_INIT { .node = NODE_INIT }

static inline int
put_text(const char *name, const char *text, struct transfer_complete *c)
{
	struct transfer tr = TRANSFER_INIT;
	int rc;

	tr.size = strlen(text);
	if ((rc = begin(&tr, name, NULL, 0, false)) == 0 && (rc = *text ? send(&tr, 1, text) : 0) == 0)
		rc = end(c, &tr);
	transfer_release(&tr);
	return rc;
}

#endif
