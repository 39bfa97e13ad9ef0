#include <string.h>
#include <strings.h>

#include "clock.h"
#include "daemon.h"
#include "err.h"
#include "limits.h"
#include "request.h"
#include "route.h"
#include "sigv2.h"
#include "sigv4.h"

/*
 * Who sent a request. S3 routes: the Unix socket's peer, Signature V4 in the header or a presigned URL, V2 in a presigned
 * URL of GET, HEAD and PUT, or nobody. Other routes: the Unix socket's peer or a bearer token.
 */

/*
 * Derived signing keys, so that a request costs one HMAC instead of five. A thread has its own few; an entry is good for
 * one secret and one scope, so a key that changes hands or day is simply derived again.
 */
#define CACHED 8

struct cached_key {
	char key_id[KEY_ID_TEXT], secret[KEY_SECRET_TEXT];
	struct sigv4_key key;
};

static _Thread_local struct cached_key cache[CACHED];
static _Thread_local unsigned cache_turn;

static const struct sigv4_key *
signing_key(const struct identity *who, const struct sigv4_auth *auth)
{
	struct cached_key *c;

	for (unsigned i = 0; i < CACHED; i++) {
		c = &cache[i];
		if (!strcmp(c->key_id, who->key_id) && sigv4_key_fits(&c->key, auth) &&
		    !strcmp(c->secret, who->secret))
			return &c->key;
	}
	c = &cache[cache_turn++ % CACHED];
	memset(c, 0, sizeof(*c));
	if (sigv4_key_init(&c->key, who->secret, auth->scope) != 0)
		return NULL;
	memcpy(c->key_id, who->key_id, sizeof(c->key_id));
	memcpy(c->secret, who->secret, sizeof(c->secret));
	return &c->key;
}

static void
view(const struct request *req, struct sigv4_header headers[LIMIT_HEADERS], struct sigv4_request *r)
{
	const struct http_request *http = req->http;

	for (size_t i = 0; i < http->nheaders; i++)
		headers[i] = (struct sigv4_header) { http->headers[i].name, http->headers[i].value };
	*r = (struct sigv4_request) { .method = SLICE(http->method), .uri = &req->uri, .headers = headers,
		.count = http->nheaders };
}

static bool
presigned(const struct sigv4_auth *auth)
{
	return auth->kind == SIGV4_PRESIGNED || auth->kind == SIGV2_PRESIGNED;
}

static int
malformed(struct request *req, int rc, const char *why)
{
	const char *code = presigned(&req->auth) ? "AuthorizationQueryParametersError" : "AuthorizationHeaderMalformed";

	if (rc == ERR_UNSUPPORTED)
		code = "InvalidRequest";
	else if (str_starts(why, "Only one auth mechanism"))
		code = "InvalidArgument";
	else if (!presigned(&req->auth) && str_starts(why, "Missing required header"))
		code = "InvalidRequest";
	else if (!presigned(&req->auth) && strstr(why, "x-amz-date header"))
		code = "AccessDenied";
	return request_fail(req, ERR_INVALID, code, "%s.", why);
}

static int
check_scope(struct request *req)
{
	const struct sigv4_auth *auth = &req->auth;
	const struct settings *s = &req->daemon->settings;
	const char *code = presigned(auth) ? "AuthorizationQueryParametersError" : "AuthorizationHeaderMalformed";

	if (!slice_is(auth->service, "s3"))
		return request_fail(req, ERR_INVALID, code,
		    "The credential's service is wrong; this endpoint belongs to \"s3\".");
	req->wrong_region = s->region_strict && !slice_is(auth->region, s->region);
	if (req->wrong_region)
		return request_fail(req, ERR_INVALID, code, "The region '%.*s' is wrong; expecting '%s'.",
		    (int)(auth->region.len < 64 ? auth->region.len : 64), auth->region.p, s->region);
	return 0;
}

