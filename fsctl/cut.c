#include <stdlib.h>

#include "chunker.h"
#include "cut.h"
#include "err.h"
#include "fio.h"
#include "stop.h"

#define READ (1u << 20)

struct cutter {
	struct cut *cut;
	struct chunker chunker;
	struct digest *whole, *chunk;
	uint64_t begun;		/* where the current chunk begins */
};

static void
end_chunk(struct cutter *c)
{
	struct cut_chunk chunk = { .offset = c->begun, .bytes = (uint32_t)(c->cut->bytes - c->begun) };

	digest_final(c->chunk, chunk.hash);
	digest_reset(c->chunk);
	buf_add(&c->cut->chunks, &chunk, sizeof(chunk));
	c->begun = c->cut->bytes;
}

static void
take(struct cutter *c, const uint8_t *bytes, size_t len)
{
	digest_update(c->whole, bytes, len);
	while (len > 0) {
		bool end;
		size_t n = chunker_scan(&c->chunker, bytes, len, &end);

		digest_update(c->chunk, bytes, n);
		c->cut->bytes += n;
		if (end)
			end_chunk(c);
		bytes += n;
		len -= n;
	}
}

int
cut_file(int fd, const char *name, uint32_t min, uint32_t avg, uint32_t max, struct cut *cut)
{
	struct cutter c = { .cut = cut };
	uint8_t *bytes = malloc(READ);
	size_t got = READ;
	int rc = bytes ? 0 : ERR_NOMEM;

	buf_clear(&cut->chunks);
	cut->bytes = 0;
	if (rc || (rc = digest_new(DIGEST_SHA256, &c.whole)) != 0 || (rc = digest_new(DIGEST_SHA256, &c.chunk)) != 0 ||
	    (rc = chunker_init(&c.chunker, min, avg, max)) != 0)
		goto out;
	while (rc == 0 && got == READ) {
		if (stop_asked())
			rc = ERR_CLOSED;
		else if ((rc = fio_pread_some(fd, name, bytes, READ, cut->bytes, &got)) == 0)
			take(&c, bytes, got);
		if (cut->tick)
			cut->tick(cut->tick_arg);
	}
	if (rc == 0 && cut->bytes > c.begun)
		end_chunk(&c);
	digest_final(c.whole, cut->hash);
	if (rc == 0)
		rc = buf_finish(&cut->chunks);
out:
	digest_free(c.whole);
	digest_free(c.chunk);
	free(bytes);
	return rc;
}

void
cut_release(struct cut *cut)
{
	buf_release(&cut->chunks);
}

size_t
cut_count(const struct cut *cut)
{
	return cut->chunks.len / sizeof(struct cut_chunk);
}

const struct cut_chunk *
cut_at(const struct cut *cut, size_t i)
{
	return (const struct cut_chunk *)(const void *)cut->chunks.data + i;
}

int
cut_hash(int fd, const char *name, struct cut_range range, struct digest *d, uint64_t *got)
{
	uint8_t *bytes = malloc(READ);
	uint64_t at = 0;
	size_t n = 1;
	int rc = bytes ? 0 : ERR_NOMEM;

	while (rc == 0 && at < range.len && n > 0) {
		const size_t most = range.len - at < READ ? (size_t)(range.len - at) : READ;

		if (stop_asked()) {
			rc = ERR_CLOSED;
		} else if ((rc = fio_pread_some(fd, name, bytes, most, range.from + at, &n)) == 0) {
			digest_update(d, bytes, n);
			at += n;
		}
	}
	free(bytes);
	*got = at;
	return rc;
}
