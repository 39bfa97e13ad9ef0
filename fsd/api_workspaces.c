#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "api.h"
#include "api_calls.h"
#include "chunker.h"
#include "daemon.h"
#include "err.h"
#include "limits.h"
#include "share.h"

/* Workspaces, as those who work in them see them: /v1/workspaces. */
#define HISTORY_DEFAULT_MS (30ll * 86400 * 1000)
#define SHARED 1000			/* nodes in one reply for one workspace */
#define SHARED_IN_LIST 100

static const char *const versioning_names[] = { [VERSIONING_NEVER] = "off", [VERSIONING_ENABLED] = "on",
	[VERSIONING_SUSPENDED] = "suspended" };

/* ---- what a workspace looks like ---- */

/* What is not in the row: found before the reply is written, for a closure can't ask. */
struct view {
	struct workspace_row row;
	enum role role;
	char owner[LIMIT_USER_NAME + 1];
	struct buf shared;		/* JSON: the nodes, with commas */
	unsigned nshared;
	int64_t next;			/* more are behind this one; 0: no */
	struct json_out j;		/* of `shared` */
};
#define VIEW_INIT { .shared = BUF_INIT(8 << 20) }

static void
add_shared(void *arg, const struct share_node *n)
{
	struct view *v = arg;

	json_object_begin(&v->j);
	admin_put_id(&v->j, "id", n->kind == NODE_FILE ? ID_FILE : ID_FOLDER, n->id);
	json_key_str(&v->j, "kind", n->kind == NODE_FILE ? "file" : "folder");
	json_key(&v->j, "name");
	json_bytes(&v->j, n->name.p, n->name.len);
	json_key(&v->j, "path");
	json_bytes(&v->j, n->path.p, n->path.len);
	json_key_str(&v->j, "role", role_name(n->role));
	json_object_end(&v->j);
	v->nshared++;
}

/* ERR_NOTFOUND: the caller can see nothing of it. */
static int
look(struct request *req, struct view *v, int64_t after, unsigned max)
{
	struct store *store = req->daemon->store;
	struct principal owner;
	int64_t last = 0;
	bool more = false;
	int rc;

	buf_clear(&v->shared);
	v->nshared = 0;
	json_out_init(&v->j, &v->shared, false);
	if ((rc = perm_role(store, NULL, &req->who.who, v->row.id, &v->role)) != 0 ||
	    (rc = share_nodes(store, &req->who.who, v->row.id, after, max, add_shared, v, &last, &more)) != 0)
		return rc;
	v->next = more ? last : 0;
	if (v->role == ROLE_NONE && !v->nshared && !more && !after)
		return ERR_NOTFOUND;
	v->owner[0] = '\0';
	if ((rc = principal_get(store, v->row.owner_id, &owner)) == 0)
		memcpy(v->owner, owner.name, sizeof(v->owner));
	return rc && rc != ERR_NOTFOUND ? rc : buf_finish(&v->shared);
}

static void
put_amount(struct json_out *j, const struct view *v, const char *key, int64_t value)
{
	json_key(j, key);
	if (v->role == ROLE_NONE)
		json_null_value(j);
	else
		json_int(j, value);
}

static void
put_chunking(struct json_out *j, const struct workspace_row *w)
{
	json_key(j, "chunking");
	json_object_begin(j);
	json_key_str(j, "algorithm", "fastcdc");
	json_key_str(j, "rule", CHUNKER_NAME);
	json_key_uint(j, "min", w->chunk_min);
	json_key_uint(j, "avg", w->chunk_avg);
	json_key_uint(j, "max", w->chunk_max);
	json_object_end(j);
}

