#include <string.h>

#include "daemon.h"
#include "err.h"
#include "log.h"
#include "request.h"
#include "xml.h"

/*
 * The errors of S3: code, status and message.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 * QuotaExceeded, TooManyUploads and InsufficientStorage are ours: AWS has neither quotas nor full disks.
 */
struct s3_code {
	const char *code;
	int status;
	const char *message;
};

static const struct s3_code table[] = {
	{ "AccessDenied", 403, "Access Denied" },
	{ "AuthorizationHeaderMalformed", 400, "The authorization header that you provided is not valid." },
	{ "AuthorizationQueryParametersError", 400, "The query parameters of authorization are not valid." },
	{ "BadDigest", 400, "The Content-MD5 or checksum value that you specified did not match what the server received." },
	{ "BadRequest", 400, "The request is malformed." },
	{ "BucketAlreadyExists", 409, "The requested bucket name is not available. Choose another name and try again." },
	{ "BucketAlreadyOwnedByYou", 409, "The bucket that you tried to create already exists, and you own it." },
	{ "BucketNotEmpty", 409, "The bucket that you tried to delete is not empty." },
	{ "ConditionalRequestConflict", 409, "A conflicting operation occurred during the request. Try again." },
	{ "EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed object size." },
	{ "EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed object size." },
	{ "IllegalLocationConstraintException", 400, "The location constraint is incompatible with this endpoint." },
	{ "IllegalVersioningConfigurationException", 400, "The Versioning element must be specified" },
	{ "IncompleteBody", 400, "You did not provide the number of bytes specified by the Content-Length HTTP header." },
	{ "InsufficientStorage", 507, "The disk is full: nothing can be written until space is freed. Deletes still work." },
	{ "InternalError", 500, "An internal error occurred. Try again." },
	{ "InvalidAccessKeyId", 403, "The access key ID that you provided does not exist in our records." },
	{ "InvalidArgument", 400, "Invalid argument." },
	{ "InvalidBucketName", 400, "The specified bucket is not valid." },
	{ "InvalidBucketState", 409, "The request is not valid for the current state of the bucket." },
	{ "InvalidDigest", 400, "The Content-MD5 or checksum value that you specified is not valid." },
	{ "InvalidEncryptionAlgorithmError", 400, "The encryption request that you specified is not valid." },
	{ "InvalidLocationConstraint", 400, "The specified location constraint is not valid." },
	{ "InvalidPart", 400, "One or more of the specified parts could not be found. The part might not have been uploaded, or the specified ETag might not have matched the uploaded part's ETag." },
	{ "InvalidPartNumber", 416, "The requested partnumber is not satisfiable" },
	{ "InvalidPartOrder", 400, "The list of parts was not in ascending order. The parts list must be specified in order by part number." },
	{ "InvalidRange", 416, "The requested range is not satisfiable" },
	{ "InvalidRequest", 400, "The request is not valid." },
	{ "InvalidStorageClass", 400, "The storage class that you specified is not valid." },
	{ "InvalidTargetBucketForLogging", 400, "The target bucket for logging does not exist." },
	{ "InvalidURI", 400, "The specified URI couldn't be parsed." },
	{ "KeyTooLongError", 400, "Your key is too long" },
	{ "MalformedTrailerError", 400, "The request contained trailing data that was not well-formed or did not conform to our published schema." },
	{ "MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema" },
	{ "MaxMessageLengthExceeded", 400, "Your request was too large." },
	{ "MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size" },
	{ "MethodNotAllowed", 405, "The specified method is not allowed against this resource." },
	{ "MissingContentLength", 411, "You must provide the Content-Length HTTP header." },
	{ "MissingRequestBodyError", 400, "Request Body is empty" },
	{ "MissingSecurityHeader", 400, "Your request was missing a required header." },
	{ "NoSuchBucket", 404, "The specified bucket does not exist" },
	{ "NoSuchBucketPolicy", 404, "The bucket policy does not exist" },
	{ "NoSuchCORSConfiguration", 404, "The CORS configuration does not exist" },
	{ "NoSuchConfiguration", 404, "The specified configuration does not exist." },
	{ "NoSuchKey", 404, "The specified key does not exist." },
	{ "NoSuchLifecycleConfiguration", 404, "The lifecycle configuration does not exist" },
	{ "NoSuchObjectLockConfiguration", 404, "The specified object does not have a ObjectLock configuration" },
	{ "NoSuchPublicAccessBlockConfiguration", 404, "The public access block configuration was not found" },
	{ "NoSuchTagSet", 404, "The TagSet does not exist" },
	{ "NoSuchUpload", 404, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed." },
	{ "NoSuchVersion", 404, "The specified version does not exist." },
	{ "NoSuchWebsiteConfiguration", 404, "The specified bucket does not have a website configuration" },
	{ "NotImplemented", 501, "A header or parameter that you provided implies functionality that is not implemented" },
	{ "NotModified", 304, "Not Modified" },
	{ "ObjectLockConfigurationNotFoundError", 404, "Object Lock configuration does not exist for this bucket" },
	{ "OwnershipControlsNotFoundError", 404, "The bucket ownership controls were not found" },
	{ "PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold" },
	{ "QuotaExceeded", 403, "The bucket's quota is used up: nothing can be added until something is deleted or the quota is raised." },
	{ "ReplicationConfigurationNotFoundError", 404, "The replication configuration was not found" },
	{ "RequestHeaderSectionTooLarge", 400, "Your request header section exceeds the maximum allowed header size." },
	{ "RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large." },
	{ "RequestTimeout", 400, "Your socket connection to the server was not read from or written to within the timeout period." },
	{ "ServerSideEncryptionConfigurationNotFoundError", 404, "The server side encryption configuration was not found" },
	{ "ServiceUnavailable", 503, "Service is unable to handle request." },
	{ "SignatureDoesNotMatch", 403, "The request signature we calculated does not match the signature you provided. Check your key and signing method." },
	{ "SlowDown", 503, "Please reduce your request rate." },
	{ "TooManyUploads", 409, "As many uploads are open in the bucket as may be, in all or of you: complete or abort some." },
	{ "XAmzContentSHA256Mismatch", 400, "The provided 'x-amz-content-sha256' header does not match what was computed." },
};

static const struct s3_code *
find(const char *code)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(table[i].code, code))
			return &table[i];
	return NULL;
}

