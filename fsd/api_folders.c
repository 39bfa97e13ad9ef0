#include <string.h>

#include "admin.h"
#include "api_calls.h"
#include "api_nodes.h"
#include "daemon.h"
#include "err.h"

/* Folders: /v1/folders. */

/* ---- POST /v1/folders {workspaceId, parentFolderId, name} ---- */

static int
make(struct request *req, const struct json *body, struct idem *idem)
{
	struct tree_make m = { 0 };
	struct api_result r = API_RESULT_INIT;
	struct node parent = NODE_INIT;
	const char *name = NULL;
	int rc;

	if ((rc = admin_get_str(req, body, "name", &name)) != 0)
		goto out;
	if ((rc = api_check_name(req, name ? name : "")) != 0 ||
	    (rc = api_parent(req, body, "parentFolderId", 0, &parent)) != 0 ||
	    (rc = api_actor(req, &m.actor)) != 0 || (rc = api_nodes_hidden(req, &parent, &r.hidden)) != 0)
		goto out;
	m.workspace = parent.workspace;
	m.parent = parent.id;
	m.name = SLICE(name);
	m.node = &r.node;
	r.sequence = &m.sequence;
	idem->render = api_nodes_render;
	idem->arg = &r;
	idem->status = 201;
	rc = tree_make(req->daemon->store, &m, idem);
	rc = rc ? api_nodes_fail(req, rc, m.existing, m.existing_kind, 0) : 0;
out:
	node_release(&r.node);
	node_release(&parent);
	return rc;
}

int
api_folder_make(struct request *req)
{
	static const char *const fields[] = { "workspaceId", "parentFolderId", "name", "clientMutationId", "deviceId", NULL };

	return api_idem_run(req, fields, make);
}

/* ---- GET /v1/folders/{id} ---- */

int
api_folder_show(struct request *req)
{
	return api_nodes_show(req, NODE_FOLDER);
}

/* ---- GET /v1/folders/{id}/children?after=&limit=&prefix= ---- */

struct listing {
	struct json_out j;
	struct buf path;		/* the folder's, as it is shown */
	size_t len;
};

static void
add_child(void *arg, const struct tree_child *child)
{
	struct listing *l = arg;
	struct api_node_extra extra = { .collides = child->collides, .ncollides = child->ncollides };

	l->path.len = l->len;
	buf_add(&l->path, child->node->name.data, child->node->name.len);
	extra.path = (struct slice) { l->path.data ? l->path.data : "", l->path.len };
	json_object_begin(&l->j);
	api_put_node(&l->j, child->node, &extra);
	json_object_end(&l->j);
}

/* The beginning of the paths of what is in the folder. */
static int
begin_path(struct request *req, const struct node *folder, struct listing *l)
{
	struct node_hidden hidden;
	int rc = api_nodes_hidden(req, folder, &hidden);

	if (rc)
		return rc;
	if (folder->path.len > hidden.len) {
		buf_add(&l->path, folder->path.data + hidden.len, folder->path.len - hidden.len);
		buf_addch(&l->path, '/');
	}
	l->len = l->path.len;
	return buf_finish(&l->path);
}

static int
list(struct request *req, const struct node *folder, struct listing *l, struct tree_children *q)
{
	const char *after = uri_value(&req->uri, "after"), *prefix = uri_value(&req->uri, "prefix");
	int rc;

	q->workspace = folder->workspace;
	q->folder = folder->id;
	q->after = SLICE(after ? after : "");
	q->prefix = SLICE(prefix ? prefix : "");
	if ((rc = admin_limit(req, &q->limit)) != 0 || (rc = begin_path(req, folder, l)) != 0)
		return rc;
	admin_reply(req, 200, &l->j);
	json_object_begin(&l->j);
	json_key(&l->j, "entries");
	json_array_begin(&l->j);
	if ((rc = tree_children(req->daemon->store, q, add_child, l)) != 0 || (rc = buf_finish(&l->path)) != 0)
		return rc;
	json_array_end(&l->j);
	json_key(&l->j, "next");
	if (q->next.len)
		json_bytes(&l->j, q->next.data, q->next.len);
	else
		json_null_value(&l->j);
	json_key_int(&l->j, "sequence", q->sequence);
	json_object_end(&l->j);
	return buf_finish(&req->http->reply.body);
}