static void
put_view(struct json_out *j, const struct view *v)
{
	const struct workspace_row *w = &v->row;

	json_object_begin(j);
	admin_put_id(j, "workspaceId", ID_WORKSPACE, w->id);
	json_key_str(j, "name", w->name);
	json_key_str(j, "displayName", w->display_name);
	admin_put_id(j, "rootFolderId", ID_FOLDER, v->role == ROLE_NONE ? 0 : w->root_folder_id);
	json_key_str(j, "role", v->role == ROLE_NONE ? NULL : role_name(v->role));
	json_key_str(j, "owner", *v->owner ? v->owner : NULL);
	admin_put_id(j, "ownerId", ID_USER, w->owner_id);
	put_amount(j, v, "quotaBytes", (int64_t)w->quota_bytes);
	put_amount(j, v, "bytes", w->bytes);
	put_amount(j, v, "noncurrentBytes", w->noncurrent_bytes);
	put_amount(j, v, "uploadBytes", w->upload_bytes);
	put_amount(j, v, "historyBytes", w->history_bytes);
	json_key_int(j, "historyMs", w->history_ms);
	json_key_str(j, "versioning", versioning_names[w->versioning]);
	json_key_int(j, "sequence", w->sequence);
	admin_put_time(j, "createdAt", w->created_at);
	put_chunking(j, w);
	json_key(j, "shared");
	json_array_begin(j);
	if (v->shared.len)
		json_raw(j, v->shared.data, v->shared.len);
	json_array_end(j);
	admin_put_id(j, "sharedNext", ID_FOLDER, v->next);
	json_object_end(j);
}

static int
render(void *arg, struct buf *reply)
{
	const struct view *v = arg;
	struct json_out j;

	json_out_init(&j, reply, false);
	put_view(&j, v);
	return buf_finish(reply);
}

/* ---- GET /v1/workspaces?limit=&after=: one's own by name, then what others share by id ---- */

struct page {
	struct workspace_row *rows;
	unsigned limit, n;
	char next[80];			/* "own-NAME" or "shared-ID"; "": that was all */
};

static int
read_after(struct request *req, const char **name, int64_t *id, bool *own)
{
	const char *after = uri_value(&req->uri, "after");

	*name = "";
	*id = 0;
	*own = !after || str_starts(after, "own-");
	if (!after)
		return 0;
	if (*own)
		*name = after + strlen("own-");
	else if (strcmp(after, "shared-") != 0 &&
		 (!str_starts(after, "shared-") || id_parse(ID_WORKSPACE, after + strlen("shared-"), id) != 0))
		return request_fail(req, ERR_INVALID, NULL, "after: give the \"next\" of a page as it was.");
	return 0;
}

static int
find_page(struct request *req, struct page *p)
{
	struct store *store = req->daemon->store;
	int64_t me = req->who.who.id, id;
	const char *name;
	char text[ID_TEXT];
	unsigned n = 0;
	bool own;
	int rc;

	if ((rc = read_after(req, &name, &id, &own)) != 0 ||
	    (own && (rc = share_owned(store, me, name, p->rows, p->limit + 1, &p->n)) != 0))
		return rc;
	if (p->n > p->limit) {
		p->n--;
		snprintf(p->next, sizeof(p->next), "own-%s", p->rows[p->n - 1].name);
		return 0;
	}
	if ((rc = share_given(store, me, id, p->rows + p->n, p->limit - p->n + 1, &n)) != 0)
		return rc;
	p->n += n;
	if (p->n > p->limit) {
		p->n--;
		id_format(ID_WORKSPACE, n > 1 ? p->rows[p->n - 1].id : 0, text);
		snprintf(p->next, sizeof(p->next), "shared-%s", n > 1 ? text : "");
	}
	return 0;
}

static int
put_page(struct request *req, const struct page *p)
{
	struct view v = VIEW_INIT;
	struct json_out j;
	int rc = 0;

	admin_reply(req, 200, &j);
	json_object_begin(&j);
	json_key(&j, "workspaces");
	json_array_begin(&j);
	for (unsigned i = 0; i < p->n && rc == 0; i++) {
		v.row = p->rows[i];
		if ((rc = look(req, &v, 0, SHARED_IN_LIST)) == 0)
			put_view(&j, &v);
		rc = rc == ERR_NOTFOUND ? 0 : rc;	/* what was shared is in the trash */
	}
	json_array_end(&j);
	json_key_str(&j, "next", *p->next ? p->next : NULL);
	json_object_end(&j);
	buf_release(&v.shared);
	return rc ? rc : buf_finish(&req->http->reply.body);
}

