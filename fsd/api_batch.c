#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "api_calls.h"
#include "api_uploads.h"
#include "apply.h"
#include "daemon.h"
#include "device.h"
#include "err.h"

/*
 * POST /v1/files:commit-batch (SYNC 12). What is malformed refuses the whole request; what can't be done now is the operation's own error. Whoever may
 * write to the whole workspace needs no look at each node: the commit itself finds only nodes of this workspace.
 */
static const char *const fields[] = { "workspaceId", "atomic", "stagingIds", "operations", "clientMutationId", "deviceId", NULL };

#define CONTENT "chunks", "sizeBytes", "sha256", "contentType", "mtime", "mode", "onConflict"
static const struct verb {
	const char *name;
	enum apply_kind kind;
	const char *fields[16];
} verbs[] = {
	{ "create", APPLY_CREATE, { "op", "parentFolderId", "parentOp", "name", CONTENT, NULL } },
	{ "version", APPLY_VERSION, { "op", "fileId", "baseVersionId", CONTENT, NULL } },
	{ "move", APPLY_MOVE, { "op", "id", "parentFolderId", "parentOp", "name", NULL } },
	{ "delete", APPLY_DELETE, { "op", "id", "baseVersionId", "baseSequence", NULL } },
	{ "folder", APPLY_FOLDER, { "op", "parentFolderId", "parentOp", "name", NULL } },
};

/* Nodes of which it is known whether the caller may write to them. */
struct known {
	enum node_kind kind;
	int64_t id;
	int64_t parent;			/* the folder that it is in */
	int rc;
};

struct batch_call {
	struct request *req;
	struct apply a;
	struct buf *headers;		/* of each operation */
	int64_t root;
	bool whole;			/* the caller may write to all of the workspace */
	struct known *known;
	size_t nknown;
	int64_t staged[APPLY_STAGED];
	char label[128];
	struct idem *idem;
};

/* ---- rights ---- */

static int
look(struct batch_call *b, enum node_kind kind, int64_t id, int64_t *parent)
{
	struct node n = NODE_INIT;
	int rc = node_find(b->req->daemon->store, &b->req->who.who, ACTION_WRITE, kind, id, &n);

	if (rc == 0 && n.workspace != b->a.workspace)
		rc = ERR_NOTFOUND;
	*parent = n.parent;
	node_release(&n);
	return rc;
}

static const struct known *
know(struct batch_call *b, enum node_kind kind, int64_t id)
{
	struct known *k = b->known, *end = b->known + b->nknown;

	while (k < end && (k->id != id || k->kind != kind))
		k++;
	if (k == end) {
		*k = (struct known) { .kind = kind, .id = id };
		k->rc = look(b, kind, id, &k->parent);
		b->nknown++;
	}
	return k;
}

/* Notes a refusal in the operation; another failure is the request's. */
static int
permit(struct batch_call *b, struct apply_op *op, enum node_kind kind, int64_t id)
{
	const struct known *k;

	if (b->whole || op->rc)
		return 0;
	k = know(b, kind, id);
	if (k->rc == ERR_NOTFOUND || k->rc == ERR_DENIED)
		op->rc = k->rc;
	return op->rc ? 0 : k->rc;
}

/* Whether the folder that a node is in is the caller's to change too: names and places are the folder's. */
static int
permit_in_folder(struct batch_call *b, enum node_kind kind, int64_t id, bool *yes)
{
	int64_t parent;
	int rc = 0;

	if (!b->whole && (parent = know(b, kind, id)->parent) != 0)
		rc = know(b, NODE_FOLDER, parent)->rc;
	*yes = rc == 0;
	return rc == ERR_NOTFOUND || rc == ERR_DENIED ? 0 : rc;
}

/* ---- what the body says ---- */

