#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "api_calls.h"
#include "api_uploads.h"
#include "clock.h"
#include "daemon.h"
#include "device.h"
#include "err.h"

/* Upload sessions: SYNC 9 and 10. Their bytes come by api_parts.c. */
#define TARGETS 100		/* upload targets of one reply */
#define MISSING 10000

static const char *const start_fields[] = { "workspaceId", "parentFolderId", "name", "fileId", "sizeBytes", "contentType", "sha256",
	"clientMutationId", "chunks", "baseVersionId", "onConflict", "mtime", "mode", "deviceId", NULL };
static const char *const chunk_fields[] = { "hash", "length", NULL };
static const char *const complete_fields[] = { "uploadSessionId", "parts", "clientObservedBaseVersion", "name",
	"parentFolderId", "onConflict", "clientMutationId", "deviceId", NULL };
static const char *const part_fields[] = { "partNumber", "etag", "sha256", NULL };

static int
no_such_upload(struct request *req)
{
	return request_fail(req, ERR_NOTFOUND, NULL, "There is no such upload, or it is over.");
}

static int
parent_gone(struct request *req)
{
	return api_fail(req, ERR_CONFLICT, 409, "parent_gone", "The folder is gone: complete it with another parentFolderId.");
}

int
api_upload_permit(struct request *req, const struct principal *who, const struct transfer *tr)
{
	int rc = transfer_permit(req->daemon->store, who, tr);

	if (rc != ERR_NOTFOUND)
		return rc;
	return perm_any(req->daemon->store, who, tr->workspace) ? parent_gone(req) : no_such_upload(req);
}

/* ---- what bodies say ---- */

int
api_upload_get_hash(struct request *req, const struct json *body, const char *name, uint8_t hash[32], bool *given)
{
	const char *text = NULL;
	int rc = admin_get_str(req, body, name, &text);

	*given = text != NULL;
	if (rc || !text)
		return rc;
	if (str_starts(text, "sha256:"))
		text += strlen("sha256:");
	if (hex_decode(text, strlen(text), hash, 32) != 0)
		return request_fail(req, ERR_INVALID, NULL, "%s: expected 64 hex digits.", name);
	return 0;
}

int
api_upload_get_conflict(struct request *req, const struct json *body, bool *rename)
{
	const char *text = NULL;
	int rc = admin_get_str(req, body, "onConflict", &text);

	if (rc || !text)
		return rc;
	if (strcmp(text, "fail") != 0 && strcmp(text, "rename") != 0)
		return request_fail(req, ERR_INVALID, NULL, "onConflict: expected \"fail\" or \"rename\".");
	*rename = !strcmp(text, "rename");
	return 0;
}

int
api_upload_get_chunks(struct request *req, const struct json *body, struct buf *chunks, bool *given)
{
	const struct json *list = NULL;
	struct manifest_chunk c;
	int64_t length = 0;
	bool hashed;
	int rc = json_get_array(body, "chunks", &list);

	*given = rc == 0;
	if (rc)
		return rc == ERR_NOTFOUND ? 0 : request_fail(req, rc, NULL, "%s", json_error(body));
	if (json_array_len(list) > TRANSFER_CHUNKS)
		return request_fail(req, ERR_TOOBIG, NULL, "chunks: at most %d.", TRANSFER_CHUNKS);
	for (const struct json *e = json_first(list); e; e = json_next(e)) {
		if (json_only(e, chunk_fields) != 0 || json_get_int(e, "length", 1, CHUNK_MAX, &length) != 0)
			return request_fail(req, ERR_INVALID, NULL, "%s", json_error(e));
		if ((rc = api_upload_get_hash(req, e, "hash", c.id, &hashed)) != 0)
			return rc;
		if (!hashed)
			return request_fail(req, ERR_INVALID, NULL, "chunks: hash: missing.");
		c.bytes = (uint32_t)length;
		buf_add(chunks, &c, sizeof(c));
	}
	return buf_finish(chunks);
}