/* Version 2 only where old tools still need it: presigned URLs. */
static int
check_version_2(struct request *req)
{
	const char *method = req->http->method;

	if (req->daemon->settings.signature_v2 == V2_PRESIGNED && req->auth.kind == SIGV2_PRESIGNED &&
	    (!strcmp(method, "GET") || !strcmp(method, "HEAD") || !strcmp(method, "PUT")))
		return 0;
	return request_fail(req, ERR_INVALID, "InvalidRequest",
	    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.");
}

static int
check_time(struct request *req)
{
	switch (sigv4_time(&req->auth, clock_wall_us())) {
	case 0:
		return 0;
	case ERR_EXPIRED:
		return request_fail(req, ERR_EXPIRED, "AccessDenied", "Request has expired");
	default:
		if (presigned(&req->auth))
			return request_fail(req, ERR_SKEW, "AccessDenied", "Request is not valid yet");
		return request_fail(req, ERR_SKEW, "RequestTimeTooSkewed", NULL);
	}
}

static int
verify(struct request *req, const struct sigv4_request *r, const struct sigv4_key **key)
{
	const char *why = NULL;
	int rc;

	buf_clear(&req->scratch);
	*key = NULL;
	if (req->auth.kind == SIGV2_PRESIGNED)
		rc = sigv2_verify(r, &req->auth, req->who.secret, req->virtual_host ? req->bucket : NULL,
		    &req->scratch);
	else if ((*key = signing_key(&req->who, &req->auth)) == NULL)
		rc = ERR_AUTH;
	else
		rc = sigv4_verify(r, &req->auth, *key, &req->scratch, &why);
	if (rc == ERR_DENIED)
		return request_fail(req, rc, "AccessDenied", "%s.", why);
	if (rc == ERR_AUTH || rc == ERR_INVALID)
		return request_fail(req, ERR_AUTH, "SignatureDoesNotMatch", NULL);
	return rc;
}

static int
identify(struct request *req)
{
	struct slice id = req->auth.key_id;
	char key_id[KEY_ID_TEXT];
	int rc = ERR_AUTH;

	if (id.len < sizeof(key_id) && !memchr(id.p, '\0', id.len)) {
		memcpy(key_id, id.p, id.len);
		key_id[id.len] = '\0';
		rc = identity_by_key(req->daemon->store, key_id, &req->who);
	}
	if (rc == ERR_AUTH || rc == ERR_NOTFOUND)
		return request_fail(req, ERR_AUTH, "InvalidAccessKeyId", NULL);
	return rc;
}

/* Clears who it was thought to be: a request that is refused is nobody's, but the log may name the key. */
static int
nobody(struct request *req, int rc)
{
	req->who.who.id = 0;
	req->who.who.admin = req->who.who.may_create_buckets = false;
	explicit_bzero(req->who.secret, sizeof(req->who.secret));
	return rc;
}

static int
auth_signed(struct request *req)
{
	struct sigv4_header headers[LIMIT_HEADERS];
	const struct sigv4_key *key;
	struct sigv4_request r;
	const char *why = "";
	int rc;

	view(req, headers, &r);
	if ((rc = sigv4_parse(&r, &req->auth, &why)) == ERR_NOTFOUND)
		return auth_payload(req, NULL);
	if (rc)
		return malformed(req, rc, why);
	if (req->auth.kind == SIGV2_HEADER || req->auth.kind == SIGV2_PRESIGNED)
		rc = check_version_2(req);
	else
		rc = check_scope(req);
	if (rc || (rc = identify(req)) != 0 || (rc = verify(req, &r, &key)) != 0 || (rc = check_time(req)) != 0)
		return nobody(req, rc);
	req->signed_ = req->authenticated = true;
	rc = auth_payload(req, key);
	explicit_bzero(req->who.secret, sizeof(req->who.secret));
	return rc;
}

static int
auth_bearer(struct request *req)
{
	const char *text = http_header(req->http, "authorization");
	int rc = ERR_AUTH;

	if (text && !strncasecmp(text, "Bearer ", 7)) {
		for (text += 7; *text == ' '; text++)
			;
		if (strlen(text) < TOKEN_TEXT)
			rc = identity_by_token(req->daemon->store, text, &req->who);
	}
	if (rc)
		return nobody(req, rc == ERR_NOTFOUND ? ERR_AUTH : rc);
	req->authenticated = true;
	return 0;
}

int
auth_request(struct request *req)
{
	int rc;

	if (req->http->local) {
		if ((rc = identity_local(req->daemon->store, &req->who)) != 0)
			return rc;
		req->authenticated = true;
		return req->level == LEVEL_NONE ? 0 : auth_payload(req, NULL);
	}
	return req->level == LEVEL_NONE ? auth_bearer(req) : auth_signed(req);
}

int
auth_again(struct request *req)
{
	int rc;

	if (req->http->local)
		return 0;
	if (req->level == LEVEL_NONE)
		return auth_bearer(req);
	if ((rc = identify(req)) != 0)
		return nobody(req, rc);
	explicit_bzero(req->who.secret, sizeof(req->who.secret));
	return 0;
}
