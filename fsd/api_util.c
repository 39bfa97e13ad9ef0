#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "api.h"
#include "clock.h"
#include "daemon.h"
#include "device.h"
#include "err.h"
#include "watch.h"

#define MIN_SEQUENCE_WAIT_US 2000000

/* ---- ids ---- */

static const char *const kinds[ID_KINDS_] = { [ID_WORKSPACE] = "workspace", [ID_FOLDER] = "folder", [ID_FILE] = "file",
	[ID_VERSION] = "version", [ID_UPLOAD] = "upload", [ID_USER] = "user", [ID_DEVICE] = "device" };

int
api_path_id(struct request *req, unsigned i, enum id_kind kind, int64_t *id)
{
	char text[ID_TEXT];
	struct slice p = req->params[i];

	if (p.len < sizeof(text)) {
		memcpy(text, p.p, p.len);
		text[p.len] = '\0';
		if (strlen(text) == p.len && id_parse(kind, text, id) == 0)
			return 0;
	}
	return request_fail(req, ERR_NOTFOUND, NULL, "There is no such %s.", kinds[kind]);
}

static int
parse_id(struct request *req, const char *name, const char *text, enum id_kind kind, int64_t *id)
{
	if (id_parse(kind, text, id) == 0)
		return 0;
	return request_fail(req, ERR_INVALID, NULL, "%s: \"%.64s\" is no id of a %s.", name, text, kinds[kind]);
}

int
api_query_id(struct request *req, const char *name, enum id_kind kind, int64_t *id)
{
	const char *text = uri_value(&req->uri, name);

	*id = 0;
	return text ? parse_id(req, name, text, kind, id) : 0;
}

int
api_get_id(struct request *req, const struct json *body, const char *name, enum id_kind kind, int64_t *id)
{
	const struct json *member = json_get(body, name);
	const char *text = NULL;
	int rc;

	*id = 0;
	if (!member || json_kind(member) == JSON_IS_NULL)
		return 0;
	if ((rc = admin_get_str(req, body, name, &text)) != 0)
		return rc;
	return parse_id(req, name, text, kind, id);
}

/* ---- workspaces and nodes ---- */

int
api_workspace(struct request *req, int64_t id, enum action action, bool any, struct workspace_row *row)
{
	struct store *store = req->daemon->store;
	enum role role = ROLE_NONE;
	int rc = perm_role(store, NULL, &req->who.who, id, &role);

	if (rc == 0 && role == ROLE_NONE && !(any && perm_any(store, &req->who.who, id)))
		rc = perm_any(store, &req->who.who, id) ? ERR_DENIED : ERR_NOTFOUND;
	else if (rc == 0 && role != ROLE_NONE)
		rc = perm_allows(role, action);
	if (rc == 0)
		rc = workspace_get(store, id, row);
	if (rc == ERR_NOTFOUND)
		return request_fail(req, rc, NULL, "There is no such workspace.");
	return rc;
}

int
api_query_workspace(struct request *req, enum action action, bool any, struct workspace_row *row)
{
	int64_t id;
	int rc = api_query_id(req, "workspaceId", ID_WORKSPACE, &id);

	if (rc)
		return rc;
	if (!id)
		return request_fail(req, ERR_INVALID, NULL, "workspaceId: missing.");
	return api_workspace(req, id, action, any, row);
}

int
api_node(struct request *req, enum action action, enum node_kind kind, int64_t id, struct node *n)
{
	int rc = node_find(req->daemon->store, &req->who.who, action, kind, id, n);

	if (rc == ERR_NOTFOUND)
		return request_fail(req, rc, NULL, "There is no such %s.", kind == NODE_FILE ? "file" : "folder");
	if (rc == ERR_DENIED)
		return request_fail(req, rc, NULL, "Your role does not allow this.");
	return rc;
}

int
api_past_file(struct request *req, int64_t id, struct node *n)
{
	int rc = node_find_past(req->daemon->store, &req->who.who, id, n);

	return rc == ERR_NOTFOUND ? request_fail(req, rc, NULL, "There is no such file.") : rc;
}

int
api_path_node(struct request *req, unsigned i, enum action action, enum node_kind kind, struct node *n)
{
	int64_t id;
	int rc = api_path_id(req, i, kind == NODE_FILE ? ID_FILE : ID_FOLDER, &id);

	return rc ? rc : api_node(req, action, kind, id, n);
}

int
api_parent(struct request *req, const struct json *body, const char *field, int64_t workspace, struct node *folder)
{
	struct workspace_row row;
	const char *text = NULL;
	int64_t id = 0;
	int rc;

	if ((rc = admin_get_str(req, body, field, &text)) != 0)
		return rc;
	if (!text)
		return request_fail(req, ERR_INVALID, NULL, "%s: missing.", field);
	if (strcmp(text, "root") != 0) {
		if ((rc = parse_id(req, field, text, ID_FOLDER, &id)) != 0)
			return rc;
		return api_node(req, ACTION_WRITE, NODE_FOLDER, id, folder);
	}
	if (!workspace && (rc = api_get_id(req, body, "workspaceId", ID_WORKSPACE, &workspace)) != 0)
		return rc;
	if (!workspace)
		return request_fail(req, ERR_INVALID, NULL, "%s: \"root\" needs a workspaceId.", field);
	if ((rc = api_workspace(req, workspace, ACTION_WRITE, false, &row)) != 0)
		return rc;
	return api_node(req, ACTION_WRITE, NODE_FOLDER, row.root_folder_id, folder);
}