/* Where to: a file that gets a new version, or a name in a folder. */
static int
get_place(struct request *req, const struct json *body, struct transfer *tr)
{
	struct node n = NODE_INIT;
	const char *name = NULL;
	int rc;

	if ((rc = api_get_id(req, body, "fileId", ID_FILE, &tr->file_id)) != 0 ||
	    (rc = admin_get_str(req, body, "name", &name)) != 0)
		goto out;
	tr->new_version = tr->file_id != 0;
	if (tr->new_version) {
		if (name || json_get(body, "parentFolderId"))
			rc = request_fail(req, ERR_INVALID, NULL, "fileId: says where to; leave name and parentFolderId out.");
		else if ((rc = transfer_aim(req->daemon->store, &req->who.who, tr)) == ERR_NOTFOUND)
			rc = request_fail(req, rc, NULL, "There is no such file.");
	} else if (!name) {
		rc = request_fail(req, ERR_INVALID, NULL, "name: missing.");
	} else if ((rc = api_parent(req, body, "parentFolderId", 0, &n)) == 0 && (rc = api_check_name(req, name)) == 0) {
		tr->workspace = n.workspace;
		tr->parent = n.id;
		buf_addstr(&tr->name, name);
	}
out:
	node_release(&n);
	return rc;
}

static int
get_start(struct request *req, const struct json *body, struct transfer *tr, bool *by_chunks, bool *has_base)
{
	int64_t size = -1;
	int rc;

	if ((rc = admin_get_int(req, body, "sizeBytes", INT64_MAX, &size)) != 0)
		return rc;
	if (size < 0)
		return request_fail(req, ERR_INVALID, NULL, "sizeBytes: missing.");
	tr->size = (uint64_t)size;
	*has_base = json_get(body, "baseVersionId") != NULL;
	if ((rc = api_upload_get_hash(req, body, "sha256", tr->hash, &tr->has_hash)) != 0 ||
	    (rc = api_upload_get_conflict(req, body, &tr->rename)) != 0 ||
	    (rc = api_get_id(req, body, "baseVersionId", ID_VERSION, &tr->base)) != 0 ||
	    (rc = api_get_attributes(req, body, NULL, &tr->headers)) != 0 ||
	    (rc = api_upload_get_chunks(req, body, &tr->chunks, by_chunks)) != 0)
		return rc;
	return get_place(req, body, tr);
}

/* ---- replies ---- */

static int
put_targets(struct request *req, struct json_out *j, const struct transfer *tr, unsigned after, bool missing)
{
	unsigned *numbers = calloc(MISSING, sizeof(*numbers)), n = 0;
	int rc = numbers ? transfer_missing(req->daemon->store, tr, after, numbers, MISSING, &n) : ERR_NOMEM;

	json_key(j, "uploadTargets");
	json_array_begin(j);
	for (unsigned i = 0; i < n && i < TARGETS; i++) {
		json_object_begin(j);
		json_key_uint(j, "partNumber", numbers[i]);
		api_part_put_url(req, j, tr, numbers[i]);
		json_object_end(j);
	}
	json_array_end(j);
	if (missing) {
		json_key(j, "missing");
		json_array_begin(j);
		for (unsigned i = 0; i < n; i++)
			json_uint(j, numbers[i] - 1);
		json_array_end(j);
	}
	free(numbers);
	return rc;
}

struct start {
	struct request *req;
	struct transfer *tr;
	bool by_chunks;
};

/*
 * What is kept for a repetition. URLs end sooner than that and the missing chunks become fewer, so those are put behind it anew for each reply:
 * the object is left open.
 */
