#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#include "digest.h"
#include "le.h"
#include "multihash.h"

#define BLOCK 64

static const uint32_t md5_start[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
static const uint32_t sha_start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
	0x1f83d9ab, 0x5be0cd19 };

static const uint32_t md5_t[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
	0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
	0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
	0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
	0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
	0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static const uint32_t sha_k[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* ---- MD5, four steps at a time ---- */

struct md5_regs {
	uint32_t a, b, c, d;
};

#define ROL(x, s) ((x) << (s) | (x) >> (32 - (s)))
/* The two halves of the second round's function have no bit in common, so they are added one by one: a shorter chain. */
#define MD5_STEP(round, a, b, c, d, m, t, s)                                                                 \
	do {                                                                                                 \
		uint32_t x_ = (a) + (m) + (t);                                                               \
		if ((round) == 0)                                                                            \
			x_ += (d) ^ ((b) & ((c) ^ (d)));                                                     \
		else if ((round) == 1)                                                                       \
			x_ = x_ + ((c) & ~(d)) + ((b) & (d));                                                \
		else if ((round) == 2)                                                                       \
			x_ += (b) ^ ((c) ^ (d));                                                             \
		else                                                                                         \
			x_ += (c) ^ ((b) | ~(d));                                                            \
		(a) = ROL(x_, (s)) + (b);                                                                    \
	} while (0)

static inline __attribute__((always_inline)) uint32_t
md5_word(const uint8_t *p, int step)
{
	static const int factor[4] = { 1, 5, 3, 7 }, first[4] = { 0, 1, 5, 0 };
	uint32_t word;

	memcpy(&word, p + 4 * ((factor[step / 16] * step + first[step / 16]) % 16), 4);	/* x86 is little-endian */
	return word;
}

/* Steps 4g to 4g + 3. */
static inline __attribute__((always_inline)) void
md5_group(struct md5_regs *r, const uint8_t *p, int g)
{
	static const int shift[4][4] = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } };
	const int round = g / 4, i = g * 4;

	MD5_STEP(round, r->a, r->b, r->c, r->d, md5_word(p, i), md5_t[i], shift[round][0]);
	MD5_STEP(round, r->d, r->a, r->b, r->c, md5_word(p, i + 1), md5_t[i + 1], shift[round][1]);
	MD5_STEP(round, r->c, r->d, r->a, r->b, md5_word(p, i + 2), md5_t[i + 2], shift[round][2]);
	MD5_STEP(round, r->b, r->c, r->d, r->a, md5_word(p, i + 3), md5_t[i + 3], shift[round][3]);
}

/* ---- SHA-256, four rounds at a time ---- */

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))
#define SHA_INLINE static inline __attribute__((always_inline)) SHA_TARGET

struct sha_regs {
	__m128i abef, cdgh;
	__m128i w[4];		/* the last 16 words of the schedule */
};

SHA_INLINE void
sha_load(struct sha_regs *r, const uint32_t state[8])
{
	__m128i dcba = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0xB1);
	__m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(state + 4)), 0x1B);

	r->abef = _mm_alignr_epi8(dcba, hgfe, 8);
	r->cdgh = _mm_blend_epi16(hgfe, dcba, 0xF0);
}

SHA_INLINE void
sha_store(const struct sha_regs *r, uint32_t state[8])
{
	__m128i feba = _mm_shuffle_epi32(r->abef, 0x1B), dchg = _mm_shuffle_epi32(r->cdgh, 0xB1);

	_mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xF0));
	_mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* Rounds 4g to 4g + 3. */
SHA_INLINE void
sha_group(struct sha_regs *r, const uint8_t *p, int g)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bll, 0x0405060700010203ll);
	__m128i *w = r->w, x;

	if (g < 4) {
		w[g] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + 16 * g)), swap);
	} else {
		x = _mm_add_epi32(_mm_sha256msg1_epu32(w[g % 4], w[(g + 1) % 4]),
		    _mm_alignr_epi8(w[(g + 3) % 4], w[(g + 2) % 4], 4));
		w[g % 4] = _mm_sha256msg2_epu32(x, w[(g + 3) % 4]);
	}
	x = _mm_add_epi32(w[g % 4], _mm_load_si128((const __m128i *)(const void *)&sha_k[4 * g]));
	r->cdgh = _mm_sha256rnds2_epu32(r->cdgh, r->abef, x);
	r->abef = _mm_sha256rnds2_epu32(r->abef, r->cdgh, _mm_shuffle_epi32(x, 0x0E));
}

