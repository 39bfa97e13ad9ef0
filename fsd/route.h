#ifndef FSD_ROUTE_H
#define FSD_ROUTE_H

#include <stdbool.h>

#include "request.h"

/*
 * From HTTP to operations: what http.c calls for every request. The order of things is in request.h; tables are looked
 * through in this one, first match wins:
 *
 *	virtual host	BUCKET.domain: s3_routes only, whatever the path
 *	daemon_routes	by path: /v1/…, /metrics, /healthz, /readyz
 *	s3_routes	by level, method, parameter and header
 *
 * What is no GET or HEAD runs as an errand (errand.h), unless the route says at_once. A `run` that answers ERR_AGAIN has
 * arranged for http_resume() and is called again after it (a long-poll); an errand does not. Errors are answered as XML on
 * S3 routes and as JSON on the others.
 */
struct daemon;

extern const struct http_handlers route_handlers;
/* Once, before http_start(): which daemon the requests are for. */
void route_setup(struct daemon *daemon);

/* Each ended by an entry whose `name` is NULL. */
extern const struct route s3_routes[];		/* s3_routes.c */
extern const struct route daemon_routes[];	/* daemon_routes.c */

/*
 * The route of `table` for a request whose level, bucket and key are set; NULL if there is none, with *other telling
 * whether it was the method that did not fit. Fills req->params. ERR_NOMEM is shown as no match.
 */
const struct route *route_find(const struct route *table, struct request *req, bool *other);

/* What the daemon's other parts do with requests. */
int welcome_page(struct request *req);				/* welcome.c: a browser opens / */
/*
 * cors.c: adds the CORS headers to the reply if the Origin is one of cors_origins. True if it was a preflight, for which the reply is
 * filled. Called first of all, once a request, and again where the headers were dropped.
 */
bool cors_request(struct request *req);
/* request_observe.c: the reply is out, or the connection broke. Metrics and the access-log line. req->route may be NULL. */
void request_observe(struct request *req, bool complete);
/* http.c refused what never became a request. */
void request_observe_refused(const struct daemon *daemon, const struct http_request *http, int status);

#endif
