#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "human.h"
#include "reply.h"
#include "say.h"
#include "table.h"

#define CELL_MAX 65536
#define COLUMN_GAP 2

static bool
to_the_right(enum cell cell)
{
	return cell == CELL_COUNT || cell == CELL_SIZE || cell == CELL_LIMIT || cell == CELL_RATIO;
}

static void
number_cell(struct buf *out, enum cell cell, int64_t n)
{
	char text[HUMAN_TEXT];

	if (cell == CELL_LIMIT && n <= 0)
		strcpy(text, "none");
	else if (cell == CELL_SIZE || cell == CELL_LIMIT)
		human_size(n < 0 ? 0 : (uint64_t)n, text);
	else if (cell == CELL_NUMBER)
		snprintf(text, sizeof(text), "%lld", (long long)n);
	else if (cell == CELL_MS)
		human_duration(n, text);
	else if (cell == CELL_SECONDS)
		human_duration(n < INT64_MAX / 1000 ? n * 1000 : INT64_MAX, text);
	else
		human_count(n, text);
	buf_addstr(out, text);
}

void
table_cell(struct buf *out, const struct table_column *column, const struct json *object)
{
	const struct json *value = reply_get(object, column->key);
	char text[HUMAN_TEXT];
	const char *s;
	int64_t n;
	double d;
	bool yes;

	if (column->cell == CELL_YES)
		buf_addstr(out, value && (json_as_bool(value, &yes) == 0 ? yes : json_as_str(value, &s) == 0) ? "yes" : "-");
	else if (!value || json_kind(value) == JSON_IS_NULL)
		buf_addch(out, '-');
	else if (json_as_bool(value, &yes) == 0)
		buf_addstr(out, yes ? "yes" : "no");
	else if (json_as_str(value, &s) == 0 && column->cell == CELL_TIME)
		human_time(s, text), say_plain(out, text);
	else if (json_as_str(value, &s) == 0)
		say_plain(out, *s ? s : "-");
	else if (json_as_int(value, INT64_MIN, INT64_MAX, &n) == 0 && column->cell != CELL_RATIO)
		number_cell(out, column->cell, n);
	else if (json_as_double(value, &d) == 0)
		buf_addf(out, "%.2f", d);
	else
		buf_addch(out, '?');
}

/* Columns on a terminal, as near as code points come to them. */
static size_t
width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void
blanks(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_addch(out, ' ');
}

static void
aligned(struct buf *out, const char *text, size_t wide, bool right, bool last)
{
	size_t pad = wide - width(text);

	if (right)
		blanks(out, pad);
	buf_addstr(out, text);
	if (!last)
		blanks(out, (right ? 0 : pad) + COLUMN_GAP);
}

static size_t
count(const struct table_column *columns)
{
	size_t n = 0;

	while (columns[n].title)
		n++;
	return n;
}

void
table_rows(struct buf *out, const struct table_column *columns, const struct json *const *rows, size_t n)
{
	const size_t cols = count(columns);
	size_t *wide = calloc(cols + 1, sizeof(*wide));
	struct buf cell = BUF_INIT(CELL_MAX);

	if (!wide) {
		out->err = ERR_NOMEM;
		return;
	}
	for (size_t c = 0; c < cols; c++) {
		wide[c] = width(columns[c].title);
		for (size_t r = 0; r < n; r++) {
			buf_clear(&cell);
			table_cell(&cell, &columns[c], rows[r]);
			if (cell.data && width(cell.data) > wide[c])
				wide[c] = width(cell.data);
		}
	}
	for (size_t c = 0; c < cols; c++)
		aligned(out, columns[c].title, wide[c], to_the_right(columns[c].cell), c + 1 == cols);
	buf_addch(out, '\n');
	for (size_t r = 0; r < n; r++) {
		for (size_t c = 0; c < cols; c++) {
			buf_clear(&cell);
			table_cell(&cell, &columns[c], rows[r]);
			aligned(out, cell.data ? cell.data : "", wide[c], to_the_right(columns[c].cell), c + 1 == cols);
		}
		buf_addch(out, '\n');
	}
	buf_release(&cell);
	free(wide);
}

void
table_array(struct buf *out, const struct table_column *columns, const struct json *array)
{
	size_t n = array ? json_array_len(array) : 0;
	const struct json **rows = calloc(n + 1, sizeof(*rows));

	if (!rows) {
		out->err = ERR_NOMEM;
		return;
	}
	for (size_t i = 0; i < n; i++)
		rows[i] = json_at(array, i);
	table_rows(out, columns, rows, n);
	free(rows);
}

void
table_fields(struct buf *out, const struct table_column *columns, const struct json *object, unsigned indent)
{
	size_t wide = 0;

	for (const struct table_column *c = columns; c->title; c++)
		if (reply_get(object, c->key) && width(c->title) > wide)
			wide = width(c->title);
	for (const struct table_column *c = columns; c->title; c++) {
		if (!reply_get(object, c->key))
			continue;
		blanks(out, indent);
		aligned(out, c->title, wide, false, false);
		table_cell(out, c, object);
		buf_addch(out, '\n');
	}
}
