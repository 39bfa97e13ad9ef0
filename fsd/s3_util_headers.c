#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "err.h"
#include "guard.h"
#include "limits.h"
#include "s3.h"

/*
 * Headers that are stored with an object, and what they become in replies.
 */
#define META "x-amz-meta-"
#define SSE_C "x-amz-server-side-encryption-customer-"
#define SOURCE "x-amz-copy-source"
#define META_LEN (sizeof(META) - 1)

/* Kept as sent; the query parameter that overrides it in GET and HEAD. */
static const struct {
	const char *name, *override;
} kept[] = {
	{ "content-type", "response-content-type" },
	{ "content-encoding", "response-content-encoding" },
	{ "content-language", "response-content-language" },
	{ "content-disposition", "response-content-disposition" },
	{ "cache-control", "response-cache-control" },
	{ "expires", "response-expires" },
	{ "x-amz-website-redirect-location", NULL },
};
#define KEPT (sizeof(kept) / sizeof(kept[0]))

/* Headers that would change what is done in a way that is not built, conditions among them. `fine`: values that ask for nothing. */
static const struct {
	const char *name;
	const char *fine[3];
} refused[] = {
	{ "x-amz-acl", { "private", "bucket-owner-full-control" } },
	{ "x-amz-tagging", { "" } },
	{ "x-amz-object-lock-legal-hold", { "OFF" } },
	{ "x-amz-object-lock-mode", { NULL } },
	{ "x-amz-object-lock-retain-until-date", { NULL } },
	{ "x-amz-write-offset-bytes", { NULL } },
	{ "x-amz-object-if-match", { NULL } },
	{ "x-amz-if-match-last-modified-time", { NULL } },
	{ "x-amz-if-match-size", { NULL } },
	{ "x-amz-if-match-initiated-time", { NULL } },
};
static const char *const refused_prefixes[] = { "x-amz-grant-", "x-amz-server-side-encryption",
	"x-amz-copy-source-server-side-encryption" };

static const char *const storage_classes[] = { "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA",
	"INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "GLACIER_IR", "SNOW", "EXPRESS_ONEZONE" };

static int
check_storage_class(struct request *req, const char *value)
{
	for (size_t i = 0; i < sizeof(storage_classes) / sizeof(storage_classes[0]); i++)
		if (!strcmp(value, storage_classes[i]))
			return 0;
	return request_fail(req, ERR_INVALID, "InvalidStorageClass", NULL);
}

/* The route of a copy was found by its header. Elsewhere what tells of one can't be followed, and the body would be stored in its place. */
static int
check_copy(struct request *req, const char *name)
{
	bool copies = http_header(req->http, SOURCE) != NULL;

	if (copies && (strcasecmp(name, SOURCE "-range") != 0 || uri_has(&req->uri, "uploadId")))
		return 0;
	if (copies)
		return request_fail(req, ERR_UNSUPPORTED, "NotImplemented", "%s is of UploadPartCopy; CopyObject copies all.", name);
	if (!strcasecmp(name, SOURCE))
		return request_fail(req, ERR_UNSUPPORTED, "NotImplemented", SOURCE " in a URL is not supported: send it as a header.");
	return request_fail(req, ERR_INVALID, "InvalidRequest", "%.100s has no meaning without a header " SOURCE ".", name);
}

static int
check_header(struct request *req, const char *name, const char *value)
{
	if (!strcasecmp(name, "x-amz-storage-class"))
		return check_storage_class(req, value);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (strcasecmp(name, refused[i].name) != 0)
			continue;
		for (const char *const *fine = refused[i].fine; *fine; fine++)
			if (!strcmp(value, *fine))
				return 0;
		return request_fail(req, ERR_UNSUPPORTED, "NotImplemented", "The header %s: %.100s is not supported.",
		    refused[i].name, value);
	}
	for (size_t i = 0; i < sizeof(refused_prefixes) / sizeof(refused_prefixes[0]); i++)
		if (!strncasecmp(name, refused_prefixes[i], strlen(refused_prefixes[i])))
			return request_fail(req, ERR_UNSUPPORTED, "NotImplemented",
			    "The header %.100s is not supported.", name);
	return strncasecmp(name, SOURCE, strlen(SOURCE)) ? 0 : check_copy(req, name);
}

