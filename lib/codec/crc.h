#ifndef CODEC_CRC_H
#define CODEC_CRC_H

#include <stddef.h>
#include <stdint.h>

/*
 * The three CRCs that S3 knows; CRC32C is also what guards our own formats. Pure; any thread.
 *
 *	name       width  polynomial (reflected)  "123456789"       source
 *	crc32         32  edb88320                cbf43926          ISO-HDLC, RFC 1952
 *	crc32c        32  82f63b78                e3069283          RFC 3720, B.4
 *	crc64nvme     64  9a6c9329ac4bc9b5        ae8b14860a799888  NVM Express NVM command set, 5.2.1.3.4
 *
 * `seed` is 0 to begin, or the CRC of the bytes that came before: x_seeded(x_seeded(0, a), b) is the CRC of
 * a followed by b.
 */
uint32_t crc32_seeded(uint32_t seed, const void *bytes, size_t len);
uint32_t crc32c_seeded(uint32_t seed, const void *bytes, size_t len);
uint64_t crc64nvme_seeded(uint64_t seed, const void *bytes, size_t len);

/* What crc64nvme_seeded() does on machines without carry-less multiplication; here for the test that compares. */
uint64_t crc64nvme_portable(uint64_t seed, const void *bytes, size_t len);

/* The CRC of a followed by b, from the CRCs of each and the length of b alone: some microseconds. */
uint32_t crc32_join(uint32_t a, uint32_t b, uint64_t blen);
uint32_t crc32c_join(uint32_t a, uint32_t b, uint64_t blen);
uint64_t crc64nvme_join(uint64_t a, uint64_t b, uint64_t blen);

#endif