int
api_workspace_list(struct request *req)
{
	struct page p = { 0 };
	int rc;

	if ((rc = admin_limit(req, &p.limit)) != 0)
		return rc;
	if (!(p.rows = calloc(p.limit + 1, sizeof(*p.rows))))
		return ERR_NOMEM;
	if ((rc = find_page(req, &p)) == 0)
		rc = put_page(req, &p);
	free(p.rows);
	return rc;
}

/* ---- GET /v1/workspaces/{id}?after=: `after` goes on in "shared" ---- */

static int
read_shared_after(struct request *req, int64_t *after)
{
	const char *text = uri_value(&req->uri, "after");

	*after = 0;
	if (!text || id_parse(ID_FOLDER, text, after) == 0)
		return 0;
	return request_fail(req, ERR_INVALID, NULL, "after: give the \"sharedNext\" of a page as it was.");
}

int
api_workspace_show(struct request *req)
{
	struct view v = VIEW_INIT;
	int64_t id, after;
	struct json_out j;
	int rc;

	if ((rc = api_path_id(req, 0, ID_WORKSPACE, &id)) != 0 ||
	    (rc = api_workspace(req, id, ACTION_LIST, true, &v.row)) != 0 ||
	    (rc = api_min_sequence(req, id)) != 0 || (rc = read_shared_after(req, &after)) != 0 ||
	    (rc = workspace_get(req->daemon->store, id, &v.row)) != 0)
		return rc;
	rc = look(req, &v, after, SHARED);
	if (rc == ERR_NOTFOUND)
		rc = request_fail(req, rc, NULL, "There is no such workspace.");
	if (rc == 0) {
		admin_reply(req, 200, &j);
		put_view(&j, &v);
		rc = buf_finish(&req->http->reply.body);
	}
	buf_release(&v.shared);
	return rc;
}

/* ---- what bodies say ---- */

struct wishes {
	const char *name, *display_name;
	int64_t quota_bytes, history_ms;	/* -1: not said */
	int versioning;				/* -1 */
};

static int
get_versioning(struct request *req, const struct json *body, int *versioning)
{
	const char *text = NULL;
	int rc = admin_get_str(req, body, "versioning", &text);

	if (rc || !text)
		return rc;
	for (int v = VERSIONING_NEVER; v <= VERSIONING_SUSPENDED; v++)
		if (!strcmp(text, versioning_names[v])) {
			*versioning = v;
			return 0;
		}
	return request_fail(req, ERR_INVALID, NULL, "versioning: expected \"off\", \"on\" or \"suspended\".");
}

static int
get_wishes(struct request *req, const struct json *body, struct wishes *w)
{
	int rc;

	*w = (struct wishes) { .quota_bytes = -1, .history_ms = -1, .versioning = -1 };
	if ((rc = admin_get_str(req, body, "name", &w->name)) != 0 ||
	    (rc = admin_get_str(req, body, "displayName", &w->display_name)) != 0 ||
	    (rc = admin_get_int(req, body, "quotaBytes", INT64_MAX, &w->quota_bytes)) != 0 ||
	    (rc = admin_get_int(req, body, "historyMs", LIMIT_HISTORY_MS, &w->history_ms)) != 0 ||
	    (rc = get_versioning(req, body, &w->versioning)) != 0)
		return rc;
	if (w->display_name &&
	    (!*w->display_name || strlen(w->display_name) >= sizeof(((struct workspace_row *)0)->display_name)))
		return request_fail(req, ERR_INVALID, NULL, "displayName: expected 1 to 255 bytes.");
	return 0;
}

/* ---- POST /v1/workspaces {name, displayName?, quotaBytes?, historyMs?, versioning?} ---- */

static int
create(struct request *req, const struct json *body, struct idem *idem)
{
	struct view v = { .role = ROLE_OWNER };
	const char *why = "it is missing";
	struct actor actor;
	struct wishes w;
	int rc;

	if ((rc = get_wishes(req, body, &w)) != 0 || (rc = api_actor(req, &actor)) != 0)
		return rc;
	if (!w.name || workspace_name_check(w.name, &why) != 0)
		return request_fail(req, ERR_INVALID, "invalid_name", "name: %s.", why);
	v.row.owner_id = req->who.who.id;
	memcpy(v.owner, req->who.who.name, sizeof(v.owner));
	memcpy(v.row.name, w.name, strlen(w.name) + 1);
	if (w.display_name)
		memcpy(v.row.display_name, w.display_name, strlen(w.display_name) + 1);
	v.row.quota_bytes = w.quota_bytes > 0 ? (uint64_t)w.quota_bytes : 0;
	v.row.history_ms = w.history_ms >= 0 ? w.history_ms : HISTORY_DEFAULT_MS;
	v.row.versioning = w.versioning >= 0 ? w.versioning : VERSIONING_NEVER;
	idem->render = render;
	idem->arg = &v;
	idem->status = 201;
	rc = workspace_create_once(req->daemon->store, &v.row, actor, idem);
	return rc == ERR_EXISTS ? request_fail(req, rc, NULL, "There is a workspace of this name already.") : rc;
}

