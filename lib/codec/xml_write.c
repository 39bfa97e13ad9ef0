#include <string.h>

#include "clock.h"
#include "utf8.h"
#include "xml.h"

void
xml_declare(struct buf *b)
{
	buf_addstr(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

void
xml_begin_root(struct buf *b, const char *name)
{
	xml_declare(b);
	buf_addch(b, '<');
	buf_addstr(b, name);
	buf_addstr(b, " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
}

void
xml_begin(struct buf *b, const char *name)
{
	buf_addch(b, '<');
	buf_addstr(b, name);
	buf_addch(b, '>');
}

void
xml_end(struct buf *b, const char *name)
{
	buf_addstr(b, "</");
	buf_addstr(b, name);
	buf_addch(b, '>');
}

/* Bytes that stand for themselves. */
static const unsigned char plain[256] = {
	['\t'] = 1, ['\n'] = 1, [' '] = 1, ['!'] = 1, ['#' ... '%'] = 1, ['\'' ... ';'] = 1, ['='] = 1,
	['?' ... '~'] = 1,
};

static void
escape_ascii(struct buf *b, unsigned char c)
{
	switch (c) {
	case '&':
		buf_addstr(b, "&amp;");
		break;
	case '<':
		buf_addstr(b, "&lt;");
		break;
	case '>':
		buf_addstr(b, "&gt;");
		break;
	case '"':
		buf_addstr(b, "&quot;");
		break;
	case '\r':
		buf_addstr(b, "&#13;");
		break;
	case 0x7f:
		buf_addch(b, (char)c);
		break;
	default:
		buf_addf(b, "&#x%x;", c);
	}
}

void
xml_escape(struct buf *b, const char *bytes, size_t len)
{
	const unsigned char *p = (const unsigned char *)bytes;
	size_t i = 0;

	while (i < len) {
		size_t from = i, n = 0;

		while (i < len && (plain[p[i]] || (p[i] >= 0x80 && (n = utf8_sequence(p + i, len - i)))))
			i += plain[p[i]] ? 1 : n;
		if (i > from)
			buf_add(b, bytes + from, i - from);
		if (i == len)
			break;
		if (p[i] < 0x80)
			escape_ascii(b, p[i]);
		else
			buf_addstr(b, "\xef\xbf\xbd");
		i++;
	}
}

void
xml_elem_bytes(struct buf *b, const char *name, const char *bytes, size_t len)
{
	xml_begin(b, name);
	xml_escape(b, bytes, len);
	xml_end(b, name);
}

void
xml_elem(struct buf *b, const char *name, const char *text)
{
	if (text)
		xml_elem_bytes(b, name, text, strlen(text));
}

void
xml_elem_int(struct buf *b, const char *name, int64_t value)
{
	char digits[24], *p = digits + sizeof(digits);
	uint64_t n = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	if (value < 0)
		*--p = '-';
	xml_begin(b, name);
	buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
	xml_end(b, name);
}

void
xml_elem_bool(struct buf *b, const char *name, bool value)
{
	xml_elem(b, name, value ? "true" : "false");
}

void
xml_elem_time(struct buf *b, const char *name, int64_t us)
{
	char text[CLOCK_TEXT];

	clock_iso(us, text);
	xml_elem(b, name, text);
}