int
api_folder_children(struct request *req)
{
	struct tree_children q = TREE_CHILDREN_INIT;
	struct listing l = { .path = BUF_INIT(LIMIT_KEY_STORED * 2) };
	struct node folder = NODE_INIT;
	int rc;

	if ((rc = api_path_node(req, 0, ACTION_LIST, NODE_FOLDER, &folder)) == 0 &&
	    (rc = api_min_sequence(req, folder.workspace)) == 0)
		rc = list(req, &folder, &l, &q);
	buf_release(&q.next);
	buf_release(&l.path);
	node_release(&folder);
	return rc == ERR_NOTFOUND ? request_fail(req, rc, NULL, "There is no such folder.") : rc;
}

/* ---- PATCH /v1/folders/{id} {name?, parentFolderId?} ---- */

static int
change(struct request *req, const struct json *body, struct idem *idem)
{
	struct node folder = NODE_INIT, parent = NODE_INIT;
	struct tree_change c = { .kind = NODE_FOLDER };
	struct api_result r = API_RESULT_INIT;
	const char *name;
	int rc;

	if ((rc = api_path_node(req, 0, ACTION_WRITE, NODE_FOLDER, &folder)) != 0 ||
	    (rc = api_nodes_place(req, body, folder.workspace, &name, &parent)) != 0 ||
	    ((name || parent.id) && (rc = api_nodes_may_move(req, &folder)) != 0) ||
	    (rc = api_actor(req, &c.actor)) != 0 ||
	    (rc = api_nodes_hidden(req, parent.id ? &parent : &folder, &r.hidden)) != 0)
		goto out;
	c.workspace = folder.workspace;
	c.id = folder.id;
	c.parent = parent.id;
	c.name = (struct slice) { name, name ? strlen(name) : 0 };
	c.node = &r.node;
	r.sequence = &c.sequence;
	idem->render = api_nodes_render;
	idem->arg = &r;
	idem->status = 200;
	rc = tree_change(req->daemon->store, &c, idem);
	if (rc == ERR_INVALID)
		rc = request_fail(req, rc, NULL, "The root folder has no name and no place.");
	rc = rc ? api_nodes_fail(req, rc, c.existing, c.existing_kind, 0) : 0;
out:
	node_release(&folder);
	node_release(&parent);
	node_release(&r.node);
	return rc;
}

int
api_folder_change(struct request *req)
{
	static const char *const fields[] = { "name", "parentFolderId", "workspaceId", "clientMutationId", "deviceId", NULL };

	return api_idem_run(req, fields, change);
}

/* ---- DELETE /v1/folders/{id}?baseSequence=&recursive= ---- */

static int
render_deleted(void *arg, struct buf *reply)
{
	const struct tree_delete *d = arg;
	struct json_out j;

	json_out_init(&j, reply, false);
	json_object_begin(&j);
	json_key_int(&j, "sequence", d->sequence);
	json_key_int(&j, "deleted", d->deleted);
	json_key_int(&j, "kept", d->kept);
	json_object_end(&j);
	return buf_finish(reply);
}

static int
delete(struct request *req, struct idem *idem)
{
	const char *recursive = uri_value(&req->uri, "recursive");
	struct tree_delete d = { .kind = NODE_FOLDER };
	struct node folder = NODE_INIT;
	int rc;

	/* A condition that is misspelt must not be one that is left out. */
	if ((rc = api_path_node(req, 0, ACTION_WRITE, NODE_FOLDER, &folder)) != 0 ||
	    (rc = admin_query_int(req, "baseSequence", -1, INT64_MAX, &d.seen)) != 0 ||
	    (rc = api_actor(req, &d.actor)) != 0)
		goto out;
	if (recursive && strcmp(recursive, "true") != 0 && strcmp(recursive, "false") != 0) {
		rc = request_fail(req, ERR_INVALID, NULL, "recursive: expected true or false.");
		goto out;
	}
	d.workspace = folder.workspace;
	d.id = folder.id;
	d.seen_only = d.seen >= 0;
	d.empty_only = recursive && !strcmp(recursive, "false");
	idem->render = render_deleted;
	idem->arg = &d;
	idem->status = 200;
	rc = tree_delete(req->daemon->store, &d, idem);
	if (rc == ERR_INVALID)
		rc = request_fail(req, rc, NULL, "The root folder can't be deleted.");
	else if (rc == ERR_TOOBIG)
		rc = request_fail(req, rc, NULL, "More than %d files would go one by one: delete what is below first.",
		    TREE_PIECE);
	else if (rc && rc != ERR_NOTEMPTY)
		rc = api_nodes_fail(req, rc, 0, NODE_FOLDER, 0);
out:
	node_release(&folder);
	return rc;
}

int
api_folder_delete(struct request *req)
{
	struct idem idem = IDEM_INIT;
	int rc = api_idem_begin(req, NULL, &idem);

	if (rc == 0 && !idem.replayed)
		rc = delete(req, &idem);
	return api_idem_reply(req, rc, &idem);
}