bool
s3_walk_next(const struct request *req, struct s3_walk *w)
{
	const struct http_request *http = req->http;
	struct slice name;

	for (;; w->at++) {
		if (w->at < http->nheaders) {
			name = http->headers[w->at].name;
			w->value = http->headers[w->at].value;
		} else if (req->signed_ && (req->auth.kind == SIGV4_PRESIGNED || req->auth.kind == SIGV2_PRESIGNED) &&
			   w->at - http->nheaders < req->uri.count) {
			name = req->uri.params[w->at - http->nheaders].name;
			w->value = req->uri.params[w->at - http->nheaders].value;
			if (http_header(http, name.p))
				continue;
		} else {
			return false;
		}
		if (name.len > 6 && !strncasecmp(name.p, "x-amz-", 6))
			break;
	}
	w->too_long = name.len >= sizeof(w->name);
	if (w->too_long)
		name.len = sizeof(w->name) - 1;
	for (size_t i = 0; i < name.len; i++)
		w->name[i] = (char)tolower((unsigned char)name.p[i]);
	w->name[name.len] = '\0';
	w->at++;
	return true;
}

/* Headers of one name are one, joined by commas (RFC 9110, 5.3): adds that of `w` unless an earlier one took it along. */
static int
add_meta(struct request *req, const struct s3_walk *w, struct buf *headers, size_t *total)
{
	struct buf value = BUF_INIT(LIMIT_HEADER_BYTES);
	struct s3_walk other = { .at = 0 };
	int rc;

	while (s3_walk_next(req, &other)) {
		if (strcmp(other.name, w->name) != 0)
			continue;
		if (other.at < w->at)
			goto out;
		if (other.at > w->at)
			buf_addch(&value, ',');
		buf_add(&value, other.value.p, other.value.len);
	}
	*total += strlen(w->name) - META_LEN + value.len;
	meta_add(headers, w->name, strlen(w->name), value.data ? value.data : "", value.len);
out:
	rc = buf_finish(&value);
	buf_release(&value);
	return rc;
}

/* What came in a presigned URL can hold what no line of a header can, and would end one in the replies. */
static int
malformed(struct request *req, const char *name)
{
	return request_fail(req, ERR_INVALID, "InvalidArgument", "%.100s is not a header, or has a value that no header has.",
	    name);
}

static int
collect_amz(struct request *req, struct buf *headers)
{
	struct s3_walk w = { .at = 0 };
	size_t total = 0;
	int rc;

	while (s3_walk_next(req, &w)) {
		if (!guard_name(w.name, strlen(w.name)) || !guard_value(w.value.p, w.value.len))
			rc = malformed(req, w.name);
		else if (!strcmp(w.name, META))
			rc = request_fail(req, ERR_INVALID, "InvalidArgument", META " has no name behind it.");
		else if (!strncmp(w.name, META, META_LEN))
			rc = add_meta(req, &w, headers, &total);
		else
			rc = check_header(req, w.name, w.value.p);
		if (rc)
			return rc;
		if (total > LIMIT_METADATA || w.too_long)
			return request_fail(req, ERR_TOOBIG, "MetadataTooLarge", NULL);
	}
	return 0;
}

/* "aws-chunked" says how the body came, not what is stored. */
static void
add_encoding(struct buf *headers, const char *value)
{
	char rest[256] = "";
	size_t len;

	if (!strcasestr(value, "aws-chunked")) {
		meta_add(headers, "content-encoding", 16, value, strlen(value));
		return;
	}
	for (const char *p = value; *p; p += len) {
		p += strspn(p, ", \t");
		len = strcspn(p, ", \t");
		if (!len || (len == 11 && !strncasecmp(p, "aws-chunked", 11)) || strlen(rest) + len + 2 > sizeof(rest))
			continue;
		if (*rest)
			strcat(rest, ",");
		strncat(rest, p, len);
	}
	if (*rest)
		meta_add(headers, "content-encoding", 16, rest, strlen(rest));
}

int
s3_refuse_headers(struct request *req)
{
	struct s3_walk w = { .at = 0 };
	int rc = 0;

	while (rc == 0 && s3_walk_next(req, &w))
		rc = check_header(req, w.name, w.value.p);
	return rc;
}

int
s3_refuse_keys(struct request *req)
{
	struct s3_walk w = { .at = 0 };

	while (s3_walk_next(req, &w))
		if (!strncmp(w.name, SSE_C, strlen(SSE_C)))
			return request_fail(req, ERR_INVALID, "InvalidRequest",
			    "The encryption parameters are not applicable to this object.");
	return 0;
}

