#ifndef CORE_UPLOAD_IN_H
#define CORE_UPLOAD_IN_H

#include "tbl_upload.h"
#include "upload.h"

struct txn;

/* The parts of an upload as its completion joins them; made anew each time the closure runs. */
struct upload_joined {
	uint64_t size;
	char etag[ETAG_TEXT];
	struct checksum checksum;
	struct buf manifest;		/* the parts' references are in it */
	struct buf sizes;		/* object_info.parts */
};
#define UPLOAD_JOINED_INIT { .manifest = BUF_INIT(64 << 20), .sizes = BUF_INIT(1 << 20) }
void upload_joined_release(struct upload_joined *j);

/*
 * Compares the list with the parts that are there, drops those that are not listed, and joins the others. ERR_INVALID: complete->wrong
 * tells.
 */
int upload_join(struct txn *t, const struct upload_row *u, struct upload_complete *c, struct upload_joined *j);

/* Says what is wrong: ERR_INVALID. */
int upload_wrong(struct upload_complete *c, int wrong, unsigned part, const char *why);

/* The ETag of an upload that was completed with this list: MD5 of the parts' MD5s. ERR_INVALID: one of them is none. */
int upload_etag(const struct upload_complete *c, char etag[ETAG_TEXT]);

#endif
