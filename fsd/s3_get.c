#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "alias.h"
#include "clock.h"
#include "daemon.h"
#include "err.h"
#include "le.h"
#include "range.h"
#include "s3.h"

/*
 * GetObject and HeadObject. A small object comes with its look-up, in one read transaction; its bytes go to the reply's own
 * buffer, of a size that the connection keeps for its next request.
 */
#define SMALL_GET 8000

/* What of the object is asked for. */
struct part_of {
	struct range range;
	bool partial;			/* 206 */
	bool numbered;			/* ?partNumber= */
	size_t parts;			/* of a multipart upload; 0: none */
};

static int
find_failed(struct request *req, int rc, int64_t version)
{
	if (rc != ERR_NOTFOUND)
		return rc;
	if (version)
		return request_fail(req, rc, "NoSuchVersion", NULL);
	if (req->found.delete_marker)
		s3_marker_headers(&req->http->reply, &req->found);
	return request_fail(req, rc, "NoSuchKey", NULL);
}

/* A delete marker that was asked for by its id: it is there, and has no content. */
static int
is_marker(struct request *req)
{
	struct http_reply *reply = &req->http->reply;
	char date[CLOCK_TEXT];

	clock_http(req->found.modified_us, date);
	s3_marker_headers(reply, &req->found);
	http_reply_header(reply, "Last-Modified", "%s", date);
	http_reply_header(reply, "Allow", "DELETE");
	return request_fail(req, ERR_UNSUPPORTED, "MethodNotAllowed", NULL);
}

/* Fills req->found; with `bytes`, also *len bytes of a small object (else *len is 0). */
static int
find(struct request *req, void *bytes, size_t *len)
{
	struct store *store = req->daemon->store;
	int64_t version;
	int rc;

	if (s3_version_param(req, &version) != 0)
		return request_fail(req, ERR_INVALID, "InvalidArgument", "Invalid version id specified");
	if (req->past && len)
		*len = 0;
	if (req->past)
		rc = alias_object(req, version, &req->found);
	else if (bytes)
		rc = object_find_small(store, req->workspace.id, req->key, version, &req->found, bytes, len);
	else
		rc = object_find(store, req->workspace.id, req->key, version, &req->found);
	if (rc)
		return find_failed(req, rc, version);
	return req->found.delete_marker ? is_marker(req) : 0;
}

int
s3_find_object(struct request *req)
{
	return find(req, NULL, NULL);
}

static int
part_range(struct request *req, const char *text, struct part_of *part)
{
	const struct object_info *info = &req->found;
	uint64_t number, size;

	if (parse_u64(text, strlen(text), &number) != 0 || number < 1 || number > LIMIT_PARTS)
		return request_fail(req, ERR_INVALID, "InvalidArgument",
		    "Part number must be an integer between 1 and %d, inclusive", LIMIT_PARTS);
	part->parts = info->parts.len / 8;
	if (number > (part->parts ? part->parts : 1))
		return request_fail(req, ERR_RANGE, "InvalidPartNumber", NULL);
	part->numbered = true;
	for (uint64_t i = 0; i < part->parts; i++) {
		size = le_get(info->parts.data + 8 * i, 8);
		if (i + 1 == number) {
			part->range.len = size;
			break;
		}
		part->range.from += size;
	}
	part->partial = part->range.len > 0;
	return 0;
}

/* If-Range: a range of what the client has, or all of what is there now (RFC 9110, 13.1.5). */
static bool
range_holds(const struct request *req)
{
	const char *text = http_header(req->http, "if-range");
	size_t len = strlen(req->found.etag);
	int64_t us;

	if (!text)
		return true;
	if (*text == '"')
		return strlen(text) == len + 2 && !memcmp(text + 1, req->found.etag, len) && text[len + 1] == '"';
	return clock_parse_http(text, &us) == 0 && us / 1000000 == req->found.modified_us / 1000000;
}