static int
render_start(void *arg, struct buf *reply)
{
	const struct start *s = arg;
	struct json_out j;

	json_out_init(&j, reply, false);
	json_object_begin(&j);
	admin_put_id(&j, "fileId", ID_FILE, s->tr->file_id);
	admin_put_id(&j, "uploadSessionId", ID_UPLOAD, s->tr->id);
	json_key_uint(&j, "partSizeBytes", s->tr->part_size);
	json_key_str(&j, "uploadMode", "resumable_multipart");
	admin_put_id(&j, "expectedBaseVersion", ID_VERSION, s->tr->base);
	admin_put_time(&j, "expiresAt", s->tr->expires_us);
	json_object_end(&j);
	return buf_finish(reply);
}

/* The session that a kept reply tells of, as it is now. */
static int
find_again(struct request *req, const struct buf *reply, struct transfer *tr)
{
	char error[JSON_ERROR];
	struct json *doc = NULL;
	const char *text = NULL;
	int64_t id;
	int rc = json_parse(reply->data, reply->len, error, &doc);

	if (rc == 0 && json_get_str(doc, "uploadSessionId", &text) == 0 && id_parse(ID_UPLOAD, text, &id) == 0)
		rc = transfer_get(req->daemon->store, id, req->who.who.id, tr);
	json_free(doc);
	return rc == ERR_NOTFOUND ? api_fail(req, ERR_EXPIRED, 410, "upload_expired", "That upload is over: start another.") : rc;
}

static int
finish_start(struct request *req, struct transfer *tr, struct idem *idem)
{
	struct buf more = BUF_INIT(4 << 20);
	struct json_out j;
	int rc = idem->replayed ? find_again(req, &idem->reply, tr) : 0;

	if (rc)
		return rc;
	json_out_init(&j, &more, false);
	json_object_begin(&j);
	rc = put_targets(req, &j, tr, 0, !tr->part_size);
	json_object_end(&j);
	if (rc == 0 && (rc = buf_finish(&more)) == 0) {
		idem->reply.len--;	/* its brace, and the other's, become a comma */
		buf_addch(&idem->reply, ',');
		buf_add(&idem->reply, more.data + 1, more.len - 1);
		rc = buf_finish(&idem->reply);
	}
	buf_release(&more);
	return rc;
}

static int
explain_start(struct request *req, int rc)
{
	switch (rc) {
	case ERR_INVALID:
		return request_fail(req, rc, NULL, "chunks: each of 1 to the workspace's largest, together sizeBytes.");
	case ERR_USAGE:
		return request_fail(req, rc, NULL, "baseVersionId: is no version of this file.");
	case ERR_NOTFOUND:
		return request_fail(req, rc, NULL, "The folder or the file is gone.");
	default:
		return rc;
	}
}

int
api_upload_start(struct request *req)
{
	struct transfer tr = TRANSFER_INIT;
	struct idem idem = IDEM_INIT;
	struct start s = { req, &tr };
	struct json *body = NULL;
	struct actor actor;
	bool has_base = false;
	int rc;

	idem.render = render_start;
	idem.arg = &s;
	idem.status = 200;
	if ((rc = admin_body(req, start_fields, &body)) == 0 && (rc = api_actor(req, &actor)) == 0 &&
	    (rc = api_idem_begin(req, body, &idem)) == 0) {
		tr.principal = actor.principal;
		tr.device = actor.device;
		if (!idem.replayed && (rc = get_start(req, body, &tr, &s.by_chunks, &has_base)) == 0)
			rc = explain_start(req, transfer_start(req->daemon->store, &req->who.who, &tr, s.by_chunks, has_base, &idem));
		if (rc == 0)
			rc = finish_start(req, &tr, &idem);
	}
	rc = api_idem_reply(req, rc, &idem);
	json_free(body);
	transfer_release(&tr);
	return rc;
}

/* ---- a session ---- */

static int
find(struct request *req, int64_t id, struct transfer *tr)
{
	int rc = transfer_get(req->daemon->store, id, req->who.who.id, tr);

	if (rc == ERR_NOTFOUND)
		return no_such_upload(req);
	return rc || tr->completed ? rc : api_upload_permit(req, &req->who.who, tr);
}

