#ifndef CODEC_URI_H
#define CODEC_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "str.h"

/*
 * Request targets and percent-encoding as S3 has them (RFC 3986 with AWS's choice of unreserved bytes:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "UriEncode").
 * Pure; a struct uri belongs to one thread at a time.
 */
#define URI_PARAMS 64		/* query parameters of one request: S3's longest presigned URLs have about 20 */

struct uri_param {
	struct slice name;	/* decoded; a NUL follows */
	struct slice value;	/* decoded, empty if there is none; a NUL follows */
	bool has_value;		/* `?acl=` has an (empty) value, `?acl` has none */
};

struct uri {
	struct slice raw_path;	/* as sent, from the first "/" to "?"; points into the parsed target */
	struct slice raw_query;	/* as sent, behind "?"; empty if there is none; points into the parsed target */
	struct slice path;	/* decoded, starts with "/"; a NUL follows, and there is none inside */
	struct uri_param *params;	/* in the order sent; empty pieces ("a&&b") are left out; owned, used again */
	size_t count, room;
	struct buf mem;		/* holds the decoded bytes; reused by the next uri_parse() */
};

void uri_init(struct uri *u);
void uri_release(struct uri *u);

/*
 * Parses "path?query" (or the absolute form "http://host/path?query", whose host is ignored) of at most
 * LIMIT_TARGET bytes. "+" stays "+" in the path and is a space in the query. The bytes of `target` must stay
 * as long as raw_path and raw_query are used. Nothing is normalised: "//", "/./" and "/../" stay.
 * ERR_INVALID: does not start with "/", a malformed escape, an encoded NUL, raw control bytes or blanks.
 * ERR_TOOBIG: over LIMIT_TARGET bytes or URI_PARAMS parameters. ERR_NOMEM.
 */
int uri_parse(struct uri *u, const char *target, size_t len);

/* The first parameter of that name (names are case-sensitive), or NULL. */
const struct uri_param *uri_param(const struct uri *u, const char *name);
bool uri_has(const struct uri *u, const char *name);
/* Its decoded value, "" if it has none, NULL if the parameter is not there. */
const char *uri_value(const struct uri *u, const char *name);

/* Appends `bytes` with all but A-Z a-z 0-9 - . _ ~ (and "/" if `keep_slash`) as %XX in upper case. */
void uri_encode(struct buf *out, const char *bytes, size_t len, bool keep_slash);

/*
 * Appends the decoded bytes of `text`; with `plus`, "+" becomes a space. ERR_INVALID for a malformed escape or
 * an encoded NUL (what was appended until then stays), else buf_finish(out).
 */
int uri_decode(struct buf *out, const char *text, size_t len, bool plus);

#endif
