#ifndef FSCTL_PEER_H
#define FSCTL_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "client.h"
#include "json.h"

/*
 * One of several connections to the daemon, for one thread at a time. Calls are sent
 * again, after a pause that grows and is jittered, while the daemon is away or asks for
 * it (429, 502, 503, 504); each change carries an Idempotency-Key, so that one whose
 * reply was lost is not made twice.
 *
 * All ints are exit statuses.
 */
struct ctl;
struct peer;

#define PEER_TRIES 9		/* together about half a minute of waiting */

/* The first one opens ctl's connection; do that before there are threads. */
int peer_new(struct ctl *ctl, struct peer **peer);
void peer_free(struct peer *p);	/* NULL is fine */

/* As ctl_try(): STATUS_OK whatever was answered. */
int peer_try(struct peer *p, const char *method, const struct buf *path, const struct buf *body, int *http, struct json **doc);
/* As ctl_call(): refusals are said, and are the status. */
int peer_call(struct peer *p, const char *method, const struct buf *path, const struct buf *body, struct json **doc);

/*
 * Deletes what nobody can go on with: one short try, also when we were told to stop. Says
 * nothing. Whether it is gone.
 */
bool peer_drop(struct peer *p, const struct buf *path);

/*
 * All pages of a list. `each` gets every item of the reply's array `name`; what its
 * member `next` says is what the next page comes `after`. Another status than STATUS_OK
 * from `each` ends it and is the result; PEER_ENOUGH, which is no exit status, ends it
 * with STATUS_OK.
 */
#define PEER_ENOUGH (-2)
struct peer_list {
	const char *name, *next;
	int (*each)(void *arg, const struct json *item);
	void *arg;
};
/* `path` without `after`. */
int peer_list(struct peer *p, const struct buf *path, const struct peer_list *list);

/*
 * One transfer of bytes. `again` (may be NULL) is called before each further try: it may
 * change the request (a URL that is too old, a place to go on from) and gives an exit
 * status. Once more than PEER_TRIES failed without `again` having seen progress it is
 * over. PEER_BODY, which is no exit status and unsaid, if the request's read() or take()
 * failed: why is for them to tell.
 */
#define PEER_BODY (-1)
int peer_transfer(struct peer *p, struct client_bytes *b, int (*again)(void *arg, struct client_bytes *b, bool *progress),
    void *arg, int *http, struct json **doc);

/*
 * "/v1/A/B…?": a path whose parts are escaped, NULL-ended; then parameters, of which the
 * first gets a '?' before it.
 */
void peer_path(struct buf *path, ...) __attribute__((sentinel));
void peer_param(struct buf *path, const char *name, const char *value);

#endif
