#include <string.h>

#include "alias.h"
#include "api.h"
#include "commit.h"
#include "daemon.h"
#include "err.h"
#include "perm.h"
#include "route.h"
#include "s3_sub.h"
#include "workspace.h"

/*
 * A request: route() finds out what it is and whether it may be; write() and finish() hand it to the operation; done()
 * lets go of it. Whatever fails on the way is turned into a reply by fail().
 */
#define SPARE_BODY 65536	/* read and thrown away where an operation has no use for a body */

static struct daemon *the_daemon;

void
route_setup(struct daemon *daemon)
{
	the_daemon = daemon;
}

/* Routes of our own that stand where buckets' names do; nobody can create a bucket of such a name (workspace.h). */
static bool
is_ours(const char *bucket)
{
	static const char *const names[] = { "v1", "l", "metrics", "healthz", "readyz", "favicon.ico", "console",
		"static" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(bucket, names[i]))
			return true;
	return false;
}

/* Whether the name of an object is a secret to who asks. */
static bool
must_hide(struct request *req, int code)
{
	if (code != ERR_NOTFOUND || req->level != LEVEL_OBJECT || !req->workspace.id ||
	    (req->error_code && strcmp(req->error_code, "NoSuchKey") && strcmp(req->error_code, "NoSuchVersion")))
		return false;
	return perm_check(req->daemon->store, &req->who.who, ACTION_LIST, req->workspace.id, req->key) != 0;
}

static void
common_headers(struct request *req)
{
	struct http_reply *reply = &req->http->reply;

	http_reply_header_raw(reply, "Server", "fsd", 3);
	http_reply_header_raw(reply, "x-amz-request-id", req->id, strlen(req->id));
}

static void
fail(struct request *req, int code)
{
	if (must_hide(req, code)) {
		buf_clear(&req->http->reply.headers);
		common_headers(req);
		(void)cors_request(req);
		code = request_fail(req, ERR_DENIED, "AccessDenied", NULL);
	}
	if (req->level == LEVEL_NONE)
		api_error(req, code);
	else
		s3_error(req, code);
}

static bool
wants_page(const struct request *req)
{
	const char *accept = http_header(req->http, "accept");

	return req->level == LEVEL_SERVICE && !req->http->local && !req->uri.count &&
	       !strcmp(req->http->method, "GET") && !http_header(req->http, "authorization") && accept &&
	       strstr(accept, "text/html");
}

static const struct route welcome_route = { "GET", LEVEL_SERVICE, .name = "Welcome", .action = ACTION_PUBLIC_,
	.run = welcome_page };

static int
unknown(struct request *req, bool other_method)
{
	if (req->level == LEVEL_NONE && !other_method)
		return request_fail(req, ERR_NOTFOUND, NULL, "There is nothing at this path.");
	if (!other_method && req->level != LEVEL_NONE)
		return request_fail(req, ERR_UNSUPPORTED, "NotImplemented", NULL);
	req->error_status = 405;
	return request_fail(req, ERR_UNSUPPORTED, req->level == LEVEL_NONE ? "method_not_allowed" : "MethodNotAllowed",
	    "This method is not for this path.");
}

/* Whether `names` has the name, between spaces. */
static bool
has_name(const char *names, const char *name)
{
	size_t len = strlen(name), n;

	for (; *names; names += n + (names[n] == ' ')) {
		n = strcspn(names, " ");
		if (n == len && !memcmp(names, name, n))
			return true;
	}
	return false;
}

static int
check_query(struct request *req)
{
	const struct uri *uri = &req->uri;

	for (size_t i = 0; req->route->query && i < uri->count; i++)
		if (!has_name(req->route->query, uri->params[i].name.p))
			return request_fail(req, ERR_INVALID, NULL, "There is no parameter \"%.64s\".", uri->params[i].name.p);
	return 0;
}

/* What a request must be allowed to do. */
static int
action_of(const struct request *req)
{
	int action = req->route->action;

	if (action != ACTION_METRICS_)
		return action;
	return req->daemon->settings.metrics == METRICS_OPEN ? ACTION_PUBLIC_ : ACTION_ADMIN_;
}

