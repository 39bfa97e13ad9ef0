#include <string.h>

#include "block.h"
#include "err.h"
#include "fio.h"
#include "seg_read.h"
#include "seg_scratch.h"

/* One read in progress. */
struct reading {
	int fd;
	char name[SEG_NAME];
	const struct blob_place *place;
	struct seg_scratch *scratch;
	uint8_t *out;		/* where the next byte goes */
	uint32_t left;		/* bytes that are still wanted */
	uint32_t skip;		/* bytes of the next block before those */
	uint64_t at;		/* of the next block's stored bytes, in the file */
};

/* A head that was read: is it the record of this chunk at this place? */
static int
accept(const struct seg_env *env, const uint8_t id[32], const struct blob_place *place, const uint8_t *head,
    struct record *r, struct record_block *blocks)
{
	struct record_file file = seg_env_file(env, place->home);
	int rc;

	if ((rc = record_decode(&file, place->offset, head, r)) != 0)
		return rc;
	if (memcmp(r->id, id, sizeof(r->id)) || r->raw != place->length || record_size(r) != place->stored)
		return ERR_CORRUPT;
	return record_decode_table(r, head + RECORD_HEADER_SIZE, blocks);
}

/* The head of a large record: from the thread's memory if it read there last, else from the file. */
static int
large_head(const struct seg_env *env, const struct reading *g, const uint8_t id[32], bool fresh)
{
	struct seg_scratch *s = g->scratch;
	size_t size = RECORD_HEADER_SIZE + RECORD_TABLE_SIZE(record_blocks(g->place->length));
	int rc;

	if (!fresh && s->instance == env->instance && s->home == g->place->home &&
	    s->record.offset == g->place->offset && s->record.raw == g->place->length &&
	    record_size(&s->record) == g->place->stored && !memcmp(s->record.id, id, sizeof(s->record.id)))
		return 0;
	s->instance = 0;
	if ((rc = fio_pread(g->fd, g->name, s->in, size, g->place->offset)) != 0 ||
	    (rc = accept(env, id, g->place, s->in, &s->record, s->blocks)) != 0)
		return rc;
	s->home = g->place->home;
	s->instance = env->instance;
	return 0;
}

/* Checks one block that is in memory at `stored` and gives the wanted piece of it. */
static int
take(struct reading *g, const struct record_block *b, uint32_t raw, const uint8_t *stored)
{
	uint32_t want = raw - g->skip < g->left ? raw - g->skip : g->left;
	uint8_t *to = want == raw ? g->out : g->scratch->raw;
	struct block_ctx *ctx;
	int rc;

	if ((rc = record_block_check(b, stored)) != 0)
		return rc;
	if (!b->packed) {
		memcpy(g->out, stored + g->skip, want);
	} else {
		if (!(ctx = block_ctx_take()))
			return ERR_NOMEM;
		rc = block_unpack(ctx, stored, b->stored, to, raw);
		block_ctx_give(ctx);
		if (rc)
			return rc;
		if (to != g->out)
			memcpy(g->out, to + g->skip, want);
	}
	g->out += want;
	g->left -= want;
	g->skip = 0;
	g->at += b->stored;
	return 0;
}

/* Blocks [i, end) that are raw and wanted from end to end: how many stand one behind the other. */
static uint32_t
direct_run(const struct reading *g, const struct record *r, const struct record_block *blocks, uint32_t i,
    uint32_t end, size_t *bytes)
{
	uint32_t n = 0, raw;

	*bytes = 0;
	if (g->skip)
		return 0;
	for (; i < end && !blocks[i].packed; i++, n++) {
		raw = record_block_raw(r->raw, i);
		if (*bytes + raw > g->left)
			break;
		*bytes += raw;
	}
	return n;
}

