#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "daemon.h"
#include "err.h"
#include "limits.h"

/* /v1/admin/workspaces: what S3 calls buckets. */
#define HISTORY_DEFAULT_MS (30ll * 86400 * 1000)	/* of workspaces made here; S3's CreateBucket keeps none */

static const char *const versioning_names[] = { [VERSIONING_NEVER] = "off", [VERSIONING_ENABLED] = "on",
	[VERSIONING_SUSPENDED] = "suspended" };

static const char *const fields[] = { "name", "owner", "quotaBytes", "historyMs", "versioning", "displayName", NULL };

struct wishes {
	const char *name, *owner, *display_name;
	int64_t owner_id, quota_bytes, history_ms;	/* -1: not said */
	int versioning;					/* -1 */
};

static int
get_versioning(struct request *req, const struct json *body, int *versioning)
{
	const char *text = NULL;
	int rc = admin_get_str(req, body, "versioning", &text);

	if (rc || !text)
		return rc;
	if (!strcmp(text, "on") || !strcmp(text, "enabled"))
		*versioning = VERSIONING_ENABLED;
	else if (!strcmp(text, "suspended"))
		*versioning = VERSIONING_SUSPENDED;
	else
		return request_fail(req, ERR_INVALID, NULL, "versioning: expected \"on\" or \"suspended\".");
	return 0;
}

static int
get_wishes(struct request *req, const struct json *body, struct wishes *w)
{
	struct principal owner;
	int rc;

	*w = (struct wishes) { .owner_id = -1, .quota_bytes = -1, .history_ms = -1, .versioning = -1 };
	if ((rc = admin_get_str(req, body, "name", &w->name)) != 0 ||
	    (rc = admin_get_str(req, body, "owner", &w->owner)) != 0 ||
	    (rc = admin_get_str(req, body, "displayName", &w->display_name)) != 0 ||
	    (rc = admin_get_int(req, body, "quotaBytes", INT64_MAX, &w->quota_bytes)) != 0 ||
	    (rc = admin_get_int(req, body, "historyMs", LIMIT_HISTORY_MS, &w->history_ms)) != 0 ||
	    (rc = get_versioning(req, body, &w->versioning)) != 0)
		return rc;
	if (w->display_name && strlen(w->display_name) >= sizeof(((struct workspace_row *)0)->display_name))
		return request_fail(req, ERR_INVALID, NULL, "displayName: at most 255 bytes.");
	if (w->display_name && !workspace_display_name_valid(w->display_name))
		return request_fail(req, ERR_INVALID, NULL, "displayName: expected no control characters.");
	if (!w->owner)
		return 0;
	if ((rc = admin_find_user(req, w->owner, &owner)) == 0)
		w->owner_id = owner.id;
	return rc;
}

static int
add_workspace(struct request *req, struct json_out *j, const struct workspace_row *w)
{
	struct principal owner;
	int rc = principal_get(req->daemon->store, w->owner_id, &owner);

	if (rc && rc != ERR_NOTFOUND)
		return rc;
	json_object_begin(j);
	admin_put_id(j, "workspaceId", ID_WORKSPACE, w->id);
	json_key_str(j, "name", w->name);
	json_key_str(j, "displayName", w->display_name);
	json_key_str(j, "owner", rc ? NULL : owner.name);
	admin_put_id(j, "rootFolderId", ID_FOLDER, w->root_folder_id);
	json_key_uint(j, "quotaBytes", w->quota_bytes);
	json_key_int(j, "historyMs", w->history_ms);
	json_key_str(j, "versioning", versioning_names[w->versioning]);
	json_key_int(j, "objects", w->objects);
	json_key_int(j, "bytes", w->bytes);
	json_key_int(j, "noncurrentBytes", w->noncurrent_bytes);
	json_key_int(j, "uploadBytes", w->upload_bytes);
	json_key_int(j, "historyBytes", w->history_bytes);
	json_key_int(j, "sequence", w->sequence);
	admin_put_time(j, "createdAt", w->created_at);
	json_object_end(j);
	return 0;
}

