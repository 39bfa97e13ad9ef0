#ifndef CODEC_CONF_H
#define CODEC_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/*
 * A YAML file into a caller's struct, told by a table of settings. One thread at a time.
 *
 *	static const char *const durabilities[] = { "strict", "group", NULL };
 *	static const struct conf_setting table[] = {
 *		{ "listen", CONF_ADDRESSES, offsetof(struct options, listen), .fallback = "127.0.0.1:9000" },
 *		{ "limits.connections", CONF_INT, offsetof(struct options, connections), .fallback = "4096", .min = 1, .max = 65536 },
 *		{ "durability", CONF_ENUM, offsetof(struct options, durability), .fallback = "strict", .words = durabilities },
 *		{ NULL }
 *	};
 */
#define CONF_FILE (1u << 20)	/* bytes of a file */
#define CONF_DEPTH 16

enum conf_type {
	CONF_STRING,	/* char *, owned by the target; NULL while it has no value */
	CONF_BOOL,	/* bool: true, false */
	CONF_INT,	/* int64_t within min..max */
	CONF_SIZE,	/* uint64_t bytes within min..max: "64MiB"; a unit is required but for 0 */
	CONF_DURATION,	/* int64_t milliseconds within min..max: "30s", "15min"; a unit is required but for 0 */
	CONF_ENUM,	/* int: index into `words` */
	CONF_STRINGS,	/* struct conf_list: a sequence of strings, or one string */
	CONF_ADDRESSES,	/* struct conf_list: each ADDR:PORT, [ADDR6]:PORT or :PORT; unix:/PATH for check() to judge */
};

struct conf_list {
	char **items;	/* owned by the target */
	size_t count;
};

struct conf_setting {
	const char *name;		/* "limits.connections": a path of mappings; NULL ends the table */
	enum conf_type type;
	size_t offset;			/* of the field in the target */
	const char *fallback;		/* the default as text (lists: separated by commas); NULL: zero, NULL, empty */
	int64_t min, max;		/* INT, SIZE, DURATION; max 0: unbounded */
	const char *const *words;	/* ENUM; NULL-ended */
	const char *hint;		/* shown behind the caret of an error in the value; may be NULL */
	/* Asked after the value was stored: NULL if it is fine, else what is wrong ("no such zone"). May be NULL. */
	const char *(*check)(const void *field);
};

/*
 * Sets every field to its default. `target` must be zeroed or released before. ERR_NOMEM; a default that does
 * not parse is a bug of the table and asserted.
 */
int conf_defaults(const struct conf_setting *table, void *target);

/*
 * Reads a file's bytes over the target's present values. `file` is its name for the messages. Refused: unknown keys (with the
 * nearest known one), duplicate keys, aliases and anchors, tags, several documents, more than CONF_FILE bytes or
 * CONF_DEPTH levels, values out of range or without unit. An empty file is fine. All errors are collected in
 * `errors`, each with its source line and a caret, and their count in the last line ("2 errors; nothing was run"):
 *
 *	fsd.yaml:17:14: error: limits.connections: expected an integer from 1 to 65536, got "7d"
 *	   17 |   connections: 7d
 *	      |                ^~
 *
 * 0; ERR_USAGE with `errors` filled (fields without error are set all the same); ERR_NOMEM.
 */
int conf_load(const char *file, const char *bytes, size_t len, const struct conf_setting *table, void *target,
    struct buf *errors);

/*
 * Sets one field from text as a command line gives it (lists: separated by commas). ERR_USAGE with one line
 * ("limits.connections: expected ...") in `errors`; ERR_NOMEM.
 */
int conf_set(const struct conf_setting *table, void *target, const char *name, const char *text,
    struct buf *errors);

/* Frees strings and lists and zeroes the fields. */
void conf_release(const struct conf_setting *table, void *target);

#endif
