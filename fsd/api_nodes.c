#include <string.h>

#include "admin.h"
#include "api_nodes.h"
#include "daemon.h"
#include "err.h"

void
api_nodes_show_path(const struct node *n, const struct node_hidden *hidden, struct api_node_extra *extra)
{
	size_t cut = hidden->len < n->path.len ? hidden->len : n->path.len;

	extra->path = (struct slice) { n->path.data ? n->path.data + cut : "", n->path.len - cut };
	extra->top = n->id == hidden->top;
}

int
api_nodes_render(void *arg, struct buf *reply)
{
	struct api_result *r = arg;
	struct node *n = &r->node;
	struct api_node_extra extra = { 0 };
	struct json_out j;

	api_nodes_show_path(n, &r->hidden, &extra);
	n->sequence = *r->sequence;
	json_out_init(&j, reply, false);
	json_object_begin(&j);
	api_put_node(&j, n, &extra);
	json_object_end(&j);
	return buf_finish(reply);
}

int
api_nodes_show(struct request *req, enum node_kind kind)
{
	struct api_result r = API_RESULT_INIT;
	struct json_out j;
	int rc;

	if ((rc = api_path_node(req, 0, ACTION_READ, kind, &r.node)) == 0 &&
	    (rc = api_min_sequence(req, r.node.workspace)) == 0 &&
	    (rc = node_hidden(req->daemon->store, &req->who.who, &r.node, &r.hidden)) == 0) {
		r.sequence = &r.node.sequence;
		admin_reply(req, 200, &j);
		rc = api_nodes_render(&r, &req->http->reply.body);
	}
	node_release(&r.node);
	return rc;
}

int
api_nodes_hidden(struct request *req, const struct node *folder, struct node_hidden *hidden)
{
	return node_hidden(req->daemon->store, &req->who.who, folder, hidden);
}

int
api_nodes_place(struct request *req, const struct json *body, int64_t workspace, const char **name, struct node *parent)
{
	const struct json *member = json_get(body, "parentFolderId");
	int64_t said;
	int rc;

	*name = NULL;
	parent->id = 0;
	if ((rc = api_get_id(req, body, "workspaceId", ID_WORKSPACE, &said)) != 0)
		return rc;
	if (said && said != workspace)
		return request_fail(req, ERR_INVALID, NULL, "workspaceId: it is in another workspace.");
	if ((rc = admin_get_str(req, body, "name", name)) != 0 || (*name && (rc = api_check_name(req, *name)) != 0))
		return rc;
	if (!member || json_kind(member) == JSON_IS_NULL)
		return 0;
	if ((rc = api_parent(req, body, "parentFolderId", workspace, parent)) == 0 && parent->workspace != workspace)
		rc = request_fail(req, ERR_INVALID, NULL, "parentFolderId: it is in another workspace.");
	return rc;
}

int
api_nodes_may_move(struct request *req, const struct node *n)
{
	struct node folder = NODE_INIT;
	int rc = 0;

	if (n->parent)
		rc = node_find(req->daemon->store, &req->who.who, ACTION_WRITE, NODE_FOLDER, n->parent, &folder);
	node_release(&folder);
	if (rc != ERR_NOTFOUND && rc != ERR_DENIED)
		return rc;
	return request_fail(req, ERR_DENIED, NULL, "What a thing is called and where it is belongs to its folder, and your role "
	    "does not reach that.");
}

int
api_nodes_fail(struct request *req, int rc, int64_t existing, enum node_kind kind, int64_t current)
{
	struct json_out j;
	char id[ID_TEXT];

	switch (rc) {
	case ERR_EXISTS:
		if (!existing)
			return request_fail(req, rc, NULL, API_VERSIONS_KEPT);
		id_format(kind == NODE_FOLDER ? ID_FOLDER : ID_FILE, existing, id);
		json_key_str(api_error_more(req, &j), "existingId", id);
		return request_fail(req, rc, NULL, "Something has this name in the folder already.");
	case ERR_PRECONDITION:
		id_format(ID_VERSION, current, id);
		json_key_str(api_error_more(req, &j), "currentVersionId", current ? id : NULL);
		return api_fail(req, rc, 409, "version_conflict", "Another version is current.");
	case ERR_CONFLICT:
		return api_fail(req, rc, 409, "would_cycle", "A folder can't be moved below itself.");
	case ERR_TOOBIG:
		return request_fail(req, rc, NULL, "It would be too deep in the tree, or too much for one call.");
	case ERR_NOTFOUND:
		return request_fail(req, rc, NULL, "It is not there, or the folder is not.");
	default:
		return rc;
	}
}