static int
put_parts(struct request *req, struct json_out *j, const struct transfer *tr, unsigned after)
{
	struct transfer_part *parts = calloc(MISSING, sizeof(*parts));
	unsigned n = 0;
	int rc = parts ? transfer_parts(req->daemon->store, tr, after, parts, MISSING, &n) : ERR_NOMEM;

	json_key(j, "parts");
	json_array_begin(j);
	for (unsigned i = 0; i < n; i++) {
		json_object_begin(j);
		json_key_uint(j, "partNumber", parts[i].number);
		if (parts[i].etag[0]) {
			json_key_uint(j, "sizeBytes", parts[i].size);
			json_key_str(j, "etag", parts[i].etag);
		}
		json_object_end(j);
	}
	json_array_end(j);
	free(parts);
	return rc;
}

int
api_upload_show(struct request *req)
{
	struct transfer tr = TRANSFER_INIT;
	struct json_out j;
	int64_t id, after;
	int rc;

	if ((rc = api_path_id(req, 0, ID_UPLOAD, &id)) != 0 ||
	    (rc = admin_query_int(req, "from", 0, LIMIT_PARTS, &after)) != 0 || (rc = find(req, id, &tr)) != 0)
		goto out;
	after = after ? after - 1 : 0;
	admin_reply(req, 200, &j);
	json_object_begin(&j);
	admin_put_id(&j, "uploadSessionId", ID_UPLOAD, tr.id);
	admin_put_id(&j, "fileId", ID_FILE, tr.file_id);
	json_key_str(&j, "status", tr.completed ? "completed" : "open");
	json_key_uint(&j, "sizeBytes", tr.size);
	json_key_uint(&j, "partSizeBytes", tr.part_size);
	if (!tr.completed && (rc = put_parts(req, &j, &tr, (unsigned)after)) == 0)
		rc = put_targets(req, &j, &tr, (unsigned)after, !tr.part_size);
	admin_put_id(&j, "expectedBaseVersion", ID_VERSION, tr.base);
	admin_put_time(&j, "expiresAt", tr.expires_us);
	json_object_end(&j);
	if (rc == 0)
		rc = buf_finish(&req->http->reply.body);
out:
	transfer_release(&tr);
	return rc;
}

int
api_upload_abort(struct request *req)
{
	struct idem idem = IDEM_INIT;
	int64_t id;
	int rc;

	idem.render = api_idem_nothing;
	idem.status = 204;
	if ((rc = api_path_id(req, 0, ID_UPLOAD, &id)) == 0 && (rc = api_idem_begin(req, NULL, &idem)) == 0 &&
	    !idem.replayed && (rc = transfer_abort(req->daemon->store, id, req->who.who.id, &idem)) == ERR_NOTFOUND)
		rc = no_such_upload(req);
	return api_idem_reply(req, rc, &idem);
}

/* ---- completion ---- */

struct ending {
	struct request *req;
	struct transfer_complete c;
	struct transfer tr;
	struct transfer_part *parts;
	struct idem *idem;
	char label[128];
	bool hidden;			/* the file of a session that is over is not the caller's to see any more */
};

