#include <string.h>
#include <strings.h>

#include "err.h"
#include "id.h"
#include "principal.h"
#include "daemon.h"
#include "s3.h"
#include "s3_sub.h"
#include "xml.h"

/*
 * What a read is answered with. `error`, else `xml` as it stands; neither: acl() or NotImplemented. Of those with `by_id` a bucket can
 * have many: a read lists them all, or is of one.
 */
struct sub {
	const char *name;
	enum level level;		/* LEVEL_NONE: both */
	bool deletable;			/* a DELETE of it succeeds */
	bool by_id;			/* with ?id= NoSuchConfiguration */
	const char *error;
	const char *root, *xml;
};

#define NONE_LISTED "<IsTruncated>false</IsTruncated>"

static const struct sub subs[] = {
	{ "acl", LEVEL_NONE },
	{ "tagging", LEVEL_BUCKET, .deletable = true, .error = "NoSuchTagSet" },
	{ "tagging", LEVEL_OBJECT, .deletable = true, .root = "Tagging", .xml = "<TagSet></TagSet>" },
	{ "policy", LEVEL_BUCKET, .deletable = true, .error = "NoSuchBucketPolicy" },
	{ "policyStatus", LEVEL_BUCKET, .error = "NoSuchBucketPolicy" },
	{ "cors", LEVEL_BUCKET, .deletable = true, .error = "NoSuchCORSConfiguration" },
	{ "lifecycle", LEVEL_BUCKET, .deletable = true, .error = "NoSuchLifecycleConfiguration" },
	{ "encryption", LEVEL_BUCKET, .deletable = true, .error = "ServerSideEncryptionConfigurationNotFoundError" },
	{ "website", LEVEL_BUCKET, .deletable = true, .error = "NoSuchWebsiteConfiguration" },
	{ "object-lock", LEVEL_BUCKET, .error = "ObjectLockConfigurationNotFoundError" },
	{ "replication", LEVEL_BUCKET, .deletable = true, .error = "ReplicationConfigurationNotFoundError" },
	{ "publicAccessBlock", LEVEL_BUCKET, .deletable = true, .error = "NoSuchPublicAccessBlockConfiguration" },
	{ "ownershipControls", LEVEL_BUCKET, .deletable = true, .error = "OwnershipControlsNotFoundError" },
	{ "logging", LEVEL_BUCKET, .root = "BucketLoggingStatus", .xml = "" },
	{ "notification", LEVEL_BUCKET, .root = "NotificationConfiguration", .xml = "" },
	{ "accelerate", LEVEL_BUCKET, .root = "AccelerateConfiguration", .xml = "" },
	{ "requestPayment", LEVEL_BUCKET, .root = "RequestPaymentConfiguration", .xml = "<Payer>BucketOwner</Payer>" },
	{ "abac", LEVEL_BUCKET, .root = "AbacStatus", .xml = "<Status>Disabled</Status>" },
	{ "analytics", LEVEL_BUCKET, .by_id = true, .root = "ListBucketAnalyticsConfigurationResult", .xml = NONE_LISTED },
	{ "inventory", LEVEL_BUCKET, .by_id = true, .root = "ListInventoryConfigurationsResult", .xml = NONE_LISTED },
	{ "metrics", LEVEL_BUCKET, .by_id = true, .root = "ListMetricsConfigurationsResult", .xml = NONE_LISTED },
	{ "intelligent-tiering", LEVEL_BUCKET, .by_id = true, .root = "ListBucketIntelligentTieringConfigurationsOutput",
	    .xml = NONE_LISTED },
	/* These have routes of their own; with another method they must not be taken for the bucket itself. */
	{ "delete", LEVEL_BUCKET },
	{ "versioning", LEVEL_BUCKET },
	{ "versions", LEVEL_BUCKET },
	{ "location", LEVEL_BUCKET },
	{ "uploads", LEVEL_BUCKET },
	{ "attributes", LEVEL_OBJECT },
	{ "metadataTable", LEVEL_BUCKET },
	{ "metadataConfiguration", LEVEL_BUCKET },
	{ "metadataInventoryTable", LEVEL_BUCKET },
	{ "metadataJournalTable", LEVEL_BUCKET },
	{ "session", LEVEL_BUCKET },
	{ "legal-hold", LEVEL_OBJECT, .error = "NoSuchObjectLockConfiguration" },
	{ "retention", LEVEL_OBJECT, .error = "NoSuchObjectLockConfiguration" },
	{ "torrent", LEVEL_OBJECT },
	{ "restore", LEVEL_OBJECT },
	{ "select", LEVEL_OBJECT },
	{ "renameObject", LEVEL_OBJECT },
};

