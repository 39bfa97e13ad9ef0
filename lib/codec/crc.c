#include <endian.h>
#include <pthread.h>
#include <string.h>

#include <isa-l/crc.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "crc.h"

#define POLY32 0xedb88320u
#define POLY32C 0x82f63b78u
#define POLY64 0x9a6c9329ac4bc9b5u

/* The library takes lengths as int and bytes that are not const; it doesn't write to them. */
#define ISAL_PIECE ((size_t)1 << 30)

uint32_t
crc32_seeded(uint32_t seed, const void *bytes, size_t len)
{
	return crc32_gzip_refl(seed, bytes, len);	/* inverts at both ends by itself */
}

uint32_t
crc32c_seeded(uint32_t seed, const void *bytes, size_t len)
{
	uintptr_t p = (uintptr_t)bytes;
	uint32_t crc = ~seed;

	while (len > 0) {
		size_t n = len < ISAL_PIECE ? len : ISAL_PIECE;

		crc = crc32_iscsi((unsigned char *)p, (int)n, crc);	/* does not invert */
		p += n;
		len -= n;
	}
	return ~crc;
}

/*
 * Polynomials over GF(2) modulo a reflected `poly`, bit-reflected themselves: the highest bit, `one`, is x^0 and bit
 * one >> i is x^i.
 */
static uint64_t
mulmod(uint64_t a, uint64_t b, uint64_t poly, uint64_t one)
{
	uint64_t product = 0;

	for (uint64_t bit = one; a; bit >>= 1) {
		if (a & bit) {
			product ^= b;
			a ^= bit;
		}
		b = (b & 1) ? (b >> 1) ^ poly : b >> 1;
	}
	return product;
}

/* x^(n * step) where `base` is x^step. */
static uint64_t
powmod(uint64_t base, uint64_t n, uint64_t poly, uint64_t one)
{
	uint64_t power = one;

	for (; n; n >>= 1) {
		if (n & 1)
			power = mulmod(power, base, poly, one);
		base = mulmod(base, base, poly, one);
	}
	return power;
}

/*
 * The inversions at both ends of a CRC cancel out here, so that this holds for the finished values too.
 */
static uint64_t
join(uint64_t a, uint64_t b, uint64_t blen, uint64_t poly, uint64_t one)
{
	return mulmod(powmod(one >> 8, blen, poly, one), a, poly, one) ^ b;
}

uint32_t
crc32_join(uint32_t a, uint32_t b, uint64_t blen)
{
	return (uint32_t)join(a, b, blen, POLY32, 1ull << 31);
}

uint32_t
crc32c_join(uint32_t a, uint32_t b, uint64_t blen)
{
	return (uint32_t)join(a, b, blen, POLY32C, 1ull << 31);
}

uint64_t
crc64nvme_join(uint64_t a, uint64_t b, uint64_t blen)
{
	return join(a, b, blen, POLY64, 1ull << 63);
}

/*
 * CRC64NVME, which ISA-L 2.30 does not have. table[k][b] is the CRC of byte b and k zero bytes behind it.
 */
static uint64_t table[8][256];
static uint64_t fold512[2], fold128[2];	/* to move the low and the high half of 16 bytes over 64 or 16 bytes */
static int clmul;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
setup(void)
{
	const uint64_t one = 1ull << 63, x = one >> 1;

	for (unsigned b = 0; b < 256; b++) {
		uint64_t crc = b;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) ? (crc >> 1) ^ POLY64 : crc >> 1;
		table[0][b] = crc;
	}
	for (unsigned b = 0; b < 256; b++)
		for (int k = 1; k < 8; k++)
			table[k][b] = (table[k - 1][b] >> 8) ^ table[0][table[k - 1][b] & 0xff];
	/*
	 * The low half (the earlier bytes) stands 64 powers of x above the high one, and a carry-less product of two
	 * reflected numbers comes out one power too high.
	 */
	fold512[0] = powmod(x, 512 + 64 - 1, POLY64, one);
	fold512[1] = powmod(x, 512 - 1, POLY64, one);
	fold128[0] = powmod(x, 128 + 64 - 1, POLY64, one);
	fold128[1] = powmod(x, 128 - 1, POLY64, one);
#ifdef __x86_64__
	clmul = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
#endif
}

/* Eight bytes a step. `crc` is not inverted here, neither before nor after. */
static uint64_t
by_table(uint64_t crc, const uint8_t *p, size_t len)
{
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t v;

		memcpy(&v, p, 8);
		v = le64toh(v) ^ crc;
		crc = table[7][v & 0xff] ^ table[6][v >> 8 & 0xff] ^ table[5][v >> 16 & 0xff] ^
		    table[4][v >> 24 & 0xff] ^ table[3][v >> 32 & 0xff] ^ table[2][v >> 40 & 0xff] ^
		    table[1][v >> 48 & 0xff] ^ table[0][v >> 56];
	}
	for (; len > 0; p++, len--)
		crc = (crc >> 8) ^ table[0][(crc ^ *p) & 0xff];
	return crc;
}

#ifdef __x86_64__
__attribute__((target("pclmul,sse4.1"))) static inline __m128i
fold(__m128i acc, __m128i k, const uint8_t *p)
{
	__m128i low = _mm_clmulepi64_si128(acc, k, 0x00), high = _mm_clmulepi64_si128(acc, k, 0x11);
	__m128i next = _mm_loadu_si128((const __m128i *)(const void *)p);

	return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/*
 * Folds 64 bytes a step into 16 that have the same remainder (Gopal et al., "Fast CRC Computation for Generic
 * Polynomials Using PCLMULQDQ Instruction", Intel 2009); the tables divide what is left. `len` is at least 64.
 */
__attribute__((target("pclmul,sse4.1"))) static uint64_t
by_clmul(uint64_t crc, const uint8_t *p, size_t len)
{
	__m128i k = _mm_set_epi64x((int64_t)fold512[1], (int64_t)fold512[0]), acc[4];
	uint8_t rest[16];

	for (int i = 0; i < 4; i++)
		acc[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
	acc[0] = _mm_xor_si128(acc[0], _mm_set_epi64x(0, (int64_t)crc));
	for (p += 64, len -= 64; len >= 64; p += 64, len -= 64)
		for (int i = 0; i < 4; i++)
			acc[i] = fold(acc[i], k, p + 16 * i);
	k = _mm_set_epi64x((int64_t)fold128[1], (int64_t)fold128[0]);
	for (int i = 1; i < 4; i++) {
		_mm_storeu_si128((__m128i *)(void *)rest, acc[i]);
		acc[0] = fold(acc[0], k, rest);
	}
	for (; len >= 16; p += 16, len -= 16)
		acc[0] = fold(acc[0], k, p);
	_mm_storeu_si128((__m128i *)(void *)rest, acc[0]);
	return by_table(by_table(0, rest, sizeof(rest)), p, len);
}
#endif

uint64_t
crc64nvme_portable(uint64_t seed, const void *bytes, size_t len)
{
	pthread_once(&once, setup);
	return ~by_table(~seed, bytes, len);
}

uint64_t
crc64nvme_seeded(uint64_t seed, const void *bytes, size_t len)
{
	pthread_once(&once, setup);
#ifdef __x86_64__
	if (clmul && len >= 64)
		return ~by_clmul(~seed, bytes, len);
#endif
	return ~by_table(~seed, bytes, len);
}
