#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "digest.h"
#include "err.h"
#include "s3.h"
#include "xml.h"

int
s3_checksum_kind(const char *name, enum digest_kind *kind)
{
	for (enum digest_kind k = 0; k < DIGEST_KINDS_; k++)
		if (k != DIGEST_MD5 && !strcasecmp(name, digest_name(k))) {
			*kind = k;
			return 0;
		}
	return ERR_INVALID;
}

int
s3_checksum_type_param(struct request *req, enum checksum_type *type)
{
	const char *text = request_header(req, "x-amz-checksum-type");

	*type = !text ? CHECKSUM_NONE : strcasecmp(text, "FULL_OBJECT") ? CHECKSUM_COMPOSITE : CHECKSUM_FULL;
	if (*type == CHECKSUM_COMPOSITE && strcasecmp(text, "COMPOSITE"))
		return request_fail(req, ERR_INVALID, "InvalidRequest", "Value for x-amz-checksum-type header is invalid.");
	return 0;
}

/* What stands behind "x-amz-checksum-" and is no digest. */
static bool
tells_how(const char *name)
{
	return !strcmp(name, "type") || !strcmp(name, "algorithm") || !strcmp(name, "mode");
}

int
s3_checksum_given(struct request *req, struct checksum *checksum)
{
	static const char prefix[] = "x-amz-checksum-";
	struct s3_walk w = { .at = 0 };
	enum digest_kind kind;
	const char *name;

	*checksum = (struct checksum) { CHECKSUM_NONE };
	while (s3_walk_next(req, &w)) {
		name = w.name + sizeof(prefix) - 1;
		if (strncmp(w.name, prefix, sizeof(prefix) - 1) || tells_how(name))
			continue;
		if (s3_checksum_kind(name, &kind) != 0)
			return request_fail(req, ERR_INVALID, "InvalidRequest", "The checksum %.100s is not supported.", w.name);
		if (checksum->type != CHECKSUM_NONE)
			return request_fail(req, ERR_INVALID, "InvalidRequest",
			    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
		if (s3_checksum_parse(w.value.p, kind, checksum) != 0)
			return request_fail(req, ERR_INVALID, "InvalidRequest", "Value for %s header is invalid.", w.name);
	}
	return 0;
}

const char *
s3_checksum_header_name(enum digest_kind kind)
{
	static const char *const names[DIGEST_KINDS_] = {
		[DIGEST_MD5] = "x-amz-checksum-md5", [DIGEST_SHA1] = "x-amz-checksum-sha1",
		[DIGEST_SHA256] = "x-amz-checksum-sha256", [DIGEST_CRC32] = "x-amz-checksum-crc32",
		[DIGEST_CRC32C] = "x-amz-checksum-crc32c", [DIGEST_CRC64NVME] = "x-amz-checksum-crc64nvme",
	};

	return names[kind];
}

const char *
s3_checksum_type_name(enum checksum_type type)
{
	return type == CHECKSUM_COMPOSITE ? "COMPOSITE" : "FULL_OBJECT";
}

/* As S3 shows it: base64, and of a composite one the number of parts. */
static void
text_of(const struct checksum *c, char text[BASE64_SIZE(DIGEST_MAX) + 8])
{
	base64_encode(c->value, c->len, text);
	if (c->type == CHECKSUM_COMPOSITE && c->parts)
		snprintf(text + strlen(text), 8, "-%u", c->parts);
}

void
s3_checksum_element(struct buf *b, const struct checksum *c)
{
	char name[32], text[BASE64_SIZE(DIGEST_MAX) + 8];

	if (c->type == CHECKSUM_NONE)
		return;
	snprintf(name, sizeof(name), "Checksum%s", digest_name(c->kind));
	text_of(c, text);
	xml_elem(b, name, text);
}

void
s3_checksum_header(struct http_reply *reply, const struct checksum *c)
{
	char text[BASE64_SIZE(DIGEST_MAX) + 8];

	if (c->type == CHECKSUM_NONE)
		return;
	text_of(c, text);
	http_reply_header(reply, s3_checksum_header_name(c->kind), "%s", text);
	http_reply_header(reply, "x-amz-checksum-type", "%s", s3_checksum_type_name(c->type));
}

int
s3_checksum_parse(const char *text, enum digest_kind kind, struct checksum *c)
{
	size_t len = strcspn(text, "-"), got = 0;
	uint64_t parts = 0;

	if (text[len] == '-' && (parse_u64(text + len + 1, strlen(text + len + 1), &parts) != 0 || parts > UINT16_MAX))
		return ERR_INVALID;
	*c = (struct checksum) { .kind = (uint8_t)kind, .parts = (uint16_t)parts,
		.type = text[len] == '-' ? CHECKSUM_COMPOSITE : CHECKSUM_FULL };
	if (base64_decode(text, len, c->value, sizeof(c->value), &got) != 0 || got != digest_size(kind))
		return ERR_INVALID;
	c->len = (uint8_t)got;
	return 0;
}
