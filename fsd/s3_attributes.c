#include <string.h>

#include "clock.h"
#include "err.h"
#include "le.h"
#include "limits.h"
#include "s3.h"
#include "xml.h"

/*
 * GetObjectAttributes: what HeadObject and ListParts would tell, as XML.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
 */
#define HEADER "x-amz-object-attributes"

enum { WANT_ETAG = 1, WANT_CHECKSUM = 2, WANT_PARTS = 4, WANT_CLASS = 8, WANT_SIZE = 16 };

static const struct {
	const char *name;
	unsigned bit;
} attributes[] = {
	{ "ETag", WANT_ETAG },
	{ "Checksum", WANT_CHECKSUM },
	{ "ObjectParts", WANT_PARTS },
	{ "StorageClass", WANT_CLASS },
	{ "ObjectSize", WANT_SIZE },
};

struct query {
	unsigned want;
	uint64_t max, marker;		/* of the parts */
};

static unsigned
bit_of(struct slice name)
{
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		if (slice_is(name, attributes[i].name))
			return attributes[i].bit;
	return 0;
}

/* "ETag, ObjectSize" */
static int
add_names(struct request *req, const char *list, unsigned *want)
{
	size_t len;

	for (const char *p = list + strspn(list, ", \t"); *p; p += len + strspn(p + len, ", \t")) {
		struct slice name = { p, strcspn(p, ",") };
		unsigned bit;

		len = name.len;
		while (p[name.len - 1] == ' ' || p[name.len - 1] == '\t')
			name.len--;
		if (!(bit = bit_of(name)))
			return request_fail(req, ERR_INVALID, "InvalidArgument",
			    "Invalid attribute name specified: \"%.*s\" in " HEADER " is none of ETag, Checksum, "
			    "ObjectParts, StorageClass, ObjectSize.", (int)(name.len < 64 ? name.len : 64), name.p);
		*want |= bit;
	}
	return 0;
}

static int
read_query(struct request *req, struct query *q)
{
	struct s3_walk w = { .at = 0 };
	int rc;

	*q = (struct query) { .max = LIMIT_LIST_KEYS };
	while (s3_walk_next(req, &w))
		if (!strcmp(w.name, HEADER) && (rc = add_names(req, w.value.p, &q->want)) != 0)
			return rc;
	if (!q->want)
		return request_fail(req, ERR_INVALID, "InvalidRequest",
		    "The " HEADER " header specifying the attributes to be retrieved is either missing or empty");
	if ((rc = s3_number(req, "x-amz-max-parts", request_header(req, "x-amz-max-parts"), LIMIT_LIST_KEYS, &q->max)) != 0)
		return rc;
	return s3_number(req, "x-amz-part-number-marker", request_header(req, "x-amz-part-number-marker"), LIMIT_PARTS,
	    &q->marker);
}

/* A composite one's "-N" is in headers alone: here AWS leaves it out. */
static void
add_checksum(struct buf *b, const struct checksum *kept)
{
	struct checksum shown = *kept;

	if (kept->type == CHECKSUM_NONE)
		return;
	shown.parts = 0;
	xml_begin(b, "Checksum");
	s3_checksum_element(b, &shown);
	xml_elem(b, "ChecksumType", s3_checksum_type_name(kept->type));
	xml_end(b, "Checksum");
}

/* A multipart upload's. Their own checksums ended with the upload: what is left of them are the sizes. */
static void
add_parts(struct buf *b, const struct buf *sizes, const struct query *q)
{
	uint64_t count = sizes->len / 8, from = q->marker < count ? q->marker : count;
	uint64_t to = q->max < count - from ? from + q->max : count;

	if (!count)
		return;
	xml_begin(b, "ObjectParts");
	xml_elem_bool(b, "IsTruncated", q->max && to < count);
	xml_elem_int(b, "MaxParts", (int64_t)q->max);
	xml_elem_int(b, "NextPartNumberMarker", to > from ? (int64_t)to : 0);
	xml_elem_int(b, "PartNumberMarker", (int64_t)q->marker);
	for (uint64_t i = from; i < to; i++) {
		xml_begin(b, "Part");
		xml_elem_int(b, "PartNumber", (int64_t)i + 1);
		xml_elem_int(b, "Size", (int64_t)le_get(sizes->data + 8 * i, 8));
		xml_end(b, "Part");
	}
	xml_elem_int(b, "PartsCount", (int64_t)count);
	xml_end(b, "ObjectParts");
}

static int
reply_with(struct request *req, const struct query *q)
{
	const struct object_info *info = &req->found;
	struct http_reply *reply = &req->http->reply;
	struct buf *b = s3_xml(req);
	char date[CLOCK_TEXT];

	clock_http(info->modified_us, date);
	http_reply_header(reply, "Last-Modified", "%s", date);
	s3_version_header(reply, info);
	xml_begin_root(b, "GetObjectAttributesResponse");
	if (q->want & WANT_ETAG)
		xml_elem(b, "ETag", info->etag);
	if (q->want & WANT_CHECKSUM)
		add_checksum(b, &info->checksum);
	if (q->want & WANT_PARTS)
		add_parts(b, &info->parts, q);
	if (q->want & WANT_CLASS)
		xml_elem(b, "StorageClass", "STANDARD");
	if (q->want & WANT_SIZE)
		xml_elem_int(b, "ObjectSize", (int64_t)info->size);
	xml_end(b, "GetObjectAttributesResponse");
	return buf_finish(b);
}

/* GET /bucket/key?attributes */
int
s3_get_attributes(struct request *req)
{
	struct query q;
	int rc;

	if ((rc = read_query(req, &q)) != 0 || (rc = s3_find_object(req)) != 0 || (rc = s3_refuse_keys(req)) != 0)
		return rc;
	/* What is said of an object has no tag of its own: there is no 304. */
	rc = s3_read_conditions(req, &req->found);
	return rc && rc != ERR_UNMODIFIED ? rc : reply_with(req, &q);
}
