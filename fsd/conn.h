#ifndef FSD_CONN_H
#define FSD_CONN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "body.h"
#include "guard.h"
#include "http.h"

/* So much of a source is read at once: whole blocks of the store, so that of a whole object none is read twice. */
#define CONN_PIECE (256u << 10)

/*
 * One connection and the request that is on it, without the HTTP library: which handler is called when, and what
 * comes of it. http.c feeds it and does what it answers. One request after the other; all calls from the
 * connection's thread, except where a member says otherwise.
 *
 *	EMPTY --conn_begin--> READY	the reply is there, no body comes
 *	      --conn_begin--> BUFFER	the body goes to req.body
 *	      --conn_begin--> STREAM	the body goes to write()
 *	      --conn_begin--> REPLIED	the reply is there, the body is left unread
 *	BUFFER, STREAM --conn_body--> DISCARD	the reply is there before the body's end
 *	READY, BUFFER, STREAM, DISCARD --conn_end--> REPLIED
 *	any --conn_done--> EMPTY
 */
enum conn_state { CONN_EMPTY, CONN_READY, CONN_BUFFER, CONN_STREAM, CONN_DISCARD, CONN_REPLIED };

enum conn_step {
	STEP_ON,	/* read the body, then conn_end() */
	STEP_WAIT,	/* suspend until http_resume(), then the same call again */
	STEP_REPLY,	/* send req.reply now */
	STEP_BREAK,	/* close the connection without a reply */
};

struct conn {
	struct http_request req;	/* req.impl_ is this */
	const struct http_handlers *handlers;
	enum conn_state state;
	bool routed;			/* route() was called, so done() must be */
	bool head;			/* the method is HEAD */
	struct guard_result guard;
	char *target;			/* the raw target: a copy, since the library cuts its own into pieces */
	const char *target_at;		/* where the library has it */
	size_t target_len, target_size;
	enum guard_ends ends;		/* of the lines behind the target's */
	struct http_header *headers;	/* conn_header() adds */
	size_t headers_room;
	const char *method;		/* conn_keep(): that of its request; lies behind the headers */
	bool too_many;
	uint64_t given;			/* bytes of the source that were given away */
	size_t ahead;			/* bytes of its first piece, where more follow; they lie in req.reply.body */
	_Atomic uint64_t received;	/* body bytes, for the sweep */
	struct body body;		/* BUFFER: what req.body may take */
};

/* ERR_NOMEM. `local`, `tls` and `peer` are set by the caller. `bodies` is what collected bodies may take together, or NULL. */
int conn_init(struct conn *c, const struct http_handlers *handlers, struct budget *bodies);
void conn_release(struct conn *c);

/* Keeps a copy of the raw target. ERR_NOMEM, ERR_TOOBIG. */
int conn_target(struct conn *c, struct slice target);
/* Takes what the request has in the library's memory out of it. ERR_NOMEM: it stays there. */
int conn_keep(struct conn *c);
/*
 * After conn_keep() and conn_done(): whether `text` is one more whole request and nothing else, the same as the last one but for the
 * target, of which the path is the same too. *target lies in it.
 */
bool conn_is_again(const struct conn *c, const char *text, size_t len, struct slice *target);
/* That request, as conn_begin() does it: conn_end() is next. ERR_NOMEM. */
int conn_again(struct conn *c, struct slice target);
/* One more header of the request. False: too many, or no memory; conn_begin() refuses the request then. */
bool conn_header(struct conn *c, const struct http_header *header);
/* The headers are in c->headers and c->req.nheaders. STEP_ON or STEP_REPLY (and the body, if any, is not read). */
enum conn_step conn_begin(struct conn *c, const struct guard_request *g);
/* Body bytes; *used of them are done with. STEP_ON, STEP_WAIT, STEP_REPLY (the body goes on; state DISCARD), STEP_BREAK. */
enum conn_step conn_body(struct conn *c, const char *bytes, size_t len, size_t *used);
/* The body has ended. STEP_REPLY or STEP_WAIT. */
enum conn_step conn_end(struct conn *c);
/*
 * Makes req.reply one that can be sent: the first piece of its source is read into the body, and a source that has no more is done with;
 * replies that could not be built become errors. ERR_* only if even that fails.
 */
int conn_settle(struct conn *c);
/* The next bytes of the source. */
int conn_source_read(struct conn *c, uint64_t offset, char *bytes, size_t max, size_t *got);
/* The request is over, sent whole or not: calls done(), makes ready for the next. Also fine if there was no request. */
void conn_done(struct conn *c, bool complete);

/* Whether this status with this method has a body; and its length. */
bool conn_has_body(const struct conn *c);

#endif
