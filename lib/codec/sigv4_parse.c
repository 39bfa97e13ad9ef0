#include <string.h>
#include <strings.h>

#include "clock.h"
#include "err.h"
#include "limits.h"
#include "sigv4.h"
#include "sigv4_canon.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

static int
refuse(const char **why, const char *text)
{
	*why = text;
	return ERR_INVALID;
}

/* "KEY/20130524/us-east-1/s3/aws4_request"; the key id may hold slashes of its own. */
static int
parse_credential(struct slice credential, struct sigv4_auth *auth)
{
	const char *start = credential.p, *p = start + credential.len, *end = p;
	const char *slashes[4];

	for (size_t i = 0; i < credential.len; i++)
		if ((unsigned char)credential.p[i] <= ' ')
			return ERR_INVALID;
	for (int i = 3; i >= 0; i--) {
		while (p > start && p[-1] != '/')
			p--;
		if (p == start)
			return ERR_INVALID;
		slashes[i] = --p;
	}
	auth->key_id = (struct slice) { start, (size_t)(slashes[0] - start) };
	auth->date = (struct slice) { slashes[0] + 1, (size_t)(slashes[1] - slashes[0] - 1) };
	auth->region = (struct slice) { slashes[1] + 1, (size_t)(slashes[2] - slashes[1] - 1) };
	auth->service = (struct slice) { slashes[2] + 1, (size_t)(slashes[3] - slashes[2] - 1) };
	auth->scope = (struct slice) { slashes[0] + 1, (size_t)(end - slashes[0] - 1) };
	if (!auth->key_id.len || auth->date.len != 8 || !auth->region.len || !auth->service.len ||
	    auth->scope.len >= SIGV4_SCOPE ||
	    !slice_is((struct slice) { slashes[3] + 1, (size_t)(end - slashes[3] - 1) }, "aws4_request"))
		return ERR_INVALID;
	return 0;
}

static int
parse_names(struct slice list, struct sigv4_auth *auth, const char **why)
{
	struct slice names[SIGV4_HEADERS];
	size_t count;

	if (sigv4_canon_names(list, names, &count))
		return refuse(why, "The list of signed headers is malformed");
	if (!sigv4_canon_named(names, count, SLICE("host")))
		return refuse(why, "The host header must be signed");
	auth->names = list;
	return 0;
}

static int
parse_signature(struct slice text, struct sigv4_auth *auth)
{
	if (text.len != SIGV4_SIGNATURE)
		return ERR_INVALID;
	for (size_t i = 0; i < text.len; i++)
		if (!(text.p[i] >= '0' && text.p[i] <= '9') && !(text.p[i] >= 'a' && text.p[i] <= 'f'))
			return ERR_INVALID;
	auth->signature = text;
	return 0;
}

/* A date of the request in the form 20130524T000000Z, on the day that the scope names. */
static int
set_date(struct slice text, struct sigv4_auth *auth)
{
	if (text.len != SIGV4_DATE - 1)
		return ERR_INVALID;
	memcpy(auth->amz_date, text.p, text.len);
	auth->amz_date[text.len] = '\0';
	if (clock_parse_amz(auth->amz_date, &auth->time_us) || memcmp(auth->amz_date, auth->date.p, 8))
		return ERR_INVALID;
	return 0;
}

static int
parse_http_date(struct slice text, int64_t *us)
{
	char date[64];

	if (text.len >= sizeof(date))
		return ERR_INVALID;
	memcpy(date, text.p, text.len);
	date[text.len] = '\0';
	return clock_parse_amz(date, us) && clock_parse_http(date, us) ? ERR_INVALID : 0;
}

/* x-amz-date, else Date, which may be in HTTP's form. */
static int
header_date(const struct sigv4_request *r, struct sigv4_auth *auth)
{
	char amz[CLOCK_TEXT];
	struct slice text;
	int64_t us;

	if (sigv4_canon_header(r, "x-amz-date", &text) && text.len == SIGV4_DATE - 1)
		return set_date(text, auth);
	if (!sigv4_canon_header(r, "x-amz-date", &text) && !sigv4_canon_header(r, "date", &text))
		return ERR_INVALID;
	if (parse_http_date(text, &us))
		return ERR_INVALID;
	clock_amz(us, amz);
	return set_date(SLICE(amz), auth);
}

