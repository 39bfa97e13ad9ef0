#ifndef FSD_S3_TOKEN_H
#define FSD_S3_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

/*
 * Continuation tokens, of ListObjectsV2 and ListBuckets: where a page ended. A token is good for the listing that it was given for and no
 * other: clients send the same parameters with each page. It is a ticket (ticket.h, which makes it ours alone), a dot, and the key in base64.
 * The ticket says:
 *
 *	1 byte	1 if the key is a common prefix, else 0
 *	8	sequence of the tree that was shown, little-endian
 *	32	SHA-256 of the listing and the key
 *
 * It holds nothing that its reader could not list.
 */
struct request;

struct s3_listing {
	int64_t of;			/* the workspace; of ListBuckets the caller */
	struct slice bucket;		/* by what name: the past has others */
	struct slice prefix, delimiter;
};

struct s3_place {
	struct slice after;
	bool after_prefix;		/* behind all that is below it */
	int64_t sequence;
};

/*
 * *place->after lives in `key`, which the caller initialised and releases. Anything but a token for this listing: ERR_INVALID, as InvalidArgument
 * with a message.
 */
int s3_token_read(struct request *req, const char *text, const struct s3_listing *listing, struct buf *key,
    struct s3_place *place);
/* Appends it to `text`, which keeps the error. */
void s3_token_write(struct request *req, const struct s3_listing *listing, const struct s3_place *place, struct buf *text);

#endif
