#ifndef CORE_META_H
#define CORE_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

/*
 * What a version carries besides its bytes: content headers and user metadata, as stored in file_version.headers
 * and upload.headers. Encoding: records of name length u8, name in lower case, value length u16 LE, value;
 * ordered as added. User metadata have names that begin with "x-amz-meta-".
 */
void meta_add(struct buf *headers, const char *name, size_t nlen, const char *value, size_t vlen);
/* Walks: *at starts 0. ERR_END; ERR_CORRUPT. */
int meta_next(const void *headers, size_t len, size_t *at, struct slice *name, struct slice *value);
bool meta_find(const void *headers, size_t len, const char *name, struct slice *value);
bool meta_valid(const void *headers, size_t len);

/*
 * A stored checksum: algorithm (enum digest_kind), type (composite or full object), parts, value. Encoding: type u8, kind u8,
 * parts u16 LE, value.
 */
enum checksum_type { CHECKSUM_NONE, CHECKSUM_FULL, CHECKSUM_COMPOSITE };
struct checksum {
	enum checksum_type type;
	uint8_t kind;			/* enum digest_kind */
	uint8_t len;
	uint16_t parts;			/* composite: shown as "-parts" */
	uint8_t value[32];
};
void checksum_encode(const struct checksum *c, struct buf *to);	/* nothing for CHECKSUM_NONE */
int checksum_decode(const void *bytes, size_t len, struct checksum *c);	/* empty: CHECKSUM_NONE */

#endif