static int
choose_range(struct request *req, struct part_of *part)
{
	const char *number = req->uri.count ? uri_value(&req->uri, "partNumber") : NULL;
	const char *text = http_header(req->http, "range");
	uint64_t size = req->found.size;

	*part = (struct part_of) { .range = { 0, size } };
	if (number && text)
		return request_fail(req, ERR_INVALID, "InvalidRequest",
		    "Cannot specify both Range header and partNumber query parameter");
	if (number)
		return part_range(req, number, part);
	if (!text || !range_holds(req))
		return 0;
	switch (range_parse(text, strlen(text), size, &part->range)) {
	case 0:
		part->partial = true;
		return 0;
	case ERR_RANGE:
		http_reply_header(&req->http->reply, "Content-Range", "bytes */%" PRIu64, size);
		return request_fail(req, ERR_RANGE, "InvalidRange", NULL);
	}
	part->range = (struct range) { 0, size };
	return 0;
}

static void
reply_headers(struct request *req, const struct part_of *part)
{
	struct http_reply *reply = &req->http->reply;

	reply->status = part->partial ? 206 : 200;
	if (part->partial)
		http_reply_header(reply, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, part->range.from,
		    part->range.from + part->range.len - 1, req->found.size);
	if (part->numbered && part->parts)
		http_reply_header(reply, "x-amz-mp-parts-count", "%zu", part->parts);
	/* A checksum is of the whole object. */
	if (part->partial && part->range.len != req->found.size)
		req->found.checksum.type = CHECKSUM_NONE;
	s3_object_headers(req, &req->found);
}

static int
judge_conditions(struct request *req)
{
	int rc = s3_read_conditions(req, &req->found);

	if (rc == ERR_UNMODIFIED) {
		/* A reply without the bytes has no checksum: botocore would check the empty body against it. */
		req->found.checksum.type = CHECKSUM_NONE;
		s3_object_headers(req, &req->found);
		/* That of a 200 (RFC 9110, 8.6): without it the connection would have to be closed. */
		req->http->reply.head_length = req->found.size;
	}
	return rc;
}

/* What both do before the bytes: conditions, range, headers. */
static int
prepare(struct request *req, struct part_of *part)
{
	int rc;

	if ((rc = s3_refuse_keys(req)) != 0 || (rc = judge_conditions(req)) != 0)
		return rc;
	if ((rc = choose_range(req, part)) == 0)
		reply_headers(req, part);
	return rc;
}

/* Bytes that came with the look-up are damaged: no matter where the conditions say that they are not wanted. */
static int
judge_damaged(struct request *req)
{
	int rc;

	if ((rc = s3_find_object(req)) != 0 || (rc = s3_refuse_keys(req)) != 0 || (rc = judge_conditions(req)) != 0)
		return rc;
	return ERR_CORRUPT;
}

/* GET /bucket/key. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
int
s3_get_object(struct request *req)
{
	struct buf *body = &req->http->reply.body;
	size_t len = SMALL_GET;
	struct part_of part;
	char *bytes;
	int rc;

	if (!(bytes = buf_room(body, SMALL_GET)))
		return body->err;
	if ((rc = find(req, bytes, &len)) == ERR_CORRUPT)
		return judge_damaged(req);
	if (rc != 0 || (rc = prepare(req, &part)) != 0)
		return rc;
	if (!len)
		return request_send(req, &req->found.manifest, part.range.from, part.range.len);
	if (part.range.from)
		memmove(bytes, bytes + part.range.from, (size_t)part.range.len);
	body->len = (size_t)part.range.len;
	return 0;
}

/* HEAD /bucket/key: what GET would answer, without the bytes. https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
int
s3_head_object(struct request *req)
{
	struct part_of part;
	int rc;

	if ((rc = s3_find_object(req)) != 0 || (rc = prepare(req, &part)) != 0)
		return rc;
	req->http->reply.head_length = part.range.len;
	return 0;
}
