#ifndef FSD_HTTP_IN_H
#define FSD_HTTP_IN_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "acceptor.h"
#include "conn.h"
#include "http.h"

/*
 * HTTP over libmicrohttpd 0.9.75; http_in.h alone includes it. Each lane is one daemon of the library with one
 * thread and an epoll set; a connection stays on its lane. TLS belongs to a lane, so with TLS the Unix socket
 * has lanes of its own.
 *
 * What the library answers by itself, before or behind our back, with a page of its own and then closes:
 *	400	a first line without a version, a header line without a colon, malformed chunks; Content-Length that is
 *		no number (the head is sent twice then, a fault of the library)
 *	413	Content-Length over 2^64, a chunk size over 2^64
 *	414	the first line fills the connection's memory
 *	431	the headers, or the pieces of a Cookie, fill it
 *	505	HTTP/0.x, HTTP/2 and above (HTTP/1.2 to 1.9 are refused by the guard)
 * The guard (guard.h) refuses the rest with handlers->refuse(). Behind a chunked body the connection is always
 * closed, since the library also takes a bare line feed for the end of a chunk's line and skips chunk extensions; and behind a head that
 * could not be looked at before it was parsed (guard.h).
 *
 * A request that is cut (http_cut()) gets its reply from the cutter's thread; its own thread then sees the end of what can
 * be read, or, if it waited, that it was cut. Who comes first, cut or settle(), decides which reply there is.
 *
 * Requests that may wait for long, and replies without end, leave the library (http_park.c): over TLS they can't.
 *
 * A waiting request: `waiting` says that the library has suspended the connection; `early` that http_resume() came
 * before. Both under `lock`, which is taken before the library's own locks. http_stop() sets `abort`, after which
 * nothing is suspended any more, and resumes what is.
 *
 * Lock order: server.lock, entry.lock, the library or park.lock.
 */
#define HTTP_CONNECTION_MEMORY 65536	/* target and headers at their limits, and the reply's headers */
#define HTTP_PAGE 4096		/* what lies behind a text on its page is mapped */
#define LANES_A_PARK 4

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_REPLY };

struct lane {
	struct http_server *server;
	struct MHD_Daemon *mhd;
	bool tls;
	unsigned number;
	atomic_uint connections;
};

struct entry {
	struct conn conn;		/* first, so that req.impl_ leads here */
	struct lane *lane;
	struct MHD_Connection *mhd;
	int fd;
	bool linger;			/* the client may still be sending when we close */
	bool answered;			/* the reply was written past the library */
	pthread_mutex_t lock;
	bool waiting, early;
	bool gone;			/* the client sends no more: it is not waited for */
	bool leaving;			/* the library lets go of it, a park takes it */
	size_t head_size;		/* of the request, in the library's memory */
	bool settled;			/* under `lock`: it is answered, too late to cut it */
	_Atomic int cut;		/* written under `lock`: it was cut, with this status */
	atomic_bool busy;		/* body bytes are being taken */
	struct entry *next, *prev;	/* server->entries */
	/* Parked. */
	struct park *park;		/* written under `lock`; NULL: the library has it */
	struct entry *ready;		/* the next one in a list of the park's */
	struct buf rest;		/* of the reply: what the socket didn't take */
	bool over;			/* no more is to be written */
	_Atomic int64_t stuck_us;	/* since when the socket takes or brings nothing, or 0 */
	/* For the sweep. */
	_Atomic int phase;
	_Atomic int64_t since_us;	/* when the phase began */
	int64_t window_us;		/* these four are the sweep's own */
	uint64_t window_received;
	int64_t ended_us;		/* `since_us` of the phase in which the client's end was seen */
};

struct http_server {
	struct http_options options;
	char *unix_name;
	struct acceptor *acceptor;
	struct lane *lanes;		/* options.threads, then those of the Unix socket if they are separate */
	unsigned nlanes, nunix;
	struct park *parks;
	unsigned nparks;
	unsigned turn;			/* the acceptor's */
	int kickfd;			/* in every lane's epoll set */
	atomic_uint active;		/* requests between begin and done */
	atomic_bool closing;		/* replies say Connection: close */
	atomic_bool abort;
	pthread_mutex_t lock;
	struct entry *entries;
};

/* http.c: hands a connection to a lane, which is its lane from now on; takes `fd`. Any thread. */
void http_lane_take(struct lane *lane, int fd, bool local, const struct sockaddr *address, socklen_t len);

/* http_serve.c */
void http_serve_over(struct entry *e, bool complete);	/* its request is over, if it has one */
void http_serve_unlist(struct entry *e);
void http_serve_free(struct entry *e);			/* after that; the socket stays */

/* http_park.c */
int http_park_start(struct http_server *s);
void http_park_stop(struct http_server *s);		/* ends the threads; before the lanes end */
void http_park_free(struct http_server *s);		/* and who is still there; after they did */
/* True: the library is to be told that the connection ends, and a park goes on with it. */
bool http_park_leave(struct entry *e, const char *version);
/* The library is about to close its descriptor. False: it keeps the entry. */
bool http_park_take(struct entry *e);
/* It waited there, and goes on. The caller holds its lock and has ended `waiting`. */
void http_park_ready(struct entry *e);

/* http_serve.c: the library's callbacks for a lane, which is their first argument. */
enum MHD_Result http_serve_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
    const char *version, const char *bytes, size_t *size, void **context);
void *http_serve_target(void *arg, const char *target, struct MHD_Connection *mhd);
size_t http_serve_unescape(void *arg, struct MHD_Connection *mhd, char *text);
void http_serve_done(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode how);
void http_serve_connection(void *arg, struct MHD_Connection *mhd, void **context,
    enum MHD_ConnectionNotificationCode what);

#endif