/*
 * One of the request's own level goes before another's. DELETE /bucket/key?uploads must not delete the object: a write is taken for
 * one of the sub-resource, of whichever level.
 */
static const struct sub *
named(const struct request *req, struct slice name)
{
	const struct sub *other = NULL;

	for (size_t i = 0; i < sizeof(subs) / sizeof(subs[0]); i++) {
		if (!slice_is(name, subs[i].name))
			continue;
		if (subs[i].level == LEVEL_NONE || subs[i].level == req->level)
			return &subs[i];
		other = &subs[i];
	}
	return strcmp(req->http->method, "GET") ? other : NULL;
}

/* What a write names that can't be meant as one of the object or bucket itself. */
struct odd {
	struct slice name;		/* as sent */
	const char *meant;		/* as it is written */
};

/* Parameters that pick something of an object; the routes that take one come before. */
static const char *const picks[] = { "uploadId", "versionId", "partNumber" };
#define PICKS (sizeof(picks) / sizeof(picks[0]))

static const char *
meant_by(const char *name)
{
	for (size_t i = 0; i < PICKS; i++)
		if (!strcasecmp(name, picks[i]))
			return picks[i];
	for (size_t i = 0; i < sizeof(subs) / sizeof(subs[0]); i++)
		if (!strcasecmp(name, subs[i].name))
			return subs[i].name;
	return NULL;
}

/* A bucket has none of what is picked, and no DELETE is of a part. */
static bool
is_misplaced(const struct request *req, const char *name)
{
	bool pick = false;

	for (size_t i = 0; i < PICKS; i++)
		pick |= !strcmp(name, picks[i]);
	return pick && (req->level == LEVEL_BUCKET || (!strcmp(name, "partNumber") && !strcmp(req->http->method, "DELETE")));
}

static bool
find_odd(const struct request *req, struct odd *odd)
{
	for (size_t i = 0; i < req->uri.count; i++) {
		odd->name = req->uri.params[i].name;
		odd->meant = meant_by(odd->name.p);
		if (odd->meant && (strcmp(odd->name.p, odd->meant) != 0 || is_misplaced(req, odd->meant)))
			return true;
	}
	return false;
}

static int
refuse_odd(struct request *req)
{
	struct odd odd = { .meant = "" };

	find_odd(req, &odd);
	if (strcmp(odd.name.p, odd.meant) != 0)
		return request_fail(req, ERR_INVALID, "InvalidArgument", "?%.100s is not known. Is ?%s meant?", odd.name.p, odd.meant);
	return request_fail(req, ERR_INVALID, "InvalidArgument", "This operation does not accept ?%s.", odd.meant);
}

static const struct sub *
asked(const struct request *req)
{
	const struct sub *sub = NULL;

	for (size_t i = 0; !sub && i < req->uri.count; i++)
		sub = named(req, req->uri.params[i].name);
	return sub;
}

