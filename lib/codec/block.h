#ifndef CODEC_BLOCK_H
#define CODEC_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Compression of one block: up to BLOCK_SIZE bytes, alone, so that a range read undoes only what it touches.
 * A packed block is one zstd frame (RFC 8878), level 1. It is packed only if that saves a sixteenth.
 *
 * A context holds zstd's working memory (300 KiB once it has packed, 100 KiB more once it has unpacked)
 * and belongs to one thread at a time.
 */
struct block_ctx {
	void *packer;		/* made at first use */
	void *unpacker;
	struct block_ctx *next;	/* of those at rest */
};

#define BLOCK_CTX_INIT { NULL, NULL, NULL }
void block_ctx_release(struct block_ctx *ctx);

/*
 * Borrows a context, the one given back last: as many exist as threads pack at the same moment, which is about
 * as many as there are processors, however many threads there are. NULL: no memory. Any thread.
 */
struct block_ctx *block_ctx_take(void);
void block_ctx_give(struct block_ctx *ctx);	/* NULL is fine */
void block_ctx_trim(void);			/* releases those at rest */

/*
 * Packs `len` bytes (1 to BLOCK_SIZE) into `out` (room for `len`; no overlap) and returns how many bytes that
 * took, always less than `len`; or 0: it does not pay (or memory is short), store the bytes as they are. `out` is
 * scratch then.
 */
size_t block_pack(struct block_ctx *ctx, const void *bytes, size_t len, void *out);

/*
 * Undoes block_pack(): exactly `rawlen` bytes into `raw`. ERR_CORRUPT if `packed` is not the packed form of that many
 * bytes (then `raw` holds anything), ERR_NOMEM.
 */
int block_unpack(struct block_ctx *ctx, const void *packed, size_t len, void *raw, size_t rawlen);

#endif
