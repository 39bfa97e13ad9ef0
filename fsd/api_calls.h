#ifndef FSD_API_CALLS_H
#define FSD_API_CALLS_H

#include <stddef.h>

struct request;

/* The handlers of api_routes.c, one file a resource. */

/* api_lookup.c */
int api_lookup(struct request *req);

/* api_uploads.c */
int api_upload_start(struct request *req);
int api_upload_complete(struct request *req);
int api_upload_show(struct request *req);
int api_upload_abort(struct request *req);

/* api_download.c */
int api_download(struct request *req);
int api_content(struct request *req);
int api_manifest(struct request *req);
int api_chunk(struct request *req);

/* api_parts.c: a streamed upload by ticket */
int api_part_start(struct request *req);
int api_part_write(struct request *req, const void *bytes, size_t len, size_t *used);
int api_part_finish(struct request *req);
void api_part_release(struct request *req);

#endif
