#ifndef FSD_API_CALLS_H
#define FSD_API_CALLS_H

struct request;

/* The handlers of api_routes.c, one file a resource. */

/* api_lookup.c */
int api_lookup(struct request *req);

#endif