/* Whether a daemon of this role serves it; over the Unix socket it serves everything. */
static int
check_role(struct request *req)
{
	enum role_of_daemon role = req->daemon->role;

	if (req->route->action == ACTION_METRICS_)
		return req->daemon->settings.metrics == METRICS_OFF ? unknown(req, false) : 0;
	if (req->route->action == ACTION_PUBLIC_ || req->http->local)
		return 0;
	if (req->level == LEVEL_NONE && !(role & ROLE_CONTROL))
		return request_fail(req, ERR_NOTFOUND, NULL, "This endpoint serves the data plane only.");
	if (req->level != LEVEL_NONE && !(role & ROLE_DATA))
		return request_fail(req, ERR_UNSUPPORTED, "NotImplemented", "This endpoint serves no objects.");
	return 0;
}

static int
find_operation(struct request *req)
{
	const struct route *sub;
	bool other = false;

	if (!req->virtual_host && is_ours(req->bucket)) {
		req->level = LEVEL_NONE;
		if (!(req->route = route_find(daemon_routes, req, &other)) && !other)
			req->route = route_find(api_routes, req, &other);
	} else {
		req->route = wants_page(req) ? &welcome_route : route_find(s3_routes, req, &other);
		if ((!req->route || !req->route->param) && (sub = s3_sub_route(req)) != NULL)
			req->route = sub;
	}
	return req->route ? check_role(req) : unknown(req, other);
}

static int
find_workspace(struct request *req)
{
	int rc;

	if (alias_named(req->bucket))
		rc = alias_open(req);
	else
		rc = workspace_find(req->daemon->store, req->bucket, &req->workspace);
	if (rc) {
		req->workspace.id = 0;
		if (rc == ERR_NOTFOUND && req->route->action == ACTION_CREATE_)
			return 0;
		return rc == ERR_NOTFOUND ? request_fail(req, rc, "NoSuchBucket", NULL) : rc;
	}
	return request_expects_owner(req, "x-amz-expected-bucket-owner", req->workspace.owner_id);
}

/* Denied by default. */
static int
permit(struct request *req)
{
	const struct principal *who = &req->who.who;
	const char *prefix;
	struct slice key = req->key;

	switch (action_of(req)) {
	case ACTION_NONE_:
		return req->authenticated ? 0 : ERR_DENIED;
	case ACTION_ADMIN_:
		return req->authenticated && who->admin ? 0 : ERR_DENIED;
	case ACTION_CREATE_:	/* of one that is there only its being there is told, to who has a role in it */
		if (req->workspace.id && perm_any(req->daemon->store, who, req->workspace.id))
			return 0;
		return perm_check_create(who);
	case ACTION_SEEN_:
		return perm_any(req->daemon->store, who, req->workspace.id) ? 0 : ERR_DENIED;
	case ACTION_LIST:
		if (req->level == LEVEL_BUCKET && (prefix = uri_value(&req->uri, "prefix")) != NULL)
			key = SLICE(prefix);
	}
	return perm_check(req->daemon->store, who, (enum action)req->route->action, req->workspace.id, key);
}

static int
prepare(struct request *req)
{
	int rc = request_begin(req);

	if (rc)
		return rc;
	if ((rc = find_operation(req)) != 0 || action_of(req) == ACTION_PUBLIC_)
		return rc;
	req->auth_epoch = store_auth_epoch(req->daemon->store);
	if ((rc = auth_request(req)) != 0)
		return rc;
	if (!req->authenticated)
		return ERR_DENIED;
	if ((req->level == LEVEL_BUCKET || req->level == LEVEL_OBJECT) && (rc = find_workspace(req)) != 0)
		return rc;
	return permit(req);
}

/* A body can take hours: who lost the right to write meanwhile doesn't write. */
static int
permit_again(struct request *req)
{
	struct store *store = req->daemon->store;
	struct workspace_row now;
	int rc;

	if (action_of(req) == ACTION_PUBLIC_ || store_auth_epoch(store) == req->auth_epoch)
		return 0;
	if ((rc = auth_again(req)) != 0)
		return rc;
	if (req->workspace.id) {
		rc = workspace_find(store, req->workspace.name, &now);
		if (rc == ERR_NOTFOUND || (rc == 0 && now.id != req->workspace.id))
			return request_fail(req, ERR_NOTFOUND, "NoSuchBucket", NULL);
		if (rc)
			return rc;
	}
	return permit(req);
}

