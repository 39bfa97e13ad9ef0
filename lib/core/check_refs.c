#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "check_in.h"
#include "db.h"
#include "digest.h"
#include "err.h"
#include "id.h"
#include "le.h"
#include "manifest.h"
#include "str.h"
#include "tbl_check.h"
#include "tbl_chunk.h"
#include "tbl_leaf.h"
#include "tbl_segment.h"

/*
 * References are proved without a counter for every chunk. Each reference that a content makes is added to one of 2^20 sums
 * that the hash of its target chooses, each count that a row states is taken away, both multiplied with an odd number of 64 bits
 * from that hash: a sum that is 0 in the end holds no mistake, but for one case in some 2^60. Only if some are
 * not 0 everything is read once more on the same snapshot, and exact counts are kept of what belongs to those sums. The
 * same is done with sizes.
 */
#define SUM_BITS 20
#define SUMS (1u << SUM_BITS)
#define SUSPECTS (1u << 16)		/* with exact counts; a place is free in one of two */

struct sum {
	uint64_t refs, bytes;
};

/* Something that is referenced: a chunk by its hash, or a leaf by that of its id. */
struct target {
	uint8_t key[32];
	int64_t leaf;			/* its id; 0: a chunk */
};

/* `refs` references from contents, or stated by the target's own row; each to `bytes` bytes. */
struct mention {
	struct target to;
	bool row;
	int64_t refs;
	uint64_t bytes;
};

struct suspect {
	struct target to;
	bool used, row;
	int64_t found, stated;
	uint64_t found_bytes, bytes;	/* of all references found; of the row */
};

struct refs {
	struct check *c;
	struct db_conn *db;
	struct sum *sums;
	struct suspect *suspects;	/* NULL in the first pass */
	size_t nsuspects;
	bool too_many;
	struct segment_row *segments;
	size_t nsegments;
};

static unsigned
sum_of(const struct target *t)
{
	return (unsigned)(le_get(t->key, 8) & (SUMS - 1));
}

static void
add(struct refs *r, const struct mention *m)
{
	struct sum *s = &r->sums[sum_of(&m->to)];
	uint64_t n = (m->row ? -(uint64_t)m->refs : (uint64_t)m->refs) * (le_get(m->to.key + 8, 8) | 1);

	s->refs += n;
	s->bytes += n * m->bytes;
}

static void
suspect(struct refs *r, const struct mention *m)
{
	const struct sum *s = &r->sums[sum_of(&m->to)];
	struct suspect *p;
	size_t i;

	if (s->refs == 0 && s->bytes == 0)
		return;
	for (i = le_get(m->to.key + 16, 8) % (2 * SUSPECTS); (p = &r->suspects[i])->used; i = (i + 1) % (2 * SUSPECTS))
		if (!memcmp(p->to.key, m->to.key, 32))
			break;
	if (!p->used) {
		if (r->nsuspects == SUSPECTS) {
			r->too_many = true;
			return;
		}
		r->nsuspects++;
		p->used = true;
		p->to = m->to;
	}
	if (m->row) {
		p->row = true;
		p->stated = m->refs;
		p->bytes = m->bytes;
	} else {
		p->found += m->refs;
		p->found_bytes += m->bytes * (uint64_t)m->refs;
	}
}

static void
mention(struct refs *r, const struct mention *m)
{
	if (r->suspects)
		suspect(r, m);
	else
		add(r, m);
}

static struct target
leaf_target(int64_t id)
{
	struct target t = { .leaf = id };
	uint8_t bytes[8];

	le_put(bytes, (uint64_t)id, 8);
	digest_sha256(bytes, sizeof(bytes), t.key);
	return t;
}

/* ---- contents ---- */

/* What a manifest that decoded references. */
static void
mention_all(struct refs *r, const struct manifest *m)
{
	struct manifest_chunk chunk;
	struct manifest_leaf leaf;

	for (uint32_t i = 0; i < m->count; i++) {
		struct mention to = { .refs = 1 };

		if (m->kind == MANIFEST_LEAVES) {
			manifest_leaf_at(m, i, &leaf);
			to.to = leaf_target(leaf.id);
			to.bytes = leaf.bytes;
		} else {
			manifest_chunk_at(m, i, &chunk);
			memcpy(to.to.key, chunk.id, 32);
			to.bytes = chunk.bytes;
		}
		mention(r, &to);
	}
}

