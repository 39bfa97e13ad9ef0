#include <string.h>

#include "alias.h"
#include "daemon.h"
#include "err.h"
#include "id.h"
#include "limits.h"
#include "list.h"
#include "node.h"
#include "s3.h"
#include "s3_token.h"
#include "xml.h"

/*
 * Listings. A page's entries are written while the tree is walked; common prefixes are collected beside them, as they
 * stand behind the entries in the reply.
 */
struct page {
	struct request *req;
	struct list_query query;
	struct buf *xml;		/* the reply */
	struct buf prefixes;
	struct list_end end;
	struct buf after;		/* the key out of a continuation token */
	uint64_t max;			/* as asked for, at most 1,000 */
	unsigned count;
	char owner_id[ID_TEXT];		/* "" where owners are not shown */
	struct principal owner;
};

static int
page_init(struct page *p, struct request *req)
{
	const char *prefix = uri_value(&req->uri, "prefix"), *delimiter = uri_value(&req->uri, "delimiter");
	int rc;

	*p = (struct page) { .req = req, .prefixes = BUF_INIT(64 << 20), .end = LIST_END_INIT,
		.after = BUF_INIT(LIMIT_TARGET), .max = LIMIT_LIST_KEYS };
	if ((rc = s3_number(req, "max-keys", uri_value(&req->uri, "max-keys"), LIMIT_LIST_KEYS, &p->max)) != 0)
		return rc;
	p->query = (struct list_query) {
		.workspace = req->workspace.id,
		.prefix = SLICE(prefix ? prefix : ""),
		.delimiter = SLICE(delimiter ? delimiter : ""),
		.max = (unsigned)p->max,
		.past = req->past,
		.sequence = req->sequence,
	};
	return s3_check_encoding(req);
}

static void
page_release(struct page *p)
{
	buf_release(&p->prefixes);
	buf_release(&p->after);
	list_end_release(&p->end);
}

static void
page_owner(struct page *p)
{
	if (principal_get(p->req->daemon->store, p->req->workspace.owner_id, &p->owner) == 0)
		id_format(ID_USER, p->owner.id, p->owner_id);
}

/*
 * A marker that is a common prefix means everything below it was seen. It is one if the first delimiter behind the
 * prefix ends it: of "//" some bytes may belong to the prefix, and a key may end in another one.
 */
static void
start_behind(struct page *p, const char *marker)
{
	struct list_query *q = &p->query;
	const char *first;

	q->after = SLICE(marker);
	if (!q->delimiter.len || q->after.len <= q->prefix.len || memcmp(marker, q->prefix.p, q->prefix.len))
		return;
	first = strstr(marker + q->prefix.len, q->delimiter.p);
	q->after_prefix = first && first + q->delimiter.len == marker + q->after.len;
}

static void
add_prefix(struct page *p, const struct list_item *item)
{
	xml_begin(&p->prefixes, "CommonPrefixes");
	s3_xml_key(p->req, &p->prefixes, "Prefix", item->key);
	xml_end(&p->prefixes, "CommonPrefixes");
}

static void
add_owner(struct page *p)
{
	if (!p->owner_id[0])
		return;
	xml_begin(p->xml, "Owner");
	xml_elem(p->xml, "ID", p->owner_id);
	xml_elem(p->xml, "DisplayName", p->owner.name);
	xml_end(p->xml, "Owner");
}

static void
add_facts(struct page *p, const struct list_item *item)
{
	xml_elem_time(p->xml, "LastModified", item->modified_us);
	buf_addstr(p->xml, "<ETag>&quot;");
	buf_add(p->xml, item->etag.p, item->etag.len);
	buf_addstr(p->xml, "&quot;</ETag>");
	xml_elem_int(p->xml, "Size", (int64_t)item->size);
}

static void
each_object(void *arg, const struct list_item *item)
{
	struct page *p = arg;

	p->count++;
	if (item->prefix) {
		add_prefix(p, item);
		return;
	}
	buf_addstr(p->xml, "<Contents>");
	s3_xml_key(p->req, p->xml, "Key", item->key);
	add_facts(p, item);
	add_owner(p);
	buf_addstr(p->xml, "<StorageClass>STANDARD</StorageClass></Contents>");
}

static void
each_version(void *arg, const struct list_item *item)
{
	const struct object_info version = { .version_id = item->version_id, .null_version = item->null_version };
	const char *element = item->delete_marker ? "DeleteMarker" : "Version";
	char id[S3_VERSION_TEXT];
	struct page *p = arg;

	p->count++;
	if (item->prefix) {
		add_prefix(p, item);
		return;
	}
	s3_version_text(&version, id);
	xml_begin(p->xml, element);
	s3_xml_key(p->req, p->xml, "Key", item->key);
	xml_elem(p->xml, "VersionId", id);
	xml_elem_bool(p->xml, "IsLatest", item->latest);
	if (item->delete_marker) {
		xml_elem_time(p->xml, "LastModified", item->modified_us);
	} else {
		add_facts(p, item);
		buf_addstr(p->xml, "<StorageClass>STANDARD</StorageClass>");
	}
	add_owner(p);
	xml_end(p->xml, element);
}

/* Name, Prefix, Delimiter, MaxKeys, EncodingType: what every listing repeats of the request. */
static void
add_head(struct page *p, const char *root)
{
	p->xml = s3_xml(p->req);
	xml_begin_root(p->xml, root);
	xml_elem(p->xml, "Name", p->req->bucket);
	s3_xml_key(p->req, p->xml, "Prefix", p->query.prefix);
	if (p->query.delimiter.len)
		s3_xml_key(p->req, p->xml, "Delimiter", p->query.delimiter);
	xml_elem_int(p->xml, "MaxKeys", (int64_t)p->max);
	if (uri_has(&p->req->uri, "encoding-type"))
		xml_elem(p->xml, "EncodingType", "url");
}

