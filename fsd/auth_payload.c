#include <string.h>

#include "awschunk.h"
#include "digest.h"
#include "err.h"
#include "limits.h"
#include "request.h"
#include "sigv4.h"

/*
 * The body of an S3 request, as x-amz-content-sha256 says it is checked.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */

static int
decoded_length(struct request *req, uint64_t *length)
{
	const char *text = http_header(req->http, "x-amz-decoded-content-length");

	if (!text)
		return request_fail(req, ERR_INVALID, "MissingContentLength",
		    "An aws-chunked body needs the header x-amz-decoded-content-length.");
	if (parse_u64(text, strlen(text), length) != 0)
		return request_fail(req, ERR_INVALID, "InvalidArgument",
		    "x-amz-decoded-content-length must be a number of bytes.");
	return 0;
}

static int
start_chunks(struct request *req, enum awschunk_mode mode, const struct sigv4_key *key)
{
	struct sigv4_chain chain;
	int rc;

	if ((rc = decoded_length(req, &req->decoded_length)) != 0)
		return rc;
	req->payload = PAYLOAD_CHUNKED;
	if (mode == AWSCHUNK_UNSIGNED_TRAILER)
		return awschunk_new(mode, req->decoded_length, NULL, &req->chunks);
	if (!key || req->auth.kind != SIGV4_HEADER)
		return request_fail(req, ERR_INVALID, "InvalidRequest",
		    "Signed chunks need a Version 4 signature in the Authorization header.");
	if ((rc = sigv4_chain_init(&chain, key, req->auth.amz_date, req->auth.signature)) == 0)
		rc = awschunk_new(mode, req->decoded_length, &chain, &req->chunks);
	explicit_bzero(&chain, sizeof(chain));
	return rc;
}

int
auth_payload(struct request *req, const struct sigv4_key *key)
{
	const char *text = request_header(req, "x-amz-content-sha256");
	enum awschunk_mode mode;
	struct slice name;

	req->decoded_length = req->http->content_length;
	req->payload = PAYLOAD_UNSIGNED;
	if (!text || !strcmp(text, "UNSIGNED-PAYLOAD"))
		return 0;
	name = SLICE(text);
	switch (awschunk_mode(name, &mode)) {
	case 0:
		return start_chunks(req, mode, key);
	case ERR_UNSUPPORTED:
		return request_fail(req, ERR_UNSUPPORTED, "NotImplemented",
		    "This way of signing a streamed body is not supported: %.80s.", text);
	}
	if (hex_decode(text, name.len, req->payload_sha256, sizeof(req->payload_sha256)) != 0)
		return request_fail(req, ERR_INVALID, "InvalidArgument",
		    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
		    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-UNSIGNED-PAYLOAD-TRAILER or the "
		    "body's SHA-256 in hex.");
	req->payload = PAYLOAD_SHA256;
	return 0;
}

/* The payload is moved to the front of the body that it came in. */
static int
undo_chunks(struct request *req)
{
	struct buf *body = &req->http->body;
	size_t at = 0, out = 0, used;
	struct slice payload;
	int rc = 0;

	while (rc == 0 && at < body->len) {
		rc = awschunk_feed(req->chunks, body->data + at, body->len - at, &used, &payload);
		if (rc == 0 && payload.len)
			memmove(body->data + out, payload.p, payload.len);
		out += rc ? 0 : payload.len;
		at += used;
	}
	if (rc == 0)
		rc = awschunk_finish(req->chunks);
	if (rc)
		return rc;
	if (body->data)
		body->data[out] = '\0';
	body->len = out;
	return 0;
}

int
auth_payload_body(struct request *req)
{
	uint8_t sha256[SHA256_SIZE];

	if (req->payload == PAYLOAD_CHUNKED)
		return undo_chunks(req);
	if (req->payload != PAYLOAD_SHA256)
		return 0;
	digest_sha256(req->http->body.data, req->http->body.len, sha256);
	if (memcmp(sha256, req->payload_sha256, sizeof(sha256)))
		return request_fail(req, ERR_DIGEST, "XAmzContentSHA256Mismatch", NULL);
	return 0;
}