static int
reply_workspace(struct request *req, int status, int64_t id)
{
	struct workspace_row row;
	struct json_out j;
	int rc = workspace_get(req->daemon->store, id, &row);

	if (rc)
		return rc;
	admin_reply(req, status, &j);
	return add_workspace(req, &j, &row);
}

int
admin_workspace_list(struct request *req)
{
	const char *after = uri_value(&req->uri, "after");
	struct workspace_row *rows = NULL;
	struct json_out j;
	unsigned limit, n = 0;
	int rc;

	if ((rc = admin_limit(req, &limit)) != 0)
		return rc;
	if (!(rows = calloc(limit + 1, sizeof(*rows))))
		return ERR_NOMEM;
	if ((rc = workspace_list(req->daemon->store, after ? after : "", rows, limit + 1, &n)) != 0)
		goto out;
	admin_reply(req, 200, &j);
	json_object_begin(&j);
	json_key(&j, "workspaces");
	json_array_begin(&j);
	for (unsigned i = 0; i < n && i < limit && !rc; i++)
		rc = add_workspace(req, &j, &rows[i]);
	json_array_end(&j);
	json_key_str(&j, "next", n > limit ? rows[limit - 1].name : NULL);
	json_object_end(&j);
out:
	free(rows);
	return rc;
}

static int
create(struct request *req, const struct wishes *w)
{
	struct workspace_row row = { .owner_id = w->owner_id >= 0 ? w->owner_id : req->who.who.id };
	const char *why = "it is missing";
	int rc;

	if (!w->name || workspace_name_check(w->name, &why) != 0)
		return request_fail(req, ERR_INVALID, "invalid_name", "name: %s.", why);
	memcpy(row.name, w->name, strlen(w->name) + 1);
	if (w->display_name)
		memcpy(row.display_name, w->display_name, strlen(w->display_name) + 1);
	row.quota_bytes = w->quota_bytes > 0 ? (uint64_t)w->quota_bytes : 0;
	row.history_ms = w->history_ms >= 0 ? w->history_ms : HISTORY_DEFAULT_MS;
	row.versioning = w->versioning >= 0 ? w->versioning : VERSIONING_NEVER;
	rc = workspace_create(req->daemon->store, &row, request_actor(req));
	if (rc == ERR_EXISTS)
		return request_fail(req, rc, NULL, "There is a workspace \"%s\" already.", w->name);
	return rc ? rc : reply_workspace(req, 201, row.id);
}

int
admin_workspace_create(struct request *req)
{
	struct json *body = NULL;
	struct wishes w;
	int rc;

	if ((rc = admin_body(req, fields, &body)) == 0 && (rc = get_wishes(req, body, &w)) == 0)
		rc = create(req, &w);
	json_free(body);
	return rc;
}

int
admin_workspace_show(struct request *req)
{
	struct workspace_row row;
	int rc = admin_path_workspace(req, 0, &row);

	return rc ? rc : reply_workspace(req, 200, row.id);
}

int
admin_workspace_change(struct request *req)
{
	struct workspace_set set = WORKSPACE_SET_NONE;
	struct json *body = NULL;
	struct workspace_row row;
	struct wishes w;
	int rc;

	if ((rc = admin_path_workspace(req, 0, &row)) != 0 || (rc = admin_body(req, fields + 1, &body)) != 0)
		return rc;
	if ((rc = get_wishes(req, body, &w)) != 0)
		goto out;
	set.quota_bytes = w.quota_bytes;
	set.history_ms = w.history_ms;
	set.versioning = w.versioning;
	set.display_name = w.display_name;
	set.owner_id = w.owner_id;
	if ((rc = workspace_set(req->daemon->store, row.id, &set, request_actor(req))) == 0)
		rc = reply_workspace(req, 200, row.id);
out:
	json_free(body);
	return rc;
}

int
admin_workspace_delete(struct request *req)
{
	struct workspace_row row;
	int rc;

	if ((rc = admin_path_workspace(req, 0, &row)) != 0)
		return rc;
	rc = workspace_delete(req->daemon->store, row.id, request_actor(req));
	if (rc == ERR_NOTEMPTY)
		return request_fail(req, rc, NULL, "\"%s\" is not empty: delete its objects and versions first.", row.name);
	if (rc == 0)
		req->http->reply.status = 204;
	return rc;
}
