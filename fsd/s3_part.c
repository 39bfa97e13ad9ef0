#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "daemon.h"
#include "digest.h"
#include "err.h"
#include "ingest.h"
#include "limits.h"
#include "range.h"
#include "reader.h"
#include "s3.h"
#include "s3_multipart.h"
#include "s3_put.h"
#include "upload.h"
#include "xml.h"

#define COPY_PIECE (256u << 10)
#define COPY_PATIENCE_US 30000000	/* for a buffer of the pool */

static int
part_number(struct request *req, unsigned *number)
{
	const char *text = uri_value(&req->uri, "partNumber");
	uint64_t n;

	if (!text || parse_u64(text, strlen(text), &n) != 0 || n < 1 || n > LIMIT_PARTS)
		return request_fail(req, ERR_INVALID, "InvalidArgument",
		    "Part number must be an integer between 1 and %d, inclusive", LIMIT_PARTS);
	*number = (unsigned)n;
	return 0;
}

/* The open upload that the request names. */
static int
find_upload(struct request *req, int64_t *id, struct upload_info *info)
{
	int rc;

	if ((rc = s3_upload_param(req, id)) != 0)
		return rc;
	rc = upload_find(req->daemon->store, req->workspace.id, req->key, *id, info);
	if (rc == ERR_NOTFOUND || (rc == 0 && info->status != 1))
		return request_fail(req, ERR_NOTFOUND, "NoSuchUpload",
		    "The specified upload does not exist. It may have been aborted or completed.");
	return rc;
}

/* PUT /bucket/key?partNumber=&uploadId=. https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
int
s3_part_start(struct request *req)
{
	struct upload_info info = UPLOAD_INFO_INIT;
	struct s3_put *put;
	unsigned number;
	int64_t id;
	int rc;

	if ((rc = s3_refuse_headers(req)) != 0 || (rc = part_number(req, &number)) != 0 ||
	    (rc = find_upload(req, &id, &info)) != 0)
		goto out;
	rc = s3_body_start(req, &(struct s3_body_options) { .leaves = true,
		.checksum = info.checksum_type != CHECKSUM_NONE, .kind = info.checksum_kind });
	if (rc == 0) {
		put = req->op;
		put->part = number;
		put->upload = id;
	}
out:
	upload_info_release(&info);
	return rc;
}

static int
put_part(struct request *req, int64_t id, const struct ingest_result *result, struct upload_part *part)
{
	int rc = upload_put_part(req->daemon->store, req->workspace.id, id, result, part);

	if (rc == ERR_NOTFOUND)
		return request_fail(req, rc, "NoSuchUpload",
		    "The specified upload does not exist. It may have been aborted or completed.");
	return rc;
}

int
s3_part_finish(struct request *req)
{
	struct s3_put *put = req->op;
	struct upload_part part = { .number = put->part };
	int rc;

	if ((rc = s3_body_finish(req)) != 0)
		return rc;
	part.size = put->result.size;
	part.checksum = put->checksum;
	memcpy(part.etag, put->etag, sizeof(part.etag));
	if ((rc = put_part(req, put->upload, &put->result, &part)) != 0)
		return rc;
	req->http->reply.status = 200;
	http_reply_header(&req->http->reply, "ETag", "\"%s\"", part.etag);
	s3_checksum_header(&req->http->reply, &part.checksum);
	return 0;
}

/* A copy as it goes on: bytes of the source are read for their MD5 and, off chunk borders, stored again. */
struct copying {
	struct request *req;
	struct object_info source;
	struct range range;
	struct upload_info upload;
	struct reader *reader;
	struct ingest *ingest;
	struct ingest_result result;
	uint8_t *piece;
};

static int
copy_range(struct copying *c)
{
	const char *text = request_header(c->req, "x-amz-copy-source-range");
	int rc;

	c->range = (struct range) { 0, c->source.size };
	if (text && (rc = range_parse_copy(text, strlen(text), c->source.size, &c->range)) != 0)
		return request_fail(c->req, ERR_INVALID, rc == ERR_RANGE ? "InvalidRange" : "InvalidArgument",
		    "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are "
		    "the zero-based offsets of the first and last bytes to copy, within the source of %llu bytes",
		    (unsigned long long)c->source.size);
	if (c->range.len > LIMIT_PUT)
		return request_fail(c->req, ERR_TOOBIG, "EntityTooLarge", "A part may have 5 GiB at most.");
	return 0;
}

