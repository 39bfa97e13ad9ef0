#ifndef BENCH_LOAD_STAT_H
#define BENCH_LOAD_STAT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * What the load generator counts, and the bytes that it stores.
 *
 * Latencies go into a histogram of 32 steps a power of two: percentiles are exact to 3 %, the greatest one is
 * exact. One a thread, added up at the end.
 */
#define STAT_STEPS 32
#define STAT_BUCKETS (STAT_STEPS * 60)

struct stat_sum {
	uint64_t requests;	/* answered with 2xx, and rightly */
	uint64_t errors;	/* any other answer, or none */
	uint64_t reconnects;
	uint64_t bytes;		/* of bodies, both ways */
	uint64_t items;		/* keys listed or deleted, objects completed */
	uint64_t max;		/* microseconds */
	uint32_t bucket[STAT_BUCKETS];
};

static inline void
stat_latency(struct stat_sum *s, uint64_t us)
{
	int shift = us < 2 * STAT_STEPS ? 0 : 58 - __builtin_clzll(us);	/* leaves us >> shift in 32..63 */
	uint64_t at = (uint64_t)shift * STAT_STEPS + (us >> shift);

	s->bucket[at < STAT_BUCKETS ? at : STAT_BUCKETS - 1]++;
	if (us > s->max)
		s->max = us;
}

/* The upper end of the bucket that holds the given share (0.99) of the latencies; 0 if there is none. */
static inline uint64_t
stat_percentile(const struct stat_sum *s, double share)
{
	uint64_t total = 0, seen = 0, at, shift;

	for (at = 0; at < STAT_BUCKETS; at++)
		total += s->bucket[at];
	for (at = 0; at < STAT_BUCKETS && total; at++) {
		seen += s->bucket[at];
		if ((double)seen < share * (double)total)
			continue;
		shift = at < 2 * STAT_STEPS ? 0 : at / STAT_STEPS - 1;
		at = ((at - shift * STAT_STEPS + 1) << shift) - 1;
		return at < s->max ? at : s->max;
	}
	return 0;
}

static inline void
stat_add(struct stat_sum *to, const struct stat_sum *from)
{
	to->requests += from->requests;
	to->errors += from->errors;
	to->reconnects += from->reconnects;
	to->bytes += from->bytes;
	to->items += from->items;
	if (from->max > to->max)
		to->max = from->max;
	for (int i = 0; i < STAT_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

/* A step of splitmix64 (Steele, Lea, Flood 2014): `state` may be any number, also 0, 1, 2 … */
static inline uint64_t
stat_mix(uint64_t state)
{
	uint64_t z = state * 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/*
 * Bytes `offset` (a multiple of 8) and on of object `index`: random to look at, other ones for each object
 * and seed, so that neither compression nor dedup helps, and known again when they are read.
 */
static inline void
stat_fill(uint64_t seed, uint64_t index, uint64_t offset, void *bytes, size_t len)
{
	uint64_t base = stat_mix(stat_mix(seed) + index) + offset / 8;
	char *p = bytes;
	size_t i;

	for (i = 0; i + 8 <= len; i += 8) {
		uint64_t word = (base + i / 8) * 0x9e3779b97f4a7c15ull;

		word = (word ^ (word >> 32)) * 0xbf58476d1ce4e5b9ull;
		word ^= word >> 29;
		memcpy(p + i, &word, 8);
	}
	if (i < len) {
		uint64_t word = (base + i / 8) * 0x9e3779b97f4a7c15ull;

		word = (word ^ (word >> 32)) * 0xbf58476d1ce4e5b9ull;
		word ^= word >> 29;
		memcpy(p + i, &word, len - i);
	}
}

/* Whether `len` bytes at any `offset` of object `index` are what stat_fill() makes. */
static inline bool
stat_same(uint64_t seed, uint64_t index, uint64_t offset, const char *bytes, size_t len)
{
	char want[4096 + 8];

	while (len > 0) {
		size_t skip = offset % 8, n = len < 4096 - skip ? len : 4096 - skip;

		stat_fill(seed, index, offset - skip, want, skip + n);
		if (memcmp(want + skip, bytes, n) != 0)
			return false;
		offset += n;
		bytes += n;
		len -= n;
	}
	return true;
}

#endif
