#include <string.h>

#include "admin.h"
#include "api_calls.h"
#include "api_nodes.h"
#include "daemon.h"
#include "err.h"

/* Files: /v1/files/{id}, but for their bytes. */

/* ---- GET ---- */

int
api_file_show(struct request *req)
{
	return api_nodes_show(req, NODE_FILE);
}

/* ---- PATCH {name?, parentFolderId?, mtime?, mode?, baseVersionId?} ---- */

static int
change(struct request *req, const struct json *body, struct idem *idem)
{
	struct node file = NODE_INIT, parent = NODE_INIT;
	struct buf attributes = BUF_INIT(4096);
	struct tree_change c = { .kind = NODE_FILE };
	struct api_result r = API_RESULT_INIT;
	const char *name;
	int rc;

	if ((rc = api_path_node(req, 0, ACTION_WRITE, NODE_FILE, &file)) != 0 ||
	    (rc = api_nodes_place(req, body, file.workspace, &name, &parent)) != 0 ||
	    ((name || parent.id) && (rc = api_nodes_may_move(req, &file)) != 0) ||
	    (rc = api_get_id(req, body, "baseVersionId", ID_VERSION, &c.base)) != 0 ||
	    (rc = api_get_attributes(req, body, NULL, &attributes)) != 0 || (rc = api_actor(req, &c.actor)) != 0 ||
	    (rc = api_nodes_hidden(req, parent.id ? &parent : &file, &r.hidden)) != 0)
		goto out;
	c.workspace = file.workspace;
	c.id = file.id;
	c.parent = parent.id;
	c.name = (struct slice) { name, name ? strlen(name) : 0 };
	c.attributes = attributes.len ? &attributes : NULL;
	c.node = &r.node;
	r.sequence = &c.sequence;
	idem->render = api_nodes_render;
	idem->arg = &r;
	idem->status = 200;
	rc = tree_change(req->daemon->store, &c, idem);
	rc = rc ? api_nodes_fail(req, rc, c.existing, c.existing_kind, c.current) : 0;
out:
	node_release(&file);
	node_release(&parent);
	node_release(&r.node);
	buf_release(&attributes);
	return rc;
}

int
api_file_change(struct request *req)
{
	static const char *const fields[] = { "name", "parentFolderId", "workspaceId", "mtime", "mode", "baseVersionId",
		"clientMutationId", "deviceId", NULL };

	return api_idem_run(req, fields, change);
}

/* ---- DELETE ?baseVersionId= ---- */

static int
render_sequence(void *arg, struct buf *reply)
{
	const struct tree_delete *d = arg;

	buf_addf(reply, "{\"sequence\":%lld}", (long long)d->sequence);
	return buf_finish(reply);
}

static int
delete(struct request *req, struct idem *idem)
{
	struct tree_delete d = { .kind = NODE_FILE };
	struct node file = NODE_INIT;
	int rc;

	if ((rc = api_path_node(req, 0, ACTION_WRITE, NODE_FILE, &file)) == 0 &&
	    (rc = api_query_id(req, "baseVersionId", ID_VERSION, &d.base)) == 0 && (rc = api_actor(req, &d.actor)) == 0) {
		d.workspace = file.workspace;
		d.id = file.id;
		idem->render = render_sequence;
		idem->arg = &d;
		idem->status = 200;
		rc = tree_delete(req->daemon->store, &d, idem);
		rc = rc ? api_nodes_fail(req, rc, 0, NODE_FILE, d.current) : 0;
	}
	node_release(&file);
	return rc;
}

int
api_file_delete(struct request *req)
{
	struct idem idem = IDEM_INIT;
	int rc = api_idem_begin(req, NULL, &idem);

	if (rc == 0 && !idem.replayed)
		rc = delete(req, &idem);
	return api_idem_reply(req, rc, &idem);
}

/* ---- POST :restore {versionId, baseVersionId?} ---- */

struct restoring {
	struct request *req;
	struct tree_restore r;
};

