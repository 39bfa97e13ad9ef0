#include <string.h>

#include "err.h"
#include "json.h"
#include "log.h"
#include "request.h"

/* The errors of the JSON calls: {"error": {"code", "message", "requestId"}}. Codes are stable; messages are for people. */
struct api_code {
	int rc;
	int status;
	const char *code, *message;
};

static const struct api_code table[] = {
	{ ERR_NOTFOUND, 404, "NotFound", "There is no such thing." },
	{ ERR_EXISTS, 409, "AlreadyExists", "It exists already." },
	{ ERR_INVALID, 400, "InvalidArgument", "The request is not valid." },
	{ ERR_USAGE, 400, "InvalidArgument", "The request is not valid." },
	{ ERR_TOOBIG, 413, "TooLarge", "The request is over a limit." },
	{ ERR_DENIED, 403, "AccessDenied", "You may not do this." },
	{ ERR_AUTH, 401, "Unauthenticated", "The credentials are missing or not valid." },
	{ ERR_EXPIRED, 410, "Expired", "It was valid once, and is no longer." },
	{ ERR_SKEW, 403, "RequestTimeTooSkewed", "The request's time is too far from the server's." },
	{ ERR_DIGEST, 400, "BadDigest", "The bytes are not those that were announced." },
	{ ERR_TRUNCATED, 400, "IncompleteBody", "The body ended early." },
	{ ERR_PRECONDITION, 412, "PreconditionFailed", "The condition does not hold." },
	{ ERR_CONFLICT, 409, "Conflict", "It does not go together with the present state." },
	{ ERR_NOTEMPTY, 409, "NotEmpty", "There is something in it." },
	{ ERR_QUOTA, 403, "QuotaExceeded", "The workspace's quota is used up." },
	{ ERR_SPACE, 507, "InsufficientStorage", "The disk is full." },
	{ ERR_LOCKED, 409, "Locked", "Another process owns it." },
	{ ERR_BUSY, 503, "Busy", "Too much at once: try again." },
	{ ERR_TIMEOUT, 503, "Busy", "It took too long: try again." },
	{ ERR_CLOSED, 503, "Stopping", "The daemon is stopping: try again." },
	{ ERR_NOMEM, 503, "Busy", "Out of memory: try again." },
	{ ERR_UNSUPPORTED, 501, "NotImplemented", "This is not there." },
	{ 0, 500, "InternalError", "An internal error occurred; the log has more." },
};

static const struct api_code *
find(int rc)
{
	const struct api_code *c = table;

	while (c->rc && c->rc != rc)
		c++;
	return c;
}

void
api_error(struct request *req, int code)
{
	const struct api_code *c = find(code);
	struct http_reply *reply = &req->http->reply;
	struct json_out j;

	if (!c->rc)
		log_error("request %s: %s: %s", req->id, req->route ? req->route->name : "no route", err_text(code));
	if (reply->source.free)
		reply->source.free(reply->source.arg);
	reply->source = (struct http_source) { 0 };
	buf_clear(&reply->body);
	reply->status = req->error_status ? req->error_status : c->status;
	/* A handler that failed late has said it already. */
	if (!reply->headers.len || !strstr(reply->headers.data, "Content-Type:"))
		http_reply_header(reply, "Content-Type", "application/json");
	if (c->rc == ERR_AUTH)
		http_reply_header(reply, "WWW-Authenticate", "Bearer");
	json_out_init(&j, &reply->body, false);
	json_object_begin(&j);
	json_key(&j, "error");
	json_object_begin(&j);
	json_key_str(&j, "code", req->error_code ? req->error_code : c->code);
	json_key_str(&j, "message", *req->error_message ? req->error_message : c->message);
	json_key_str(&j, "requestId", req->id);
	json_object_end(&j);
	json_object_end(&j);
	buf_addch(&reply->body, '\n');
}
