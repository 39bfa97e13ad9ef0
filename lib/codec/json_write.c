#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "le.h"
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

/* The same for text that writes its own comma, if it has to: true. */
static bool
before_text(struct json_out *j)
{
	bool comma = !j->pretty && !j->after_key && j->comma;

	if (j->pretty)
		before(j);
	j->after_key = false;
	return comma;
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

/* Whether all of eight bytes stand for themselves: none has its top bit, is 0x7f, below 0x20, a quote or a backslash. */
static bool
plain_eight(const unsigned char *p)
{
	const uint64_t ones = 0x0101010101010101u, tops = 0x80 * ones;
	uint64_t x = le_get64(p), quote = x ^ ('"' * ones), slash = x ^ ('\\' * ones);

	return !((x | (x + ones) | (x - ' ' * ones) | (quote - ones) | (slash - ones)) & tops);
}

static bool
all_plain(const unsigned char *p, size_t len)
{
	if (len >= 8) {
		for (size_t i = 0; i + 8 < len; i += 8)
			if (!plain_eight(p + i))
				return false;
		return plain_eight(p + len - 8);
	}
	for (; len > 0; p++, len--)
		if (!plain[*p])
			return false;
	return true;
}

/* Plain bytes in quotes, with a comma before them and a colon behind. */
static void
quoted_plain(struct buf *b, const char *bytes, size_t len, bool comma, bool colon)
{
	char *start = buf_room(b, len + 2 + comma + colon), *to = start;

	if (!to)
		return;
	if (comma)
		*to++ = ',';
	*to++ = '"';
	memcpy(to, bytes, len);
	to += len;
	*to++ = '"';
	if (colon)
		*to++ = ':';
	b->len += (size_t)(to - start);
}

static void
quoted_other(struct buf *b, const char *bytes, size_t len)
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

static void
quoted(struct json_out *j, const char *bytes, size_t len, bool colon)
{
	bool comma = before_text(j);

	if (all_plain((const unsigned char *)bytes, len)) {
		quoted_plain(j->buf, bytes, len, comma, colon);
		return;
	}
	if (comma)
		buf_addch(j->buf, ',');
	quoted_other(j->buf, bytes, len);
	if (colon)
		buf_addch(j->buf, ':');
}

void
json_key(struct json_out *j, const char *key)
{
	quoted(j, key, strlen(key), true);
	if (j->pretty)
		buf_addch(j->buf, ' ');
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
	quoted(j, bytes, len, false);
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

static void
number(struct json_out *j, uint64_t value, bool negative)
{
	char text[24], *end = text + sizeof(text), *at = end;

	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	if (negative)
		*--at = '-';
	json_raw(j, at, (size_t)(end - at));
}

void
json_int(struct json_out *j, int64_t value)
{
	number(j, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

void
json_uint(struct json_out *j, uint64_t value)
{
	number(j, value, false);
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