const char *
s3_error_message(const char *code, int *status)
{
	const struct s3_code *c = find(code);

	if (!c)
		c = find("InternalError");
	*status = c->status;
	return c->message;
}

static const char *
not_found(const struct request *req)
{
	if (!req->workspace.id)
		return "NoSuchBucket";
	if (req->level == LEVEL_OBJECT)
		return uri_has(&req->uri, "versionId") ? "NoSuchVersion" : "NoSuchKey";
	return req->level == LEVEL_BUCKET ? "NoSuchBucket" : "InternalError";
}

const char *
s3_error_code(const struct request *req, int code)
{
	switch (code) {
	case ERR_NOTFOUND:
		return not_found(req);
	case ERR_EXISTS:
		return "BucketAlreadyExists";
	case ERR_INVALID:
	case ERR_USAGE:
		return "InvalidArgument";
	case ERR_TOOBIG:
		return req->level == LEVEL_OBJECT ? "KeyTooLongError" : "MaxMessageLengthExceeded";
	case ERR_RANGE:
		return "InvalidRange";
	case ERR_DENIED:
	case ERR_EXPIRED:
		return "AccessDenied";
	case ERR_AUTH:
		return "SignatureDoesNotMatch";
	case ERR_SKEW:
		return "RequestTimeTooSkewed";
	case ERR_DIGEST:
		return "BadDigest";
	case ERR_TRUNCATED:
		return "IncompleteBody";
	case ERR_PRECONDITION:
		return "PreconditionFailed";
	case ERR_UNMODIFIED:
		return "NotModified";
	case ERR_CONFLICT:
		return "ConditionalRequestConflict";
	case ERR_NOTEMPTY:
		return "BucketNotEmpty";
	case ERR_QUOTA:
		return "QuotaExceeded";
	case ERR_TOOMANY:
		return "TooManyUploads";
	case ERR_SPACE:
		return "InsufficientStorage";
	case ERR_BUSY:
	case ERR_TIMEOUT:
		return "SlowDown";
	case ERR_CLOSED:
	case ERR_NOMEM:
		return "ServiceUnavailable";
	case ERR_UNSUPPORTED:
		return "NotImplemented";
	default:
		return "InternalError";
	}
}

static void
body(struct request *req, struct buf *b, const char *code, const char *message)
{
	xml_declare(b);
	xml_begin(b, "Error");
	xml_elem(b, "Code", code);
	xml_elem(b, "Message", message);
	if (req->level == LEVEL_OBJECT)
		xml_elem_bytes(b, "Key", req->key.p, req->key.len);
	if (*req->bucket)
		xml_elem(b, "BucketName", req->bucket);
	xml_elem_bytes(b, "Resource", req->uri.raw_path.p, req->uri.raw_path.len);
	if (req->wrong_region)
		xml_elem(b, "Region", req->daemon->settings.region);
	xml_elem(b, "RequestId", req->id);
	xml_elem(b, "HostId", "fsd");
	xml_end(b, "Error");
}

/*
 * Clients learn the region from an error and sign again: from the header, as a HEAD has no body, or from <Region>. A HeadBucket that is
 * refused tells it to anyone, as in AWS, since SDKs look for it by an anonymous one; it is the same for every bucket.
 */
static bool
tells_region(const struct request *req, int status)
{
	return req->wrong_region ||
	       (status == 403 && req->level == LEVEL_BUCKET && !strcmp(req->http->method, "HEAD"));
}

/* Headers that the handler has set so far stay (a delete marker tells itself in the headers of its 404). */
void
s3_error(struct request *req, int code)
{
	struct http_reply *reply = &req->http->reply;
	const char *name = req->error_code ? req->error_code : s3_error_code(req, code), *message;
	int status;

	message = s3_error_message(name, &status);
	if (*req->error_message)
		message = req->error_message;
	if (status == 500 && !req->error_code)
		log_error("request %s: %s: %s", req->id, req->route ? req->route->name : "no route", err_text(code));
	if (reply->source.free)
		reply->source.free(reply->source.arg);
	reply->source = (struct http_source) { 0 };
	buf_clear(&reply->body);
	reply->status = req->error_status ? req->error_status : status;
	if (reply->status == 304)
		return;
	reply->head_length = 0;
	http_reply_header(reply, "Content-Type", "application/xml");
	if (tells_region(req, reply->status))
		http_reply_header(reply, "x-amz-bucket-region", "%s", req->daemon->settings.region);
	if (strcmp(req->http->method, "HEAD") != 0)
		body(req, &reply->body, name, message);
}
