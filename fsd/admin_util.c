#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "clock.h"
#include "daemon.h"
#include "err.h"
#include "limits.h"

void
admin_reply_head(struct request *req, int status)
{
	struct http_reply *reply = &req->http->reply;

	reply->status = status;
	http_reply_header(reply, "Content-Type", "application/json");
	http_reply_header(reply, "Cache-Control", "private, no-store");
}

void
admin_reply(struct request *req, int status, struct json_out *j)
{
	struct buf *body = &req->http->reply.body;

	admin_reply_head(req, status);
	buf_clear(body);
	json_out_init(j, body, false);
}

int
admin_body(struct request *req, const char *const *fields, struct json **body)
{
	const struct buf *b = &req->http->body;
	char error[JSON_ERROR];
	struct json *root = NULL;
	int rc;

	if ((rc = json_parse(b->len ? b->data : "{}", b->len ? b->len : 2, error, &root)) != 0)
		return rc == ERR_INVALID ? request_fail(req, rc, "invalid_request", "%s", error) : rc;
	if (json_only(root, fields) != 0) {
		rc = request_fail(req, ERR_INVALID, "invalid_request", "%s", json_error(root));
		json_free(root);
		return rc;
	}
	*body = root;
	return 0;
}

static int
member(struct request *req, const struct json *body, int rc)
{
	if (rc == 0 || rc == ERR_NOTFOUND)
		return 0;
	return request_fail(req, ERR_INVALID, "invalid_request", "%s", json_error(body));
}

int
admin_get_str(struct request *req, const struct json *body, const char *name, const char **value)
{
	return member(req, body, json_get_str(body, name, value));
}

int
admin_get_bool(struct request *req, const struct json *body, const char *name, bool *value)
{
	return member(req, body, json_get_bool(body, name, value));
}

int
admin_get_int(struct request *req, const struct json *body, const char *name, int64_t max, int64_t *value)
{
	return member(req, body, json_get_int(body, name, 0, max, value));
}

int
admin_param(struct request *req, unsigned i, char *text, size_t size)
{
	struct slice p = req->params[i];

	if (!p.len || p.len >= size || memchr(p.p, 0, p.len))
		return request_fail(req, ERR_NOTFOUND, NULL, "\"%.*s\" is no valid name here.",
		    (int)(p.len < 100 ? p.len : 100), p.p ? p.p : "");
	memcpy(text, p.p, p.len);
	text[p.len] = '\0';
	return 0;
}

int
admin_query_int(struct request *req, const char *name, int64_t fallback, int64_t max, int64_t *value)
{
	const char *text = uri_value(&req->uri, name);
	uint64_t n;

	*value = fallback;
	if (!text)
		return 0;
	if (parse_u64(text, strlen(text), &n) != 0 || n > (uint64_t)max)
		return request_fail(req, ERR_INVALID, "invalid_request", "%s: expected a number from 0 to %lld.", name,
		    (long long)max);
	*value = (int64_t)n;
	return 0;
}

int
admin_limit(struct request *req, unsigned *limit)
{
	int64_t n;
	int rc = admin_query_int(req, "limit", 100, 1000, &n);

	if (rc == 0 && n == 0)
		return request_fail(req, ERR_INVALID, "invalid_request", "limit: expected a number from 1 to 1000.");
	*limit = (unsigned)n;
	return rc;
}

int
admin_find_user(struct request *req, const char *name, struct principal *p)
{
	int rc = principal_find(req->daemon->store, name, p);

	if (rc == ERR_NOTFOUND || rc == ERR_INVALID)
		return request_fail(req, ERR_NOTFOUND, "not_found", "There is no user \"%.100s\".", name);
	return rc;
}

int
admin_path_user(struct request *req, unsigned i, struct principal *p)
{
	char name[LIMIT_USER_NAME + 1];
	int rc = admin_param(req, i, name, sizeof(name));

	return rc ? rc : admin_find_user(req, name, p);
}

int
admin_path_workspace(struct request *req, unsigned i, struct workspace_row *row)
{
	char name[LIMIT_BUCKET_NAME + 1];
	int rc = admin_param(req, i, name, sizeof(name));

	if (rc)
		return rc;
	/* The cached row names it; the current one has its figures. */
	if ((rc = workspace_find(req->daemon->store, name, row)) == 0)
		rc = workspace_get(req->daemon->store, row->id, row);
	if (rc == ERR_NOTFOUND)
		return request_fail(req, rc, "not_found", "There is no workspace \"%s\".", name);
	return rc;
}

void
admin_put_id(struct json_out *j, const char *key, enum id_kind kind, int64_t id)
{
	char text[ID_TEXT];

	if (id)
		id_format(kind, id, text);
	json_key_str(j, key, id ? text : NULL);
}

void
admin_put_time(struct json_out *j, const char *key, int64_t us)
{
	char text[CLOCK_TEXT];

	if (us)
		clock_rfc3339(us, text);
	json_key_str(j, key, us ? text : NULL);
}
