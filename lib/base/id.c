#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "clock.h"
#include "err.h"
#include "id.h"
#include "log.h"

#define EPOCH_MS 1704067200000ll	/* 2024-01-01 UTC */
#define MS_MAX ((1ll << 41) - 1)	/* in 2093 */
#define COUNTER_BITS 16
#define LOW_BITS 22
#define NODES 64

static atomic_uint node_slot;
static _Atomic int64_t last_id;

#define PREFIX_MAX 5

static const char prefixes[ID_KINDS_][PREFIX_MAX + 1] = {
	[ID_WORKSPACE] = "ws_", [ID_FOLDER] = "fld_", [ID_FILE] = "file_", [ID_VERSION] = "ver_",
	[ID_UPLOAD] = "upl_", [ID_USER] = "user_", [ID_KEY] = "key_", [ID_TOKEN] = "tok_",
	[ID_DEVICE] = "dev_", [ID_MANIFEST] = "man_", [ID_GRANT] = "grt_", [ID_JOB] = "job_",
};

/* The first id of a node in a millisecond. */
static int64_t
first_of(int64_t ms, unsigned node)
{
	return ms << LOW_BITS | (int64_t)node << COUNTER_BITS;
}

/* The smallest id of `node` greater than `last`, not before `ms`. */
static int64_t
next_after(int64_t last, int64_t ms, unsigned node)
{
	const int64_t counter_mask = (1 << COUNTER_BITS) - 1;
	int64_t last_ms = last >> LOW_BITS;

	if (first_of(ms, node) > last)
		return first_of(ms, node);
	if ((unsigned)(last >> COUNTER_BITS) % NODES == node && (last & counter_mask) != counter_mask)
		return last + 1;
	if (first_of(last_ms, node) > last)
		return first_of(last_ms, node);
	if (last_ms == MS_MAX) {
		log_error("no identifiers are left above %lld", (long long)last);
		abort();
	}
	return first_of(last_ms + 1, node);
}

int64_t
id_new(void)
{
	int64_t ms = clock_wall_us() / 1000 - EPOCH_MS, last = atomic_load(&last_id), next;

	/* A clock that is beyond what an id can hold must not spend the rest of them. */
	if (ms < 0 || ms > MS_MAX)
		ms = 0;
	do
		next = next_after(last, ms, atomic_load(&node_slot));
	while (!atomic_compare_exchange_weak(&last_id, &last, next));
	return next;
}

void
id_setup(unsigned node, int64_t floor)
{
	int64_t last = atomic_load(&last_id);

	assert(node < NODES);
	atomic_store(&node_slot, node);
	while (last < floor && !atomic_compare_exchange_weak(&last_id, &last, floor))
		;
}

int64_t
id_time_us(int64_t id)
{
	return ((id >> LOW_BITS) + EPOCH_MS) * 1000;
}

void
id_format(enum id_kind kind, int64_t id, char text[ID_TEXT])
{
	static const char digits[32] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint64_t v = (uint64_t)id;
	size_t len = strlen(prefixes[kind]), bits = 64 - (size_t)__builtin_clzll(v | 1), count = (bits + 4) / 5;

	memcpy(text, prefixes[kind], PREFIX_MAX);
	for (size_t i = count; i-- > 0; v >>= 5)
		text[len + i] = digits[v & 31];
	text[len + count] = '\0';
}

/* Crockford's base32 (https://www.crockford.com/base32.html), each value plus one, so that 0 is "none". */
static const uint8_t base32_values[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8, ['8'] = 9,
	['9'] = 10, ['o'] = 1, ['i'] = 2, ['l'] = 2, ['O'] = 1, ['I'] = 2, ['L'] = 2,
	['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['g'] = 17, ['h'] = 18,
	['j'] = 19, ['k'] = 20, ['m'] = 21, ['n'] = 22, ['p'] = 23, ['q'] = 24, ['r'] = 25, ['s'] = 26,
	['t'] = 27, ['v'] = 28, ['w'] = 29, ['x'] = 30, ['y'] = 31, ['z'] = 32,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16, ['G'] = 17, ['H'] = 18,
	['J'] = 19, ['K'] = 20, ['M'] = 21, ['N'] = 22, ['P'] = 23, ['Q'] = 24, ['R'] = 25, ['S'] = 26,
	['T'] = 27, ['V'] = 28, ['W'] = 29, ['X'] = 30, ['Y'] = 31, ['Z'] = 32,
};

int
id_parse(enum id_kind kind, const char *text, int64_t *id)
{
	size_t len = strlen(prefixes[kind]);
	uint64_t v = 0;
	uint8_t digit;

	if (strncasecmp(text, prefixes[kind], len))
		return ERR_INVALID;
	text += len;
	/* Each id has one text: no leading zero but that of 0 itself. */
	if (!*text || (base32_values[(uint8_t)text[0]] == 1 && text[1]))
		return ERR_INVALID;
	for (; *text; text++) {
		if (!(digit = base32_values[(uint8_t)*text]) || v >> 58)
			return ERR_INVALID;
		v = v << 5 | (uint64_t)(digit - 1);
	}
	*id = (int64_t)v;
	return 0;
}

void
random_bytes(void *bytes, size_t len)
{
	char *p = bytes;
	ssize_t n;

	while (len > 0) {
		n = getrandom(p, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			log_errno(ERR_IO, "getrandom");
			abort();
		}
		p += n;
		len -= (size_t)n;
	}
}
