#ifndef FSCTL_OUT_H
#define FSCTL_OUT_H

#include "buf.h"
#include "json.h"

/*
 * Results, on standard output. Each returns an exit status: STATUS_OK, STATUS_FAILED
 * (said), or that of SIGPIPE, silently, when nobody reads any more.
 */
int out_write(struct buf *b);				/* also checks buf_finish(); leaves `b` */
int out_document(const struct json *doc);		/* pretty, with a newline */
int out_line(const struct json *doc);			/* one line */
__attribute__((format(printf, 1, 2))) int out_printf(const char *format, ...);

/* Writes a parsed value again. */
void out_value(struct json_out *j, const struct json *value);
/* The members of an object, into one that was begun. */
void out_members(struct json_out *j, const struct json *object);

#endif
