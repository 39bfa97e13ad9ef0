#ifndef CODEC_AWSCHUNK_H
#define CODEC_AWSCHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sigv4.h"
#include "str.h"

/*
 * Decoder of aws-chunked request bodies, pushed piece by piece; payload is handed on without copying.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and .../sigv4-streaming-trailers.html
 *
 *	body    = *chunk last-chunk *trailer CRLF
 *	chunk   = hex-size [";chunk-signature=" 64hex] CRLF bytes CRLF
 *	trailer = name ":" value (CRLF / LF / LF CRLF)
 *
 * AWS's example, and minio-go, end a signed trailer with LF CRLF before x-amz-trailer-signature; it is read as one line end there only.
 *
 * Payload is given out before the signature behind it was verified: nothing may be committed before
 * awschunk_finish() returned 0. One thread at a time.
 */
#define AWSCHUNK_LINE 1024	/* bytes of a chunk's header line */
#define AWSCHUNK_TRAILERS 4096	/* bytes of all trailers */
#define AWSCHUNK_TRAILER_COUNT 16

enum awschunk_mode {
	AWSCHUNK_SIGNED,		/* STREAMING-AWS4-HMAC-SHA256-PAYLOAD */
	AWSCHUNK_SIGNED_TRAILER,	/* STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER */
	AWSCHUNK_UNSIGNED_TRAILER,	/* STREAMING-UNSIGNED-PAYLOAD-TRAILER */
};

/* The mode that an x-amz-content-sha256 value names. ERR_NOTFOUND if it names no streaming; ERR_UNSUPPORTED: another one. */
int awschunk_mode(struct slice content_sha256, enum awschunk_mode *mode);

struct awschunk;

/*
 * `decoded` is x-amz-decoded-content-length. `chain` begins with the request's signature and is copied; NULL for
 * AWSCHUNK_UNSIGNED_TRAILER. ERR_NOMEM.
 */
int awschunk_new(enum awschunk_mode mode, uint64_t decoded, const struct sigv4_chain *chain, struct awschunk **d);
void awschunk_free(struct awschunk *d);		/* NULL is fine */

/*
 * Takes some of the bytes: *used of them (at least 1 if len > 0), of which *payload (maybe empty, pointing into `bytes`) is the
 * object's. Call again with the rest. An error is final: later calls return it again.
 * ERR_INVALID: malformed, more payload than announced, or a byte behind the end. ERR_AUTH: a signature does not hold.
 * ERR_TRUNCATED: ended with less payload than announced. ERR_TOOBIG: a line or the trailers over their limit.
 */
int awschunk_feed(struct awschunk *d, const char *bytes, size_t len, size_t *used, struct slice *payload);

/* The body has ended. 0 if all of it came and holds; ERR_TRUNCATED; or the error that awschunk_feed() gave. */
int awschunk_finish(struct awschunk *d);
/* Was the last byte of the body seen? */
bool awschunk_done(const struct awschunk *d);

/*
 * The trailers, after awschunk_finish() returned 0: names in lower case, values trimmed, each followed by a NUL,
 * x-amz-trailer-signature left out. They live as long as `d`.
 */
size_t awschunk_trailer_count(const struct awschunk *d);
void awschunk_trailer_at(const struct awschunk *d, size_t i, const char **name, const char **value);
const char *awschunk_trailer(const struct awschunk *d, const char *name);	/* NULL if it did not come */

#endif
