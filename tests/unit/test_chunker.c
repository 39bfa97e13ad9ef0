#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>

#include "chunker.h"
#include "digest.h"
#include "err.h"
#include "le.h"
#include "limits.h"
#include "test.h"

#define VECTORS "tests/vectors/chunker.txt"

static void
splitmix(uint64_t seed, uint8_t *to, size_t len)
{
	uint8_t number[8];

	for (size_t i = 0; i < len; i += 8) {
		uint64_t z = seed += 0x9e3779b97f4a7c15u;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		le_put64(number, z ^ z >> 31);
		memcpy(to + i, number, len - i < 8 ? len - i : 8);
	}
}

/* Makes the input that a line of the vectors describes; NULL if it is not understood. To be freed. */
static uint8_t *
make_input(const char *line, size_t *len)
{
	uint64_t a, b, c;
	uint8_t *to = NULL;

	if (sscanf(line, "splitmix64 %" SCNu64 " %" SCNu64, &a, &b) == 2) {
		to = malloc(b + 1);
		splitmix(a, to, *len = b);
	} else if (sscanf(line, "byte %" SCNu64 " %" SCNu64, &a, &b) == 2) {
		to = malloc(b + 1);
		memset(to, (int)a, *len = b);
	} else if (sscanf(line, "period %" SCNu64 " %" SCNu64 " %" SCNu64, &a, &b, &c) == 3) {
		to = malloc(c + 1);
		splitmix(a, to, b);
		for (size_t i = b; i < c; i++)
			to[i] = to[i - b];
		*len = c;
	}
	return to;
}

/*
 * Cuts `len` bytes, fed in pieces of 1 to `piece` bytes (0: all at once), and compares with `cuts`.
 * Returns whether they are the same.
 */
static bool
cuts_are(struct chunker *c, const uint8_t *bytes, size_t len, size_t piece, const size_t *cuts, size_t count)
{
	size_t at = 0, seen = 0, end, turn = 0;
	bool cut;

	chunker_reset(c);
	while (at < len) {
		end = piece ? at + 1 + turn++ * 7919 % piece : len;
		if (end > len)
			end = len;
		while (at < end) {
			at += chunker_scan(c, bytes + at, end - at, &cut);
			if (!cut && at != end)
				return false;
			if (cut && (seen == count || cuts[seen++] != at))
				return false;
		}
	}
	if (c->n)
		return seen + 1 == count && cuts[seen] == len;
	return seen == count;
}

struct vector {
	uint8_t *bytes;
	size_t len;
	uint32_t min, avg, max;
	size_t cuts[2000], count;
};

/* One vector, in pieces of several sizes. */
static bool
vector_holds(struct vector *v)
{
	static const size_t pieces[] = { 0, 1, 2, 3, 65, 1000, 65536, 1 << 20 };
	struct chunker c;

	if (chunker_init(&c, v->min, v->avg, v->max))
		return false;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
		if (!cuts_are(&c, v->bytes, v->len, pieces[i], v->cuts, v->count)) {
			fprintf(stderr, "# %zu bytes, params %u %u %u, pieces of %zu\n", v->len, v->min, v->avg,
			    v->max, pieces[i]);
			return false;
		}
	return true;
}

static void
add_cuts(struct vector *v, char *list)
{
	char *end;

	for (;;) {
		size_t cut = strtoull(list, &end, 10);

		if (end == list || v->count == 2000)
			return;
		v->cuts[v->count++] = cut;
		list = end;
	}
}

/* Every vector of the file; the number of them is fixed so that a broken parser can't pass. */
static void
test_vectors(void)
{
	static struct vector v;
	char line[256];
	FILE *f = fopen(VECTORS, "r");
	int done = 0;
	bool more = true;

	CHECK(f);	/* run from the top of the tree */
	while (more) {
		more = fgets(line, sizeof(line), f);
		if ((!more || !strncmp(line, "input ", 6)) && v.bytes) {
			CHECK(vector_holds(&v));
			free(v.bytes);
			memset(&v, 0, sizeof(v));
			done++;
		}
		if (!more)
			break;
		if (!strncmp(line, "input ", 6))
			CHECK(v.bytes = make_input(line + 6, &v.len));
		else if (!strncmp(line, "params ", 7))
			CHECK_INT(3, sscanf(line + 7, "%u %u %u", &v.min, &v.avg, &v.max));
		else if (!strncmp(line, "cuts", 4))
			add_cuts(&v, line + 4);
	}
	fclose(f);
	CHECK_INT(16, done);
}

