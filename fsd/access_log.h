#ifndef FSD_ACCESS_LOG_H
#define FSD_ACCESS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

/*
 * One line a request on standard error, as text or JSON like the program's log. Lines are collected and written 10 times a second,
 * or when ACCESS_LOG_BUFFER bytes have gathered. Nothing of it is secret: in targets the values of signatures, tokens,
 * tickets (of upload and download URLs) and credentials are cut out.
 */
#define ACCESS_LOG_BUFFER 65536
#define ACCESS_LOG_TARGET 4096		/* longer targets are cut */

struct access_line {
	int64_t wall_us;
	const char *request_id;
	const char *peer;
	const char *who;		/* access key id, or "user:NAME"; NULL: anonymous */
	const char *method;
	const char *target;		/* as sent */
	const char *operation;
	int status;
	uint64_t in, out;		/* body bytes */
	int64_t micros;
	bool broken;			/* the connection ended before the reply was whole */
};

int access_log_start(bool json);	/* ERR_NOMEM, ERR_BUSY */
void access_log_stop(void);		/* writes what there is */
void access_log_write(const struct access_line *line);

struct buf;
/* The line without its newline; and the target as it may be logged. For tests. */
void access_log_format(struct buf *out, const struct access_line *line, bool json);
void access_log_target(struct buf *out, const char *target);

#endif
