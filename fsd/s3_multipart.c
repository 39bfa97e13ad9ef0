#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "daemon.h"
#include "digest.h"
#include "err.h"
#include "id.h"
#include "le.h"
#include "limits.h"
#include "s3.h"
#include "s3_multipart.h"
#include "ticket.h"
#include "upload.h"
#include "xml.h"

/* Multipart uploads, but for the parts themselves (s3_part.c) and completion (s3_complete.c). */

/*
 * Ids count upwards, and other people's are easily guessed: an UploadId is a ticket that says the id, little-endian, in 8 bytes. Whose it is, of
 * which bucket and key, the upload itself knows.
 */
static void
add_upload_id(struct request *req, struct buf *b, const char *element, int64_t id)
{
	uint8_t said[8];

	le_put64(said, (uint64_t)id);
	xml_begin(b, element);
	if (id)
		ticket_write(req->daemon->store, TICKET_UPLOAD, said, sizeof(said), b);
	xml_end(b, element);
}

static int
upload_parse(struct request *req, const char *text, int64_t *id)
{
	uint8_t said[TICKET_PAYLOAD];
	size_t len;

	if (ticket_read(req->daemon->store, TICKET_UPLOAD, text, said, &len) != 0 || len != 8)
		return ERR_INVALID;
	*id = (int64_t)le_get64(said);
	return 0;
}

int
s3_upload_param(struct request *req, int64_t *id)
{
	const char *text = uri_value(&req->uri, "uploadId");

	if (!text || upload_parse(req, text, id) != 0)
		return request_fail(req, ERR_NOTFOUND, "NoSuchUpload",
		    "The specified upload does not exist. It may have been aborted or completed.");
	return 0;
}

/*
 * Which checksum the parts will have, and of what the whole will be. CRC64NVME is only ever of the whole object, SHA-1
 * and SHA-256 only composite.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
static int
checksum_wanted(struct request *req, struct upload_create *create)
{
	const char *algorithm = request_header(req, "x-amz-checksum-algorithm");
	enum checksum_type type;
	enum digest_kind kind;
	bool full;
	int rc;

	if ((rc = s3_checksum_type_param(req, &type)) != 0)
		return rc;
	create->checksum_type = CHECKSUM_NONE;
	if (!algorithm)
		return type != CHECKSUM_NONE ? request_fail(req, ERR_INVALID, "InvalidRequest",
				  "x-amz-checksum-type needs x-amz-checksum-algorithm beside it.") : 0;
	if (s3_checksum_kind(algorithm, &kind) != 0)
		return request_fail(req, ERR_INVALID, "InvalidRequest",
		    "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
		    "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
	full = type != CHECKSUM_NONE ? type == CHECKSUM_FULL : kind == DIGEST_CRC64NVME;
	if (full ? !digest_joins(kind) : kind == DIGEST_CRC64NVME)
		return request_fail(req, ERR_INVALID, "InvalidRequest",
		    "The %s checksum type cannot be used with the %s checksum algorithm.",
		    full ? "FULL_OBJECT" : "COMPOSITE", digest_name(kind));
	create->checksum_kind = (uint8_t)kind;
	create->checksum_type = full ? CHECKSUM_FULL : CHECKSUM_COMPOSITE;
	return 0;
}

/* POST /bucket/key?uploads. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
int
s3_create_upload(struct request *req)
{
	struct buf headers = BUF_INIT(1 << 20), *b;
	struct upload_create create = { .workspace = req->workspace.id, .key = req->key, .headers = &headers,
		.actor = request_actor(req) };
	int64_t id;
	int rc;

	if ((rc = s3_collect_headers(req, &headers)) != 0 || (rc = checksum_wanted(req, &create)) != 0 ||
	    (rc = upload_create(req->daemon->store, &create, &id)) != 0)
		goto out;
	if (create.checksum_type != CHECKSUM_NONE) {
		http_reply_header(&req->http->reply, "x-amz-checksum-algorithm", "%s", digest_name(create.checksum_kind));
		http_reply_header(&req->http->reply, "x-amz-checksum-type", "%s", s3_checksum_type_name(create.checksum_type));
	}
	b = s3_xml(req);
	xml_begin_root(b, "InitiateMultipartUploadResult");
	xml_elem(b, "Bucket", req->bucket);
	xml_elem_bytes(b, "Key", req->key.p, req->key.len);
	add_upload_id(req, b, "UploadId", id);
	xml_end(b, "InitiateMultipartUploadResult");
	rc = buf_finish(b);
out:
	buf_release(&headers);
	return rc;
}

/* DELETE /bucket/key?uploadId=. https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
int
s3_abort_upload(struct request *req)
{
	int64_t id;
	int rc;

	if ((rc = s3_refuse_headers(req)) != 0 || (rc = s3_upload_param(req, &id)) != 0)
		return rc;
	if ((rc = upload_abort(req->daemon->store, req->workspace.id, req->key, id)) == ERR_NOTFOUND)
		return request_fail(req, rc, "NoSuchUpload",
		    "The specified upload does not exist. It may have been aborted or completed.");
	if (rc == 0)
		req->http->reply.status = 204;
	return rc;
}

/* Whoever created it, as owner or initiator; a deleted user is shown by the id alone. */
static void
add_user(struct request *req, struct buf *b, const char *element, int64_t user)
{
	struct principal p;
	char id[ID_TEXT];

	id_format(ID_USER, user, id);
	xml_begin(b, element);
	xml_elem(b, "ID", id);
	xml_elem(b, "DisplayName", principal_get(req->daemon->store, user, &p) == 0 ? p.name : id);
	xml_end(b, element);
}

