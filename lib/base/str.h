#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Strings and numbers written as text. Pure; any thread.
 */

/* A piece of somebody else's bytes; not NUL-terminated. */
struct slice {
	const char *p;
	size_t len;
};
#define SLICE(str) ((struct slice) { (str), strlen(str) })

bool slice_is(struct slice s, const char *str);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* memchr/memcmp order of two byte strings: negative, 0, positive; a prefix sorts first. */
int bytes_cmp(const void *a, size_t alen, const void *b, size_t blen);

/* Lower-case hex with NUL into `hex` (2 * len + 1 bytes). */
void hex_encode(const void *bytes, size_t len, char *hex);
/* Exactly 2 * len hex digits of either case. ERR_INVALID otherwise. */
int hex_decode(const char *hex, size_t hexlen, void *bytes, size_t len);

/* Base64 with padding (RFC 4648, 4) and NUL into `out` (BASE64_SIZE(len) bytes). */
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)
void base64_encode(const void *bytes, size_t len, char *out);
/* Strict decode: *got bytes into `bytes` (room for `max`). ERR_INVALID, ERR_TOOBIG. */
int base64_decode(const char *text, size_t textlen, void *bytes, size_t max, size_t *got);

/* A whole decimal number without sign, leading blanks or anything behind it. ERR_INVALID, ERR_TOOBIG past UINT64_MAX. */
int parse_u64(const char *s, size_t len, uint64_t *value);

/* "64MiB", "5GB", "4096": bytes. Units B KiB MiB GiB TiB KB MB GB TB; none means bytes. ERR_INVALID. */
int parse_size(const char *s, uint64_t *bytes);
/* "30s" "15min" "6h" "7d" "4w" "3mo" "1y" and "0": milliseconds (mo is 30 days, y 365). A bare `m` is refused. ERR_INVALID. */
int parse_duration(const char *s, int64_t *ms);

/* Valid UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool utf8_valid(const void *bytes, size_t len);

/* Constant time in the contents. */
bool bytes_equal_secret(const void *a, const void *b, size_t len);

/* Edit distance for "did you mean", at most 15 bytes a side; longer ones count as far. */
int str_distance(const char *a, const char *b);

#endif