static int
get_parent(struct batch_call *b, const struct json *j, size_t i, struct apply_op *op)
{
	const struct json *maker = json_get(j, "parentOp");
	struct request *req = b->req;
	const char *text = NULL;
	int64_t n = 0;
	int rc;

	op->parent_op = -1;
	if (maker) {
		if (json_get(j, "parentFolderId"))
			return request_fail(req, ERR_INVALID, NULL, "operations[%zu]: parentFolderId or parentOp.", i);
		if (json_as_int(maker, 0, APPLY_OPS, &n) != 0)
			return request_fail(req, ERR_INVALID, NULL, "%s", json_error(maker));
		if ((size_t)n >= i || b->a.ops[n].kind != APPLY_FOLDER)
			return request_fail(req, ERR_INVALID, NULL, "operations[%zu].parentOp: no earlier operation that makes a folder.", i);
		op->parent_op = (int)n;
		return 0;
	}
	if ((rc = admin_get_str(req, j, "parentFolderId", &text)) != 0)
		return rc;
	if (!text && op->kind == APPLY_MOVE)
		return 0;
	if (!text)
		return request_fail(req, ERR_INVALID, NULL, "operations[%zu].parentFolderId: missing.", i);
	op->parent = b->root;
	if (strcmp(text, "root") != 0 && (rc = api_get_id(req, j, "parentFolderId", ID_FOLDER, &op->parent)) != 0)
		return rc;
	return permit(b, op, NODE_FOLDER, op->parent);
}

static int
get_name(struct batch_call *b, const struct json *j, size_t i, struct apply_op *op)
{
	const char *name = NULL;
	int rc = admin_get_str(b->req, j, "name", &name);

	if (rc || (!name && op->kind == APPLY_MOVE))
		return rc;
	if (!name)
		return request_fail(b->req, ERR_INVALID, NULL, "operations[%zu].name: missing.", i);
	op->name = SLICE(name);
	if (api_name_reason(op->name) && !op->rc)
		op->rc = ERR_INVALID;
	return 0;
}

static int
get_content(struct batch_call *b, const struct json *j, size_t i, struct apply_op *op)
{
	size_t before = b->a.chunks.len / sizeof(struct manifest_chunk);
	struct request *req = b->req;
	int64_t size = -1;
	bool given;
	int rc;

	if ((rc = admin_get_int(req, j, "sizeBytes", INT64_MAX, &size)) != 0 ||
	    (rc = api_upload_get_hash(req, j, "sha256", op->hash, &op->has_hash)) != 0 ||
	    (rc = api_upload_get_conflict(req, j, &op->rename)) != 0 ||
	    (rc = api_get_attributes(req, j, NULL, &b->headers[i])) != 0 ||
	    (rc = api_upload_get_chunks(req, j, &b->a.chunks, &given)) != 0)
		return rc;
	if (!given || size < 0)
		return request_fail(req, ERR_INVALID, NULL, "operations[%zu].%s: missing.", i, given ? "sizeBytes" : "chunks");
	op->size = (uint64_t)size;
	op->chunk = before;
	op->chunks = b->a.chunks.len / sizeof(struct manifest_chunk) - before;
	op->headers = (struct slice) { b->headers[i].data ? b->headers[i].data : "", b->headers[i].len };
	return 0;
}

/* "id" of a move or deletion: a file's or a folder's. */
static int
get_node(struct batch_call *b, const struct json *j, size_t i, struct apply_op *op)
{
	const char *text = NULL;
	int rc = admin_get_str(b->req, j, "id", &text);

	if (rc)
		return rc;
	if (!text)
		return request_fail(b->req, ERR_INVALID, NULL, "operations[%zu].id: missing.", i);
	op->node = str_starts(text, "fld_") ? NODE_FOLDER : NODE_FILE;
	if ((rc = api_get_id(b->req, j, "id", op->node == NODE_FOLDER ? ID_FOLDER : ID_FILE, &op->id)) != 0)
		return rc;
	return permit(b, op, op->node, op->id);
}

