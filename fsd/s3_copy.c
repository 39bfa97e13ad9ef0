#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon.h"
#include "digest.h"
#include "err.h"
#include "limits.h"
#include "reader.h"
#include "s3.h"
#include "xml.h"

#define PIECE (256u << 10)
#define HEADERS_MAX (1u << 16)

/* CopyObject moves no bytes: the manifest is referenced once more. */
struct copying {
	struct request *req;
	struct object_info source;
	struct object_info made;
	struct buf headers;		/* the copy's own, with x-amz-metadata-directive: REPLACE */
	bool replace;
	struct object_copy copy;
};

static int
directive(struct copying *c)
{
	const char *text = request_header(c->req, "x-amz-metadata-directive");
	const char *tags = request_header(c->req, "x-amz-tagging-directive");

	if (tags && strcasecmp(tags, "COPY") != 0 && strcasecmp(tags, "REPLACE") != 0)
		return request_fail(c->req, ERR_INVALID, "InvalidArgument", "Unknown tagging directive.");
	if (text && strcasecmp(text, "COPY") != 0 && strcasecmp(text, "REPLACE") != 0)
		return request_fail(c->req, ERR_INVALID, "InvalidArgument", "Unknown metadata directive.");
	c->replace = text && !strcasecmp(text, "REPLACE");
	return c->replace ? s3_collect_headers(c->req, &c->headers) : s3_refuse_headers(c->req);
}

/* A copy of an object onto itself must change something, or it is a mistake. */
static int
refuse_idle(struct copying *c)
{
	struct object_info now = OBJECT_INFO_INIT;
	const char *redirect = request_header(c->req, "x-amz-website-redirect-location");
	const char *class = request_header(c->req, "x-amz-storage-class");
	int rc = 0;

	if (c->replace || redirect || class || c->copy.has_checksum || c->source.workspace != c->req->workspace.id)
		return 0;
	/* The same version, whatever names led to it. */
	rc = object_find(c->req->daemon->store, c->req->workspace.id, c->req->key, 0, &now);
	if (rc == 0 && now.file_id == c->source.file_id && now.version_id == c->source.version_id)
		rc = request_fail(c->req, ERR_INVALID, "InvalidRequest",
		    "This copy request is illegal because it is trying to copy an object to itself without changing "
		    "the object's metadata, storage class, website redirect location or encryption attributes.");
	object_info_release(&now);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int
read_all(struct copying *c, struct digest *digest)
{
	const struct buf *manifest = &c->source.manifest;
	struct reader *reader = NULL;
	uint8_t *piece = NULL;
	size_t got;
	int rc;

	if (!c->source.size)
		return 0;
	rc = reader_new(c->req->daemon->store, manifest->data, manifest->len, 0, c->source.size, &reader);
	if (rc)
		return rc;
	if (!(piece = malloc(PIECE))) {
		rc = ERR_NOMEM;
		goto out;
	}
	while ((rc = reader_read(reader, piece, PIECE, &got)) == 0)
		digest_update(digest, piece, got);
	if (rc == ERR_END)
		rc = 0;
out:
	free(piece);
	reader_free(reader);
	return rc;
}

/* x-amz-checksum-algorithm: a checksum that the source does not have is computed, for which the bytes must be read. */
static int
new_checksum(struct copying *c)
{
	const char *text = request_header(c->req, "x-amz-checksum-algorithm");
	struct checksum *sum = &c->copy.checksum;
	const struct checksum *has = &c->source.checksum;
	struct digest *digest = NULL;
	enum digest_kind kind;
	int rc;

	if (!text)
		return 0;
	if (s3_checksum_kind(text, &kind) != 0)
		return request_fail(c->req, ERR_INVALID, "InvalidRequest",
		    "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
		    "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
	if (has->type == CHECKSUM_FULL && has->kind == kind)
		return 0;
	*sum = (struct checksum) { .type = CHECKSUM_FULL, .kind = (uint8_t)kind, .len = (uint8_t)digest_size(kind) };
	c->copy.has_checksum = true;
	if (kind == DIGEST_SHA256 && c->source.has_hash) {
		memcpy(sum->value, c->source.content_hash, sizeof(c->source.content_hash));
		return 0;
	}
	if ((rc = digest_new(kind, &digest)) != 0)
		return rc;
	if ((rc = read_all(c, digest)) == 0)
		digest_final(digest, sum->value);
	digest_free(digest);
	return rc;
}

static int
reply_copied(struct copying *c)
{
	const struct checksum *checksum = c->copy.has_checksum ? &c->copy.checksum : &c->source.checksum;
	struct http_reply *reply = &c->req->http->reply;
	struct buf *b = s3_xml(c->req);
	char version[S3_VERSION_TEXT];

	s3_version_made(reply, &c->made);
	if (c->source.versioned) {
		s3_version_text(&c->source, version);
		http_reply_header(reply, "x-amz-copy-source-version-id", "%s", version);
	}
	xml_begin_root(b, "CopyObjectResult");
	xml_elem_time(b, "LastModified", c->made.modified_us);
	buf_addf(b, "<ETag>&quot;%s&quot;</ETag>", c->source.etag);
	if (checksum->type != CHECKSUM_NONE)
		xml_elem(b, "ChecksumType", checksum->type == CHECKSUM_COMPOSITE ? "COMPOSITE" : "FULL_OBJECT");
	s3_checksum_element(b, checksum);
	xml_end(b, "CopyObjectResult");
	return buf_finish(b);
}

/* PUT with x-amz-copy-source. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
int
s3_copy_object(struct request *req)
{
	struct copying c = { .req = req, .source = OBJECT_INFO_INIT, .made = OBJECT_INFO_INIT,
		.headers = BUF_INIT(HEADERS_MAX) };
	int rc;

	c.copy = (struct object_copy) { .workspace = req->workspace.id, .key = req->key, .from = &c.source,
		.actor = request_actor(req) };
	if (req->key.len > LIMIT_KEY)
		return request_fail(req, ERR_TOOBIG, "KeyTooLongError", NULL);
	if ((rc = s3_refuse_params(req)) != 0 || (rc = s3_copy_source(req, &c.source)) != 0 || (rc = s3_copy_conditions(req, &c.source)) != 0 ||
	    (rc = directive(&c)) != 0 || (rc = s3_write_expectation(req, &c.copy.expect)) != 0 ||
	    (rc = new_checksum(&c)) != 0 || (rc = refuse_idle(&c)) != 0)
		goto out;
	c.copy.headers = c.replace ? &c.headers : NULL;
	if ((rc = object_copy(req->daemon->store, &c.copy, &c.made)) == 0)
		rc = reply_copied(&c);
out:
	buf_release(&c.headers);
	object_info_release(&c.source);
	object_info_release(&c.made);
	return rc;
}
