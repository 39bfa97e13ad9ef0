#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "daemon.h"
#include "err.h"
#include "share.h"

/*
 * /v1/admin/workspaces/{name}/grants: who may do what, where. `path` "" is all of it, ending in "/" a folder, else a file. What is
 * in the trash is named by its id. */
#define SHOWN 10000

/* What is destroyed and has no path any more must not look like the workspace itself. */
void
admin_put_granted(struct json_out *j, const struct grant *g)
{
	static const enum id_kind kinds[] = { [SHARE_WORKSPACE] = ID_WORKSPACE, [SHARE_FOLDER] = ID_FOLDER,
		[SHARE_FILE] = ID_FILE };

	admin_put_id(j, "id", kinds[g->resource_kind], g->resource);
	json_key_str(j, "path", g->in_trash && !*g->path ? NULL : g->path);
	json_key_bool(j, "inTrash", g->in_trash);
}

int
admin_grant_list(struct request *req)
{
	struct grant *list = NULL;
	struct workspace_row row;
	struct json_out j;
	unsigned n = 0;
	int rc;

	if ((rc = admin_path_workspace(req, 0, &row)) != 0)
		return rc;
	if (!(list = calloc(SHOWN, sizeof(*list))))
		return ERR_NOMEM;
	if ((rc = grant_list(req->daemon->store, row.id, list, SHOWN, &n)) != 0)
		goto out;
	admin_reply(req, 200, &j);
	json_object_begin(&j);
	json_key(&j, "grants");
	json_array_begin(&j);
	for (unsigned i = 0; i < n; i++) {
		json_object_begin(&j);
		json_key_str(&j, "workspace", row.name);
		admin_put_granted(&j, &list[i]);
		json_key_str(&j, "user", list[i].principal_name);
		json_key_str(&j, "role", role_name(list[i].role));
		admin_put_time(&j, "createdAt", list[i].created_us);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_key_str(&j, "next", NULL);
	json_object_end(&j);
out:
	free(list);
	return rc;
}

static int
add(struct request *req, const struct workspace_row *row, const char *path, const char *user, const char *role)
{
	struct principal p;
	enum role r;
	struct json_out j;
	int rc;

	if (role_parse(role, &r) != 0 || r == ROLE_NONE)
		return request_fail(req, ERR_INVALID, NULL, "role: expected \"owner\", \"editor\" or \"viewer\".");
	if ((rc = admin_find_user(req, user, &p)) != 0)
		return rc;
	rc = grant_add(req->daemon->store, row->id, SLICE(path), p.id, r, request_actor(req));
	if (rc == ERR_NOTFOUND)
		return request_fail(req, rc, NULL, "There is no file \"%.150s\"; the path of a folder ends in \"/\".", path);
	if (rc)
		return rc;
	admin_reply(req, 201, &j);
	json_object_begin(&j);
	json_key_str(&j, "workspace", row->name);
	json_key_str(&j, "path", path);
	json_key_str(&j, "user", p.name);
	json_key_str(&j, "role", role_name(r));
	json_object_end(&j);
	return 0;
}

int
admin_grant_add(struct request *req)
{
	static const char *const fields[] = { "path", "user", "role", NULL };
	const char *path = "", *user = NULL, *role = NULL;
	struct json *body = NULL;
	struct workspace_row row;
	int rc;

	if ((rc = admin_path_workspace(req, 0, &row)) != 0 || (rc = admin_body(req, fields, &body)) != 0)
		return rc;
	if ((rc = admin_get_str(req, body, "path", &path)) == 0 &&
	    (rc = admin_get_str(req, body, "user", &user)) == 0 &&
	    (rc = admin_get_str(req, body, "role", &role)) == 0)
		rc = add(req, &row, path, user ? user : "", role ? role : "");
	json_free(body);
	return rc;
}

/* A file or folder of the workspace, wherever it is. */
static int
remove_by_id(struct request *req, const struct workspace_row *row, const char *id, int64_t principal)
{
	struct share s = { .workspace = row->id, .kind = SHARE_FILE, .principal = principal, .actor = request_actor(req) };

	if (id_parse(ID_FILE, id, &s.id) != 0) {
		s.kind = SHARE_FOLDER;
		if (id_parse(ID_FOLDER, id, &s.id) != 0)
			return request_fail(req, ERR_INVALID, NULL, "id: \"%.64s\" is no id of a file or folder.", id);
	}
	return share_take(req->daemon->store, &s, NULL);
}

int
admin_grant_remove(struct request *req)
{
	const char *path = uri_value(&req->uri, "path"), *user = uri_value(&req->uri, "user"), *id = uri_value(&req->uri, "id");
	struct workspace_row row;
	struct principal p;
	int rc;

	if (!user)
		return request_fail(req, ERR_INVALID, NULL, "user: missing.");
	if (id && path)
		return request_fail(req, ERR_INVALID, NULL, "id: give it or path.");
	path = path ? path : "";
	if ((rc = admin_path_workspace(req, 0, &row)) != 0 || (rc = admin_find_user(req, user, &p)) != 0)
		return rc;
	rc = id ? remove_by_id(req, &row, id, p.id) :
		  grant_remove(req->daemon->store, row.id, SLICE(path), p.id, request_actor(req));
	if (rc)
		return rc == ERR_NOTFOUND ? request_fail(req, rc, NULL, "The user has no grant on \"%.150s\".", id ? id : path) : rc;
	req->http->reply.status = 204;
	return 0;
}