static int
get_deletion(struct batch_call *b, const struct json *j, size_t i, struct apply_op *op)
{
	bool version = json_get(j, "baseVersionId") != NULL, sequence = json_get(j, "baseSequence") != NULL;
	int rc = get_node(b, j, i, op);

	if (rc)
		return rc;
	if (op->node == NODE_FOLDER ? version : sequence)
		return request_fail(b->req, ERR_INVALID, NULL, "operations[%zu].%s: not for a %s.", i,
		    version ? "baseVersionId" : "baseSequence", version ? "folder" : "file");
	if (op->node == NODE_FILE)
		return api_get_id(b->req, j, "baseVersionId", ID_VERSION, &op->base);
	if ((rc = admin_get_int(b->req, j, "baseSequence", INT64_MAX, &op->base)) == 0 && sequence && !op->base)
		rc = request_fail(b->req, ERR_INVALID, NULL, "operations[%zu].baseSequence: who has seen nothing has nothing to delete.", i);
	return rc;
}

static int
get_version(struct batch_call *b, const struct json *j, size_t i, struct apply_op *op)
{
	int rc;

	if ((rc = api_get_id(b->req, j, "fileId", ID_FILE, &op->id)) != 0 ||
	    (rc = api_get_id(b->req, j, "baseVersionId", ID_VERSION, &op->base)) != 0)
		return rc;
	if (!op->id)
		return request_fail(b->req, ERR_INVALID, NULL, "operations[%zu].fileId: missing.", i);
	return get_content(b, j, i, op);	/* the commit asks for the right, as the file may be deleted */
}

static int
get_moved(struct batch_call *b, const struct json *j, size_t i, struct apply_op *op)
{
	bool yes;
	int rc = get_node(b, j, i, op);

	if (rc || op->rc || (rc = permit_in_folder(b, op->node, op->id, &yes)) != 0)
		return rc;
	op->rc = yes ? 0 : ERR_DENIED;
	return 0;
}

static int
get_op(struct batch_call *b, const struct json *j, size_t i)
{
	struct apply_op *op = &b->a.ops[i];
	const struct verb *v = verbs, *end = verbs + sizeof(verbs) / sizeof(verbs[0]);
	const char *text = NULL;
	int rc;

	if (json_get_str(j, "op", &text) != 0)
		return request_fail(b->req, ERR_INVALID, NULL, "%s", json_error(j));
	while (v < end && strcmp(v->name, text) != 0)
		v++;
	if (v == end)
		return request_fail(b->req, ERR_INVALID, NULL, "operations[%zu].op: expected create, version, move, delete or folder.", i);
	if (json_only(j, v->fields) != 0)
		return request_fail(b->req, ERR_INVALID, NULL, "%s", json_error(j));
	op->kind = v->kind;
	op->parent_op = -1;
	if (op->kind == APPLY_VERSION)
		return get_version(b, j, i, op);
	if (op->kind == APPLY_DELETE)
		return get_deletion(b, j, i, op);
	if (op->kind == APPLY_MOVE && (rc = get_moved(b, j, i, op)) != 0)
		return rc;
	if ((rc = get_parent(b, j, i, op)) != 0 || (rc = get_name(b, j, i, op)) != 0)
		return rc;
	return op->kind == APPLY_CREATE ? get_content(b, j, i, op) : 0;
}

static int
get_staged(struct batch_call *b, const struct json *body)
{
	const struct json *list = NULL;
	const char *text;
	int rc = json_get_array(body, "stagingIds", &list);

	if (rc)
		return rc == ERR_NOTFOUND ? 0 : request_fail(b->req, rc, NULL, "%s", json_error(body));
	if (json_array_len(list) > APPLY_STAGED)
		return request_fail(b->req, ERR_TOOBIG, NULL, "stagingIds: at most %d.", APPLY_STAGED);
	for (const struct json *e = json_first(list); e; e = json_next(e))
		if (json_as_str(e, &text) != 0 || id_parse(ID_UPLOAD, text, &b->staged[b->a.nstaged++]) != 0)
			return request_fail(b->req, ERR_INVALID, NULL, "stagingIds: expected ids of uploads.");
	b->a.staged = b->staged;
	return 0;
}

