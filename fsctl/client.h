#ifndef FSCTL_CLIENT_H
#define FSCTL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "json.h"

/*
 * JSON over HTTP, one request at a time, over a Unix socket or to a URL. client.c alone
 * knows the library behind it (libcurl).
 */
#define CLIENT_REPLY_MAX (256u << 20)
#define CLIENT_ERROR 512

struct client;

struct client_options {
	const char *socket;	/* path of the Unix socket, or NULL */
	const char *url;	/* "https://host:9000", where there is no socket */
	const char *token;	/* or NULL */
	int (*stop)(void);	/* asked about once a second while waiting: non-zero gives up */
};

/* Copies what it is given. ERR_NOMEM, ERR_INVALID (not a URL). */
int client_new(const struct client_options *options, struct client **client);
/* Another connection to the same place: a client belongs to one thread at a time. ERR_NOMEM. */
int client_again(const struct client *c, struct client **client);
void client_free(struct client *c);	/* NULL is fine */

/*
 * `path` begins with a slash and is escaped already. `body` may be NULL. Waits at most
 * `seconds` for the reply. 0 whatever the HTTP status; *doc is NULL if there was no body,
 * or none that is JSON with an error's status.
 * ERR_CLOSED: not reached, or the connection broke. ERR_TIMEOUT. ERR_END: stop() said so.
 * ERR_INVALID: the reply is not JSON.
 * ERR_TOOBIG. client_error() has the reason.
 */
int client_call(struct client *c, const char *method, const char *path, const struct buf *body, unsigned seconds,
    int *http, struct json **doc);
/* The same with an Idempotency-Key, which may be NULL. */
int client_call_once(struct client *c, const char *method, const char *path, const struct buf *body, const char *key,
    unsigned seconds, int *http, struct json **doc);
/* As client_call(), also when stop() says so: for what would be left behind. */
int client_call_last(struct client *c, const char *method, const char *path, unsigned seconds, int *http, struct json **doc);
const char *client_error(const struct client *c);

/* A request whose body or reply are bytes. Members that are NULL or 0 are not wanted. */
struct client_bytes {
	const char *method;
	const char *target;		/* a path, or a whole URL as fsd gives them */
	bool ticket;			/* the URL carries the right: the token is not sent */
	const char *key;		/* Idempotency-Key */
	uint64_t from;			/* Range: bytes=FROM- */
	/* Bytes of one read() or take() at most, about: who waits between them must not do so for long. */
	uint64_t most;
	/* The body: `size` bytes that read() gives, in order; all of what it is asked for, or a negative code. */
	uint64_t size;
	int (*read)(void *arg, uint64_t offset, void *bytes, size_t len);
	/* Takes the body of a 200 or 206; a negative code ends the request with ERR_IO. Other replies come as *doc. */
	int (*take)(void *arg, const void *bytes, size_t len);
	void *arg;
};
#define CLIENT_STALL 60		/* seconds without a byte after which a transfer counts as broken */
/* As client_call(). ERR_IO: read() or take() failed, and said why. */
int client_transfer(struct client *c, const struct client_bytes *b, int *http, struct json **doc);

#endif