static int
render_restored(void *arg, struct buf *reply)
{
	struct restoring *x = arg;
	struct cursor cursor = { .workspace = x->r.workspace, .principal = x->req->who.who.id, .sequence = x->r.before };
	struct json_out j;

	json_out_init(&j, reply, false);
	json_object_begin(&j);
	admin_put_id(&j, "fileId", ID_FILE, x->r.file);
	admin_put_id(&j, "versionId", ID_VERSION, x->r.result);
	json_key_int(&j, "sequence", x->r.sequence);
	api_put_cursor(x->req, &j, "syncCursor", &cursor);
	if (x->r.unchanged)
		json_key_bool(&j, "unchanged", true);
	json_object_end(&j);
	return buf_finish(reply);
}

static int
restore(struct request *req, const struct json *body, struct idem *idem)
{
	struct restoring x = { .req = req };
	struct node file = NODE_INIT;
	int rc;

	if ((rc = api_path_node(req, 0, ACTION_WRITE, NODE_FILE, &file)) == 0 &&
	    (rc = api_get_id(req, body, "versionId", ID_VERSION, &x.r.version)) == 0 &&
	    (rc = api_get_id(req, body, "baseVersionId", ID_VERSION, &x.r.base)) == 0 &&
	    (rc = api_actor(req, &x.r.actor)) == 0 && !x.r.version)
		rc = request_fail(req, ERR_INVALID, NULL, "versionId: missing.");
	if (rc == 0) {
		x.r.workspace = file.workspace;
		x.r.file = file.id;
		idem->render = render_restored;
		idem->arg = &x;
		idem->status = 200;
		rc = tree_restore(req->daemon->store, &x.r, idem);
		rc = rc ? api_nodes_fail(req, rc, x.r.existing, x.r.existing_kind, x.r.current) : 0;
	}
	node_release(&file);
	return rc;
}

int
api_file_restore(struct request *req)
{
	static const char *const fields[] = { "versionId", "baseVersionId", "clientMutationId", "deviceId", NULL };

	return api_idem_run(req, fields, restore);
}

/* ---- GET versions?limit=&after=, also of a file that is gone ---- */

struct listing {
	struct json_out j;
	int64_t last;
};

static void
add_version(void *arg, const struct tree_version *v)
{
	static const char *const kept[] = { "current", "noncurrent", "history" };
	struct listing *l = arg;

	json_object_begin(&l->j);
	admin_put_id(&l->j, "versionId", ID_VERSION, v->id);
	admin_put_id(&l->j, "baseVersionId", ID_VERSION, v->base);
	json_key_uint(&l->j, "sizeBytes", v->size);
	api_put_hash(&l->j, v->has_hash ? v->hash : NULL);
	admin_put_time(&l->j, "createdAt", v->created_us);
	admin_put_id(&l->j, "createdBy", ID_USER, v->created_by);
	json_key_bool(&l->j, "current", v->current);
	json_key_bool(&l->j, "deleteMarker", v->marker);
	json_key_str(&l->j, "keep", v->keep >= 0 && v->keep < 3 ? kept[v->keep] : NULL);
	json_object_end(&l->j);
	l->last = v->id;
}

static int
list(struct request *req, const struct node *file)
{
	struct listing l = { 0 };
	int64_t before = 0;
	unsigned limit;
	bool more;
	int rc;

	if ((rc = admin_limit(req, &limit)) != 0 || (rc = api_query_id(req, "after", ID_VERSION, &before)) != 0)
		return rc;
	admin_reply(req, 200, &l.j);
	json_object_begin(&l.j);
	json_key(&l.j, "versions");
	json_array_begin(&l.j);
	if ((rc = tree_versions(req->daemon->store, file->workspace, file->id, before, limit, add_version, &l, &more)) != 0)
		return rc;
	json_array_end(&l.j);
	admin_put_id(&l.j, "next", ID_VERSION, more ? l.last : 0);
	json_object_end(&l.j);
	return buf_finish(&req->http->reply.body);
}

int
api_file_versions(struct request *req)
{
	struct node file = NODE_INIT;
	int64_t id;
	int rc;

	if ((rc = api_path_id(req, 0, ID_FILE, &id)) == 0 && (rc = api_past_file(req, id, &file)) == 0 &&
	    (rc = api_min_sequence(req, file.workspace)) == 0)
		rc = list(req, &file);
	node_release(&file);
	return rc;
}