int
api_workspace_create(struct request *req)
{
	static const char *const fields[] = { "name", "displayName", "quotaBytes", "historyMs", "versioning",
		"clientMutationId", "deviceId", NULL };
	int rc = perm_check_create(&req->who.who);

	if (rc)
		return request_fail(req, rc, NULL, "You may not create workspaces.");
	return api_idem_run(req, fields, create);
}

/* ---- PATCH /v1/workspaces/{id} {displayName?, quotaBytes?, historyMs?, versioning?} ---- */

static int
find_managed(struct request *req, struct workspace_row *row)
{
	int64_t id;
	int rc = api_path_id(req, 0, ID_WORKSPACE, &id);

	return rc ? rc : api_workspace(req, id, ACTION_MANAGE, false, row);
}

static int
change(struct request *req, const struct json *body, struct idem *idem)
{
	struct workspace_set set = WORKSPACE_SET_NONE;
	struct view v = VIEW_INIT;
	struct actor actor;
	struct wishes w;
	int rc;

	if ((rc = find_managed(req, &v.row)) != 0 || (rc = get_wishes(req, body, &w)) != 0 ||
	    (rc = api_actor(req, &actor)) != 0)
		return rc;
	if (w.quota_bytes >= 0 && !req->who.who.admin)
		return request_fail(req, ERR_DENIED, NULL, "quotaBytes: administrators alone set it.");
	if ((rc = look(req, &v, 0, SHARED)) == 0) {
		set = (struct workspace_set) { .quota_bytes = w.quota_bytes, .history_ms = w.history_ms,
			.versioning = w.versioning, .display_name = w.display_name, .owner_id = -1, .row = &v.row };
		idem->render = render;
		idem->arg = &v;
		idem->status = 200;
		rc = workspace_set_once(req->daemon->store, v.row.id, &set, actor, idem);
	}
	buf_release(&v.shared);
	if (rc == ERR_CONFLICT)
		return request_fail(req, rc, NULL, "versioning: once on it can only be suspended.");
	return rc;
}

int
api_workspace_change(struct request *req)
{
	static const char *const fields[] = { "displayName", "quotaBytes", "historyMs", "versioning", "clientMutationId",
		"deviceId", NULL };

	return api_idem_run(req, fields, change);
}

/* ---- DELETE /v1/workspaces/{id} ---- */

static int
render_deleted(void *arg, struct buf *reply)
{
	const int64_t *id = arg;
	struct json_out j;

	json_out_init(&j, reply, false);
	json_object_begin(&j);
	admin_put_id(&j, "workspaceId", ID_WORKSPACE, *id);
	json_object_end(&j);
	return buf_finish(reply);
}

int
api_workspace_delete(struct request *req)
{
	struct idem idem = IDEM_INIT;
	struct workspace_row row;
	struct actor actor;
	int rc = api_idem_begin(req, NULL, &idem);

	if (rc == 0 && !idem.replayed && (rc = find_managed(req, &row)) == 0 && (rc = api_actor(req, &actor)) == 0) {
		idem.render = render_deleted;
		idem.arg = &row.id;
		idem.status = 200;
		rc = workspace_delete_once(req->daemon->store, row.id, actor, &idem);
		if (rc == ERR_NOTEMPTY)
			rc = request_fail(req, rc, NULL, "The workspace is not empty: delete its files and folders first.");
		else if (rc == ERR_NOTFOUND)
			rc = request_fail(req, rc, NULL, "There is no such workspace.");
	}
	return api_idem_reply(req, rc, &idem);
}
