#ifndef CODEC_RANGE_H
#define CODEC_RANGE_H

#include <stddef.h>
#include <stdint.h>

/* Byte ranges of RFC 9110, 14, as S3 answers them. Pure; any thread. */
struct range {
	uint64_t from;	/* first byte */
	uint64_t len;	/* at least 1 */
};

/*
 * Resolves a Range header ("bytes=0-9", "bytes=5-", "bytes=-5") against an object of `size` bytes; an end behind
 * the object is cut. ERR_RANGE: well formed, but no such bytes are there (416). ERR_INVALID: not one well-formed
 * byte range (malformed, another unit, several ranges): S3 ignores such a header and sends the whole object.
 */
int range_parse(const char *text, size_t len, uint64_t size, struct range *range);

/*
 * x-amz-copy-source-range: only "bytes=FIRST-LAST", and all of it must be there.
 * ERR_INVALID: malformed. ERR_RANGE: beyond the source.
 */
int range_parse_copy(const char *text, size_t len, uint64_t size, struct range *range);

#endif