/* Reads those into place with one call, then checks each. */
static int
read_direct(struct reading *g, const struct record_block *blocks, uint32_t n, size_t bytes)
{
	int rc = fio_pread(g->fd, g->name, g->out, bytes, g->at);

	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		rc = record_block_check(&blocks[i], g->out);
		g->out += blocks[i].stored;
	}
	g->left -= (uint32_t)bytes;
	g->at += bytes;
	return rc;
}

/* Reads as many of the blocks [i, end) as fit the thread's buffer with one call; *n were taken. */
static int
read_through(struct reading *g, const struct record *r, const struct record_block *blocks, uint32_t i,
    uint32_t end, uint32_t *n)
{
	const uint8_t *stored = g->scratch->in;
	size_t sum = 0;
	int rc;

	for (*n = 0; i + *n < end && sum + blocks[i + *n].stored <= SEG_RECORD_SMALL; ++*n)
		sum += blocks[i + *n].stored;
	if ((rc = fio_pread(g->fd, g->name, g->scratch->in, sum, g->at)) != 0)
		return rc;
	for (uint32_t k = i; rc == 0 && k < i + *n; stored += blocks[k++].stored)
		rc = take(g, &blocks[k], record_block_raw(r->raw, k), stored);
	return rc;
}

static int
read_large(const struct seg_env *env, struct reading *g, const uint8_t id[32], uint32_t from, bool fresh)
{
	const struct record_block *blocks = g->scratch->blocks;
	const struct record *r = &g->scratch->record;
	struct record_span span;
	uint32_t i, n, end;
	size_t bytes;
	int rc;

	if ((rc = large_head(env, g, id, fresh)) != 0 ||
	    (rc = record_span(r, blocks, from, g->left, &span)) != 0)
		return rc;
	g->skip = span.skip;
	g->at = g->place->offset + span.start;
	for (i = span.first, end = i + span.count; rc == 0 && i < end; i += n) {
		if ((n = direct_run(g, r, blocks, i, end, &bytes)) > 0)
			rc = read_direct(g, blocks + i, n, bytes);
		else
			rc = read_through(g, r, blocks, i, end, &n);
	}
	return rc;
}

/* The whole record with one call: most objects are small, and the head must be checked anyhow. */
static int
read_small(const struct seg_env *env, struct reading *g, const uint8_t id[32], uint32_t from)
{
	struct record_block blocks[RECORD_BLOCKS_MAX];
	const uint8_t *stored = g->scratch->in;
	struct record_span span;
	struct record r;
	int rc;

	if ((rc = fio_pread(g->fd, g->name, g->scratch->in, g->place->stored, g->place->offset)) != 0 ||
	    (rc = accept(env, id, g->place, stored, &r, blocks)) != 0 ||
	    (rc = record_span(&r, blocks, from, g->left, &span)) != 0)
		return rc;
	g->skip = span.skip;
	stored += span.start;
	for (uint32_t i = span.first; rc == 0 && i < span.first + span.count; stored += blocks[i++].stored)
		rc = take(g, &blocks[i], record_block_raw(r.raw, i), stored);
	return rc;
}

int
seg_read(struct seg_env *env, int fd, const uint8_t id[32], const struct blob_place *place, size_t from,
    size_t len, bool fresh, void *bytes)
{
	struct reading g = { .fd = fd, .place = place, .out = bytes, .left = (uint32_t)len };
	uint32_t blocks = record_blocks(place->length);
	int rc;

	/* A place that no record can have: its table alone would not fit into it. */
	if (place->length > CHUNK_MAX || place->stored < RECORD_HEADER_SIZE + RECORD_TABLE_SIZE(blocks))
		return ERR_CORRUPT;
	if ((g.scratch = seg_scratch_get()) == NULL)
		return ERR_NOMEM;
	seg_env_name(place->home, g.name);
	if (place->stored <= SEG_RECORD_SMALL)
		rc = read_small(env, &g, id, (uint32_t)from);
	else
		rc = read_large(env, &g, id, (uint32_t)from, fresh);
	return rc == ERR_TRUNCATED || rc == ERR_VERSION ? ERR_CORRUPT : rc;
}
