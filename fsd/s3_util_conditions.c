#include <string.h>
#include <strings.h>

#include "clock.h"
#include "err.h"
#include "s3.h"

/* Does a list of entity tags ("a", W/"b", *) name this one? Tags without quotes are taken as S3 takes them. */
static bool
names_etag(const char *list, const char *etag)
{
	size_t len, want = strlen(etag);

	for (const char *p = list; *p; p += len) {
		p += strspn(p, ", \t");
		if (!strncmp(p, "W/", 2))
			p += 2;
		len = *p == '"' ? strcspn(p + 1, "\"") + 1 : strcspn(p, ", \t");
		if ((len == 1 && *p == '*') || (*p == '"' && len == want + 1 && !memcmp(p + 1, etag, want)) ||
		    (*p != '"' && len == want && !memcmp(p, etag, want)))
			return true;
		if (p[len] == '"')
			len++;
	}
	return false;
}

/* Was it modified after that date? HTTP's dates have no fractions. False in *valid: not a date, which is no condition. */
static bool
modified_after(const struct object_info *info, const char *date, bool *valid)
{
	int64_t us = 0;

	*valid = clock_parse_http(date, &us) == 0;
	return info->modified_us / 1000000 > us / 1000000;
}

struct conditions {
	const char *match, *none_match, *unmodified, *modified;
};

/* RFC 9110, 13.2.2: a tag is stronger than a date. 0, ERR_PRECONDITION, or ERR_UNMODIFIED for the two that ask for news. */
static int
judge(const struct conditions *c, const struct object_info *info)
{
	bool valid, after;

	if (c->match && !names_etag(c->match, info->etag))
		return ERR_PRECONDITION;
	if (!c->match && c->unmodified) {
		after = modified_after(info, c->unmodified, &valid);
		if (valid && after)
			return ERR_PRECONDITION;
	}
	if (c->none_match)
		return names_etag(c->none_match, info->etag) ? ERR_UNMODIFIED : 0;
	if (c->modified) {
		after = modified_after(info, c->modified, &valid);
		if (valid && !after)
			return ERR_UNMODIFIED;
	}
	return 0;
}

int
s3_read_conditions(const struct request *req, const struct object_info *info)
{
	struct conditions c = {
		.match = http_header(req->http, "if-match"),
		.none_match = http_header(req->http, "if-none-match"),
		.unmodified = http_header(req->http, "if-unmodified-since"),
		.modified = http_header(req->http, "if-modified-since"),
	};

	return judge(&c, info);
}

int
s3_copy_conditions(const struct request *req, const struct object_info *info)
{
	struct conditions c = {
		.match = request_header(req, "x-amz-copy-source-if-match"),
		.none_match = request_header(req, "x-amz-copy-source-if-none-match"),
		.unmodified = request_header(req, "x-amz-copy-source-if-unmodified-since"),
		.modified = request_header(req, "x-amz-copy-source-if-modified-since"),
	};
	int rc = judge(&c, info);

	return rc == ERR_UNMODIFIED ? ERR_PRECONDITION : rc;
}

static int
one_etag(const char *text, char etag[ETAG_TEXT])
{
	size_t len = strlen(text);

	if (len >= 2 && *text == '"' && text[len - 1] == '"') {
		text++;
		len -= 2;
	}
	if (!len || len >= ETAG_TEXT || memchr(text, ',', len) || memchr(text, '"', len))
		return ERR_INVALID;
	memcpy(etag, text, len);
	etag[len] = '\0';
	return 0;
}

/* A condition in a URL would be one if it came as a header. A write without it does what whoever made the URL meant to prevent. */
static int
refuse_in_query(struct request *req)
{
	static const char *const names[] = { "if-match", "if-none-match", "if-modified-since", "if-unmodified-since" };

	for (size_t i = 0; i < req->uri.count; i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			if (!strcasecmp(req->uri.params[i].name.p, names[k]))
				return request_fail(req, ERR_UNSUPPORTED, "NotImplemented",
				    "%s in a query is no condition: sign and send it as a header.", req->uri.params[i].name.p);
	return 0;
}

int
s3_write_expectation(struct request *req, struct expectation *expect)
{
	const char *match = http_header(req->http, "if-match");
	const char *none_match = http_header(req->http, "if-none-match");

	int rc = refuse_in_query(req);

	*expect = (struct expectation) { .kind = EXPECT_ANY };
	if (rc)
		return rc;
	if (match && none_match)
		return request_fail(req, ERR_UNSUPPORTED, "NotImplemented",
		    "If-Match and If-None-Match can't be used together in a write.");
	if (http_header(req->http, "if-modified-since") || http_header(req->http, "if-unmodified-since"))
		return request_fail(req, ERR_UNSUPPORTED, "NotImplemented",
		    "If-Modified-Since and If-Unmodified-Since are not conditions of a write.");
	if (none_match) {
		if (strcmp(none_match, "*") != 0)
			return request_fail(req, ERR_UNSUPPORTED, "NotImplemented",
			    "If-None-Match of a write can only be *.");
		expect->kind = EXPECT_ABSENT;
	}
	if (!match)
		return 0;
	expect->kind = EXPECT_ETAG;
	/* What can't be an ETag of ours can't match. */
	return one_etag(match, expect->etag) == 0 ? 0 : ERR_PRECONDITION;
}
