#ifndef FSD_API_UPLOADS_H
#define FSD_API_UPLOADS_H

#include "api.h"
#include "transfer.h"

/* What api_uploads.c and api_parts.c share: the tickets of parts. */
#define PART_TICKET_US (3600 * 1000000ll)

/* "url" of a part, as a member of an object that was begun. */
void api_part_put_url(struct request *req, struct json_out *j, const struct transfer *tr, unsigned number);

/*
 * Whether the caller may write where the session will. ERR_CONFLICT (parent_gone): that is gone, or not the caller's to see any more; ERR_NOTFOUND: nor anything
 * else of the workspace. ERR_DENIED.
 */
int api_upload_permit(struct request *req, const struct principal *who, const struct transfer *tr);

/* What a version_conflict says: that version is current, or (0) something that is no file that is shown has the name. */
const char *api_upload_conflict(int64_t current);

/* Members of bodies: a SHA-256 in hex; "onConflict"; "chunks": struct manifest_chunk appended. *given: whether it was there. */
int api_upload_get_hash(struct request *req, const struct json *body, const char *name, uint8_t hash[32], bool *given);
int api_upload_get_conflict(struct request *req, const struct json *body, bool *rename);
int api_upload_get_chunks(struct request *req, const struct json *body, struct buf *chunks, bool *given);

#endif
