#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "awschunk.h"
#include "digest.h"
#include "err.h"
#include "s3.h"

/*
 * What the client wants its bytes compared with.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
static int
content_md5(struct request *req, struct s3_checks *checks)
{
	const char *text = request_header(req, "content-md5");
	size_t got = 0;

	if (!text)
		return 0;
	if (base64_decode(text, strlen(text), checks->md5_value, sizeof(checks->md5_value), &got) != 0 ||
	    got != sizeof(checks->md5_value))
		return request_fail(req, ERR_INVALID, "InvalidDigest",
		    "The Content-MD5 you specified was invalid.");
	checks->md5 = true;
	return 0;
}

/*
 * A URL is signed before there is a body, and SDKs put the checksum of no bytes into it: that says nothing of those that come. AWS
 * minds no checksum in a URL; here any other is one of the body.
 */
static bool
is_of_nothing(const struct request *req, const struct checksum *c)
{
	uint8_t nothing[DIGEST_MAX];

	if (http_header(req->http, s3_checksum_header_name((enum digest_kind)c->kind)))
		return false;
	digest_once((enum digest_kind)c->kind, "", 0, nothing);
	return !memcmp(c->value, nothing, c->len);
}

static int
header_checksum(struct request *req, struct s3_checks *checks)
{
	struct checksum c;
	int rc = s3_checksum_given(req, &c);

	if (rc || c.type == CHECKSUM_NONE || is_of_nothing(req, &c))
		return rc;
	if (c.type != CHECKSUM_FULL)
		return request_fail(req, ERR_INVALID, "InvalidRequest", "A body has no composite checksum.");
	checks->checksum = checks->value_given = true;
	checks->kind = (enum digest_kind)c.kind;
	memcpy(checks->value, c.value, c.len);
	return 0;
}

/*
 * x-amz-trailer announces one that comes behind the body; other trailers are none of ours. The Java SDK announces one, too, where it sends
 * the same checksum in the header and no trailer.
 */
static int
trailer_checksum(struct request *req, struct s3_checks *checks)
{
	const char *text = request_header(req, "x-amz-trailer");
	enum digest_kind kind;
	size_t len;
	char name[64];

	for (const char *p = text ? text : ""; *p; p += len) {
		p += strspn(p, ", \t");
		len = strcspn(p, ", \t");
		if (len < 15 || len >= sizeof(name) || strncasecmp(p, "x-amz-checksum-", 15) != 0)
			continue;
		memcpy(name, p, len);
		name[len] = '\0';
		if (s3_checksum_kind(name + 15, &kind) != 0 || checks->in_trailer ||
		    (checks->checksum && checks->kind != kind))
			return request_fail(req, ERR_INVALID, "InvalidRequest",
			    "The value specified in the x-amz-trailer header is not supported");
		checks->checksum = checks->in_trailer = true;
		checks->kind = kind;
	}
	return 0;
}

int
s3_collect_checks(struct request *req, struct s3_checks *checks)
{
	const char *algorithm = request_header(req, "x-amz-sdk-checksum-algorithm");
	enum digest_kind kind;
	int rc;

	*checks = (struct s3_checks) { 0 };
	if ((rc = content_md5(req, checks)) != 0 || (rc = header_checksum(req, checks)) != 0 ||
	    (rc = trailer_checksum(req, checks)) != 0)
		return rc;
	if (!algorithm)
		return 0;
	/* Of MD5 the SDKs say so too, though it is Content-MD5 then. */
	if (s3_checksum_kind(algorithm, &kind) != 0)
		return !strcasecmp(algorithm, "MD5") ? 0 : request_fail(req, ERR_INVALID, "InvalidRequest",
		    "Value for x-amz-sdk-checksum-algorithm header is invalid.");
	if (checks->checksum && checks->kind != kind)
		return request_fail(req, ERR_INVALID, "InvalidRequest",
		    "Value for x-amz-sdk-checksum-algorithm header is invalid.");
	checks->checksum = true;
	checks->kind = kind;
	return 0;
}

int
s3_read_trailer(struct request *req, struct s3_checks *checks)
{
	const char *name = s3_checksum_header_name(checks->kind), *text;
	struct checksum c;

	if (!checks->in_trailer)
		return 0;
	text = req->chunks ? awschunk_trailer(req->chunks, name) : NULL;
	if (!text)
		return checks->value_given ? 0 : request_fail(req, ERR_INVALID, "MalformedTrailerError", NULL);
	if (s3_checksum_parse(text, checks->kind, &c) != 0 || c.type != CHECKSUM_FULL)
		return request_fail(req, ERR_INVALID, "InvalidRequest", "Value for %s trailing header is invalid.",
		    name);
	if (checks->value_given && memcmp(checks->value, c.value, c.len))
		return request_fail(req, ERR_DIGEST, "BadDigest", "The header %s and the trailer differ.", name);
	memcpy(checks->value, c.value, c.len);
	checks->value_given = true;
	return 0;
}

int
s3_check_body(struct request *req, bool must)
{
	const struct buf *body = &req->http->body;
	struct s3_checks checks;
	uint8_t value[DIGEST_MAX];
	int rc;

	if ((rc = s3_collect_checks(req, &checks)) != 0 || (rc = s3_read_trailer(req, &checks)) != 0)
		return rc;
	if (must && !checks.md5 && !checks.value_given && !req->http->local)
		return request_fail(req, ERR_INVALID, "InvalidRequest",
		    "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
	digest_md5(body->data, body->len, value);
	if (checks.md5 && memcmp(value, checks.md5_value, sizeof(checks.md5_value)))
		return request_fail(req, ERR_DIGEST, "BadDigest", NULL);
	if (!checks.value_given)
		return 0;
	digest_once(checks.kind, body->data, body->len, value);
	if (memcmp(value, checks.value, digest_size(checks.kind)))
		return request_fail(req, ERR_DIGEST, "BadDigest", NULL);
	return 0;
}
