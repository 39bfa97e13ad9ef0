#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "s3.h"
#include "xml.h"

/* A version id is the id and a mix of it, so that a mistyped one is told from one that is gone. */
static uint64_t
mix(uint64_t x)
{
	/* The finaliser of splitmix64, https://prng.di.unimi.it/splitmix64.c */
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

void
s3_version_text(const struct object_info *info, char text[S3_VERSION_TEXT])
{
	if (info->null_version)
		strcpy(text, "null");
	else
		snprintf(text, S3_VERSION_TEXT, "%016" PRIx64 "%016" PRIx64, (uint64_t)info->version_id,
		    mix((uint64_t)info->version_id));
}

int
s3_version_parse(const char *text, int64_t *version)
{
	uint8_t bytes[16];
	uint64_t half[2] = { 0, 0 };

	if (!strcmp(text, "null")) {
		*version = VERSION_NULL;
		return 0;
	}
	if (hex_decode(text, strlen(text), bytes, sizeof(bytes)) != 0)
		return ERR_INVALID;
	for (int i = 0; i < 16; i++)
		half[i / 8] = half[i / 8] << 8 | bytes[i];
	if (!half[0] || half[0] > INT64_MAX || half[1] != mix(half[0]))
		return ERR_INVALID;
	*version = (int64_t)half[0];
	return 0;
}

int
s3_version_param(const struct request *req, int64_t *version)
{
	const char *text = uri_value(&req->uri, "versionId");

	*version = 0;
	return text ? s3_version_parse(text, version) : 0;
}

void
s3_version_header(struct http_reply *reply, const struct object_info *info)
{
	char text[S3_VERSION_TEXT];

	if (!info->versioned)
		return;
	s3_version_text(info, text);
	http_reply_header_raw(reply, "x-amz-version-id", text, strlen(text));
}

void
s3_version_made(struct http_reply *reply, const struct object_info *info)
{
	if (!info->null_version)
		s3_version_header(reply, info);
}

void
s3_marker_headers(struct http_reply *reply, const struct object_info *info)
{
	char text[S3_VERSION_TEXT];

	s3_version_text(info, text);
	http_reply_header(reply, "x-amz-delete-marker", "true");
	http_reply_header(reply, "x-amz-version-id", "%s", text);
}

int
s3_refuse_params(struct request *req)
{
	if (!req->uri.count)
		return 0;
	if (uri_has(&req->uri, "partNumber"))
		return request_fail(req, ERR_INVALID, "InvalidArgument", "A part number needs its uploadId.");
	if (uri_has(&req->uri, "versionId"))
		return request_fail(req, ERR_INVALID, "InvalidArgument", "This operation does not accept a version-id.");
	return 0;
}

struct buf *
s3_xml(struct request *req)
{
	struct http_reply *reply = &req->http->reply;

	reply->status = 200;
	http_reply_header_raw(reply, "Content-Type", "application/xml", 15);
	return &reply->body;
}

int
s3_number(struct request *req, const char *name, const char *text, uint64_t most, uint64_t *value)
{
	if (!text || !*text)
		return 0;
	if (parse_u64(text, strlen(text), value) != 0 || *value > INT32_MAX)
		return request_fail(req, ERR_INVALID, "InvalidArgument", "%s must be a number from 0 to %d, not \"%s\"",
		    name, INT32_MAX, text);
	if (*value > most)
		*value = most;
	return 0;
}

int
s3_check_encoding(struct request *req)
{
	const char *type = uri_value(&req->uri, "encoding-type");

	return !type || !strcmp(type, "url") ? 0 : request_fail(req, ERR_INVALID, "InvalidArgument",
	    "encoding-type must be url, not \"%s\"", type);
}

void
s3_xml_key(struct request *req, struct buf *b, const char *element, struct slice key)
{
	const char *type = uri_value(&req->uri, "encoding-type");

	if (!type || strcmp(type, "url")) {
		xml_elem_bytes(b, element, key.p, key.len);
		return;
	}
	xml_begin(b, element);
	uri_encode(b, key.p, key.len, true);
	xml_end(b, element);
}
