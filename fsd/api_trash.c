#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "api_calls.h"
#include "api_nodes.h"
#include "daemon.h"
#include "err.h"

/* The trash: what is in it, and out of it again. */

/* ---- GET /v1/trash?workspaceId=&limit=&after= ---- */

struct listing {
	struct json_out j;
	int64_t workspace, last_us, last_id;
};

static void
add_gone(void *arg, const struct tree_gone *g)
{
	struct listing *l = arg;
	bool file = g->kind == NODE_FILE;

	json_object_begin(&l->j);
	admin_put_id(&l->j, "id", file ? ID_FILE : ID_FOLDER, g->id);
	json_key_str(&l->j, "kind", file ? "file" : "folder");
	admin_put_id(&l->j, "workspaceId", ID_WORKSPACE, l->workspace);
	admin_put_id(&l->j, "parentFolderId", ID_FOLDER, g->parent);
	api_put_name(&l->j, g->name, false);
	if (file) {
		admin_put_id(&l->j, "versionId", ID_VERSION, g->version);
		api_put_hash(&l->j, g->has_hash ? g->hash : NULL);
	} else {
		json_key_int(&l->j, "files", g->files);
	}
	json_key_int(&l->j, "sizeBytes", g->bytes);
	admin_put_time(&l->j, "deletedAt", g->deleted_us);
	admin_put_id(&l->j, "deletedBy", ID_USER, g->deleted_by);
	admin_put_time(&l->j, "expiresAt", g->expires_us);
	json_object_end(&l->j);
	l->last_us = g->deleted_us;
	l->last_id = g->id;
}

/* Where the last page ended: "MICROSECONDS.ID". */
static int
read_after(struct request *req, struct tree_trash *q)
{
	const char *after = uri_value(&req->uri, "after"), *dot = after ? strchr(after, '.') : NULL;
	uint64_t us, id;

	if (!after)
		return 0;
	if (!dot || parse_u64(after, (size_t)(dot - after), &us) != 0 || parse_u64(dot + 1, strlen(dot + 1), &id) != 0 ||
	    us > INT64_MAX || id > INT64_MAX)
		return request_fail(req, ERR_INVALID, NULL, "after: give the \"next\" of a page as it was.");
	q->after_us = (int64_t)us;
	q->after_id = (int64_t)id;
	return 0;
}

int
api_trash(struct request *req)
{
	struct tree_trash q = { 0 };
	struct workspace_row row;
	struct listing l = { 0 };
	char next[48];
	int rc;

	if ((rc = api_query_workspace(req, ACTION_LIST, false, &row)) != 0 || (rc = api_min_sequence(req, row.id)) != 0 ||
	    (rc = admin_limit(req, &q.limit)) != 0 || (rc = read_after(req, &q)) != 0)
		return rc;
	q.workspace = l.workspace = row.id;
	admin_reply(req, 200, &l.j);
	json_object_begin(&l.j);
	json_key(&l.j, "entries");
	json_array_begin(&l.j);
	if ((rc = tree_trash(req->daemon->store, &q, add_gone, &l)) != 0)
		return rc;
	json_array_end(&l.j);
	snprintf(next, sizeof(next), "%lld.%lld", (long long)l.last_us, (long long)l.last_id);
	json_key_str(&l.j, "next", q.more ? next : NULL);
	json_object_end(&l.j);
	return buf_finish(&req->http->reply.body);
}

/* ---- POST /v1/files/{id}:undelete, /v1/folders/{id}:undelete {parentFolderId?, name?} ---- */

/* The right to write where it was; where that is gone too, in all of the workspace. */
static int
may_undelete(struct request *req, const struct tree_gone *gone, int64_t workspace, struct node_hidden *hidden)
{
	struct node parent = NODE_INIT;
	struct workspace_row row;
	int rc = node_find(req->daemon->store, &req->who.who, ACTION_WRITE, NODE_FOLDER, gone->parent, &parent);

	if (rc == 0)
		rc = api_nodes_hidden(req, &parent, hidden);
	else if (rc == ERR_NOTFOUND)
		rc = api_workspace(req, workspace, ACTION_WRITE, false, &row) ? ERR_NOTFOUND : 0;
	node_release(&parent);
	return rc;
}

static int
undelete(struct request *req, enum node_kind kind, const struct json *body, struct idem *idem)
{
	struct tree_undelete u = { .kind = kind };
	struct buf old_name = BUF_INIT(LIMIT_KEY_STORED);
	struct api_result r = API_RESULT_INIT;
	struct node parent = NODE_INIT;
	struct tree_gone gone;
	const char *name;
	int rc;

	if ((rc = api_path_id(req, 0, kind == NODE_FILE ? ID_FILE : ID_FOLDER, &u.id)) != 0)
		goto out;
	if ((rc = tree_trash_get(req->daemon->store, kind, u.id, &gone, &u.workspace, &old_name)) == 0)
		rc = may_undelete(req, &gone, u.workspace, &r.hidden);
	if (rc) {
		rc = rc == ERR_NOTFOUND ? request_fail(req, rc, "not_found", "There is no such thing in the trash.") : rc;
		goto out;
	}
	if ((rc = api_nodes_place(req, body, u.workspace, &name, &parent)) != 0 || (rc = api_actor(req, &u.actor)) != 0 ||
	    (parent.id && (rc = api_nodes_hidden(req, &parent, &r.hidden)) != 0))
		goto out;
	u.parent = parent.id;
	u.name = (struct slice) { name, name ? strlen(name) : 0 };
	u.node = &r.node;
	r.sequence = &u.sequence;
	idem->render = api_nodes_render;
	idem->arg = &r;
	idem->status = 200;
	rc = tree_undelete(req->daemon->store, &u, idem);
	if (rc == ERR_EXISTS && u.existing == u.id)
		rc = request_fail(req, rc, NULL, "It is not deleted.");
	rc = rc ? api_nodes_fail(req, rc, u.existing, u.existing_kind, 0) : 0;
out:
	buf_release(&old_name);
	node_release(&parent);
	node_release(&r.node);
	return rc;
}

static int
undelete_call(struct request *req, enum node_kind kind)
{
	static const char *const fields[] = { "name", "parentFolderId", "workspaceId", "clientMutationId", "deviceId", NULL };
	struct idem idem = IDEM_INIT;
	struct json *body = NULL;
	int rc;

	if ((rc = admin_body(req, fields, &body)) == 0 && (rc = api_idem_begin(req, body, &idem)) == 0 && !idem.replayed)
		rc = undelete(req, kind, body, &idem);
	rc = api_idem_reply(req, rc, &idem);
	json_free(body);
	return rc;
}

int
api_file_undelete(struct request *req)
{
	return undelete_call(req, NODE_FILE);
}

int
api_folder_undelete(struct request *req)
{
	return undelete_call(req, NODE_FOLDER);
}