/* ---- blocks of all of them, interleaved ---- */

/*
 * `n` blocks of 64 bytes: those of the body at `body`, those of the chunk at `chunk`. The two are the same bytes but for where their
 * blocks begin. The flags are constants at each call.
 */
SHA_INLINE void
run_blocks(struct multihash *m, const uint8_t *body, const uint8_t *chunk, size_t n, bool md5, bool whole, bool part)
{
	struct md5_regs r = { m->md5_state[0], m->md5_state[1], m->md5_state[2], m->md5_state[3] }, r0;
	struct sha_regs a = { 0 }, b = { 0 };
	__m128i a0, a1, b0, b1;

	sha_load(&a, m->whole_state);
	sha_load(&b, m->chunk_state);
	for (; n; n--, body += BLOCK, chunk += BLOCK) {
		r0 = r;
		a0 = a.abef;
		a1 = a.cdgh;
		b0 = b.abef;
		b1 = b.cdgh;
#pragma GCC unroll 16
		for (int g = 0; g < 16; g++) {
			if (md5)
				md5_group(&r, body, g);
			if (whole)
				sha_group(&a, body, g);
			if (part)
				sha_group(&b, chunk, g);
		}
		r = (struct md5_regs) { r.a + r0.a, r.b + r0.b, r.c + r0.c, r.d + r0.d };
		a.abef = _mm_add_epi32(a.abef, a0);
		a.cdgh = _mm_add_epi32(a.cdgh, a1);
		b.abef = _mm_add_epi32(b.abef, b0);
		b.cdgh = _mm_add_epi32(b.cdgh, b1);
	}
	if (md5)
		memcpy(m->md5_state, (uint32_t[]) { r.a, r.b, r.c, r.d }, sizeof(m->md5_state));
	if (whole)
		sha_store(&a, m->whole_state);
	if (part)
		sha_store(&b, m->chunk_state);
}

SHA_TARGET static void
all_blocks(struct multihash *m, const uint8_t *body, const uint8_t *chunk, size_t n)
{
	if (m->md5 && m->whole)
		run_blocks(m, body, chunk, n, true, true, true);
	else if (m->md5)
		run_blocks(m, body, chunk, n, true, false, true);
	else if (m->whole)
		run_blocks(m, body, chunk, n, false, true, true);
	else
		run_blocks(m, body, chunk, n, false, false, true);
}

SHA_TARGET static void
body_blocks(struct multihash *m, const uint8_t *body, size_t n)
{
	if (m->md5 && m->whole)
		run_blocks(m, body, body, n, true, true, false);
	else if (m->md5)
		run_blocks(m, body, body, n, true, false, false);
	else if (m->whole)
		run_blocks(m, body, body, n, false, true, false);
}

SHA_TARGET static void
chunk_blocks(struct multihash *m, const uint8_t *chunk, size_t n)
{
	run_blocks(m, chunk, chunk, n, false, false, true);
}

/* ---- streams ---- */

static bool
ask_processor(void)
{
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1) && __builtin_cpu_supports("sse4.1");
}

/* Asked once: a virtual machine answers CPUID in microseconds, not cycles. */
static bool
has_sha(void)
{
	static _Atomic int known;	/* 0 not yet, 1 yes, 2 no */

	if (!known)
		known = ask_processor() ? 1 : 2;
	return known == 1;
}

/* Fills the stream's partial block; true when it is whole, to be run and emptied. *bytes and *len move on. */
static bool
top_up(struct multihash_stream *s, const uint8_t **bytes, size_t *len)
{
	size_t n = BLOCK - s->fill;

	if (s->fill == 0)
		return false;
	if (n > *len)
		n = *len;
	memcpy(s->partial + s->fill, *bytes, n);
	s->fill += (uint32_t)n;
	*bytes += n;
	*len -= n;
	if (s->fill < BLOCK)
		return false;
	s->fill = 0;
	return true;
}

static void
keep_rest(struct multihash_stream *s, const uint8_t *bytes, size_t len)
{
	if (len) {
		memcpy(s->partial, bytes, len);
		s->fill = (uint32_t)len;
	}
}

