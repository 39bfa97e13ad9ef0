#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "awschunk.h"
#include "daemon.h"
#include "err.h"
#include "limits.h"
#include "s3.h"
#include "s3_put.h"

#define HEADERS_MAX (1u << 16)

static int
check_length(struct request *req)
{
	uint64_t length = req->decoded_length;

	/* Without a length there is no telling a whole body from none. */
	if (!req->http->has_body && !http_header(req->http, "content-length"))
		return request_fail(req, ERR_INVALID, "MissingContentLength", NULL);
	if (length != UINT64_MAX && length > LIMIT_PUT)
		return request_fail(req, ERR_TOOBIG, "EntityTooLarge", NULL);
	if (req->key.len > LIMIT_KEY)
		return request_fail(req, ERR_TOOBIG, "KeyTooLongError", NULL);
	return 0;
}

/* The client's checksum must be of the kind that the upload was begun with. */
static int
want_checksum(struct request *req, struct s3_put *put, const struct s3_body_options *options)
{
	if (!options->checksum)
		return 0;
	if (put->checks.checksum && put->checks.kind != options->kind)
		return request_fail(req, ERR_INVALID, "InvalidRequest",
		    "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
		    digest_name(options->kind), digest_name(put->checks.kind));
	put->checks.checksum = true;
	put->checks.kind = options->kind;
	return 0;
}

int
s3_body_start(struct request *req, const struct s3_body_options *options)
{
	const struct workspace_row *w = &req->workspace;
	struct ingest_options in = { .size = req->decoded_length, .md5 = true, .leaves = options->leaves,
		.chunk_min = w->chunk_min, .chunk_avg = w->chunk_avg, .chunk_max = w->chunk_max, .wake = request_wake,
		.cut = request_cut, .arg = req };
	struct s3_put *put;
	int rc;

	if ((rc = check_length(req)) != 0)
		return rc;
	if (!(put = req->op = calloc(1, sizeof(*put))))
		return ERR_NOMEM;
	put->headers.max = HEADERS_MAX;
	if ((rc = s3_collect_checks(req, &put->checks)) != 0 || (rc = want_checksum(req, put, options)) != 0)
		return rc;
	in.checksum = put->checks.checksum && put->checks.kind != DIGEST_SHA256;
	in.checksum_kind = put->checks.kind;
	in.sha256 = options->sha256 || req->payload == PAYLOAD_SHA256 ||
		    (put->checks.checksum && put->checks.kind == DIGEST_SHA256);
	return ingest_new(req->daemon->store, &in, &put->ingest);
}

static int
take(struct request *req, struct s3_put *put, const char *bytes, size_t len, size_t *used)
{
	int rc;

	*used = 0;
	if (put->size + len > LIMIT_PUT)
		return request_fail(req, ERR_TOOBIG, "EntityTooLarge", NULL);
	rc = ingest_write(put->ingest, bytes, len, used);
	put->size += *used;
	return rc;
}

static int
malformed_chunks(struct request *req, int rc)
{
	if (rc == ERR_AUTH)
		return request_fail(req, rc, "SignatureDoesNotMatch", "The signature of a chunk does not match.");
	if (rc == ERR_TRUNCATED)
		return request_fail(req, rc, "IncompleteBody",
		    "The request body terminated unexpectedly: it is shorter than x-amz-decoded-content-length says.");
	if (rc == ERR_INVALID || rc == ERR_TOOBIG)
		return request_fail(req, rc, "InvalidRequest",
		    "The body is not a valid aws-chunked body, or longer than x-amz-decoded-content-length says.");
	return rc;
}

/*
 * One step of a chunked body: framing, or some payload. The decoder keeps no payload; what it passed and the ingest did not
 * take (`owed`) is offered again by http.c, and then goes straight to the ingest.
 */
static int
write_chunked(struct request *req, struct s3_put *put, const char *bytes, size_t len, size_t *used)
{
	struct slice payload = { bytes, 0 };
	size_t taken = 0, fed = 0;
	int rc;

	if (put->owed) {
		payload.len = len < put->owed ? len : put->owed;
		fed = payload.len;
		put->owed -= payload.len;
	} else if ((rc = awschunk_feed(req->chunks, bytes, len, &fed, &payload)) != 0) {
		*used = fed;
		return malformed_chunks(req, rc);
	}
	rc = payload.len ? take(req, put, payload.p, payload.len, &taken) : 0;
	put->owed += payload.len - taken;
	*used = fed - (payload.len - taken);
	return rc;
}