/* The owner may do everything: that much is true of every bucket and object here. */
static int
acl(struct request *req)
{
	struct principal owner;
	char id[ID_TEXT];
	struct buf *b;
	int rc = principal_get(req->daemon->store, req->workspace.owner_id, &owner);

	if (rc)
		return rc == ERR_NOTFOUND ? ERR_INTERNAL : rc;
	id_format(ID_USER, owner.id, id);
	b = s3_xml(req);
	xml_begin_root(b, "AccessControlPolicy");
	xml_begin(b, "Owner");
	xml_elem(b, "ID", id);
	xml_elem(b, "DisplayName", owner.name);
	xml_end(b, "Owner");
	xml_begin(b, "AccessControlList");
	xml_begin(b, "Grant");
	buf_addstr(b, "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">");
	xml_elem(b, "ID", id);
	xml_elem(b, "DisplayName", owner.name);
	xml_end(b, "Grantee");
	xml_elem(b, "Permission", "FULL_CONTROL");
	xml_end(b, "Grant");
	xml_end(b, "AccessControlList");
	xml_end(b, "AccessControlPolicy");
	return buf_finish(b);
}

static int
read_sub(struct request *req)
{
	const struct sub *sub = asked(req);
	struct buf *b;
	int rc;

	if (req->level == LEVEL_OBJECT && (rc = s3_find_object(req)) != 0)
		return rc;
	if (sub->by_id && uri_has(&req->uri, "id"))
		return request_fail(req, ERR_NOTFOUND, "NoSuchConfiguration", NULL);
	if (sub->error)
		return request_fail(req, ERR_NOTFOUND, sub->error, NULL);
	if (!strcmp(sub->name, "acl"))
		return acl(req);
	if (!sub->root)
		return request_fail(req, ERR_UNSUPPORTED, "NotImplemented", "?%s is not supported.", sub->name);
	b = s3_xml(req);
	xml_begin_root(b, sub->root);
	buf_addstr(b, sub->xml);
	xml_end(b, sub->root);
	return buf_finish(b);
}

static bool
is_canned_acl(const struct request *req)
{
	return !strcmp(req->http->method, "PUT") && !strcmp(asked(req)->name, "acl") && !req->http->body.len &&
	       request_header(req, "x-amz-acl");
}

static int
write_sub(struct request *req)
{
	int rc;

	if (is_canned_acl(req)) {
		if ((rc = s3_refuse_headers(req)) != 0 || (req->level == LEVEL_OBJECT && (rc = s3_find_object(req)) != 0))
			return rc;
		req->http->reply.status = 200;
		return 0;
	}
	return request_fail(req, ERR_UNSUPPORTED, "NotImplemented", "?%s can't be changed here.", asked(req)->name);
}

/* Nothing is there to be deleted: it is enough that what it would belong to is. */
static int
delete_sub(struct request *req)
{
	int rc;

	if (req->level == LEVEL_OBJECT && (rc = s3_find_object(req)) != 0)
		return rc;
	req->http->reply.status = 204;
	return 0;
}

static const struct route read_route = { "GET", LEVEL_NONE, .name = "GetSubresource", .action = ACTION_READ, .run = read_sub };
static const struct route write_route = { "PUT", LEVEL_NONE, .name = "PutSubresource", .action = ACTION_WRITE,
	.run = write_sub };
static const struct route delete_of_bucket = { "DELETE", LEVEL_BUCKET, .name = "DeleteSubresource",
	.action = ACTION_MANAGE, .run = delete_sub };
static const struct route delete_of_object = { "DELETE", LEVEL_OBJECT, .name = "DeleteSubresource",
	.action = ACTION_WRITE, .run = delete_sub };

static const struct route odd_route = { "PUT", LEVEL_NONE, .name = "OddWrite", .action = ACTION_WRITE, .run = refuse_odd };

const struct route *
s3_sub_route(const struct request *req)
{
	const char *method = req->http->method;
	const struct sub *sub;
	struct odd odd;
	bool reads = !strcmp(method, "GET");

	if (!req->uri.count || (req->level != LEVEL_BUCKET && req->level != LEVEL_OBJECT) || !strcmp(method, "HEAD"))
		return NULL;
	if (!reads && find_odd(req, &odd))
		return &odd_route;
	if (!(sub = asked(req)))
		return NULL;
	if (reads)
		return &read_route;
	if (!strcmp(method, "DELETE") && sub->deletable && sub->level == req->level)
		return req->level == LEVEL_BUCKET ? &delete_of_bucket : &delete_of_object;
	return &write_route;
}