int
s3_collect_headers(struct request *req, struct buf *headers)
{
	const char *value;
	int rc;

	for (size_t i = 0; i < KEPT; i++) {
		/* In a URL of Version 2 "Expires" is the URL's own end. */
		value = strcmp(kept[i].name, "expires") ? request_header(req, kept[i].name) :
		    http_header(req->http, kept[i].name);
		if (!value || !*value)
			continue;
		if (!guard_value(value, strlen(value)))
			return malformed(req, kept[i].name);
		if (strlen(value) > UINT16_MAX)
			return request_fail(req, ERR_TOOBIG, "MetadataTooLarge", NULL);
		if (!strcmp(kept[i].name, "content-encoding"))
			add_encoding(headers, value);
		else
			meta_add(headers, kept[i].name, strlen(kept[i].name), value, strlen(value));
	}
	if ((rc = collect_amz(req, headers)) != 0)
		return rc;
	return buf_finish(headers);
}

static bool
is_kept(struct slice name)
{
	for (size_t i = 0; i < KEPT; i++)
		if (slice_is(name, kept[i].name))
			return true;
	return false;
}

/* The headers' own names in replies: "content-type" is "Content-Type". */
static void
show_name(const char *name, size_t len, char shown[256])
{
	bool start = strncmp(name, "x-amz-", 6) != 0;

	for (size_t i = 0; i < len; i++) {
		shown[i] = (char)(start && i == 0 ? toupper((unsigned char)name[i]) : name[i]);
		if (start && i && name[i - 1] == '-')
			shown[i] = (char)toupper((unsigned char)name[i]);
	}
	shown[len] = '\0';
}

static void
show(struct request *req, const char *name, size_t len, const char *value, size_t vlen)
{
	char shown[256];

	show_name(name, len < sizeof(shown) ? len : sizeof(shown) - 1, shown);
	http_reply_header_raw(&req->http->reply, shown, value, vlen);
}

static void
stored_headers(struct request *req, const struct object_info *info)
{
	struct http_reply *reply = &req->http->reply;
	bool overrides = req->uri.count > 0, typed = false, cached = false;
	struct slice name, value;
	const char *text;
	size_t at = 0;

	for (size_t i = 0; overrides && i < KEPT; i++)
		if (kept[i].override && (text = uri_value(&req->uri, kept[i].override)) != NULL) {
			show(req, kept[i].name, strlen(kept[i].name), text, strlen(text));
			typed |= i == 0;
			cached |= !strcmp(kept[i].name, "cache-control");
		}
	while (meta_next(info->headers.data, info->headers.len, &at, &name, &value) == 0) {
		bool replaced = false;

		for (size_t i = 0; overrides && i < KEPT; i++)
			replaced |= kept[i].override && slice_is(name, kept[i].name) &&
				    uri_has(&req->uri, kept[i].override);
		if (replaced || (!is_kept(name) && (name.len < META_LEN || strncmp(name.p, META, META_LEN) != 0)))
			continue;
		show(req, name.p, name.len, value.p, value.len);
		typed |= slice_is(name, "content-type");
		cached |= slice_is(name, "cache-control");
	}
	if (!typed)
		http_reply_header_raw(reply, "Content-Type", "binary/octet-stream", 19);
	/* Caches know by themselves that replies to an Authorization header are private; URLs they take for public. */
	if (!cached && req->signed_ && req->auth.kind != SIGV4_HEADER)
		http_reply_header_raw(reply, "Cache-Control", "private", 7);
}

void
s3_object_headers(struct request *req, const struct object_info *info)
{
	const char *mode = request_header(req, "x-amz-checksum-mode");
	struct http_reply *reply = &req->http->reply;
	char text[CLOCK_TEXT], etag[ETAG_TEXT + 2];
	size_t len = strlen(info->etag);

	clock_http(info->modified_us, text);
	http_reply_header_raw(reply, "Last-Modified", text, strlen(text));
	etag[0] = etag[len + 1] = '"';
	memcpy(etag + 1, info->etag, len);
	http_reply_header_raw(reply, "ETag", etag, len + 2);
	http_reply_header_raw(reply, "Accept-Ranges", "bytes", 5);
	s3_version_header(reply, info);
	stored_headers(req, info);
	if (mode && !strcasecmp(mode, "ENABLED"))
		s3_checksum_header(reply, &info->checksum);
}
