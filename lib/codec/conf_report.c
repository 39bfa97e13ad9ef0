#include <string.h>

#include "conf_report.h"

#define LINE_SHOWN 160		/* bytes of a source line */

void
conf_report_begin(struct conf_report *r, const struct conf_place *at, const char *path)
{
	r->count++;
	buf_addf(r->out, "%s:%zu:%zu: error: ", r->file, at->line + 1, at->column + 1);
	if (*path)
		buf_addf(r->out, "%s: ", path);
}

/* A source line and its length without the line end; NULL if there is none of that number. */
static const char *
source_line(const struct conf_report *r, size_t number, size_t *len)
{
	const char *p = r->bytes, *end = r->bytes + r->len, *stop;

	for (; number && p < end; number--) {
		if (!(stop = memchr(p, '\n', (size_t)(end - p))))
			return NULL;
		p = stop + 1;
	}
	if (!(stop = memchr(p, '\n', (size_t)(end - p))))
		stop = end;
	if (stop > p && stop[-1] == '\r')
		stop--;
	*len = (size_t)(stop - p);
	return p;
}

/* Writes the line so that one character takes one column, and returns how many it took. */
static size_t
add_line(struct buf *out, const char *line, size_t len)
{
	size_t columns = 0;

	if (len > LINE_SHOWN)
		for (len = LINE_SHOWN; len && (line[len] & 0xc0) == 0x80; len--)
			;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		columns += (c & 0xc0) != 0x80;
		buf_addch(out, c == '\t' ? ' ' : c < ' ' || c == 0x7f ? '?' : (char)c);
	}
	buf_addch(out, '\n');
	return columns;
}

void
conf_report_end(struct conf_report *r, const struct conf_place *at, const char *hint)
{
	size_t len = 0, columns, width = at->width ? at->width : 1;
	const char *line = source_line(r, at->line, &len);

	buf_addch(r->out, '\n');
	if (!line || !len)
		return;
	buf_addf(r->out, "%5zu | ", at->line + 1);
	columns = add_line(r->out, line, len);
	if (at->column > columns)
		return;
	if (width > columns - at->column)
		width = columns - at->column ? columns - at->column : 1;
	buf_addf(r->out, "      | %*s^", (int)at->column, "");
	while (--width)
		buf_addch(r->out, '~');
	if (hint)
		buf_addf(r->out, " %s", hint);
	buf_addch(r->out, '\n');
}

void
conf_report_count(struct conf_report *r, int more)
{
	buf_addf(r->out, "%s%u error%s; nothing was run\n", more ? "at least " : "", r->count, r->count == 1 ? "" : "s");
}
