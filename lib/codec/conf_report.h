#ifndef CODEC_CONF_REPORT_H
#define CODEC_CONF_REPORT_H

#include <stddef.h>

#include "buf.h"

/*
 * Mistakes in a file, as every program of ours shows them: where, what, the source line and a caret.
 *
 *	fsd.yaml:17:14: error: limits.connections: expected an integer from 1 to 65536, got "7d"
 *	   17 |   connections: 7d
 *	      |                ^~ a hint
 *
 * Between conf_report_begin() and conf_report_end() the caller appends the text to `out`. One thread at a time.
 */
struct conf_report {
	const char *file;	/* its name for the messages */
	const char *bytes;	/* its contents */
	size_t len;
	struct buf *out;
	unsigned count;		/* of mistakes */
};

struct conf_place {
	size_t line, column;	/* from 0; columns count characters */
	size_t width;		/* characters to mark; 0 is shown as 1 */
};

void conf_report_begin(struct conf_report *r, const struct conf_place *at, const char *path);	/* path: may be "" */
void conf_report_end(struct conf_report *r, const struct conf_place *at, const char *hint);	/* hint: may be NULL */

/* The last line: "2 errors; nothing was run". `more`: the file was not read to its end. */
void conf_report_count(struct conf_report *r, int more);

#endif
