#ifndef TABLE_TBL_TEXT_H
#define TABLE_TBL_TEXT_H

#include <string.h>

#include "db.h"

/* A column of text as a string of at most size - 1 bytes; what is longer is cut. */
static inline void
tbl_text(const struct db_row *row, int column, char *to, size_t size)
{
	size_t len;
	const void *p = db_bytes(row, column, &len);

	if (len >= size)
		len = size - 1;
	memcpy(to, p, len);
	to[len] = '\0';
}

#endif
