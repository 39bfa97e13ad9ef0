#ifndef FSCTL_CLIENT_H
#define FSCTL_CLIENT_H

#include "buf.h"
#include "json.h"

/*
 * JSON over HTTP, one request at a time, over a Unix socket or to a URL. client.c alone knows the library behind it (libcurl).
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
void client_free(struct client *c);	/* NULL is fine */

/*
 * `path` begins with a slash and is escaped already. `body` may be NULL. Waits at most `seconds` for the reply. 0 whatever the
 * HTTP status; *doc is NULL if there was no body, or none that is JSON with an error's status.
 * ERR_CLOSED: not reached, or the connection broke. ERR_TIMEOUT. ERR_END: stop() said so. ERR_INVALID: the reply is not JSON.
 * ERR_TOOBIG. client_error() has the reason.
 */
int client_call(struct client *c, const char *method, const char *path, const struct buf *body, unsigned seconds,
    int *http, struct json **doc);
const char *client_error(const struct client *c);

#endif
