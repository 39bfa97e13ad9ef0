#include <string.h>

#include "daemon.h"
#include "err.h"
#include "perm.h"
#include "s3.h"
#include "str.h"
#include "xml.h"

/* The region that a CreateBucketConfiguration asks for: "" for none. Other elements are not built. */
static int
location_constraint(struct request *req, char region[32])
{
	char error[XML_ERROR];
	const char *text;
	struct xml *root = NULL;
	int rc = 0;

	region[0] = '\0';
	if (req->http->body.len == 0)
		return 0;
	if (xml_parse(req->http->body.data, req->http->body.len, error, &root) != 0)
		return request_fail(req, ERR_INVALID, "MalformedXML", "%s", error);
	if (strcmp(xml_name(root), "CreateBucketConfiguration"))
		rc = request_fail(req, ERR_INVALID, "MalformedXML",
		    "The body is <%s>; it must be <CreateBucketConfiguration>.", xml_name(root));
	for (const struct xml *e = xml_child(root, NULL); rc == 0 && e; e = xml_next(e, NULL)) {
		text = xml_text(e);
		if (strcmp(xml_name(e), "LocationConstraint"))
			rc = request_fail(req, ERR_UNSUPPORTED, "NotImplemented",
			    "<%s> in CreateBucketConfiguration is not supported.", xml_name(e));
		else if (strlen(text) >= 32)
			rc = request_fail(req, ERR_INVALID, "InvalidLocationConstraint",
			    "The LocationConstraint is longer than any region's name.");
		else
			memcpy(region, text, strlen(text) + 1);
	}
	xml_free(root);
	return rc;
}

/*
 * Tools create the bucket that they are about to write to, and go on where they are told that it is theirs already: it is for
 * whoever has a role in it.
 */
static int
taken(struct request *req, const struct workspace_row *row)
{
	if (perm_any(req->daemon->store, &req->who.who, row->id))
		return request_fail(req, ERR_EXISTS, "BucketAlreadyOwnedByYou", "You have this bucket already.");
	return request_fail(req, ERR_EXISTS, "BucketAlreadyExists", "The bucket name is taken; choose another one.");
}

/*
 * PUT /bucket. History is off: whoever creates buckets through S3 expects the space of what they delete back.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
 */
int
s3_create_bucket(struct request *req)
{
	const char *lock = request_header(req, "x-amz-bucket-object-lock-enabled");
	const struct settings *settings = &req->daemon->settings;
	struct workspace_row row = { .owner_id = req->who.who.id };
	char region[32];
	const char *why;
	int rc;

	if ((rc = s3_refuse_headers(req)) != 0 || (rc = location_constraint(req, region)) != 0)
		return rc;
	if (lock && !strcasecmp(lock, "true"))
		return request_fail(req, ERR_UNSUPPORTED, "NotImplemented", "Object lock is not supported.");
	if (settings->region_strict && *region && strcmp(region, settings->region))
		return request_fail(req, ERR_INVALID, "IllegalLocationConstraintException",
		    "This endpoint is in %s, not %s.", settings->region, region);
	if (req->workspace.id)
		return taken(req, &req->workspace);
	if (workspace_name_check(req->bucket, &why) != 0)
		return request_fail(req, ERR_INVALID, "InvalidBucketName", "The bucket name is not valid: %s.", why);
	memcpy(row.name, req->bucket, sizeof(row.name));
	memcpy(row.region, *region ? region : settings->region,
	    strnlen(*region ? region : settings->region, sizeof(row.region) - 1));
	rc = workspace_create(req->daemon->store, &row, request_actor(req));
	if (rc == ERR_EXISTS && workspace_find(req->daemon->store, req->bucket, &req->workspace) == 0)
		return taken(req, &req->workspace);
	if (rc)
		return rc;
	req->http->reply.status = 200;
	http_reply_header(&req->http->reply, "Location", "/%s", req->bucket);
	return 0;
}

/* HEAD /bucket. https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html */
int
s3_head_bucket(struct request *req)
{
	req->http->reply.status = 200;
	http_reply_header(&req->http->reply, "x-amz-bucket-region", "%s", req->daemon->settings.region);
	http_reply_header(&req->http->reply, "x-amz-access-point-alias", "false");
	return 0;
}

/* DELETE /bucket. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html */
int
s3_delete_bucket(struct request *req)
{
	int rc = workspace_delete(req->daemon->store, req->workspace.id, request_actor(req));

	if (rc == ERR_NOTEMPTY && req->workspace.versioning != VERSIONING_NEVER)
		return request_fail(req, rc, "BucketNotEmpty",
		    "The bucket you tried to delete is not empty. You must delete all versions in the bucket.");
	if (rc == 0)
		req->http->reply.status = 204;
	return rc;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html is not built. */
int
s3_post_object(struct request *req)
{
	return request_fail(req, ERR_UNSUPPORTED, "NotImplemented", "Uploads by POST from forms are not supported.");
}

/*
 * GET /bucket?location. us-east-1 is told by an empty element.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
 */
int
s3_get_location(struct request *req)
{
	const char *region = req->daemon->settings.region;
	struct buf *b = s3_xml(req);

	xml_declare(b);
	buf_addstr(b, "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	if (strcmp(region, "us-east-1"))
		xml_escape(b, region, strlen(region));
	xml_end(b, "LocationConstraint");
	return buf_finish(b);
}
