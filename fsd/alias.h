#ifndef FSD_ALIAS_H
#define FSD_ALIAS_H

#include <stdbool.h>
#include <stdint.h>

#include "request.h"

/*
 * Buckets as they were: NAME--at-SEQUENCE and NAME--at-20261122t100000z can be read like the bucket NAME, by who has a role on all of
 * it. No bucket has such a name itself (workspace.h). What can't be shown, because it is too long ago or has not been yet, is not there.
 */
bool alias_named(const char *bucket);

/*
 * Fills req->workspace and req->sequence. ERR_NOTFOUND; ERR_DENIED; ERR_UNSUPPORTED with its error set where the route is none of those that
 * work on the past.
 */
int alias_open(struct request *req);
/* The same of another name than the request's. */
int alias_find(struct request *req, const char *bucket, struct workspace_row *row, int64_t *sequence);

/* object_find() for a request of the past. */
int alias_object(struct request *req, int64_t version, struct object_info *info);
/* A code of past.h while it was read: the bucket as it was can be lost at any time. */
int alias_lost(struct request *req, int code);

#endif
