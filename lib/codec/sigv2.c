#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "digest.h"
#include "err.h"
#include "limits.h"
#include "sigv2.h"
#include "sigv4_canon.h"

/* The parameters that name a sub-resource or change the reply: these and no others are signed. Sorted. */
static const char *const subresources[] = {
	"accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location",
	"logging", "metrics", "notification", "partNumber", "policy", "replication", "requestPayment",
	"response-cache-control", "response-content-disposition", "response-content-encoding",
	"response-content-language", "response-content-type", "response-expires", "restore", "select", "select-type",
	"storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
};

struct resource {
	const struct uri *uri;
	const char *bucket;	/* of a virtual host, else NULL */
	bool slash;		/* one more behind the path */
};

static void
add_resource(struct buf *out, const struct resource *resource)
{
	const struct uri *uri = resource->uri;
	char separator = '?';

	if (resource->bucket) {
		buf_addch(out, '/');
		buf_addstr(out, resource->bucket);
	}
	buf_add(out, uri->raw_path.p, uri->raw_path.len);
	if (resource->slash)
		buf_addch(out, '/');
	if (!uri->count)
		return;
	for (size_t i = 0; i < sizeof(subresources) / sizeof(subresources[0]); i++) {
		const struct uri_param *p = uri_param(uri, subresources[i]);

		if (!p)
			continue;
		buf_addch(out, separator);
		separator = '&';
		buf_addstr(out, subresources[i]);
		if (p->has_value && p->value.len) {
			buf_addch(out, '=');
			buf_add(out, p->value.p, p->value.len);
		}
	}
}

/* Writes the string to sign. `expires` stands in the date's place for a presigned URL, and is NULL for a header. */
static int
string_to_sign(const struct sigv4_request *r, const struct resource *resource, const struct slice *expires,
    struct buf *out)
{
	struct slice names[SIGV4_HEADERS], value;
	char mem[4096];
	size_t count;
	int rc;

	buf_clear(out);
	if ((rc = sigv4_canon_all(r, mem, sizeof(mem), names, &count)) != 0)
		return rc;
	buf_add(out, r->method.p, r->method.len);
	buf_addch(out, '\n');
	if (sigv4_canon_header(r, "content-md5", &value))
		buf_add(out, value.p, value.len);
	buf_addch(out, '\n');
	if (sigv4_canon_header(r, "content-type", &value))
		buf_add(out, value.p, value.len);
	buf_addch(out, '\n');
	if (expires)
		buf_add(out, expires->p, expires->len);
	else if (!sigv4_canon_header(r, "x-amz-date", &value) && sigv4_canon_header(r, "date", &value))
		buf_add(out, value.p, value.len);
	buf_addch(out, '\n');
	for (size_t i = 0; i < count; i++)
		if (names[i].len >= 6 && !memcmp(names[i].p, "x-amz-", 6))
			sigv4_canon_line(out, r, names[i]);
	add_resource(out, resource);
	return buf_finish(out);
}

#define SIGNATURE_SIZE BASE64_SIZE(SHA1_SIZE)

static void
sign(const char *secret, const struct buf *text, char signature[SIGNATURE_SIZE])
{
	uint8_t mac[SHA1_SIZE];

	hmac_sha1(secret, strlen(secret), text->data, text->len, mac);
	base64_encode(mac, sizeof(mac), signature);
}

static bool
is_header_param(struct slice name)
{
	return (name.len > 6 && !strncasecmp(name.p, "x-amz-", 6)) ||
	    (name.len == 12 && !strncasecmp(name.p, "content-type", 12)) ||
	    (name.len == 11 && !strncasecmp(name.p, "content-md5", 11));
}

/*
 * The request as the maker of a presigned URL saw it: SDKs move headers into the query string, and sign them as headers.
 * One that was sent as a header too counts once.
 */
static int
with_header_params(const struct sigv4_request *r, struct sigv4_header headers[LIMIT_HEADERS + URI_PARAMS],
    struct sigv4_request *result)
{
	struct slice sent;

	if (r->count > LIMIT_HEADERS)
		return ERR_INVALID;
	*result = *r;
	result->headers = headers;
	if (r->count)
		memcpy(headers, r->headers, r->count * sizeof(headers[0]));
	for (size_t i = 0; i < r->uri->count; i++) {
		const struct uri_param *p = &r->uri->params[i];

		if (is_header_param(p->name) && !sigv4_canon_header(r, p->name.p, &sent))
			headers[result->count++] = (struct sigv4_header) { p->name, p->value };
	}
	return 0;
}

/* "/bucket": boto3 signs that as "/bucket/" and asks for it without the slash. */
static bool
may_want_slash(const struct resource *resource)
{
	struct slice path = resource->uri->raw_path;

	return !resource->bucket && path.len > 1 && !memchr(path.p + 1, '/', path.len - 1);
}

int
sigv2_verify(const struct sigv4_request *r, const struct sigv4_auth *auth, const char *secret, const char *bucket,
    struct buf *scratch)
{
	const struct uri_param *expires = uri_param(r->uri, "Expires");
	struct sigv4_header headers[LIMIT_HEADERS + URI_PARAMS];
	struct resource resource = { .uri = r->uri, .bucket = bucket };
	struct sigv4_request all = *r;
	char signature[SIGNATURE_SIZE];
	bool presigned = auth->kind == SIGV2_PRESIGNED && expires;
	int rc;

	if (presigned && (rc = with_header_params(r, headers, &all)) != 0)
		return rc;
	for (;; resource.slash = true) {
		if ((rc = string_to_sign(&all, &resource, presigned ? &expires->value : NULL, scratch)) != 0)
			return rc;
		sign(secret, scratch, signature);
		if (auth->signature.len == strlen(signature) &&
		    bytes_equal_secret(signature, auth->signature.p, auth->signature.len))
			return 0;
		if (resource.slash || !may_want_slash(&resource))
			return ERR_AUTH;
	}
}

int
sigv2_sign(const struct sigv4_request *r, const char *key_id, const char *secret, const char *bucket,
    struct buf *scratch, struct buf *authorization)
{
	char signature[SIGNATURE_SIZE];
	struct slice date;
	int rc;

	if (!sigv4_canon_header(r, "x-amz-date", &date) && !sigv4_canon_header(r, "date", &date))
		return ERR_INVALID;
	if ((rc = string_to_sign(r, &(struct resource) { r->uri, bucket, false }, NULL, scratch)) != 0)
		return rc;
	sign(secret, scratch, signature);
	buf_addf(authorization, "AWS %s:%s", key_id, signature);
	return buf_finish(authorization);
}

int
sigv2_presign(const struct sigv4_request *r, const char *key_id, const char *secret, const char *bucket,
    int64_t expires, struct buf *scratch, struct buf *query)
{
	char signature[SIGNATURE_SIZE], digits[24];
	struct slice date;
	int rc;

	date = (struct slice) { digits, (size_t)snprintf(digits, sizeof(digits), "%" PRId64, expires) };
	if ((rc = string_to_sign(r, &(struct resource) { r->uri, bucket, false }, &date, scratch)) != 0)
		return rc;
	sign(secret, scratch, signature);
	buf_add(query, r->uri->raw_query.p, r->uri->raw_query.len);
	buf_addf(query, "%sAWSAccessKeyId=", r->uri->raw_query.len ? "&" : "");
	uri_encode(query, key_id, strlen(key_id), false);
	buf_addf(query, "&Expires=%s&Signature=", digits);
	uri_encode(query, signature, strlen(signature), false);
	return buf_finish(query);
}