static int
get_workspace(struct batch_call *b, const struct json *body)
{
	struct workspace_row row;
	enum role role = ROLE_NONE;
	int rc = api_get_id(b->req, body, "workspaceId", ID_WORKSPACE, &b->a.workspace);

	if (rc)
		return rc;
	if (!b->a.workspace)
		return request_fail(b->req, ERR_INVALID, NULL, "workspaceId: missing.");
	if ((rc = api_workspace(b->req, b->a.workspace, ACTION_READ, true, &row)) != 0 ||
	    (rc = perm_role(b->req->daemon->store, NULL, &b->req->who.who, row.id, &role)) != 0)
		return rc;
	b->root = row.root_folder_id;
	b->whole = perm_allows(role, ACTION_WRITE) == 0;
	return admin_get_bool(b->req, body, "atomic", &b->a.atomic);
}

static int
get_all(struct batch_call *b, const struct json *body)
{
	const struct json *list = NULL;
	size_t n, i = 0;
	int rc;

	if (json_get_array(body, "operations", &list) != 0)
		return request_fail(b->req, ERR_INVALID, NULL, "%s", json_error(body));
	n = json_array_len(list);
	if (n > APPLY_OPS)
		return request_fail(b->req, ERR_TOOBIG, NULL, "operations: at most %d.", APPLY_OPS);
	if ((rc = get_workspace(b, body)) != 0 || (rc = get_staged(b, body)) != 0)
		return rc;
	b->a.ops = calloc(n + 1, sizeof(*b->a.ops));
	b->headers = calloc(n + 1, sizeof(*b->headers));
	b->known = calloc(3 * n + 1, sizeof(*b->known));
	if (!b->a.ops || !b->headers || !b->known)
		return ERR_NOMEM;
	b->a.count = n;
	for (i = 0; i < n; i++)
		b->headers[i].max = 4096;
	i = 0;
	for (const struct json *e = json_first(list); rc == 0 && e; e = json_next(e))
		rc = get_op(b, e, i++);
	return rc ? rc : buf_finish(&b->a.chunks);
}

/* ---- the reply ---- */

/* What an operation was refused with: its code and message, and members that tell more through j. */
static void
explain(const struct apply_op *op, const char **code, const char **message)
{
	const char *why = op->name.p ? api_name_reason(op->name) : NULL;

	api_error_text(op->rc, code, message);
	switch (op->rc) {
	case ERR_PRECONDITION:
		*code = "version_conflict";
		*message = api_upload_conflict(op->current);
		break;
	case ERR_INVALID:
		if (op->missing.len)
			*code = "missing_chunks", *message = "Chunks are not there.";
		else if (why)
			*code = "invalid_name", *message = why;
		break;
	case ERR_RANGE:
		*code = "invalid_request";
		*message = "chunks: each of 1 to the workspace's largest, together sizeBytes.";
		break;
	case ERR_EXISTS:
		if (op->kind == APPLY_MOVE && !op->existing)
			*message = API_VERSIONS_KEPT;
		break;
	case ERR_CONFLICT:
		*code = "would_cycle";
		*message = "A folder can't be moved below itself.";
		break;
	}
}

static void
put_more(struct json_out *j, const struct apply_op *op)
{
	const unsigned *missing = (const unsigned *)(const void *)op->missing.data;

	if (op->rc == ERR_PRECONDITION) {
		admin_put_id(j, "currentVersionId", ID_VERSION, op->current);
		if (*op->conflict_name)
			json_key_str(j, "conflictName", op->conflict_name);
	} else if (op->rc == ERR_EXISTS && op->existing) {
		admin_put_id(j, "existingId", op->existing_kind == NODE_FOLDER ? ID_FOLDER : ID_FILE, op->existing);
	} else if (op->rc == ERR_INVALID && op->missing.len) {
		json_key(j, "missing");
		json_array_begin(j);
		for (size_t i = 0; i < op->missing.len / sizeof(*missing); i++)
			json_uint(j, missing[i]);
		json_array_end(j);
	}
}

static void
put_refusal(struct json_out *j, const struct apply_op *op)
{
	const char *code, *message;

	explain(op, &code, &message);
	json_key_str(j, "status", "error");
	json_key(j, "error");
	json_object_begin(j);
	json_key_str(j, "code", code);
	json_key_str(j, "message", message);
	put_more(j, op);
	json_object_end(j);
}

