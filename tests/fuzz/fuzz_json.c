#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
write_out(struct json_out *j, const struct json *v)
{
	const char *s;
	int64_t n;
	double d;
	bool b;

	if (!json_as_str(v, &s))
		json_str(j, s);
	else if (!json_as_int(v, INT64_MIN, INT64_MAX, &n))
		json_int(j, n);
	else if (!json_as_bool(v, &b))
		json_bool(j, b);
	else if (!json_as_double(v, &d))
		json_double(j, d);
	else if (json_kind(v) == JSON_IS_NULL)
		json_null_value(j);
	else {
		bool object = json_kind(v) == JSON_IS_OBJECT;

		(object ? json_object_begin : json_array_begin)(j);
		for (const struct json *c = json_first(v); c; c = json_next(c)) {
			if (object)
				json_key(j, json_name(c));
			write_out(j, c);
		}
		(object ? json_object_end : json_array_end)(j);
	}
}

/* What was read and is written out again is read again. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char *const none[] = { NULL };
	struct buf b = BUF_INIT(1 << 24);
	char error[JSON_ERROR];
	struct json_out j;
	struct json *root;

	json_out_init(&j, &b, len & 1);
	if (!json_parse((const char *)bytes, len, error, &root)) {
		write_out(&j, root);
		json_only(root, none);
		assert(strlen(json_error(root)) < JSON_ERROR);
		json_free(root);
		assert(!json_parse(b.data, b.len, error, &root));
		json_free(root);
	}
	buf_clear(&b);
	json_out_init(&j, &b, false);
	json_array_begin(&j);
	json_bytes(&j, (const char *)bytes, len);
	json_array_end(&j);
	assert(!buf_finish(&b));
	if (!memchr(bytes, 0, len)) {
		assert(!json_parse(b.data, b.len, error, &root));
		json_free(root);
	}
	buf_release(&b);
	return 0;
}