static enum http_next
route(struct http_request *http)
{
	struct request *req = request_new(http, the_daemon);
	int rc;

	if (!req) {
		http->reply.status = 503;
		return HTTP_REPLY;
	}
	http->ctx = req;
	common_headers(req);
	if (cors_request(req))
		return HTTP_REPLY;
	if ((rc = prepare(req)) == 0 && (rc = check_query(req)) == 0 && req->route->start && (rc = req->route->start(req)) == 0)
		return HTTP_STREAM;
	if (rc) {
		fail(req, rc);
		return HTTP_REPLY;
	}
	http->body_max = req->route->body_max ? req->route->body_max : SPARE_BODY;
	if (req->payload == PAYLOAD_CHUNKED)
		http->body_max += SPARE_BODY;
	return HTTP_BUFFER;
}

static enum http_next
stream(struct http_request *http, const void *bytes, size_t len, size_t *used)
{
	struct request *req = http->ctx;
	int rc = req->route->write(req, bytes, len, used);

	if (rc == 0)
		return HTTP_GOON;
	if (rc == ERR_AGAIN)
		return HTTP_WAIT;
	fail(req, rc);
	return HTTP_REPLY;
}

/* What there is to do once the body is here. */
static int
perform(struct request *req)
{
	struct http_request *http = req->http;
	int rc = http->has_body ? permit_again(req) : 0;

	req->performed = true;
	if (rc == 0 && !req->route->start && http->has_body && req->payload != PAYLOAD_NONE) {
		rc = auth_payload_body(req);
		req->payload = PAYLOAD_NONE;
	}
	return rc ? rc : req->route->run(req);
}

/* Whether it goes where it may wait for the disk: what changes something and does not know how to wait without a thread. */
static bool
must_wait(const struct request *req)
{
	const char *method = req->http->method;

	if (!strcmp(method, "GET") || !strcmp(method, "HEAD"))
		return false;
	return !req->route->at_once || (req->http->has_body && req->decoded_length > req->route->at_once);
}

static int
begin(struct request *req)
{
	req->may_wait = must_wait(req);
	if (req->may_wait && errand_send(req->daemon->errands, &req->errand, req, perform) == 0)
		return ERR_AGAIN;
	return perform(req);
}

static enum http_next
finish(struct http_request *http)
{
	struct request *req = http->ctx;
	int rc;

	if (errand_sent(&req->errand))
		rc = errand_result(&req->errand);
	else
		rc = req->performed ? req->route->run(req) : begin(req);
	if (rc == ERR_AGAIN)
		return HTTP_WAIT;
	if (rc)
		fail(req, rc);
	return HTTP_REPLY;
}

static void
done(struct http_request *http, bool complete)
{
	struct request *req = http->ctx;

	if (!req)
		return;
	errand_end(&req->errand);
	request_observe(req, complete);
	if (req->route && req->route->release && req->op)
		req->route->release(req);
	api_release(req);
	req->op = NULL;
	http->ctx = NULL;
	request_free(req);
}

/* What http.c answers by itself: there may be no request, and its target may be nonsense. */
static void
refuse(struct http_request *http, int status, const char *reason, struct http_reply *reply)
{
	const struct request *req = http ? http->ctx : NULL;
	const char *id = req ? req->id : "";

	if (http && !req)
		request_observe_refused(the_daemon, http, status);
	if (status == 408 && req && req->level != LEVEL_NONE)
		reply->status = 400;	/* as AWS has it */
	if (req)
		http_reply_header(reply, "x-amz-request-id", "%s", id);
	if (req && req->level == LEVEL_NONE) {
		http_reply_header(reply, "Content-Type", "application/json");
		buf_addf(&reply->body, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\",\"requestId\":\"%s\"}}",
		    status == 413 ? "too_large" : status == 500 ? "internal_error" :
			status == 503 || status == 408 ? "unavailable" : "invalid_request", reason, id);
		return;
	}
	http_reply_header(reply, "Content-Type", "application/xml");
	buf_addf(&reply->body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message>"
	    "<RequestId>%s</RequestId><HostId>fsd</HostId></Error>",
	    status == 413 ? "EntityTooLarge" : status == 408 ? "RequestTimeout" : status == 500 ? "InternalError" :
		status == 503 ? "ServiceUnavailable" : "BadRequest", reason, id);
}

const struct http_handlers route_handlers = { .route = route, .write = stream, .finish = finish, .done = done,
	.refuse = refuse };