/* The thread that copies has nothing else to do: it asks the pool again instead of being called back. */
static void
no_wake(void *arg)
{
	(void)arg;
}

static int
feed(struct ingest *in, const uint8_t *bytes, size_t len)
{
	size_t used, at = 0;
	int rc = 0;

	for (int64_t end = clock_mono_us() + COPY_PATIENCE_US; rc == 0 && at < len; at += used) {
		used = 0;
		rc = ingest_write(in, bytes + at, len - at, &used);
		if (rc == ERR_AGAIN && clock_mono_us() < end) {
			nanosleep(&(struct timespec) { .tv_nsec = 2000000 }, NULL);
			rc = 0;
		}
	}
	return rc == ERR_AGAIN ? ERR_BUSY : rc;
}

static int
copy_bytes(struct copying *c)
{
	const struct workspace_row *w = &c->req->workspace;
	struct ingest_options options = { .size = c->range.len, .md5 = true, .leaves = true,
		.checksum = c->upload.checksum_type != CHECKSUM_NONE, .checksum_kind = c->upload.checksum_kind,
		.chunk_min = w->chunk_min, .chunk_avg = w->chunk_avg, .chunk_max = w->chunk_max,
		.wake = no_wake };
	size_t got;
	int rc;

	if (!(c->piece = malloc(COPY_PIECE)))
		return ERR_NOMEM;
	if ((rc = ingest_new(c->req->daemon->store, &options, &c->ingest)) != 0 ||
	    (rc = reader_new(c->req->daemon->store, c->source.manifest.data, c->source.manifest.len, c->range.from,
		 c->range.len, &c->reader)) != 0)
		return rc;
	while ((rc = reader_read(c->reader, c->piece, COPY_PIECE, &got)) == 0)
		if ((rc = feed(c->ingest, c->piece, got)) != 0)
			return rc;
	return rc == ERR_END ? ingest_finish(c->ingest, &c->result) : rc;
}

static int
reply_copied(struct request *req, const struct object_info *source, const struct upload_part *part)
{
	struct buf *b = s3_xml(req);
	char version[S3_VERSION_TEXT];

	if (source->versioned) {
		s3_version_text(source, version);
		http_reply_header(&req->http->reply, "x-amz-copy-source-version-id", "%s", version);
	}
	xml_begin_root(b, "CopyPartResult");
	xml_elem_time(b, "LastModified", part->modified_us);
	buf_addf(b, "<ETag>&quot;%s&quot;</ETag>", part->etag);
	s3_checksum_element(b, &part->checksum);
	xml_end(b, "CopyPartResult");
	return buf_finish(b);
}

/*
 * PUT with x-amz-copy-source. The part's ETag is an MD5 of its bytes, which have to be read for it; chunks that are there are
 * found again by their hashes, so nothing is stored twice but what a cut chunk's rest costs.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
 */
int
s3_part_copy(struct request *req)
{
	struct copying c = { .req = req, .source = OBJECT_INFO_INIT, .upload = UPLOAD_INFO_INIT };
	struct upload_part part = { 0 };
	int64_t id;
	int rc;

	if ((rc = s3_refuse_headers(req)) != 0 || (rc = part_number(req, &part.number)) != 0 ||
	    (rc = find_upload(req, &id, &c.upload)) != 0 ||
	    (rc = s3_copy_source(req, &c.source)) != 0 || (rc = s3_copy_conditions(req, &c.source)) != 0 ||
	    (rc = copy_range(&c)) != 0 || (rc = copy_bytes(&c)) != 0)
		goto out;
	part.size = c.result.size;
	hex_encode(c.result.md5, sizeof(c.result.md5), part.etag);
	if (c.upload.checksum_type != CHECKSUM_NONE) {
		part.checksum = (struct checksum) { .type = CHECKSUM_FULL, .kind = c.upload.checksum_kind,
			.len = (uint8_t)digest_size(c.upload.checksum_kind) };
		memcpy(part.checksum.value, c.result.checksum, part.checksum.len);
	}
	if ((rc = put_part(req, id, &c.result, &part)) == 0)
		rc = reply_copied(req, &c.source, &part);
out:
	ingest_free(c.ingest);
	reader_free(c.reader);
	free(c.piece);
	upload_info_release(&c.upload);
	object_info_release(&c.source);
	return rc;
}
