/*
 * Unpacking what nobody packed, into memory of exactly the size announced (the first two bytes); and packing the rest and
 * getting it back.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "le.h"
#include "limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct block_ctx own, *ctx = &own;
	size_t rawlen, n;
	uint8_t *raw, *packed;

	if (len < 3 || len - 2 > BLOCK_SIZE)
		return 0;
	rawlen = (size_t)le_get16(bytes) + 1;
	bytes += 2;
	len -= 2;
	raw = malloc(rawlen);
	packed = malloc(len);
	if (!raw || !packed)
		goto out;
	(void)block_unpack(ctx, bytes, len, raw, rawlen);
	if ((n = block_pack(ctx, bytes, len, packed))) {
		uint8_t *back = malloc(len);

		assert(back && n <= len - len / 16);
		assert(block_unpack(ctx, packed, n, back, len) == 0 && !memcmp(bytes, back, len));
		free(back);
	}
out:
	free(raw);
	free(packed);
	return 0;
}
