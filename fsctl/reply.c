#include "reply.h"

const struct json *
reply_get(const struct json *object, const char *name)
{
	return object && json_kind(object) == JSON_IS_OBJECT ? json_get(object, name) : NULL;
}

const struct json *
reply_array(const struct json *object, const char *name)
{
	const struct json *array = reply_get(object, name);

	return array && json_kind(array) == JSON_IS_ARRAY ? array : NULL;
}

const struct json *
reply_first(const struct json *list)
{
	return list ? json_first(list) : NULL;
}

const char *
reply_str(const struct json *object, const char *name, const char *fallback)
{
	const struct json *v = reply_get(object, name);
	const char *s;

	return v && json_as_str(v, &s) == 0 ? s : fallback;
}

int64_t
reply_int(const struct json *object, const char *name, int64_t fallback)
{
	const struct json *v = reply_get(object, name);
	int64_t n;

	return v && json_as_int(v, 0, INT64_MAX, &n) == 0 ? n : fallback;
}

bool
reply_bool(const struct json *object, const char *name, bool fallback)
{
	const struct json *v = reply_get(object, name);
	bool b;

	return v && json_as_bool(v, &b) == 0 ? b : fallback;
}
