#include <assert.h>
#include <string.h>

#include "range.h"
#include "uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* A target that parses has a path that survives being encoded and parsed again. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf b = BUF_INIT(1 << 20);
	struct range r;
	struct uri u, again;

	uri_init(&u);
	uri_init(&again);
	if (!uri_parse(&u, (const char *)bytes, len)) {
		assert(u.path.len && u.path.p[0] == '/' && strlen(u.path.p) == u.path.len);
		for (size_t i = 0; i < u.count; i++)
			assert(strlen(u.params[i].value.p) == u.params[i].value.len);
		uri_encode(&b, u.path.p, u.path.len, true);
		if (b.len < 10000) {
			assert(!uri_parse(&again, b.data, b.len));
			assert(again.path.len == u.path.len && !memcmp(again.path.p, u.path.p, u.path.len));
		}
	}
	if (!range_parse((const char *)bytes, len, 1000, &r))
		assert(r.len && r.from < 1000 && r.len <= 1000 - r.from);
	if (!range_parse_copy((const char *)bytes, len, 1000, &r))
		assert(r.len && r.from < 1000 && r.len <= 1000 - r.from);
	uri_release(&u);
	uri_release(&again);
	buf_release(&b);
	return 0;
}
