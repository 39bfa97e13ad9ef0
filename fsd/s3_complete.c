#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon.h"
#include "digest.h"
#include "err.h"
#include "limits.h"
#include "s3.h"
#include "s3_multipart.h"
#include "upload.h"
#include "xml.h"

/* An ETag as a client writes it: with or without quotes, which may come as &quot; twice over. */
static int
etag_of(const char *text, char etag[ETAG_TEXT])
{
	size_t len;

	while (*text == '"')
		text++;
	len = strcspn(text, "\"");
	if (len >= ETAG_TEXT)
		return ERR_INVALID;
	memcpy(etag, text, len);
	etag[len] = '\0';
	return 0;
}

/* The checksum that a <Part> names, of whichever kind. */
static int
part_checksum(struct request *req, const struct xml *e, struct upload_part *part)
{
	char name[32];
	const char *text;

	for (enum digest_kind kind = 0; kind < DIGEST_KINDS_; kind++) {
		snprintf(name, sizeof(name), "Checksum%s", digest_name(kind));
		if (kind == DIGEST_MD5 || !(text = xml_child_text(e, name)))
			continue;
		if (s3_checksum_parse(text, kind, &part->checksum) != 0)
			return request_fail(req, ERR_INVALID, "InvalidRequest", "Value for %s of part %u is invalid.",
			    name, part->number);
	}
	return 0;
}

static int
read_part(struct request *req, const struct xml *e, struct upload_part *part)
{
	const char *number = xml_child_text(e, "PartNumber"), *etag = xml_child_text(e, "ETag");
	uint64_t n;

	if (strcmp(xml_name(e), "Part") || !number || !etag || parse_u64(number, strlen(number), &n) != 0)
		return request_fail(req, ERR_INVALID, "MalformedXML",
		    "The XML you provided was not well-formed or did not validate against our published schema");
	if (n < 1 || n > LIMIT_PARTS)
		return request_fail(req, ERR_INVALID, "InvalidArgument",
		    "PartNumber must be an integer between 1 and %d, inclusive", LIMIT_PARTS);
	*part = (struct upload_part) { .number = (unsigned)n };
	if (etag_of(etag, part->etag) != 0)
		return request_fail(req, ERR_INVALID, "InvalidPart", "The ETag of part %u is no ETag.", part->number);
	return part_checksum(req, e, part);
}

/* The body's list of parts; *parts is malloc'd. */
static int
read_parts(struct request *req, struct upload_part **parts, size_t *count)
{
	struct xml *root = NULL;
	char error[XML_ERROR];
	int rc = 0;

	*count = 0;
	if (xml_parse(req->http->body.data ? req->http->body.data : "", req->http->body.len, error, &root) != 0)
		return request_fail(req, ERR_INVALID, "MalformedXML", "%s", error);
	if (!(*parts = calloc(LIMIT_PARTS, sizeof(**parts))))
		rc = ERR_NOMEM;
	for (const struct xml *e = xml_child(root, NULL); rc == 0 && e; e = xml_next(e, NULL))
		rc = *count == LIMIT_PARTS ? request_fail(req, ERR_INVALID, "MalformedXML",
						 "There are more than %d parts.", LIMIT_PARTS)
					   : read_part(req, e, &(*parts)[(*count)++]);
	if (rc == 0 && (strcmp(xml_name(root), "CompleteMultipartUpload") || *count == 0))
		rc = request_fail(req, ERR_INVALID, "MalformedXML",
		    "The body must be <CompleteMultipartUpload> with at least one <Part>.");
	xml_free(root);
	return rc;
}