/* The next "name=value" of a comma-separated list. */
static bool
next_field(struct slice *list, struct slice *name, struct slice *value)
{
	const char *end, *stop, *equals;

	while (list->len && (*list->p == ' ' || *list->p == ',' || *list->p == '\t')) {
		list->p++;
		list->len--;
	}
	end = list->p + list->len;
	if (!(stop = memchr(list->p, ',', list->len)))
		stop = end;
	if (!(equals = memchr(list->p, '=', (size_t)(stop - list->p))))
		return false;
	*name = (struct slice) { list->p, (size_t)(equals - list->p) };
	*value = (struct slice) { equals + 1, (size_t)(stop - equals - 1) };
	while (value->len && (value->p[value->len - 1] == ' ' || value->p[value->len - 1] == '\t'))
		value->len--;
	*list = (struct slice) { stop, (size_t)(end - stop) };
	return true;
}

static int
parse_v4_header(const struct sigv4_request *r, struct slice fields, struct sigv4_auth *auth, const char **why)
{
	struct slice name, value, credential = { 0 }, names = { 0 }, signature = { 0 };
	int rc;

	auth->kind = SIGV4_HEADER;
	while (next_field(&fields, &name, &value)) {
		struct slice *field = slice_is(name, "Credential") ? &credential :
		    slice_is(name, "SignedHeaders") ? &names : slice_is(name, "Signature") ? &signature : NULL;

		if (!field || field->len)
			return refuse(why, "The authorization header has an unknown or repeated field");
		*field = value;
	}
	if (fields.len)
		return refuse(why, "The authorization header is malformed");
	if (!credential.len || !names.len || !signature.len)
		return refuse(why, "The authorization header requires Credential, SignedHeaders and Signature");
	if (parse_credential(credential, auth))
		return refuse(why, "The authorization header is malformed; the Credential is not KEY/DATE/REGION/SERVICE/aws4_request");
	if ((rc = parse_names(names, auth, why)) != 0)
		return rc;
	if (parse_signature(signature, auth))
		return refuse(why, "The authorization header is malformed; the Signature is not 64 hexadecimal digits");
	if (header_date(r, auth))
		return refuse(why, "AWS authentication requires a valid Date or x-amz-date header on the day of the credential scope");
	if (!sigv4_canon_header(r, "x-amz-content-sha256", &auth->payload) || !auth->payload.len)
		return refuse(why, "Missing required header for this request: x-amz-content-sha256");
	return 0;
}

static struct slice
param(const struct uri *u, const char *name)
{
	const struct uri_param *p = uri_param(u, name);

	return p ? p->value : (struct slice) { "", 0 };
}

static int
parse_v4_query(const struct sigv4_request *r, struct sigv4_auth *auth, const char **why)
{
	struct slice expires = param(r->uri, "X-Amz-Expires");
	uint64_t seconds;
	int rc;

	auth->kind = SIGV4_PRESIGNED;
	if (!slice_is(param(r->uri, "X-Amz-Algorithm"), ALGORITHM)) {
		*why = "X-Amz-Algorithm only supports \"" ALGORITHM "\"";
		return ERR_UNSUPPORTED;
	}
	if (parse_credential(param(r->uri, "X-Amz-Credential"), auth))
		return refuse(why, "Error parsing the X-Amz-Credential parameter; the Credential is not KEY/DATE/REGION/SERVICE/aws4_request");
	if ((rc = parse_names(param(r->uri, "X-Amz-SignedHeaders"), auth, why)) != 0)
		return rc;
	if (parse_signature(param(r->uri, "X-Amz-Signature"), auth))
		return refuse(why, "X-Amz-Signature must be 64 hexadecimal digits");
	if (set_date(param(r->uri, "X-Amz-Date"), auth))
		return refuse(why, "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\" and on the day of the credential scope");
	if (parse_u64(expires.p, expires.len, &seconds) || seconds < 1 || seconds > PRESIGN_MAX_S)
		return refuse(why, "X-Amz-Expires must be a number of seconds from 1 to 604800");
	auth->expires_us = auth->time_us + (int64_t)seconds * 1000000;
	if (!sigv4_canon_header(r, "x-amz-content-sha256", &auth->payload) || !auth->payload.len)
		auth->payload = param(r->uri, "X-Amz-Content-Sha256");
	if (!auth->payload.len)
		auth->payload = SLICE("UNSIGNED-PAYLOAD");
	return 0;
}