int
s3_put_write(struct request *req, const void *bytes, size_t len, size_t *used)
{
	struct s3_put *put = req->op;
	const char *p = bytes;
	size_t step;
	int rc = 0;

	*used = 0;
	while (rc == 0 && *used < len) {
		step = 0;
		if (req->payload == PAYLOAD_CHUNKED)
			rc = write_chunked(req, put, p + *used, len - *used, &step);
		else
			rc = take(req, put, p + *used, len - *used, &step);
		*used += step;
	}
	return rc;
}

static int
compare(struct request *req, struct s3_put *put)
{
	const struct s3_checks *checks = &put->checks;
	size_t len;

	if (req->payload == PAYLOAD_SHA256 && memcmp(put->result.sha256, req->payload_sha256, 32))
		return request_fail(req, ERR_DIGEST, "XAmzContentSHA256Mismatch", NULL);
	if (checks->md5 && memcmp(put->result.md5, checks->md5_value, sizeof(checks->md5_value)))
		return request_fail(req, ERR_DIGEST, "BadDigest", "The Content-MD5 you specified did not match what we received.");
	if (!checks->checksum)
		return 0;
	len = digest_size(checks->kind);
	put->checksum = (struct checksum) { .type = CHECKSUM_FULL, .kind = (uint8_t)checks->kind, .len = (uint8_t)len };
	memcpy(put->checksum.value, checks->kind == DIGEST_SHA256 ? put->result.sha256 : put->result.checksum, len);
	if (checks->value_given && memcmp(put->checksum.value, checks->value, len))
		return request_fail(req, ERR_DIGEST, "BadDigest",
		    "The %s you specified did not match the calculated checksum.", digest_name(checks->kind));
	return 0;
}

int
s3_body_finish(struct request *req)
{
	struct s3_put *put = req->op;
	int rc;

	if (req->payload == PAYLOAD_CHUNKED && (rc = awschunk_finish(req->chunks)) != 0)
		return malformed_chunks(req, rc);
	if (req->decoded_length != UINT64_MAX && put->size != req->decoded_length)
		return request_fail(req, ERR_TRUNCATED, "IncompleteBody", NULL);
	if ((rc = s3_read_trailer(req, &put->checks)) != 0 || (rc = ingest_finish(put->ingest, &put->result)) != 0 ||
	    (rc = compare(req, put)) != 0)
		return rc;
	hex_encode(put->result.md5, sizeof(put->result.md5), put->etag);
	return 0;
}

void
s3_put_release(struct request *req)
{
	struct s3_put *put = req->op;

	object_putting_free(put->pending);
	ingest_free(put->ingest);
	buf_release(&put->headers);
	free(put);
	req->op = NULL;
}

int
s3_put_start(struct request *req)
{
	struct s3_put *put;
	int rc;

	if ((rc = s3_refuse_params(req)) != 0 ||
	    (rc = s3_body_start(req, &(struct s3_body_options) { .sha256 = true })) != 0)
		return rc;
	put = req->op;
	if ((rc = s3_write_expectation(req, &put->commit.expect)) != 0)
		return rc;
	return s3_collect_headers(req, &put->headers);
}

static void
reply_put(struct request *req, const struct s3_put *put, const struct object_info *info)
{
	struct http_reply *reply = &req->http->reply;

	reply->status = 200;
	http_reply_header(reply, "ETag", "\"%s\"", put->etag);
	s3_checksum_header(reply, &put->checksum);
	s3_version_made(reply, info);
}

static void
fill_commit(struct request *req, struct s3_put *put)
{
	struct object_put *commit = &put->commit;

	commit->workspace = req->workspace.id;
	commit->key = req->key;
	commit->bytes = &put->result;
	commit->has_hash = true;
	commit->headers = &put->headers;
	commit->actor = request_actor(req);
	commit->checksum = put->checksum;
	memcpy(commit->etag, put->etag, sizeof(commit->etag));
	memcpy(commit->content_hash, put->result.sha256, sizeof(commit->content_hash));
}

/* Small ones wait without a thread, so that any number comes into one batch. ERR_AGAIN. */
static int
commit(struct request *req, struct s3_put *put)
{
	struct store *store = req->daemon->store;
	int rc;

	if (!put->pending) {
		fill_commit(req, put);
		if (req->may_wait)
			return object_put(store, &put->commit, &req->found);
		if ((rc = object_put_begin(store, &put->commit, &req->found, request_wake, req, &put->pending)) != 0)
			return rc;
	}
	return object_put_ready(put->pending, &rc) ? rc : ERR_AGAIN;
}

/* PUT /bucket/key. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
int
s3_put_finish(struct request *req)
{
	struct s3_put *put = req->op;
	int rc = put->pending ? 0 : s3_body_finish(req);

	if (rc == 0 && (rc = commit(req, put)) == 0)
		reply_put(req, put, &req->found);
	return rc;
}
