#ifndef CODEC_CHUNKER_H
#define CODEC_CHUNKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Content-defined chunking: FastCDC (Xia et al., "The Design of Fast Content-Defined Chunking for Data
 * Deduplication Based Storage Systems", IEEE TPDS 31(9), 2020), with normalised chunking on one side: behind the
 * average a cut is twice as likely, before it as likely as without. The paper's two bits on both sides make chunks
 * more alike in size, but after an edit it takes longer until the same places are cut again: 3.3 MiB on average are
 * new for 1 MiB edited with the default sizes (more than 6 MiB one time in thirteen), against 2.6 (one in 150).
 *
 * Clients cut files by the same rule, so it is written here in full ("fsd-fastcdc-2"). Arithmetic is modulo 2^64.
 *
 *	gear[b]   for every byte value b: the first 8 bytes, little-endian, of SHA-256("fsd-fastcdc-1 gear " then
 *	          the one byte b); as in an earlier rule, most of whose cuts are cuts of this one
 *	h(n)      of the n bytes that a chunk has so far: sum of gear[byte[n-1-j]] * 2^j for j = 0 … 63, the
 *	          fingerprint of its last 64 bytes
 *	mask(k)   the k bits below the highest one: bits 62 … 63-k
 *	bits      floor(log2(avg))
 *
 * A chunk ends after n bytes, n being the smallest number for which one of these holds:
 *	min <= n < avg and h(n) & mask(bits) is 0
 *	avg <= n < max and h(n) & mask(bits - 1) is 0
 *	n = max
 *	the file ends
 *
 * The first min - 64 bytes of a chunk need not be looked at. tests/vectors/chunker.txt has vectors.
 *
 * Pure; a chunker belongs to one thread at a time.
 */
struct chunker {
	uint64_t h;
	uint64_t mask_s, mask_l;	/* before and after avg */
	uint32_t min, avg, max;
	uint32_t n;			/* bytes of the current chunk so far */
};

#define CHUNKER_NAME "fsd-fastcdc-2"
#define CHUNKER_MIN_LEAST 64u		/* the fingerprint's window */
#define CHUNKER_MAX_MOST (64u << 20)

/*
 * ERR_INVALID unless 64 <= min <= avg <= max <= 64 MiB and avg >= 256. Defaults are CHUNK_MIN, CHUNK_AVG and
 * CHUNK_MAX of limits.h.
 */
int chunker_init(struct chunker *c, uint32_t min, uint32_t avg, uint32_t max);

/*
 * Takes bytes up to and including the end of the current chunk and returns how many; *cut tells whether the chunk
 * ended behind the last of them (the next call begins a new one). Without a cut all of `len` were taken. Where
 * chunks end does not depend on how the input is split over calls.
 */
size_t chunker_scan(struct chunker *c, const uint8_t *bytes, size_t len, bool *cut);

/* Begins a new file. The end of a file ends its last chunk: c->n bytes, if not 0. */
void chunker_reset(struct chunker *c);

#endif