static void
say_content(struct refs *r, const struct check_content *content, const char *what)
{
	char id[ID_TEXT];

	if (r->suspects)
		return;		/* the first pass said so */
	id_format(content->number ? ID_UPLOAD : ID_VERSION, content->id, id);
	if (content->number)
		check_say(r->c, "part %lld of upload %s: %s", (long long)content->number, id, what);
	else
		check_say(r->c, "version %s: %s", id, what);
}

static bool
parts_add_up(const struct check_content *content)
{
	uint64_t sum = 0;

	for (size_t i = 0; i + 8 <= content->parts.len; i += 8)
		sum += le_get(content->parts.p + i, 8);
	return content->parts.len == 0 || (content->parts.len % 8 == 0 && sum == (uint64_t)content->size);
}

static void
see_content(struct refs *r, const struct check_content *content)
{
	struct manifest m;

	if (content->marker) {
		if (content->manifest.len || content->size)
			say_content(r, content, "a delete marker that has content");
		return;
	}
	if (manifest_decode(content->manifest.p, content->manifest.len, &m) != 0 || m.kind == MANIFEST_LEAF) {
		say_content(r, content, "its manifest can't be decoded");
		return;
	}
	if (m.bytes != (uint64_t)content->size)
		say_content(r, content, "its size is not that of its manifest");
	if (!parts_add_up(content))
		say_content(r, content, "the sizes of its parts don't add up to its own");
	mention_all(r, &m);
}

static int
see_contents(struct refs *r, int (*query)(struct db_conn *db, struct db_row *row), int64_t *count)
{
	struct db_row row = DB_ROW_INIT;
	struct check_content content;
	int rc = query(r->db, &row);

	while (rc == 0 && (rc = db_next(&row)) == 0) {
		tbl_check_content(&row, &content);
		see_content(r, &content);
		if (!(++*count % 1024))
			rc = check_go_on(r->c);
	}
	db_row_release(&row);
	return rc == ERR_END ? 0 : rc;
}

/* ---- leaves and chunks ---- */

static void
see_leaf(struct refs *r, int64_t id, int64_t refs, const struct buf *chunks)
{
	struct mention stated = { .to = leaf_target(id), .row = true, .refs = refs };
	struct manifest m;

	if (manifest_decode(chunks->data, chunks->len, &m) == 0 && m.kind == MANIFEST_LEAF) {
		stated.bytes = m.bytes;
		mention_all(r, &m);
	} else if (!r->suspects) {
		check_say(r->c, "leaf %lld: it can't be decoded", (long long)id);
	}
	mention(r, &stated);
}

