#ifndef FSCTL_TABLE_H
#define FSCTL_TABLE_H

#include <stddef.h>

#include "buf.h"
#include "json.h"

/* JSON objects as aligned text for people: each column is a member. */
enum cell {
	CELL_TEXT,
	CELL_COUNT,
	CELL_NUMBER,		/* a number that is a name: a process */
	CELL_SIZE,		/* bytes */
	CELL_LIMIT,		/* bytes, 0 is shown as "none" */
	CELL_TIME,		/* RFC 3339 */
	CELL_MS,		/* a duration in milliseconds */
	CELL_SECONDS,		/* a duration in seconds */
	CELL_YES,		/* "yes" for true and for any time, else "-" */
	CELL_RATIO,		/* "2.50" */
};

struct table_column {
	const char *title;	/* NULL ends a list of columns */
	const char *key;	/* of the member; absent and null are shown as "-" */
	enum cell cell;
};

/* The text of one member. */
void table_cell(struct buf *out, const struct table_column *column, const struct json *object);

/* A title line and a line a row, aligned; numbers to the right. `rows` are objects. */
void table_rows(struct buf *out, const struct table_column *columns, const struct json *const *rows, size_t n);
/* The same of an array. ERR_NOMEM sticks in `out`. */
void table_array(struct buf *out, const struct table_column *columns, const struct json *array);
/*
 * One object: a line "title  value" a member, with `indent` blanks before it; absent
 * members are left out.
 */
void table_fields(struct buf *out, const struct table_column *columns, const struct json *object, unsigned indent);

#endif
