#include <string.h>

#include "err.h"
#include "le.h"
#include "meta.h"

void
meta_add(struct buf *headers, const char *name, size_t nlen, const char *value, size_t vlen)
{
	if (nlen == 0 || nlen > UINT8_MAX || vlen > UINT16_MAX) {
		if (!headers->err)
			headers->err = ERR_TOOBIG;
		return;
	}
	buf_addle(headers, nlen, 1);
	buf_add(headers, name, nlen);
	buf_addle(headers, vlen, 2);
	buf_add(headers, value, vlen);
}

int
meta_next(const void *headers, size_t len, size_t *at, struct slice *name, struct slice *value)
{
	const char *p = headers;
	size_t pos = *at, nlen, vlen;

	if (pos == len)
		return ERR_END;
	nlen = le_get(p + pos, 1);
	if (nlen == 0 || len - pos < 1 + nlen + 2)
		return ERR_CORRUPT;
	vlen = le_get16(p + pos + 1 + nlen);
	if (len - pos - 1 - nlen - 2 < vlen)
		return ERR_CORRUPT;
	*name = (struct slice) { p + pos + 1, nlen };
	*value = (struct slice) { p + pos + 1 + nlen + 2, vlen };
	*at = pos + 1 + nlen + 2 + vlen;
	return 0;
}

bool
meta_find(const void *headers, size_t len, const char *name, struct slice *value)
{
	struct slice n, v;
	size_t at = 0;

	while (meta_next(headers, len, &at, &n, &v) == 0)
		if (slice_is(n, name)) {
			*value = v;
			return true;
		}
	return false;
}

bool
meta_valid(const void *headers, size_t len)
{
	struct slice name, value;
	size_t at = 0;
	int rc;

	while ((rc = meta_next(headers, len, &at, &name, &value)) == 0)
		;
	return rc == ERR_END;
}
