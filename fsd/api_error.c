#include <string.h>

#include "api.h"
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
	{ ERR_NOTFOUND, 404, "not_found", "There is no such thing." },
	{ ERR_EXISTS, 409, "already_exists", "It exists already." },
	{ ERR_INVALID, 400, "invalid_request", "The request is not valid." },
	{ ERR_USAGE, 400, "invalid_request", "The request is not valid." },
	{ ERR_TOOBIG, 413, "too_large", "The request is over a limit." },
	{ ERR_RANGE, 416, "range_not_satisfiable", "The range is not there." },
	{ ERR_DENIED, 403, "access_denied", "You may not do this." },
	{ ERR_AUTH, 401, "unauthenticated", "The credentials are missing or not valid." },
	{ ERR_EXPIRED, 410, "expired", "It was valid once, and is no longer." },
	{ ERR_SKEW, 403, "request_time_skewed", "The request's time is too far from the server's." },
	{ ERR_DIGEST, 400, "checksum_mismatch", "The bytes are not those that were announced." },
	{ ERR_TRUNCATED, 400, "incomplete_body", "The body ended early." },
	{ ERR_PRECONDITION, 412, "precondition_failed", "The condition does not hold." },
	{ ERR_CONFLICT, 409, "conflict", "It does not go together with the present state." },
	{ ERR_NOTEMPTY, 409, "not_empty", "There is something in it." },
	{ ERR_QUOTA, 507, "quota_exceeded", "The workspace's quota is used up." },
	{ ERR_TOOMANY, 409, "too_many_uploads", "As many uploads are open in the workspace as may be, in all or of you: complete or abort some." },
	{ ERR_SPACE, 507, "insufficient_storage", "The disk is full." },
	{ ERR_LOCKED, 409, "locked", "Another process owns it." },
	{ ERR_BUSY, 503, "unavailable", "Too much at once: try again." },
	{ ERR_TIMEOUT, 503, "unavailable", "It took too long: try again." },
	{ ERR_CLOSED, 503, "unavailable", "The daemon is stopping: try again." },
	{ ERR_NOMEM, 503, "unavailable", "Out of memory: try again." },
	{ ERR_UNSUPPORTED, 501, "not_implemented", "This is not there." },
	{ 0, 500, "internal_error", "An internal error occurred; the log has more." },
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
api_error_text(int rc, const char **code, const char **message)
{
	const struct api_code *c = find(rc);

	*code = c->code;
	*message = c->message;
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
	if (req->error_more.len) {
		buf_addch(&reply->body, ',');
		buf_add(&reply->body, req->error_more.data, req->error_more.len);
	}
	json_object_end(&j);
	json_object_end(&j);
	buf_addch(&reply->body, '\n');
}
