#include <pthread.h>
#include <string.h>

#include "chunker.h"
#include "digest.h"
#include "err.h"
#include "le.h"

static uint64_t gear[256], gear2[256];	/* gear2 is gear, doubled: for the first byte of a pair */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
setup(void)
{
	uint8_t label[] = "fsd-fastcdc-1 gear ?", hash[SHA256_SIZE];
	size_t len = sizeof(label) - 1;

	for (int b = 0; b < 256; b++) {
		label[len - 1] = (uint8_t)b;
		digest_sha256(label, len, hash);
		gear[b] = le_get64(hash);
		gear2[b] = gear[b] << 1;
	}
}

/* The `bits` bits below the highest. That one stays free, since a pair's first byte is tested doubled. */
static uint64_t
mask(int bits)
{
	return ((1ull << bits) - 1) << (63 - bits);
}

int
chunker_init(struct chunker *c, uint32_t min, uint32_t avg, uint32_t max)
{
	int bits;

	if (min < CHUNKER_MIN_LEAST || avg < min || avg < 256 || max < avg || max > CHUNKER_MAX_MOST)
		return ERR_INVALID;
	pthread_once(&once, setup);
	bits = 31 - __builtin_clz(avg);
	*c = (struct chunker) {
		.mask_s = mask(bits), .mask_l = mask(bits - 1), .min = min, .avg = avg, .max = max
	};
	return 0;
}

void
chunker_reset(struct chunker *c)
{
	c->h = 0;
	c->n = 0;
}

/*
 * Takes bytes until the fingerprint meets the mask or `len` are taken, two a step: the first one's fingerprint is kept doubled,
 * which saves a shift and tests the same bits, one place higher.
 */
static size_t
search(struct chunker *c, const uint8_t *p, size_t len, uint64_t m, bool *cut)
{
	uint64_t h = c->h, m2 = m << 1;
	size_t i = 0;

	for (; i + 2 <= len; i += 2) {
		h = (h << 2) + gear2[p[i]];
		if (!(h & m2)) {
			*cut = true;
			return i + 1;
		}
		h += gear[p[i + 1]];
		if (!(h & m)) {
			*cut = true;
			return i + 2;
		}
	}
	if (i < len) {
		h = (h << 1) + gear[p[i++]];
		*cut = !(h & m);
	}
	c->h = h;
	return i;
}

/* Skips what cannot end a chunk, and takes the window before the first byte that can. */
static size_t
skip(struct chunker *c, const uint8_t *p, size_t len)
{
	uint32_t blind = c->min - CHUNKER_MIN_LEAST;
	size_t i = 0;

	if (c->n < blind)
		i = len < blind - c->n ? len : blind - c->n;
	for (; i < len && c->n + i + 1 < c->min; i++)
		c->h = (c->h << 1) + gear[p[i]];
	return i;
}

/* Searches as long as the chunk is shorter than `end`, and no further than `len`. */
static size_t
phase(struct chunker *c, const uint8_t *p, size_t len, uint32_t end, uint64_t m, bool *cut)
{
	size_t taken = len < end - c->n ? len : end - c->n;

	taken = search(c, p, taken, m, cut);
	c->n += (uint32_t)taken;
	return taken;
}

size_t
chunker_scan(struct chunker *c, const uint8_t *bytes, size_t len, bool *cut)
{
	size_t i = 0;

	*cut = false;
	if (c->n + 1 < c->min) {
		i = skip(c, bytes, len);
		c->n += (uint32_t)i;
	}
	if (i < len && c->n + 1 < c->avg)
		i += phase(c, bytes + i, len - i, c->avg - 1, c->mask_s, cut);
	if (!*cut && i < len && c->n + 1 < c->max)
		i += phase(c, bytes + i, len - i, c->max - 1, c->mask_l, cut);
	if (!*cut && i < len && c->n + 1 == c->max) {
		i++;
		*cut = true;
	}
	if (*cut)
		chunker_reset(c);
	return i;
}