/* What the whole object's checksum and size should be, where the client says so. */
static int
read_announced(struct request *req, struct upload_complete *complete)
{
	const char *size = request_header(req, "x-amz-mp-object-size");
	int rc;

	if ((rc = s3_checksum_type_param(req, &complete->checksum_type)) != 0)
		return rc;
	complete->object_size = UINT64_MAX;
	if (size && parse_u64(size, strlen(size), &complete->object_size) != 0)
		return request_fail(req, ERR_INVALID, "InvalidRequest", "x-amz-mp-object-size must be a number, not \"%s\"",
		    size);
	return s3_checksum_given(req, &complete->checksum);
}

/* Why it could not be completed, in S3's words. */
static int
explain(struct request *req, const struct upload_complete *c, int rc)
{
	if (rc == ERR_NOTFOUND)
		return c->wrong == COMPLETE_NO_OBJECT ? rc : request_fail(req, rc, "NoSuchUpload",
		    "The specified upload does not exist. It may have been aborted or completed.");
	if (rc != ERR_INVALID)
		return rc;
	switch (c->wrong) {
	case COMPLETE_NO_PART:
		return request_fail(req, rc, "InvalidPart",
		    "Part %u could not be found, or its ETag is not the one listed.", c->wrong_part);
	case COMPLETE_ORDER:
		return request_fail(req, rc, "InvalidPartOrder",
		    "The list of parts was not in ascending order: part %u stands out of its place.", c->wrong_part);
	case COMPLETE_TOO_SMALL:
		return request_fail(req, rc, "EntityTooSmall",
		    "Part %u is smaller than the minimum of 5 MiB that all parts but the last must have.", c->wrong_part);
	case COMPLETE_CHECKSUM:
		return request_fail(req, rc, c->wrong_part ? "InvalidPart" : "BadDigest", "%s",
		    c->why ? c->why : "A checksum is not that of the bytes received.");
	case COMPLETE_NO_OBJECT:
	case COMPLETE_OK:
		break;
	}
	return request_fail(req, rc, "InvalidRequest", "%s", c->why ? c->why : "The upload can't be completed so.");
}

static int
reply_completed(struct request *req, const struct object_info *info)
{
	const char *host = http_header(req->http, "host");
	struct buf *b = s3_xml(req);

	s3_version_made(&req->http->reply, info);
	xml_begin_root(b, "CompleteMultipartUploadResult");
	buf_addf(b, "<Location>http%s://", req->http->tls ? "s" : "");
	xml_escape(b, host ? host : "", host ? strlen(host) : 0);
	xml_escape(b, req->uri.raw_path.p, req->uri.raw_path.len);
	buf_addstr(b, "</Location>");
	xml_elem(b, "Bucket", req->bucket);
	xml_elem_bytes(b, "Key", req->key.p, req->key.len);
	buf_addf(b, "<ETag>&quot;%s&quot;</ETag>", info->etag);
	s3_checksum_element(b, &info->checksum);
	if (info->checksum.type != CHECKSUM_NONE)
		xml_elem(b, "ChecksumType", s3_checksum_type_name(info->checksum.type));
	xml_end(b, "CompleteMultipartUploadResult");
	return buf_finish(b);
}

/*
 * POST /bucket/key?uploadId=: the parts become one object, the references of the parts its own.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
int
s3_complete_upload(struct request *req)
{
	struct upload_complete complete = { .workspace = req->workspace.id, .key = req->key, .actor = request_actor(req) };
	struct object_info info = OBJECT_INFO_INIT;
	struct upload_part *parts = NULL;
	int rc;

	if ((rc = s3_refuse_headers(req)) != 0 || (rc = s3_upload_param(req, &complete.id)) != 0 || (rc = s3_write_expectation(req, &complete.expect)) != 0 ||
	    (rc = read_announced(req, &complete)) != 0 || (rc = read_parts(req, &parts, &complete.count)) != 0)
		goto out;
	complete.parts = parts;
	rc = upload_complete(req->daemon->store, &complete, &info);
	rc = rc ? explain(req, &complete, rc) : reply_completed(req, &info);
out:
	free(parts);
	object_info_release(&info);
	return rc;
}