static int
see_leaves(struct refs *r)
{
	struct buf chunks = BUF_INIT(1 << 20);
	int64_t id = 0, refs;
	int rc = 0, n = 0;

	while (rc == 0) {
		buf_clear(&chunks);
		if ((rc = tbl_leaf_next(r->db, id, &id, &refs, &chunks)) != 0)
			break;
		see_leaf(r, id, refs, &chunks);
		if (!(++n % 64))
			rc = check_go_on(r->c);
	}
	buf_release(&chunks);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static const struct segment_row *
find_segment(const struct refs *r, int64_t home)
{
	for (size_t low = 0, high = r->nsegments; low < high;) {
		size_t mid = (low + high) / 2;

		if (r->segments[mid].home == home)
			return &r->segments[mid];
		if (r->segments[mid].home < home)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static void
see_chunk(struct refs *r, const struct chunk_row *row)
{
	struct mention stated = { .row = true, .refs = row->refs, .bytes = row->size };
	const struct segment_row *segment = find_segment(r, row->home);
	const char *wrong = NULL;
	char hex[65];

	memcpy(stated.to.key, row->hash, 32);
	mention(r, &stated);
	if (r->suspects)
		return;
	if (row->refs < 0 || (row->refs == 0) != (row->dead_at != 0))
		wrong = "its count of references and its time of death don't agree";
	else if (!segment)
		wrong = "it is in a segment that is not known";
	else if (row->place >= segment->tail)
		wrong = "it lies behind the durable end of its segment";
	if (wrong) {
		hex_encode(row->hash, 32, hex);
		check_say(r->c, "chunk %s: %s", hex, wrong);
	}
}

static int
see_chunks(struct refs *r, int64_t *count)
{
	enum { PAGE = 512 };
	struct chunk_row *rows = calloc(PAGE, sizeof(*rows));
	uint8_t after[32] = { 0 };
	unsigned n = PAGE;
	int rc = rows ? 0 : ERR_NOMEM;

	while (rc == 0 && n == PAGE && (rc = check_go_on(r->c)) == 0) {
		if ((rc = tbl_chunk_list(r->db, after, rows, PAGE, &n)) != 0)
			break;
		for (unsigned i = 0; i < n; i++)
			see_chunk(r, &rows[i]);
		if (n)
			memcpy(after, rows[n - 1].hash, 32);
		*count += n;
	}
	free(rows);
	return rc;
}

static int
list_segments(struct refs *r)
{
	struct segment_row *grown;
	unsigned n = 64;
	int rc = 0;

	for (int64_t after = 0; rc == 0 && n == 64; after = n ? r->segments[r->nsegments - 1].home : after) {
		if (!(grown = reallocarray(r->segments, r->nsegments + 64, sizeof(*grown))))
			return ERR_NOMEM;
		r->segments = grown;
		if ((rc = tbl_segment_list(r->db, after, grown + r->nsegments, 64, &n)) == 0)
			r->nsegments += n;
	}
	return rc;
}

/* ---- passes ---- */

static int
pass(struct refs *r, int64_t *versions, int64_t *chunks)
{
	int64_t parts = 0;
	int rc;

	*versions = *chunks = 0;
	if ((rc = see_contents(r, tbl_check_versions, versions)) != 0 ||
	    (rc = see_contents(r, tbl_check_parts, &parts)) != 0 || (rc = see_leaves(r)) != 0)
		return rc;
	return see_chunks(r, chunks);
}

static void
say_suspect(struct check *c, const struct suspect *s)
{
	char name[80] = "chunk ";

	if (s->to.leaf)
		snprintf(name, sizeof(name), "leaf %lld", (long long)s->to.leaf);
	else
		hex_encode(s->to.key, 32, name + strlen(name));
	if (!s->row)
		check_say(c, "%s is missing and has %lld references", name, (long long)s->found);
	else if (s->found != s->stated)
		check_say(c, "%s has %lld references and counts %lld", name, (long long)s->found, (long long)s->stated);
	else if (s->found_bytes != s->bytes * (uint64_t)s->found)
		check_say(c, "%s has %llu bytes, and not all who reference it say so", name, (unsigned long long)s->bytes);
}

static int
find_suspects(struct refs *r)
{
	int64_t versions, chunks, before = r->c->report->problems;
	int rc;

	if (!(r->suspects = calloc(2 * SUSPECTS, sizeof(*r->suspects))))
		return ERR_NOMEM;
	if ((rc = pass(r, &versions, &chunks)) != 0)
		return rc;
	for (size_t i = 0; i < 2 * SUSPECTS; i++)
		if (r->suspects[i].used)
			say_suspect(r->c, &r->suspects[i]);
	if (r->too_many || r->c->report->problems == before)
		check_say(r->c, "references: %s wrong than are listed", r->too_many ? "more are" : "others are");
	return 0;
}

int
check_refs(struct check *c, struct db_conn *db)
{
	struct refs r = { .c = c, .db = db, .sums = calloc(SUMS, sizeof(struct sum)) };
	bool wrong = false;
	int rc = r.sums ? 0 : ERR_NOMEM;

	if (rc || (rc = list_segments(&r)) != 0 || (rc = pass(&r, &c->report->versions, &c->report->chunks)) != 0)
		goto out;
	for (size_t i = 0; i < SUMS; i++)
		wrong |= r.sums[i].refs || r.sums[i].bytes;
	if (wrong)
		rc = find_suspects(&r);
out:
	free(r.sums);
	free(r.suspects);
	free(r.segments);
	return rc;
}
