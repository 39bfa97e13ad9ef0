#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* JSON (RFC 8259): a builder over a buffer, and a strict reader. One thread at a time each. */

/*
 * Writing. The error sticks in the buffer (buf_finish). Commas and, if `pretty`, line breaks with two blanks a
 * level come by themselves; the caller balances begin and end. Strings are UTF-8; bytes that are not become
 * U+FFFD. No newline is written at the end.
 */
struct json_out {
	struct buf *buf;
	bool pretty;
	bool comma;		/* something stands before the next value on this level */
	bool after_key;
	unsigned depth;
};

void json_out_init(struct json_out *j, struct buf *buf, bool pretty);

void json_object_begin(struct json_out *j);
void json_object_end(struct json_out *j);
void json_array_begin(struct json_out *j);
void json_array_end(struct json_out *j);
void json_key(struct json_out *j, const char *key);	/* then exactly one value */

void json_str(struct json_out *j, const char *s);	/* null if `s` is NULL */
void json_bytes(struct json_out *j, const char *bytes, size_t len);
void json_int(struct json_out *j, int64_t value);
void json_uint(struct json_out *j, uint64_t value);
void json_double(struct json_out *j, double value);	/* null if it is not finite */
void json_bool(struct json_out *j, bool value);
void json_null_value(struct json_out *j);
void json_raw(struct json_out *j, const char *json, size_t len);	/* a value that is JSON already */

/* A key with its value. */
void json_key_str(struct json_out *j, const char *key, const char *s);
void json_key_int(struct json_out *j, const char *key, int64_t value);
void json_key_uint(struct json_out *j, const char *key, uint64_t value);
void json_key_double(struct json_out *j, const char *key, double value);
void json_key_bool(struct json_out *j, const char *key, bool value);

/*
 * Reading. A document is a tree of values; the root owns it. Strict: one value, nothing behind it, no duplicate
 * keys, valid UTF-8, no NUL in strings, integers of 64 bits, at most JSON_DEPTH levels. The caller limits `len`.
 */
#define JSON_DEPTH 32
#define JSON_ERROR 256		/* bytes of an error text with its NUL */

enum json_kind { JSON_IS_NULL, JSON_IS_BOOL, JSON_IS_INT, JSON_IS_DOUBLE, JSON_IS_STR, JSON_IS_ARRAY, JSON_IS_OBJECT };

struct json;

/* ERR_INVALID with "line L, column C: what" in `error` (may be NULL), ERR_NOMEM. */
int json_parse(const char *bytes, size_t len, char error[JSON_ERROR], struct json **root);
void json_free(struct json *root);		/* NULL is fine */

enum json_kind json_kind(const struct json *v);
/* The member of that name; NULL if there is none or `object` is not an object. A null member is a value. */
const struct json *json_get(const struct json *object, const char *key);
size_t json_array_len(const struct json *array);	/* 0 if it is not an array */
const struct json *json_at(const struct json *array, size_t i);	/* NULL beyond the end; constant time */
/* Walks members or elements: first and next; the member's name (NULL in arrays). NULL at the end. */
const struct json *json_first(const struct json *v);
const struct json *json_next(const struct json *v);
const char *json_name(const struct json *v);

/*
 * The value itself: 0, or ERR_INVALID if it is of another type (an int is no bool, a null is nothing else; an
 * integer is accepted as double). Strings live as long as the root. json_error() then says "files[3].name:
 * expected a string, got a number".
 */
int json_as_str(const struct json *v, const char **value);
int json_as_int(const struct json *v, int64_t min, int64_t max, int64_t *value);	/* ERR_INVALID too out of range */
int json_as_double(const struct json *v, double *value);
int json_as_bool(const struct json *v, bool *value);

/*
 * The same of a member: ERR_NOTFOUND, with nothing written, if there is no such member (json_error() then says
 * "files[3].name: missing", for callers who need it), ERR_INVALID as above, also if `object` is no object.
 */
int json_get_str(const struct json *object, const char *key, const char **value);
int json_get_int(const struct json *object, const char *key, int64_t min, int64_t max, int64_t *value);
int json_get_double(const struct json *object, const char *key, double *value);
int json_get_bool(const struct json *object, const char *key, bool *value);
int json_get_array(const struct json *object, const char *key, const struct json **array);
int json_get_object(const struct json *object, const char *key, const struct json **member);

/* ERR_INVALID if `object` is no object or has a member that the NULL-ended list does not name ("files[3]: unknown field \"nmae\""). */
int json_only(const struct json *object, const char *const *names);

/* Records "PATH OF v: text" as the document's error; returns ERR_INVALID. */
int json_fail(const struct json *v, const char *text);
/* The last error of the document that `v` belongs to; "" before any. */
const char *json_error(const struct json *v);

#endif
