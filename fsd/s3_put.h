#ifndef FSD_S3_PUT_H
#define FSD_S3_PUT_H

#include "ingest.h"
#include "s3.h"

/*
 * What PutObject and UploadPart share: the body on its way in, and the checks that must hold before anything is
 * committed. In req->op from start to release.
 *
 *	s3_body_start	in start(): checks the headers (length, digests announced), makes the ingest
 *	s3_put_write	the route's write
 *	s3_body_finish	in finish(): ends the ingest, compares every digest; after 0 `result` and `checksum` can be committed
 *	s3_put_release	the route's release
 */
struct s3_put {
	struct ingest *ingest;
	struct ingest_result result;
	struct s3_checks checks;
	struct checksum checksum;	/* of the body, FULL; CHECKSUM_NONE if none was asked for */
	uint64_t size;			/* bytes of payload so far */
	size_t owed;			/* payload that the chunk decoder has passed and the ingest has not taken yet */
	char etag[ETAG_TEXT];		/* MD5 in hex */
	struct buf headers;		/* PutObject: meta.h */
	struct object_put commit;	/* PutObject: what is being committed */
	struct object_putting *pending;	/* PutObject: the commit under way, or NULL */
	unsigned part;			/* UploadPart: its number and upload */
	int64_t upload;
};

/* What the ingest is to do beyond what the request's own headers ask for. */
struct s3_body_options {
	bool sha256;			/* the SHA-256 of the body is wanted in result */
	bool leaves;			/* ingest_options.leaves */
	/* A checksum to compute though the client gave none (uploads that ask for one): */
	bool checksum;
	enum digest_kind kind;
};

/*
 * Sets req->op. Refuses: no length, over LIMIT_PUT, malformed digests, a client's checksum of another kind than
 * options->kind where options->checksum is set (InvalidRequest). ERR_SPACE, ERR_NOMEM.
 */
int s3_body_start(struct request *req, const struct s3_body_options *options);
int s3_body_finish(struct request *req);

#endif