/* "AWS KEY:signature" */
static int
parse_v2_header(const struct sigv4_request *r, struct slice text, struct sigv4_auth *auth, const char **why)
{
	const char *colon = memchr(text.p, ':', text.len);
	struct slice date;

	auth->kind = SIGV2_HEADER;
	if (!colon || colon == text.p || colon + 1 == text.p + text.len)
		return refuse(why, "The authorization header is malformed; expected \"AWS KEY:signature\"");
	auth->key_id = (struct slice) { text.p, (size_t)(colon - text.p) };
	auth->signature = (struct slice) { colon + 1, (size_t)(text.p + text.len - colon - 1) };
	if ((!sigv4_canon_header(r, "x-amz-date", &date) && !sigv4_canon_header(r, "date", &date)) ||
	    parse_http_date(date, &auth->time_us))
		return refuse(why, "AWS authentication requires a valid Date or x-amz-date header");
	return 0;
}

static int
parse_v2_query(const struct sigv4_request *r, struct sigv4_auth *auth, const char **why)
{
	struct slice expires = param(r->uri, "Expires");
	uint64_t seconds;

	auth->kind = SIGV2_PRESIGNED;
	auth->key_id = param(r->uri, "AWSAccessKeyId");
	auth->signature = param(r->uri, "Signature");
	if (!auth->key_id.len || !auth->signature.len)
		return refuse(why, "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters");
	if (parse_u64(expires.p, expires.len, &seconds) || seconds > INT64_MAX / 1000000)
		return refuse(why, "Invalid date (should be seconds since epoch)");
	auth->expires_us = (int64_t)seconds * 1000000;
	return 0;
}

static bool
has_scheme(struct slice text, const char *scheme, struct slice *rest)
{
	size_t len = strlen(scheme);

	if (text.len < len || memcmp(text.p, scheme, len) || (text.len > len && text.p[len] != ' '))
		return false;
	*rest = (struct slice) { text.p + len, text.len - len };
	while (rest->len && *rest->p == ' ') {
		rest->p++;
		rest->len--;
	}
	return true;
}

int
sigv4_parse(const struct sigv4_request *r, struct sigv4_auth *auth, const char **why)
{
	struct slice text, rest;
	bool header = sigv4_canon_header(r, "authorization", &text);
	bool v4 = uri_has(r->uri, "X-Amz-Algorithm") || uri_has(r->uri, "X-Amz-Signature") ||
	    uri_has(r->uri, "X-Amz-Credential");
	bool v2 = uri_has(r->uri, "AWSAccessKeyId") || uri_has(r->uri, "Signature");

	*auth = (struct sigv4_auth) { 0 };
	if (header + v4 + v2 > 1)
		return refuse(why, "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
				   "Signature query string parameter or the Authorization header should be specified");
	if (v4)
		return parse_v4_query(r, auth, why);
	if (v2)
		return parse_v2_query(r, auth, why);
	if (!header)
		return ERR_NOTFOUND;
	if (has_scheme(text, ALGORITHM, &rest))
		return parse_v4_header(r, rest, auth, why);
	if (has_scheme(text, "AWS", &rest))
		return parse_v2_header(r, rest, auth, why);
	*why = "The authorization mechanism you have provided is not supported; use " ALGORITHM;
	return ERR_UNSUPPORTED;
}
