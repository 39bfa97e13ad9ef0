#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "daemon.h"
#include "err.h"
#include "id.h"
#include "s3.h"
#include "s3_token.h"
#include "xml.h"

#define PAGE 32
#define BUCKETS_MAX 10000	/* AWS: what one ListBuckets call gives at most */

/* What the request asks for, and how far it is. */
struct listing {
	struct request *req;
	struct buf *xml;
	const char *prefix;
	uint64_t max, shown;
	char last[LIMIT_BUCKET_NAME + 1];
	bool truncated;
};

static void
owner(struct request *req, struct buf *b)
{
	char id[ID_TEXT];

	id_format(ID_USER, req->who.who.id, id);
	xml_begin(b, "Owner");
	xml_elem(b, "ID", id);
	xml_elem(b, "DisplayName", req->who.who.name);
	xml_end(b, "Owner");
}

/*
 * Shows the bucket if the caller has any role in it; false when the page is full. All are in the one region that HeadBucket and
 * GetBucketLocation tell, whatever their CreateBucket asked for.
 */
static bool
show(struct listing *l, const struct workspace_row *row)
{
	if (!str_starts(row->name, l->prefix) || !perm_any(l->req->daemon->store, &l->req->who.who, row->id))
		return true;
	if (l->shown == l->max) {
		l->truncated = true;
		return false;
	}
	xml_begin(l->xml, "Bucket");
	xml_elem(l->xml, "Name", row->name);
	xml_elem_time(l->xml, "CreationDate", row->created_at);
	xml_elem(l->xml, "BucketRegion", l->req->daemon->settings.region);
	xml_end(l->xml, "Bucket");
	l->shown++;
	memcpy(l->last, row->name, sizeof(l->last));
	return true;
}

/* The bucket that the page before ended with, "" for the first page, which AWS lets clients ask for with an empty token, too. */
static int
read_token(const struct listing *l, const struct s3_listing *listing, char after[LIMIT_BUCKET_NAME + 1])
{
	const char *token = uri_value(&l->req->uri, "continuation-token");
	struct buf key = BUF_INIT(LIMIT_TARGET);
	struct s3_place place = { .after = SLICE("") };
	int rc = token && *token ? s3_token_read(l->req, token, listing, &key, &place) : 0;

	if (rc == 0)
		snprintf(after, LIMIT_BUCKET_NAME + 1, "%.*s", (int)place.after.len, place.after.p);
	buf_release(&key);
	return rc;
}

static void
write_token(const struct listing *l, const struct s3_listing *listing)
{
	xml_begin(l->xml, "ContinuationToken");
	s3_token_write(l->req, listing, &(struct s3_place) { .after = SLICE(l->last) }, l->xml);
	xml_end(l->xml, "ContinuationToken");
}

/*
 * GET /: the buckets that the caller has a role in.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
 */
int
s3_list_buckets(struct request *req)
{
	const char *max = uri_value(&req->uri, "max-buckets"), *region = uri_value(&req->uri, "bucket-region");
	struct workspace_row rows[PAGE];
	struct listing l = { .req = req, .prefix = uri_value(&req->uri, "prefix"), .max = BUCKETS_MAX };
	struct s3_listing listing = { .of = req->who.who.id };
	char after[LIMIT_BUCKET_NAME + 1];
	unsigned n = PAGE;
	bool more = !region || !strcmp(region, req->daemon->settings.region);
	int rc;

	if (max && (parse_u64(max, strlen(max), &l.max) != 0 || l.max < 1 || l.max > BUCKETS_MAX))
		return request_fail(req, ERR_INVALID, "InvalidArgument", "max-buckets must be 1 to %d, not \"%s\"",
		    BUCKETS_MAX, max);
	if (!l.prefix)
		l.prefix = "";
	listing.prefix = SLICE(l.prefix);
	if ((rc = read_token(&l, &listing, after)) != 0)
		return rc;
	l.xml = s3_xml(req);
	xml_begin_root(l.xml, "ListAllMyBucketsResult");
	owner(req, l.xml);
	xml_begin(l.xml, "Buckets");
	while (more && n == PAGE) {
		if ((rc = workspace_list(req->daemon->store, after, rows, PAGE, &n)) != 0)
			return rc;
		for (unsigned i = 0; more && i < n; i++)
			more = show(&l, &rows[i]);
		if (n)
			memcpy(after, rows[n - 1].name, sizeof(after));
	}
	xml_end(l.xml, "Buckets");
	if (l.truncated)
		write_token(&l, &listing);
	if (*l.prefix)
		xml_elem(l.xml, "Prefix", l.prefix);
	xml_end(l.xml, "ListAllMyBucketsResult");
	return buf_finish(l.xml);
}
