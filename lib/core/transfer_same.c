#include <string.h>

#include "err.h"
#include "le.h"
#include "refs.h"
#include "transfer_in.h"

/* Whether two contents have the same chunks in the same order: then they are the same, whatever is known of their hashes. */

/* The chunks of a content, one by one: of a list, or of manifests one after the other, of which one leaf is held. */
struct chunks {
	struct db_conn *db;
	const struct manifest_chunk *list;
	size_t left;			/* of the list */
	struct slice manifests;		/* that are still to come, each with its length before it */
	struct manifest m, leaf;
	uint32_t in_m, in_leaf;		/* how many entries of them were passed */
	struct buf encoded;		/* the leaf's */
};

static int
next_manifest(struct chunks *c)
{
	size_t len;

	if (!c->manifests.len)
		return ERR_END;
	len = (size_t)le_get64(c->manifests.p);
	c->manifests.p += 8;
	c->in_m = 0;
	if (manifest_decode(c->manifests.p, len, &c->m) != 0)
		return ERR_CORRUPT;
	c->manifests.p += len;
	c->manifests.len -= 8 + len;
	return 0;
}

static int
next_leaf(struct chunks *c)
{
	struct manifest_leaf leaf;
	int rc;

	manifest_leaf_at(&c->m, c->in_m++, &leaf);
	c->in_leaf = 0;
	buf_clear(&c->encoded);
	if ((rc = refs_leaf(c->db, leaf.id, &c->encoded)) == 0)
		rc = manifest_decode(c->encoded.data, c->encoded.len, &c->leaf);
	return rc == ERR_NOTFOUND ? ERR_CORRUPT : rc;
}

/* ERR_END behind the last. */
static int
next(struct chunks *c, struct manifest_chunk *chunk)
{
	int rc;

	if (c->list) {
		if (!c->left)
			return ERR_END;
		c->left--;
		*chunk = *c->list++;
		return 0;
	}
	for (;;) {
		if (c->in_leaf < c->leaf.count) {
			manifest_chunk_at(&c->leaf, c->in_leaf++, chunk);
			return 0;
		}
		if (c->in_m < c->m.count && c->m.kind == MANIFEST_INLINE) {
			manifest_chunk_at(&c->m, c->in_m++, chunk);
			return 0;
		}
		if ((rc = c->in_m < c->m.count ? next_leaf(c) : next_manifest(c)) != 0)
			return rc;
	}
}

static int
compare(struct chunks *a, struct chunks *b, bool *same)
{
	struct manifest_chunk x, y;
	int rx, ry;

	do {
		rx = next(a, &x);
		ry = next(b, &y);
		*same = rx == ry && (rx || (x.bytes == y.bytes && !memcmp(x.id, y.id, sizeof(x.id))));
	} while (rx == 0 && *same);
	if (rx && rx != ERR_END)
		return rx;
	return ry && ry != ERR_END ? ry : 0;
}

int
transfer_same(struct db_conn *db, const struct transfer_content *content, struct slice manifest, bool *same)
{
	struct buf one = BUF_INIT(64 << 20);
	struct chunks a = { .db = db, .list = content->chunks, .left = content->count, .manifests = content->manifests,
		.encoded = BUF_INIT(1 << 20) };
	struct chunks b = { .db = db, .encoded = BUF_INIT(1 << 20) };
	int rc;

	buf_addle(&one, manifest.len, 8);
	buf_add(&one, manifest.p, manifest.len);
	if ((rc = buf_finish(&one)) == 0) {
		b.manifests = (struct slice) { one.data, one.len };
		rc = compare(&a, &b, same);
	}
	buf_release(&one);
	buf_release(&a.encoded);
	buf_release(&b.encoded);
	return rc;
}