/* Walks one page. Of nothing at all AWS says that it is not truncated. */
static int
walk(struct page *p, void (*each)(void *arg, const struct list_item *item))
{
	int rc = p->max ? list_objects(p->req->daemon->store, &p->query, each, p, &p->end) : 0;

	if (p->req->past)
		rc = alias_lost(p->req, rc);
	buf_add(p->xml, p->prefixes.data, p->prefixes.len);
	if (rc == 0)
		rc = buf_finish(&p->prefixes);
	xml_elem_bool(p->xml, "IsTruncated", p->end.truncated);
	return rc;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html */
int
s3_list_objects_v1(struct request *req)
{
	const char *marker = uri_value(&req->uri, "marker");
	struct page p;
	int rc = page_init(&p, req);

	if (rc)
		goto out;
	start_behind(&p, marker ? marker : "");
	page_owner(&p);
	add_head(&p, "ListBucketResult");
	s3_xml_key(req, p.xml, "Marker", p.query.after);
	rc = walk(&p, each_object);
	if (p.end.truncated)
		s3_xml_key(req, p.xml, "NextMarker", (struct slice) { p.end.after.data, p.end.after.len });
	xml_end(p.xml, "ListBucketResult");
	rc = rc ? rc : buf_finish(p.xml);
out:
	page_release(&p);
	return rc;
}

/*
 * The tree as it was when the first page was made: for those who may see all that ever was in the bucket. To others it is shown as it is,
 * since what has left their part of it, or was taken from them, is theirs no longer, whenever they began.
 */
static void
go_on_since(struct page *p, int64_t sequence)
{
	enum role role = ROLE_NONE;
	struct request *req = p->req;

	if (!req->past && sequence > 0 &&
	    perm_role(req->daemon->store, NULL, &req->who.who, req->workspace.id, &role) == 0 && role != ROLE_NONE)
		p->query.since = sequence;
}

static struct s3_listing
listing_of(const struct page *p)
{
	return (struct s3_listing) { .of = p->req->workspace.id, .bucket = SLICE(p->req->bucket), .prefix = p->query.prefix,
		.delimiter = p->query.delimiter };
}

static int
token_read(struct page *p, const char *text)
{
	const struct s3_listing listing = listing_of(p);
	struct s3_place place;
	int rc = s3_token_read(p->req, text, &listing, &p->after, &place);

	if (rc)
		return rc;
	p->query.after = place.after;
	p->query.after_prefix = place.after_prefix;
	go_on_since(p, place.sequence);
	return 0;
}

static void
token_write(struct page *p)
{
	const struct s3_listing listing = listing_of(p);
	const struct s3_place place = { { p->end.after.data, p->end.after.len }, p->end.after_prefix, p->end.sequence };

	xml_begin(p->xml, "NextContinuationToken");
	s3_token_write(p->req, &listing, &place, p->xml);
	xml_end(p->xml, "NextContinuationToken");
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
int
s3_list_objects_v2(struct request *req)
{
	const char *token = uri_value(&req->uri, "continuation-token"), *after = uri_value(&req->uri, "start-after");
	const char *owner = uri_value(&req->uri, "fetch-owner");
	struct page p;
	int rc = page_init(&p, req);

	if (rc == 0 && token)
		rc = token_read(&p, token);
	if (rc)
		goto out;
	if (!token && after)
		p.query.after = SLICE(after);
	if (owner && !strcmp(owner, "true"))
		page_owner(&p);
	add_head(&p, "ListBucketResult");
	if (after)
		s3_xml_key(req, p.xml, "StartAfter", SLICE(after));
	xml_elem(p.xml, "ContinuationToken", token);
	rc = walk(&p, each_object);
	xml_elem_int(p.xml, "KeyCount", p.count);
	if (rc == 0 && p.end.truncated)
		token_write(&p);
	xml_end(p.xml, "ListBucketResult");
	rc = rc ? rc : buf_finish(p.xml);
out:
	page_release(&p);
	return rc;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html */
int
s3_list_versions(struct request *req)
{
	const char *key = uri_value(&req->uri, "key-marker"), *version = uri_value(&req->uri, "version-id-marker");
	struct object_info next = { 0 };
	char id[S3_VERSION_TEXT];
	struct page p;
	int rc = page_init(&p, req);

	if (rc)
		goto out;
	start_behind(&p, key ? key : "");
	if (version && *version && (!key || !*key))
		rc = request_fail(req, ERR_INVALID, "InvalidArgument",
		    "A version-id marker cannot be specified without a key marker.");
	else if (version && *version && s3_version_parse(version, &p.query.after_version) != 0)
		rc = request_fail(req, ERR_INVALID, "InvalidArgument", "Invalid version id specified");
	if (rc)
		goto out;
	p.query.versions = true;
	page_owner(&p);
	add_head(&p, "ListVersionsResult");
	s3_xml_key(req, p.xml, "KeyMarker", p.query.after);
	xml_elem(p.xml, "VersionIdMarker", version ? version : "");
	rc = walk(&p, each_version);
	if (p.end.truncated) {
		s3_xml_key(req, p.xml, "NextKeyMarker", (struct slice) { p.end.after.data, p.end.after.len });
		next.version_id = p.end.after_version;
		next.null_version = p.end.after_version == VERSION_NULL;
		s3_version_text(&next, id);
		xml_elem(p.xml, "NextVersionIdMarker", p.end.after_version ? id : NULL);
	}
	xml_end(p.xml, "ListVersionsResult");
	rc = rc ? rc : buf_finish(p.xml);
out:
	page_release(&p);
	return rc;
}