static int
compare_numbers(const void *a, const void *b)
{
	const struct transfer_part *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* They come in whatever order the caller sent them. */
static int
sort_parts(struct request *req, struct transfer_part *parts, size_t n)
{
	qsort(parts, n, sizeof(*parts), compare_numbers);
	for (size_t i = 1; i < n; i++)
		if (parts[i].number == parts[i - 1].number)
			return request_fail(req, ERR_INVALID, NULL, "parts: partNumber %u stands there twice.", parts[i].number);
	return 0;
}

static int
get_parts(struct request *req, const struct json *body, struct ending *e)
{
	const struct json *list = NULL;
	const char *etag = NULL;
	int64_t number = 0;
	size_t n = 0;
	int rc = json_get_array(body, "parts", &list);

	if (rc)
		return rc == ERR_NOTFOUND ? 0 : request_fail(req, rc, NULL, "%s", json_error(body));
	if (json_array_len(list) > LIMIT_PARTS)
		return request_fail(req, ERR_TOOBIG, NULL, "parts: at most %d.", LIMIT_PARTS);
	if (!(e->parts = calloc(json_array_len(list) + 1, sizeof(*e->parts))))
		return ERR_NOMEM;
	for (const struct json *p = json_first(list); p; p = json_next(p), n++) {
		struct transfer_part *part = &e->parts[n];

		if (json_only(p, part_fields) != 0 || json_get_int(p, "partNumber", 1, LIMIT_PARTS, &number) != 0 ||
		    json_get_str(p, "etag", &etag) != 0 || strlen(etag) >= ETAG_TEXT)
			return request_fail(req, ERR_INVALID, NULL, "parts: %s", json_error(p));
		if ((rc = api_upload_get_hash(req, p, "sha256", part->hash, &part->has_hash)) != 0)
			return rc;
		part->number = (unsigned)number;
		memcpy(part->etag, etag, strlen(etag) + 1);
	}
	e->c.parts = e->parts;
	e->c.count = n;
	return sort_parts(req, e->parts, n);
}

static int
may_write(struct request *req, int64_t folder)
{
	struct node n = NODE_INIT;
	int rc = node_find(req->daemon->store, &req->who.who, ACTION_WRITE, NODE_FOLDER, folder, &n);

	node_release(&n);
	return rc;
}

/* Who may write to the file alone gives its folder no other. Where that is gone, the commit finds what stands in: of those who see all of the workspace. */
static int
may_name(struct request *req, const struct transfer *tr)
{
	enum role role = ROLE_NONE;
	int rc = may_write(req, tr->parent);

	if (rc == ERR_NOTFOUND && (rc = perm_role(req->daemon->store, NULL, &req->who.who, tr->workspace, &role)) == 0)
		rc = perm_allows(role, ACTION_WRITE);
	return rc == ERR_NOTFOUND ? ERR_DENIED : rc;
}

/* Another name or folder than the session's: of a conflict copy, or since the folder is gone. */
static int
get_other_place(struct request *req, const struct json *body, struct ending *e)
{
	struct node n = NODE_INIT;
	int rc;

	if ((rc = admin_get_str(req, body, "name", &e->c.name)) != 0 ||
	    (e->c.name && (rc = api_check_name(req, e->c.name)) != 0))
		return rc;
	if (!json_get(body, "parentFolderId"))
		return e->c.name ? may_name(req, &e->tr) : 0;
	if ((rc = api_parent(req, body, "parentFolderId", e->tr.workspace, &n)) == 0 && n.workspace != e->tr.workspace)
		rc = request_fail(req, ERR_INVALID, NULL, "parentFolderId: is in another workspace.");
	e->c.parent = n.id;
	node_release(&n);
	return rc;
}

static int
get_completion(struct request *req, const struct json *body, struct ending *e)
{
	struct store *store = req->daemon->store;
	int rc;

	if ((rc = api_get_id(req, body, "uploadSessionId", ID_UPLOAD, &e->c.id)) != 0)
		return rc;
	if (!e->c.id)
		return request_fail(req, ERR_INVALID, NULL, "uploadSessionId: missing.");
	e->c.has_base = json_get(body, "clientObservedBaseVersion") != NULL;
	if ((rc = api_get_id(req, body, "clientObservedBaseVersion", ID_VERSION, &e->c.base)) != 0 ||
	    (rc = api_upload_get_conflict(req, body, &e->c.rename)) != 0 || (rc = get_parts(req, body, e)) != 0)
		return rc;
	rc = transfer_get(store, e->c.id, req->who.who.id, &e->tr);
	if (rc == ERR_NOTFOUND)
		return no_such_upload(req);
	if (rc == 0 && e->tr.completed) {
		e->hidden = node_find(store, &req->who.who, ACTION_READ, NODE_FILE, e->tr.file_id, &e->c.node) != 0;
		return 0;
	}
	/* The commit asks again. */
	if (rc || (!json_get(body, "parentFolderId") && (rc = api_upload_permit(req, &req->who.who, &e->tr)) != 0))
		return rc;
	return get_other_place(req, body, e);
}

static int
render_complete(void *arg, struct buf *reply)
{
	struct ending *e = arg;
	const struct transfer_complete *c = &e->c;
	struct json_out j;

	e->idem->status = c->unchanged ? 200 : 201;
	json_out_init(&j, reply, false);
	json_object_begin(&j);
	admin_put_id(&j, "fileId", ID_FILE, c->node.id);
	admin_put_id(&j, "versionId", ID_VERSION, c->node.version_id);
	admin_put_id(&j, "workspaceId", ID_WORKSPACE, c->node.workspace);
	json_key(&j, "name");
	json_bytes(&j, e->hidden ? "" : c->node.name.data, e->hidden ? 0 : c->node.name.len);
	json_key_int(&j, "sequence", c->sequence);
	api_put_cursor(e->req, &j, "syncCursor", &(struct cursor) { .workspace = c->node.workspace,
	    .principal = c->who->id, .sequence = c->before });
	api_put_hash(&j, c->node.has_hash ? c->node.content_hash : NULL);
	if (c->unchanged)
		json_key_bool(&j, "unchanged", true);
	if (c->conflict_of)
		admin_put_id(&j, "conflictOf", ID_FILE, c->conflict_of);
	json_object_end(&j);
	return buf_finish(reply);
}

const char *
api_upload_conflict(int64_t current)
{
	return current ? "The current version is not the one that this builds on." :
			 "Something else has the name by now.";
}

static int
explain_complete(struct request *req, int rc, const struct transfer_complete *c)
{
	struct json_out more;

	switch (rc) {
	case ERR_PRECONDITION:
		api_error_more(req, &more);
		admin_put_id(&more, "currentVersionId", ID_VERSION, c->current);
		json_key_str(&more, "conflictName", c->conflict_name);
		return api_fail(req, rc, 409, "version_conflict", "%s", api_upload_conflict(c->current));
	case ERR_INVALID:
		api_error_more(req, &more);
		json_key(&more, "missingParts");
		json_array_begin(&more);
		json_uint(&more, c->missing);
		json_array_end(&more);
		return api_fail(req, rc, 409, "incomplete_upload", "Part %u is missing, or not as listed.", c->missing);
	case ERR_DIGEST:
		return api_fail(req, rc, 400, "checksum_mismatch", "The bytes are not those that sha256 announced.");
	case ERR_EXISTS:
		return request_fail(req, rc, NULL, "A folder has that name.");
	case ERR_CONFLICT:
		return parent_gone(req);
	case ERR_NOTFOUND:
		return no_such_upload(req);
	default:
		return rc;
	}
}

int
api_upload_complete(struct request *req)
{
	struct ending e = { .req = req, .c = { .node = NODE_INIT }, .tr = TRANSFER_INIT };
	struct idem idem = IDEM_INIT;
	struct json *body = NULL;
	struct actor actor;
	int rc;

	e.idem = &idem;
	idem.render = render_complete;
	idem.arg = &e;
	if ((rc = admin_body(req, complete_fields, &body)) == 0 && (rc = api_actor(req, &actor)) == 0 &&
	    (rc = api_idem_begin(req, body, &idem)) == 0 && !idem.replayed && (rc = get_completion(req, body, &e)) == 0) {
		e.c.who = &req->who.who;
		e.c.device = actor.device;
		e.c.label = device_label(req->daemon->store, &req->who.who, actor.device, e.label, sizeof(e.label));
		rc = explain_complete(req, transfer_complete(req->daemon->store, &e.c, &idem), &e.c);
	}
	rc = api_idem_reply(req, rc, &idem);
	json_free(body);
	free(e.parts);
	node_release(&e.c.node);
	transfer_release(&e.tr);
	return rc;
}