static void
add_part(struct buf *b, const struct upload_part *part)
{
	xml_begin(b, "Part");
	xml_elem_int(b, "PartNumber", part->number);
	xml_elem_time(b, "LastModified", part->modified_us);
	buf_addf(b, "<ETag>&quot;%s&quot;</ETag>", part->etag);
	xml_elem_int(b, "Size", (int64_t)part->size);
	s3_checksum_element(b, &part->checksum);
	xml_end(b, "Part");
}

/* GET /bucket/key?uploadId=. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
int
s3_list_parts(struct request *req)
{
	struct upload_info info = UPLOAD_INFO_INIT;
	struct upload_part *parts = NULL;
	uint64_t marker = 0, max = LIMIT_LIST_KEYS;
	unsigned n = 0;
	bool more = false;
	struct buf *b;
	int64_t id;
	int rc;

	if ((rc = s3_upload_param(req, &id)) != 0 ||
	    (rc = s3_number(req, "part-number-marker", uri_value(&req->uri, "part-number-marker"), LIMIT_PARTS, &marker)) != 0 ||
	    (rc = s3_number(req, "max-parts", uri_value(&req->uri, "max-parts"), LIMIT_LIST_KEYS, &max)) != 0)
		goto out;
	if ((rc = upload_find(req->daemon->store, req->workspace.id, req->key, id, &info)) != 0 || info.status != 1) {
		rc = rc && rc != ERR_NOTFOUND ? rc : request_fail(req, ERR_NOTFOUND, "NoSuchUpload",
		    "The specified upload does not exist. It may have been aborted or completed.");
		goto out;
	}
	if (!(parts = calloc(LIMIT_LIST_KEYS, sizeof(*parts)))) {
		rc = ERR_NOMEM;
		goto out;
	}
	if (max && (rc = upload_list_parts(req->daemon->store, id, (unsigned)marker, parts, (unsigned)max, &n, &more)) != 0)
		goto out;
	b = s3_xml(req);
	xml_begin_root(b, "ListPartsResult");
	xml_elem(b, "Bucket", req->bucket);
	s3_xml_key(req, b, "Key", req->key);
	xml_elem(b, "UploadId", uri_value(&req->uri, "uploadId"));
	add_user(req, b, "Initiator", info.created_by);
	add_user(req, b, "Owner", req->workspace.owner_id);
	xml_elem(b, "StorageClass", "STANDARD");
	xml_elem_int(b, "PartNumberMarker", (int64_t)marker);
	xml_elem_int(b, "NextPartNumberMarker", n ? parts[n - 1].number : 0);
	xml_elem_int(b, "MaxParts", (int64_t)max);
	xml_elem_bool(b, "IsTruncated", more);
	if (info.checksum_type != CHECKSUM_NONE) {
		xml_elem(b, "ChecksumAlgorithm", digest_name(info.checksum_kind));
		xml_elem(b, "ChecksumType", s3_checksum_type_name(info.checksum_type));
	}
	for (unsigned i = 0; i < n; i++)
		add_part(b, &parts[i]);
	xml_end(b, "ListPartsResult");
	rc = buf_finish(b);
out:
	free(parts);
	upload_info_release(&info);
	return rc;
}

struct uploads_page {
	struct request *req;
	struct buf *xml;
	struct buf entries, prefixes;
};

static void
each_upload(void *arg, const struct upload_list_item *item)
{
	struct uploads_page *p = arg;

	if (item->prefix) {
		xml_begin(&p->prefixes, "CommonPrefixes");
		s3_xml_key(p->req, &p->prefixes, "Prefix", item->key);
		xml_end(&p->prefixes, "CommonPrefixes");
		return;
	}
	xml_begin(&p->entries, "Upload");
	s3_xml_key(p->req, &p->entries, "Key", item->key);
	add_upload_id(p->req, &p->entries, "UploadId", item->id);
	add_user(p->req, &p->entries, "Initiator", item->created_by);
	add_user(p->req, &p->entries, "Owner", p->req->workspace.owner_id);
	xml_elem(&p->entries, "StorageClass", "STANDARD");
	xml_elem_time(&p->entries, "Initiated", item->created_us);
	if (item->checksum_type != CHECKSUM_NONE) {
		xml_elem(&p->entries, "ChecksumAlgorithm", digest_name(item->checksum_kind));
		xml_elem(&p->entries, "ChecksumType", s3_checksum_type_name(item->checksum_type));
	}
	xml_end(&p->entries, "Upload");
}

/* GET /bucket?uploads. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
int
s3_list_uploads(struct request *req)
{
	const char *prefix = uri_value(&req->uri, "prefix"), *delimiter = uri_value(&req->uri, "delimiter");
	const char *key = uri_value(&req->uri, "key-marker"), *upload = uri_value(&req->uri, "upload-id-marker");
	struct uploads_page p = { .req = req, .entries = BUF_INIT(64 << 20), .prefixes = BUF_INIT(64 << 20) };
	struct upload_list q = { .workspace = req->workspace.id, .prefix = SLICE(prefix ? prefix : ""),
		.delimiter = SLICE(delimiter ? delimiter : ""), .after_key = SLICE(key ? key : "") };
	struct buf next_key = BUF_INIT(LIMIT_KEY_STORED * 2);
	bool truncated = false;
	int64_t next_id = 0;
	uint64_t max = LIMIT_LIST_KEYS;
	int rc;

	if ((rc = s3_number(req, "max-uploads", uri_value(&req->uri, "max-uploads"), LIMIT_LIST_KEYS, &max)) != 0 ||
	    (rc = s3_check_encoding(req)) != 0)
		goto out;
	if (key && *key && upload && *upload && upload_parse(req, upload, &q.after_id) != 0) {
		rc = request_fail(req, ERR_INVALID, "InvalidArgument", "Invalid uploadId marker");
		goto out;
	}
	q.max = (unsigned)max;
	if (max && (rc = upload_list(req->daemon->store, &q, each_upload, &p, &truncated, &next_key, &next_id)) != 0)
		goto out;
	p.xml = s3_xml(req);
	xml_begin_root(p.xml, "ListMultipartUploadsResult");
	xml_elem(p.xml, "Bucket", req->bucket);
	s3_xml_key(req, p.xml, "KeyMarker", q.after_key);
	xml_elem(p.xml, "UploadIdMarker", upload ? upload : "");
	s3_xml_key(req, p.xml, "NextKeyMarker", (struct slice) { next_key.data ? next_key.data : "", next_key.len });
	add_upload_id(req, p.xml, "NextUploadIdMarker", next_id);
	s3_xml_key(req, p.xml, "Prefix", q.prefix);
	if (q.delimiter.len)
		s3_xml_key(req, p.xml, "Delimiter", q.delimiter);
	xml_elem_int(p.xml, "MaxUploads", (int64_t)max);
	if (uri_has(&req->uri, "encoding-type"))
		xml_elem(p.xml, "EncodingType", "url");
	xml_elem_bool(p.xml, "IsTruncated", truncated);
	buf_add(p.xml, p.entries.data, p.entries.len);
	buf_add(p.xml, p.prefixes.data, p.prefixes.len);
	xml_end(p.xml, "ListMultipartUploadsResult");
	if ((rc = buf_finish(&p.entries)) == 0 && (rc = buf_finish(&p.prefixes)) == 0)
		rc = buf_finish(p.xml);
out:
	buf_release(&p.entries);
	buf_release(&p.prefixes);
	buf_release(&next_key);
	return rc;
}
