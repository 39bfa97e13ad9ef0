#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "utf8.h"

void
json_out_init(struct json_out *j, struct buf *buf, bool pretty)
{
	*j = (struct json_out) { .buf = buf, .pretty = pretty };
}

static void
new_line(struct json_out *j)
{
	if (!j->pretty)
		return;
	buf_addch(j->buf, '\n');
	for (unsigned i = 0; i < j->depth; i++)
		buf_add(j->buf, "  ", 2);
}

/* What stands before a value or a key: nothing behind a key, else a comma if it isn't the first. */
static void
before(struct json_out *j)
{
	if (j->after_key) {
		j->after_key = false;
		return;
	}
	if (j->comma)
		buf_addch(j->buf, ',');
	if (j->depth)
		new_line(j);
}

static void
begin(struct json_out *j, char c)
{
	before(j);
	buf_addch(j->buf, c);
	j->depth++;
	j->comma = false;
}

static void
end(struct json_out *j, char c)
{
	j->depth--;
	if (j->comma)
		new_line(j);
	buf_addch(j->buf, c);
	j->comma = true;
}

void
json_object_begin(struct json_out *j)
{
	begin(j, '{');
}

void
json_object_end(struct json_out *j)
{
	end(j, '}');
}

void
json_array_begin(struct json_out *j)
{
	begin(j, '[');
}

void
json_array_end(struct json_out *j)
{
	end(j, ']');
}

/* Bytes that stand for themselves. */
static const unsigned char plain[256] = {
	[' '] = 1, ['!'] = 1, ['#' ... '['] = 1, [']' ... '~'] = 1,
};

static void
escape(struct buf *b, unsigned char c)
{
	static const char letters[] = "\b\f\n\r\t", names[] = "bfnrt";
	const char *letter = c ? strchr(letters, c) : NULL;

	if (c == '"' || c == '\\')
		buf_addf(b, "\\%c", c);
	else if (letter)
		buf_addf(b, "\\%c", names[letter - letters]);
	else if (c < 0x80)
		buf_addf(b, "\\u%04x", c);
	else
		buf_addstr(b, "\xef\xbf\xbd");
}

static void
quoted(struct buf *b, const char *bytes, size_t len)
{
	const unsigned char *p = (const unsigned char *)bytes;
	size_t i = 0;

	buf_addch(b, '"');
	while (i < len) {
		size_t from = i, n = 0;

		while (i < len && (plain[p[i]] || (p[i] >= 0x80 && (n = utf8_sequence(p + i, len - i)))))
			i += plain[p[i]] ? 1 : n;
		if (i > from)
			buf_add(b, bytes + from, i - from);
		if (i < len)
			escape(b, p[i++]);
	}
	buf_addch(b, '"');
}

void
json_key(struct json_out *j, const char *key)
{
	before(j);
	quoted(j->buf, key, strlen(key));
	buf_addstr(j->buf, j->pretty ? ": " : ":");
	j->comma = true;
	j->after_key = true;
}

void
json_raw(struct json_out *j, const char *json, size_t len)
{
	before(j);
	buf_add(j->buf, json, len);
	j->comma = true;
}

void
json_bytes(struct json_out *j, const char *bytes, size_t len)
{
	before(j);
	quoted(j->buf, bytes, len);
	j->comma = true;
}

void
json_str(struct json_out *j, const char *s)
{
	if (s)
		json_bytes(j, s, strlen(s));
	else
		json_null_value(j);
}

void
json_int(struct json_out *j, int64_t value)
{
	char text[24];

	json_raw(j, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, value));
}

void
json_uint(struct json_out *j, uint64_t value)
{
	char text[24];

	json_raw(j, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, value));
}

void
json_double(struct json_out *j, double value)
{
	char text[32];

	if (isfinite(value))
		json_raw(j, text, (size_t)snprintf(text, sizeof(text), "%.15g", value));
	else
		json_null_value(j);
}

void
json_bool(struct json_out *j, bool value)
{
	json_raw(j, value ? "true" : "false", value ? 4 : 5);
}

void
json_null_value(struct json_out *j)
{
	json_raw(j, "null", 4);
}

void
json_key_str(struct json_out *j, const char *key, const char *s)
{
	json_key(j, key);
	json_str(j, s);
}

void
json_key_int(struct json_out *j, const char *key, int64_t value)
{
	json_key(j, key);
	json_int(j, value);
}

void
json_key_uint(struct json_out *j, const char *key, uint64_t value)
{
	json_key(j, key);
	json_uint(j, value);
}

void
json_key_double(struct json_out *j, const char *key, double value)
{
	json_key(j, key);
	json_double(j, value);
}

void
json_key_bool(struct json_out *j, const char *key, bool value)
{
	json_key(j, key);
	json_bool(j, value);
}