/* The body's deviceId, which may be there instead of the header: "" if it is not. The handler has looked at the rest. */
static int
body_device(struct request *req, char text[ID_TEXT])
{
	const struct buf *raw = &req->http->body;
	const struct json *member;
	const char *value = NULL;
	struct json *body = NULL;
	bool too_long;
	int rc = 0;

	*text = '\0';
	if (!raw->len || !memmem(raw->data, raw->len, "\"deviceId\"", strlen("\"deviceId\"")))
		return 0;
	if (json_parse(raw->data, raw->len, NULL, &body) == 0 && (member = json_get(body, "deviceId")) != NULL &&
	    json_kind(member) != JSON_IS_NULL)
		rc = json_get_str(body, "deviceId", &value);
	if (value && strlen(value) < ID_TEXT)
		strcpy(text, value);
	too_long = value && !*text;
	json_free(body);
	if (rc == ERR_INVALID || too_long)
		return request_fail(req, ERR_INVALID, NULL, "deviceId: no id of a device.");
	return 0;
}

int
api_actor(struct request *req, struct actor *actor)
{
	const char *header = http_header(req->http, "x-device-id"), *name = header ? "X-Device-Id" : "deviceId";
	struct device_row device;
	char text[ID_TEXT];
	int rc;

	*actor = request_actor(req);
	if (!header && (rc = body_device(req, text)) != 0)
		return rc;
	if (!header && !*text)
		return 0;
	if ((rc = parse_id(req, name, header ? header : text, ID_DEVICE, &actor->device)) != 0)
		return rc;
	rc = device_get(req->daemon->store, actor->principal, actor->device, &device);
	return rc == ERR_NOTFOUND ? request_fail(req, ERR_INVALID, NULL, "%s: it is none of yours.", name) : rc;
}

/* ---- reads that wait ---- */

int
api_min_sequence(struct request *req, int64_t workspace)
{
	int64_t wanted, until = req->http->started_us + MIN_SEQUENCE_WAIT_US;
	struct watch_hub *hub = req->daemon->hub;
	struct workspace_row row;
	int rc;

	if ((rc = admin_query_int(req, "minSequence", 0, INT64_MAX, &wanted)) != 0 || !wanted)
		return rc;
	if (!req->waiter && !(req->waiter = calloc(1, sizeof(*req->waiter))))
		return ERR_NOMEM;
	/* Told before looking, so that no commit falls between. */
	rc = clock_mono_us() < until ? watch_add(hub, req->waiter, req->http, workspace, until) : ERR_TIMEOUT;
	if (workspace_get(req->daemon->store, workspace, &row) != 0 || row.sequence >= wanted) {
		watch_remove(hub, req->waiter);
		return 0;
	}
	if (rc == 0)
		return ERR_AGAIN;
	http_reply_header(&req->http->reply, "Retry-After", "1");
	return request_fail(req, ERR_TIMEOUT, NULL, "The workspace has not come to sequence %lld yet.", (long long)wanted);
}

void
api_release(struct request *req)
{
	if (req->waiter)
		watch_remove(req->daemon->hub, req->waiter);
	free(req->waiter);
	req->waiter = NULL;
}

/* ---- errors ---- */

int
api_fail(struct request *req, int code, int status, const char *name, const char *format, ...)
{
	va_list ap;

	req->error_code = name;
	req->error_status = status;
	va_start(ap, format);
	vsnprintf(req->error_message, sizeof(req->error_message), format, ap);
	va_end(ap);
	return code;
}

struct json_out *
api_error_more(struct request *req, struct json_out *j)
{
	buf_clear(&req->error_more);
	json_out_init(j, &req->error_more, false);
	return j;
}

/* ---- URLs ---- */

void
api_put_url(struct request *req, struct json_out *j, const char *key, const char *path, const struct buf *ticket)
{
	const char *base = req->daemon->settings.data_url, *host = http_header(req->http, "host");
	struct buf url = BUF_INIT(8192);

	if (base)
		buf_addf(&url, "%.*s", (int)(strlen(base) - str_ends(base, "/")), base);
	else if (!req->http->local && host)
		buf_addf(&url, "%s://%s", req->http->tls ? "https" : "http", host);
	buf_addf(&url, "%s?ticket=%.*s", path, (int)ticket->len, ticket->data ? ticket->data : "");
	if (buf_finish(&url) != 0)
		j->buf->err = buf_finish(&url);
	json_key_str(j, key, url.data);
	buf_release(&url);
}
