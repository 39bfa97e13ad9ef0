#ifndef FSD_HTTP_H
#define FSD_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

struct budget;

/*
 * HTTP as the handlers see it. http.c, http_serve.c and http_park.c alone know the library behind it
 * (libmicrohttpd, by way of http_in.h), so that it can be replaced there.
 *
 * An acceptor of our own takes connections from TCP and Unix listeners (limit of all connections, slots
 * reserved for the Unix socket) and hands each to one of `threads` threads, which serves it to its end. A request:
 *
 *	route(req)   headers are here, the guard has passed; picks what happens. No body byte was read.
 *	             Either answers at once with req->reply (the body, if any, is not read and the connection closes),
 *	             or sets req->body_max and returns HTTP_BUFFER: the whole body (<= body_max, else 413) is
 *	             collected in req->body, then finish(req);
 *	             or returns HTTP_STREAM: write(req, bytes, len, &used) for every piece, then finish(req).
 *	finish(req)  fills req->reply.
 *	done(req, complete)   once for every route(), after the reply was sent or the connection broke: release what
 *	             req->ctx holds.
 *	             A request that the guard refused has no route() and no done(). What was arranged to call
 *	             http_resume() must be called off here. The source is freed before.
 *
 * write() may answer HTTP_REPLY too: the reply goes out at once, and the connection closes. The first 256 KiB of a source whose size is known
 * are read before the reply begins, so that an error there becomes a 500 made by refuse(). A reply that is given
 * while the client is still sending is followed by a lingering close. Behind a chunked body the connection closes.
 *
 * The calls for one request come one after the other, from a thread that other connections share, and those behind a wait from another one. Handlers are straight-line
 * and may read the local disk and database; what changes something waits elsewhere (errand.h, commit.h). A write() that cannot go on (no buffer) answers HTTP_WAIT after having arranged
 * for http_resume(req) to be called once from any thread; the connection stops reading until then, and the same
 * bytes are offered again. The first http_resume() may come before write() has returned.
 */
enum http_next {
	HTTP_REPLY,	/* req->reply is filled */
	HTTP_BUFFER,
	HTTP_STREAM,
	HTTP_WAIT,	/* write() and finish() only: suspended until http_resume() */
	HTTP_GOON,	/* write() only: bytes were taken */
};

struct http_header {
	struct slice name;	/* as sent */
	struct slice value;
};

/* Where a reply's body comes from, if not from reply.body: a range of an object, a generated page. */
struct http_source {
	/*
	 * Fills up to `max` bytes at `offset` (ascending, without gaps) of the body; *got > 0. Any error behind the
	 * first 256 KiB breaks the connection, so that a truncated reply is never taken for a whole one. With HTTP_ENDLESS, ERR_END ends the body, and
	 * ERR_AGAIN waits for http_resume(), which may come before read() has returned.
	 */
	int (*read)(void *arg, uint64_t offset, void *bytes, size_t max, size_t *got);
	void (*free)(void *arg);	/* once, when the reply is done with */
	void *arg;
	uint64_t size;			/* Content-Length, or HTTP_ENDLESS */
};
#define HTTP_ENDLESS UINT64_MAX		/* how long it gets is not known: sent in chunks */

struct http_reply {
	int status;
	struct buf headers;	/* lines "Name: value\r\n", appended with http_reply_header() */
	struct buf body;	/* used when source.read is NULL */
	struct http_source source;
	/*
	 * For HEAD without body and source: the Content-Length to show, though no body follows. For 304 the length
	 * that 200 would have (RFC 9110, 8.6): whoever makes one sets it. 204 never has one.
	 */
	uint64_t head_length;
	bool no_length;		/* HEAD without Content-Length; costs the connection */
	bool close;		/* close the connection afterwards */
};

struct http_request {
	const char *method;		/* "GET" */
	const char *target;		/* raw, as sent: path and query, at most LIMIT_TARGET bytes */
	const struct http_header *headers;
	size_t nheaders;
	bool local;			/* came over the Unix socket from an accepted peer: the administrator */
	bool tls;
	char peer[64];			/* "127.0.0.1:4711", "unix:uid=0" */
	uint64_t content_length;	/* UINT64_MAX if chunked */
	bool has_body;			/* a Content-Length > 0 or Transfer-Encoding: chunked was sent */
	bool expect_continue;
	uint64_t body_max;		/* set by route() before HTTP_BUFFER */
	struct buf body;		/* HTTP_BUFFER: the whole body */
	uint64_t received;		/* body bytes so far */
	int64_t started_us;		/* clock_mono_us() when the headers were complete */
	struct http_reply reply;
	uint64_t sent;			/* done(): body bytes given to the socket */
	void *ctx;			/* the handlers' */
	void *impl_;			/* http.c's */
};

struct http_handlers {
	enum http_next (*route)(struct http_request *req);
	enum http_next (*write)(struct http_request *req, const void *bytes, size_t len, size_t *used);
	enum http_next (*finish)(struct http_request *req);	/* HTTP_REPLY or HTTP_WAIT */
	void (*done)(struct http_request *req, bool complete);
	/*
	 * What http.c answers by itself (malformed request, smuggling, too large, too slow): fills the reply's body for a
	 * status and a short reason. No request exists yet when `req` is NULL. For 408 it is called from any thread, and may
	 * set another status.
	 */
	void (*refuse)(struct http_request *req, int status, const char *reason, struct http_reply *reply);
};

struct http_options {
	const char *const *listen;	/* "127.0.0.1:9000", "[::]:9000", NULL-terminated */
	int unix_dirfd;			/* where the socket is made, or -1 */
	const char *unix_name;		/* "fsd.sock", 0600 */
	unsigned threads;
	unsigned connections;		/* LIMIT_CONNECTIONS; 16 more are reserved for the Unix socket */
	unsigned idle_seconds;		/* a connection without progress is closed */
	const char *tls_certificate;	/* PEM text, or NULL */
	const char *tls_key;
	const struct http_handlers *handlers;
	/* What bodies that are collected take together, in units of BODY_UNIT (body.h); must outlive the server. NULL: no bound. */
	struct budget *bodies;
};

struct http_server;

/*
 * Binds everything, then starts. The TLS texts and the handlers must stay until http_stop(). ERR_EXISTS: an address
 * is in use (logged with it); ERR_INVALID: not an address; ERR_INTERNAL: no threads, or no valid certificate.
 */
int http_start(const struct http_options *options, struct http_server **server);
/* Accepts nothing more, lets running requests end for up to `grace_ms` (wake the long polls first), closes, joins. */
void http_stop(struct http_server *server, unsigned grace_ms);
unsigned http_connections(struct http_server *server);
/* Microseconds (mono) since the last connection over the Unix socket was open; 0 while one is. */
int64_t http_unix_idle_us(struct http_server *server);
/* The port that listener `i` got (tests listen on port 0). */
int http_port(struct http_server *server, unsigned i);

void http_resume(struct http_request *req);
/*
 * For budget_user.cut, between route() and done(), any thread: the body comes too slowly, or waits for too long. The request ends with the
 * refusal 408 (without, under TLS), finish() is not called and the connection closes: true. False: it does not wait, and
 * not for its client either; or it is over.
 */
bool http_cut(struct http_request *req);

/* First header of that name, any case; NULL if none. NUL-terminated copies live as long as the request. */
const char *http_header(const struct http_request *req, const char *name);
void http_reply_header(struct http_reply *reply, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* For values that are the client's own: refuses nothing, drops control bytes. */
void http_reply_header_raw(struct http_reply *reply, const char *name, const char *value, size_t len);
const char *http_status_text(int status);

#endif
