#include <string.h>

#include "err.h"
#include "le.h"
#include "meta.h"

/* Bytes before the value. */
#define CHECKSUM_HEAD 4

void
checksum_encode(const struct checksum *c, struct buf *to)
{
	if (c->type == CHECKSUM_NONE)
		return;
	buf_addle(to, c->type, 1);
	buf_addle(to, c->kind, 1);
	buf_addle(to, c->parts, 2);
	buf_add(to, c->value, c->len);
}

int
checksum_decode(const void *bytes, size_t len, struct checksum *c)
{
	const uint8_t *p = bytes;
	struct checksum got = { CHECKSUM_NONE };

	if (len) {
		if (len < CHECKSUM_HEAD || len - CHECKSUM_HEAD > sizeof(got.value) ||
		    (p[0] != CHECKSUM_FULL && p[0] != CHECKSUM_COMPOSITE))
			return ERR_CORRUPT;
		got.type = p[0];
		got.kind = p[1];
		got.parts = le_get16(p + 2);
		got.len = (uint8_t)(len - CHECKSUM_HEAD);
		memcpy(got.value, p + CHECKSUM_HEAD, got.len);
	}
	*c = got;
	return 0;
}
