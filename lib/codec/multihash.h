#ifndef CODEC_MULTIHASH_H
#define CODEC_MULTIHASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What an upload has to hash, in one pass: MD5 and SHA-256 of the whole, and SHA-256 of each chunk. MD5 is one long chain of
 * dependent steps that leaves most of a core idle; where the processor has SHA instructions, the SHA-256 rounds are
 * interleaved with it and cost next to nothing: measured 1.1 CPU-s per GB for all three, against 2.3 one after the other.
 * Elsewhere they do run one after the other, by OpenSSL. (Gopal et al., "Processing Multiple Buffers in Parallel to Increase
 * Performance on Intel Architecture Processors", 2010, has the idea.)
 *
 * MD5: RFC 1321. SHA-256: FIPS 180-4. Placed by the caller; one thread at a time.
 */
struct multihash_stream {
	uint8_t partial[64];
	uint32_t fill;		/* bytes of `partial` */
	uint64_t bytes;		/* of the stream so far */
};

struct multihash {
	bool md5, whole, plain;		/* wanted; and: by OpenSSL */
	uint32_t md5_state[4];
	uint32_t whole_state[8], chunk_state[8];
	struct multihash_stream body, chunk;
	struct digest *plain_md5, *plain_whole, *plain_chunk;
};

/* The chunk's SHA-256 is always computed. ERR_NOMEM (only where OpenSSL does it). */
int multihash_init(struct multihash *m, bool md5, bool whole);
/* The same without the interleaving, as processors without SHA instructions do it: for tests. */
int multihash_init_plain(struct multihash *m, bool md5, bool whole);
void multihash_release(struct multihash *m);	/* fine on a zeroed one */

void multihash_update(struct multihash *m, const void *bytes, size_t len);
/* The chunk ends here: its SHA-256; the next byte begins another. */
void multihash_chunk_end(struct multihash *m, uint8_t sha256[32]);
/* The whole ends here. Fills what was wanted; `m` takes no more. */
void multihash_final(struct multihash *m, uint8_t md5[16], uint8_t sha256[32]);

#endif