static void
put_success(struct json_out *j, const struct apply_op *op)
{
	bool tree = op->kind == APPLY_MOVE || op->kind == APPLY_DELETE;
	bool folder = op->kind == APPLY_FOLDER || (tree && op->node == NODE_FOLDER);

	json_key_str(j, "status", "ok");
	admin_put_id(j, "id", folder ? ID_FOLDER : ID_FILE, op->result);
	admin_put_id(j, folder ? "folderId" : "fileId", folder ? ID_FOLDER : ID_FILE, op->result);
	if (op->version)
		admin_put_id(j, "versionId", ID_VERSION, op->version);
	json_key_int(j, "sequence", op->sequence);
	if (op->kind != APPLY_DELETE) {
		json_key(j, "name");
		json_bytes(j, op->called.data ? op->called.data : "", op->called.len);
	} else if (folder) {
		json_key_int(j, "deleted", op->deleted);
		json_key_int(j, "kept", op->kept);
	}
	if (op->unchanged)
		json_key_bool(j, "unchanged", true);
	if (op->conflict_of)
		admin_put_id(j, "conflictOf", ID_FILE, op->conflict_of);
}

static int
render(void *arg, struct buf *reply)
{
	const struct batch_call *b = arg;
	const struct apply *a = &b->a;
	struct json_out j;

	json_out_init(&j, reply, false);
	json_object_begin(&j);
	json_key(&j, "results");
	json_array_begin(&j);
	for (size_t i = 0; i < a->count; i++) {
		json_object_begin(&j);
		if (a->ops[i].rc)
			put_refusal(&j, &a->ops[i]);
		else
			put_success(&j, &a->ops[i]);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_key_int(&j, "sequence", a->sequence);
	api_put_cursor(b->req, &j, "syncCursor", &(struct cursor) { .workspace = a->workspace,
	    .principal = a->actor.principal, .sequence = a->before });
	json_object_end(&j);
	return buf_finish(reply);
}

static int
explain_all(struct batch_call *b, int rc)
{
	const char *code, *message;
	const struct apply_op *op;
	struct json_out more;

	if (rc && b->a.atomic && b->a.failed < b->a.count) {
		op = &b->a.ops[b->a.failed];
		explain(op, &code, &message);
		api_error_more(b->req, &more);
		json_key_uint(&more, "index", b->a.failed);
		put_more(&more, op);
		return api_fail(b->req, rc, 409, code, "operations[%zu]: %s", b->a.failed, message);
	}
	if (rc == ERR_EXPIRED)
		return api_fail(b->req, rc, 410, "upload_expired", "stagingIds: one is over, or not yours.");
	if (rc == ERR_TOOBIG)
		return request_fail(b->req, rc, NULL, "sha256 of several chunks: too many bytes to verify in one call; use an upload session.");
	return rc;
}

static void
release(struct batch_call *b)
{
	for (size_t i = 0; b->headers && i < b->a.count; i++)
		buf_release(&b->headers[i]);
	apply_release(&b->a);
	free(b->headers);
	free(b->known);
	free(b->a.ops);
}

int
api_batch(struct request *req)
{
	struct batch_call b = { .req = req, .a = APPLY_INIT };
	struct idem idem = IDEM_INIT;
	struct json *body = NULL;
	int rc;

	b.idem = &idem;
	b.a.who = &req->who.who;
	idem.render = render;
	idem.arg = &b;
	idem.status = 200;
	if ((rc = admin_body(req, fields, &body)) == 0 && (rc = api_actor(req, &b.a.actor)) == 0 &&
	    (rc = api_idem_begin(req, body, &idem)) == 0 && !idem.replayed && (rc = get_all(&b, body)) == 0) {
		b.a.label = device_label(req->daemon->store, b.a.who, b.a.actor.device, b.label, sizeof(b.label));
		rc = explain_all(&b, apply_run(req->daemon->store, &b.a, &idem));
	}
	rc = api_idem_reply(req, rc, &idem);
	release(&b);
	json_free(body);
	return rc;
}
