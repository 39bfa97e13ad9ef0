#ifndef FSD_GUARD_H
#define FSD_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"

/*
 * The guard looks at a request before anything else does. Two programs that read one byte stream differently
 * can be played against each other (request smuggling), so whatever is ambiguous is refused, and the connection
 * is closed. RFC 9112, 2.2, 3, 5.1, 6.1-6.3, 11.2. Pure; any thread.
 *
 * The HTTP library accepts much and hides it: bare line feeds, NUL bytes, folded lines, repeated spaces. It parses in place
 * and only overwrites line ends, the colon behind a name and the spaces of the first line with NUL; so the memory of
 * the request shows what was there: `memory` must be exactly method, NUL, target, NUL, version, NUL NUL, then for
 * each header name, NUL, blanks, value, NUL NUL, and at last NUL NUL. What cannot be told apart from CR LF by this is NUL LF, which
 * the library takes for a line's end too (0.9.75; a line that begins with NUL is the last). So the lines are also looked at before they are
 * parsed, as far as they have come by then: guard_ends(). Where the end of the head has not, nothing that comes behind the request is taken for
 * another: the connection ends with the reply.
 */
enum guard_ends {
	GUARD_UNSEEN,			/* the head's end is not there yet */
	GUARD_PLAIN,			/* CR LF at the end of each line, and no NUL */
	GUARD_ODD,
};
/* `head`: what stands behind the first line, up to `end`. What has not come yet is zeros. */
enum guard_ends guard_ends(const char *head, const char *end);

struct guard_request {
	const char *memory;		/* the request as parsed, from the first byte of the method */
	size_t memory_len;		/* up to and with the empty line */
	const char *method;		/* points into `memory`, as do all but `target` */
	const char *target;		/* its text: in `memory` the library has cut it up */
	const char *target_at;		/* where it stands */
	size_t target_len;
	const char *version;
	const struct http_header *headers;	/* in order; values with their trailing blanks */
	size_t nheaders;
	bool too_many;			/* there were more than LIMIT_HEADERS */
	enum guard_ends ends;
};

struct guard_result {
	size_t path_at;			/* bytes of the target before its path: of "http://HOST", HOST being that of the header */
	bool chunked;
	bool has_length;
	uint64_t content_length;	/* 0 if there was none */
	bool expect_continue;
};

/* 0, or the status to refuse with (400, 414, 417, 505) and in *reason a short text. */
int guard_check(const struct guard_request *g, struct guard_result *result, const char **reason);

/* Whether it can be a header's name, or value. For what becomes a header but did not come as one: in a presigned URL. */
bool guard_name(const char *p, size_t len);
bool guard_value(const char *p, size_t len);

#endif