static void
update_interleaved(struct multihash *m, const uint8_t *bytes, size_t len)
{
	const uint8_t *body = bytes, *chunk = bytes;
	size_t blen = len, clen = len, nb, nc, n;

	m->body.bytes += len;
	m->chunk.bytes += len;
	if (top_up(&m->body, &body, &blen))
		body_blocks(m, m->body.partial, 1);
	if (top_up(&m->chunk, &chunk, &clen))
		chunk_blocks(m, m->chunk.partial, 1);
	nb = blen / BLOCK;
	nc = clen / BLOCK;
	n = nb < nc ? nb : nc;
	if (n)
		all_blocks(m, body, chunk, n);
	if (nb > n)
		body_blocks(m, body + n * BLOCK, nb - n);
	if (nc > n)
		chunk_blocks(m, chunk + n * BLOCK, nc - n);
	keep_rest(&m->body, body + nb * BLOCK, blen % BLOCK);
	keep_rest(&m->chunk, chunk + nc * BLOCK, clen % BLOCK);
}

/* A one bit, zeros, and the length in bits: one or two blocks. `big` is the order of its bytes. */
static size_t
pad(const struct multihash_stream *s, bool big, uint8_t out[2 * BLOCK])
{
	size_t size = s->fill < BLOCK - 8 ? BLOCK : 2 * BLOCK;
	uint64_t bits = s->bytes * 8;

	memset(out, 0, 2 * BLOCK);
	memcpy(out, s->partial, s->fill);
	out[s->fill] = 0x80;
	le_put64(out + size - 8, big ? __builtin_bswap64(bits) : bits);
	return size / BLOCK;
}

static void
sha_bytes(const uint32_t state[8], uint8_t out[32])
{
	for (int i = 0; i < 8; i++)
		le_put32(out + 4 * i, __builtin_bswap32(state[i]));
}

static int
init_plain(struct multihash *m)
{
	int rc = digest_new(DIGEST_SHA256, &m->plain_chunk);

	m->plain = true;
	if (rc == 0 && m->md5)
		rc = digest_new(DIGEST_MD5, &m->plain_md5);
	if (rc == 0 && m->whole)
		rc = digest_new(DIGEST_SHA256, &m->plain_whole);
	return rc;
}

int
multihash_init_plain(struct multihash *m, bool md5, bool whole)
{
	*m = (struct multihash) { .md5 = md5, .whole = whole };
	return init_plain(m);
}

int
multihash_init(struct multihash *m, bool md5, bool whole)
{
	*m = (struct multihash) { .md5 = md5, .whole = whole };
	if (!has_sha())
		return init_plain(m);
	memcpy(m->md5_state, md5_start, sizeof(md5_start));
	memcpy(m->whole_state, sha_start, sizeof(sha_start));
	memcpy(m->chunk_state, sha_start, sizeof(sha_start));
	return 0;
}

void
multihash_release(struct multihash *m)
{
	digest_free(m->plain_md5);
	digest_free(m->plain_whole);
	digest_free(m->plain_chunk);
	*m = (struct multihash) { 0 };
}

void
multihash_update(struct multihash *m, const void *bytes, size_t len)
{
	if (!m->plain) {
		update_interleaved(m, bytes, len);
		return;
	}
	digest_update(m->plain_chunk, bytes, len);
	if (m->md5)
		digest_update(m->plain_md5, bytes, len);
	if (m->whole)
		digest_update(m->plain_whole, bytes, len);
}

void
multihash_chunk_end(struct multihash *m, uint8_t sha256[32])
{
	uint8_t last[2 * BLOCK];

	if (m->plain) {
		digest_final(m->plain_chunk, sha256);
		digest_reset(m->plain_chunk);
		return;
	}
	chunk_blocks(m, last, pad(&m->chunk, true, last));
	sha_bytes(m->chunk_state, sha256);
	memcpy(m->chunk_state, sha_start, sizeof(sha_start));
	m->chunk.fill = 0;
	m->chunk.bytes = 0;
}

void
multihash_final(struct multihash *m, uint8_t md5[16], uint8_t sha256[32])
{
	bool whole = m->whole;
	uint8_t last[2 * BLOCK];

	if (m->plain) {
		if (m->md5)
			digest_final(m->plain_md5, md5);
		if (m->whole)
			digest_final(m->plain_whole, sha256);
		return;
	}
	if (m->md5) {
		m->whole = false;
		body_blocks(m, last, pad(&m->body, false, last));
		for (int i = 0; i < 4; i++)
			le_put32(md5 + 4 * i, m->md5_state[i]);
	}
	if (whole) {
		m->whole = true;
		m->md5 = false;
		body_blocks(m, last, pad(&m->body, true, last));
		sha_bytes(m->whole_state, sha256);
	}
}
