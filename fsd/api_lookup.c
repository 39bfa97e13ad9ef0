#include <string.h>

#include "admin.h"
#include "api_calls.h"
#include "api_nodes.h"
#include "daemon.h"
#include "err.h"

/*
 * GET /v1/lookup?workspaceId=&path=: a path, as it is shown to the caller, becomes a node. A path that ends in a slash means a folder; without, a file is
 * preferred.
 */
int
api_lookup(struct request *req)
{
	const char *path = uri_value(&req->uri, "path");
	struct api_node_extra extra = { 0 };
	struct node n = NODE_INIT;
	struct workspace_row row;
	enum node_kind kind = NODE_FILE;
	struct json_out j;
	struct node_hidden hidden;
	int64_t id = 0;
	int rc;

	if ((rc = api_query_workspace(req, ACTION_LIST, true, &row)) != 0 || (rc = api_min_sequence(req, row.id)) != 0)
		return rc;
	if (!path)
		return request_fail(req, ERR_INVALID, NULL, "path: missing.");
	if ((rc = node_lookup_shown(req->daemon->store, &req->who.who, row.id, SLICE(path), &kind, &id)) == 0)
		rc = api_node(req, ACTION_LIST, kind, id, &n);
	if (rc == 0)
		rc = api_nodes_hidden(req, &n, &hidden);
	if (rc == ERR_NOTFOUND)
		rc = request_fail(req, rc, NULL, "There is nothing at \"%.200s\".", path);
	if (rc == 0) {
		api_nodes_show_path(&n, &hidden, &extra);
		admin_reply(req, 200, &j);
		json_object_begin(&j);
		api_put_node(&j, &n, &extra);
		json_object_end(&j);
		rc = buf_finish(&req->http->reply.body);
	}
	node_release(&n);
	return rc;
}