/* The gear table as the header derives it. */
static void
test_gear_vectors(void)
{
	char line[256];
	FILE *f = fopen(VECTORS, "r");
	uint8_t label[20] = "fsd-fastcdc-1 gear ", hash[SHA256_SIZE];
	uint64_t value;
	unsigned b;
	int seen = 0;

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "gear %u %" SCNx64, &b, &value) == 2) {
			label[19] = (uint8_t)b;
			digest_sha256(label, 20, hash);
			CHECK(le_get64(hash) == value);
			seen++;
		}
	fclose(f);
	CHECK_INT(4, seen);
}

static void
test_parameters(void)
{
	struct chunker c;

	CHECK_INT(0, chunker_init(&c, CHUNK_MIN, CHUNK_AVG, CHUNK_MAX));
	CHECK_INT(0, chunker_init(&c, 256, 256, 256));
	CHECK_INT(0, chunker_init(&c, 64, 256, 64u << 20));
	CHECK_INT(ERR_INVALID, chunker_init(&c, 63, 256, 1024));
	CHECK_INT(ERR_INVALID, chunker_init(&c, 64, 255, 1024));
	CHECK_INT(ERR_INVALID, chunker_init(&c, 512, 256, 1024));
	CHECK_INT(ERR_INVALID, chunker_init(&c, 64, 2048, 1024));
	CHECK_INT(ERR_INVALID, chunker_init(&c, 64, 256, (64u << 20) + 1));
}

static void
test_empty_call(void)
{
	struct chunker c;
	bool cut = true;

	CHECK_INT(0, chunker_init(&c, 64, 256, 1024));
	CHECK_INT(0, chunker_scan(&c, NULL, 0, &cut));
	CHECK(!cut);
	CHECK_INT(0, c.n);
}

/* What it is for: bytes inserted near the front change few chunks. */
static void
test_resync(void)
{
	static uint8_t a[2000000], b[2000100];
	size_t at, cuts = 0, same = 0;
	static uint8_t seen[2000101];	/* a cut may stand at the very end */
	struct chunker c;
	bool cut;

	splitmix(42, a, sizeof(a));
	memcpy(b, a, 5000);
	splitmix(43, b + 5000, 100);
	memcpy(b + 5100, a + 5000, sizeof(a) - 5000);
	memset(seen, 0, sizeof(seen));
	CHECK_INT(0, chunker_init(&c, 2048, 8192, 32768));
	for (at = 0; at < sizeof(a);) {
		at += chunker_scan(&c, a + at, sizeof(a) - at, &cut);
		seen[at + 100] = cut;
	}
	chunker_reset(&c);
	for (at = 0; at < sizeof(b);) {
		at += chunker_scan(&c, b + at, sizeof(b) - at, &cut);
		cuts += cut;
		same += cut && at < sizeof(b) && seen[at];
	}
	CHECK(cuts > 150 && cuts < 350);
	CHECK(same + 6 > cuts);
}

/* How many of the bytes of `b` are in chunks that do not end and begin in `a` at the same places. */
static size_t
new_bytes(struct chunker *c, const uint8_t *a, const uint8_t *b, size_t len)
{
	static bool cut_there[(32 << 10) + 1];
	size_t new = 0, start = 0;
	bool cut;

	memset(cut_there, 0, len + 1);
	cut_there[0] = cut_there[len] = true;
	chunker_reset(c);
	for (size_t at = 0; at < len; cut_there[at] |= cut)
		at += chunker_scan(c, a + at, len - at, &cut);
	chunker_reset(c);
	for (size_t at = 0; at < len;) {
		at += chunker_scan(c, b + at, len - at, &cut);
		if (!cut && at < len)
			continue;
		if (!cut_there[start] || !cut_there[at] || memcmp(a + start, b + start, at - start))
			new += at - start;
		start = at;
	}
	return new;
}

/* An edit as long as an average chunk costs more than six of them one time in a hundred at most. */
static void
test_edits(void)
{
	static uint8_t a[32 << 10], b[32 << 10];
	size_t sum = 0;
	int costly = 0;
	struct chunker c;

	CHECK_INT(0, chunker_init(&c, 256, 1024, 4096));
	for (unsigned i = 0; i < 4000; i++) {
		size_t new;

		splitmix(2 * i, a, sizeof(a));
		memcpy(b, a, sizeof(a));
		splitmix(2 * i + 1, b + (11 << 10), 1 << 10);
		new = new_bytes(&c, a, b, sizeof(a));
		sum += new;
		costly += new > 6 << 10;
	}
	fprintf(stderr, "# %zu bytes an edit, %d of 4000 cost more than 6 KiB\n", sum / 4000, costly);
	CHECK(costly <= 40);
	CHECK(sum / 4000 <= 2800);
}

static const struct test tests[] = {
	TEST(test_vectors), TEST(test_gear_vectors), TEST(test_parameters), TEST(test_empty_call),
	TEST(test_resync), TEST(test_edits), TEST_END
};
TEST_MAIN(tests)
