#include <string.h>

#include "admin.h"
#include "api.h"
#include "api_calls.h"
#include "daemon.h"
#include "err.h"
#include "share.h"

/* Who may do what with a workspace, a folder or a file: :share, /grants. Owners of the thing share it; who was given something can give it back. */

static enum id_kind
id_kind_of(enum share_kind kind)
{
	return kind == SHARE_FILE ? ID_FILE : kind == SHARE_FOLDER ? ID_FOLDER : ID_WORKSPACE;
}

static const char *
kind_name(enum share_kind kind)
{
	return kind == SHARE_FILE ? "file" : kind == SHARE_FOLDER ? "folder" : "workspace";
}

/* The thing that the path names, if the caller may do `action` with it. */
static int
find(struct request *req, enum share_kind kind, enum action action, int64_t *workspace, int64_t *id)
{
	struct node n = NODE_INIT;
	struct workspace_row row;
	int rc;

	if ((rc = api_path_id(req, 0, id_kind_of(kind), id)) != 0)
		return rc;
	*workspace = *id;
	if (kind == SHARE_WORKSPACE)
		return api_workspace(req, *id, action, action != ACTION_MANAGE, &row);
	rc = api_node(req, action, kind == SHARE_FILE ? NODE_FILE : NODE_FOLDER, *id, &n);
	*workspace = n.workspace;
	node_release(&n);
	return rc;
}

static void
put_grant(struct json_out *j, const struct share_entry *e)
{
	json_object_begin(j);
	admin_put_id(j, "principalId", ID_USER, e->principal);
	json_key_str(j, "principalName", e->principal_name);
	json_key_str(j, "role", role_name(e->role));
	admin_put_id(j, "resourceId", id_kind_of(e->kind), e->resource);
	json_key_str(j, "kind", kind_name(e->kind));
	json_key_bool(j, "inherited", e->inherited);
	admin_put_time(j, "createdAt", e->created_us);
	json_object_end(j);
}

/* ---- POST :share {principalId | principalName, role} ---- */

struct sharing {
	struct share s;
	struct principal p;
};

static int
render_shared(void *arg, struct buf *reply)
{
	const struct sharing *x = arg;
	struct json_out j;

	json_out_init(&j, reply, false);
	json_object_begin(&j);
	json_key(&j, "grant");
	put_grant(&j, &(struct share_entry) { .principal = x->p.id, .principal_name = x->p.name, .role = x->s.role,
	    .kind = x->s.kind, .resource = x->s.id, .created_us = x->s.created_us });
	json_key_int(&j, "sequence", x->s.sequence);
	json_object_end(&j);
	return buf_finish(reply);
}

static int
find_principal(struct request *req, const struct json *body, struct principal *p)
{
	const char *name = NULL;
	int64_t id = 0, wait_us = 0;
	int rc;

	if ((rc = api_get_id(req, body, "principalId", ID_USER, &id)) != 0 ||
	    (rc = admin_get_str(req, body, "principalName", &name)) != 0)
		return rc;
	if (!name == !id)
		return request_fail(req, ERR_INVALID, NULL, "principalId: give it or principalName.");
	rc = share_principal(req->daemon->store, &req->who.who, name, id, p, &wait_us);
	if (rc == ERR_NOTFOUND)
		return request_fail(req, rc, NULL, "There is no such user.");
	if (rc != ERR_BUSY)
		return rc;
	http_reply_header(&req->http->reply, "Retry-After", "%lld", (long long)(wait_us / 1000000 + 1));
	return api_fail(req, rc, 429, "rate_limited", "Too many names of users that are not there: try again later.");
}

static int
get_role(struct request *req, const struct json *body, enum role *role)
{
	const char *text = NULL;
	int rc = admin_get_str(req, body, "role", &text);

	if (rc)
		return rc;
	if (!text || role_parse(text, role) != 0)
		return request_fail(req, ERR_INVALID, NULL, "role: expected \"owner\", \"editor\" or \"viewer\".");
	return 0;
}

/* Only owners get here (ACTION_MANAGE), so no role is above the caller's own. */
static int
share(struct request *req, enum share_kind kind, const struct json *body, struct idem *idem)
{
	struct sharing x = { .s = { .kind = kind, .who = &req->who.who } };
	int rc;

	if ((rc = get_role(req, body, &x.s.role)) != 0 ||
	    (rc = find(req, kind, ACTION_MANAGE, &x.s.workspace, &x.s.id)) != 0 ||
	    (rc = find_principal(req, body, &x.p)) != 0 || (rc = api_actor(req, &x.s.actor)) != 0)
		return rc;
	x.s.principal = x.p.id;
	idem->render = render_shared;
	idem->arg = &x;
	idem->status = 200;
	switch (rc = share_give(req->daemon->store, &x.s, idem)) {
	case ERR_CONFLICT:
		return request_fail(req, rc, NULL, "The workspace is theirs: no grant changes that.");
	case ERR_INVALID:
		return request_fail(req, ERR_NOTFOUND, NULL, "There is no such user.");
	case ERR_NOTFOUND:
		return request_fail(req, rc, NULL, "There is no such %s.", kind_name(kind));
	case ERR_DENIED:
		return request_fail(req, rc, NULL, "Your role does not allow this.");
	default:
		return rc;
	}
}

static int
share_call(struct request *req, enum share_kind kind)
{
	static const char *const fields[] = { "principalId", "principalName", "role", "clientMutationId", "deviceId", NULL };
	struct idem idem = IDEM_INIT;
	struct json *body = NULL;
	int rc;

	if ((rc = admin_body(req, fields, &body)) == 0 && (rc = api_idem_begin(req, body, &idem)) == 0 && !idem.replayed)
		rc = share(req, kind, body, &idem);
	rc = api_idem_reply(req, rc, &idem);
	json_free(body);
	return rc;
}

int
api_workspace_share(struct request *req)
{
	return share_call(req, SHARE_WORKSPACE);
}

int
api_folder_share(struct request *req)
{
	return share_call(req, SHARE_FOLDER);
}

int
api_file_share(struct request *req)
{
	return share_call(req, SHARE_FILE);
}

/* ---- GET grants?limit=&after= ---- */

static void
add_grant(void *arg, const struct share_entry *e)
{
	put_grant(arg, e);
}

static int
list(struct request *req, enum share_kind kind)
{
	struct share_query q = { .who = &req->who.who, .kind = kind };
	struct json_out j;
	int rc;

	if ((rc = find(req, kind, ACTION_READ, &q.workspace, &q.id)) != 0 ||
	    (rc = api_min_sequence(req, q.workspace)) != 0 || (rc = admin_limit(req, &q.limit)) != 0 ||
	    (rc = api_query_id(req, "after", ID_USER, &q.after)) != 0)
		return rc;
	admin_reply(req, 200, &j);
	json_object_begin(&j);
	json_key(&j, "grants");
	json_array_begin(&j);
	rc = share_list(req->daemon->store, &q, add_grant, &j);
	if (rc == ERR_NOTFOUND)
		return request_fail(req, rc, NULL, "There is no such %s.", kind_name(kind));
	json_array_end(&j);
	admin_put_id(&j, "next", ID_USER, q.more ? q.last : 0);
	json_object_end(&j);
	return rc ? rc : buf_finish(&req->http->reply.body);
}

int
api_workspace_grants(struct request *req)
{
	return list(req, SHARE_WORKSPACE);
}

int
api_folder_grants(struct request *req)
{
	return list(req, SHARE_FOLDER);
}

int
api_file_grants(struct request *req)
{
	return list(req, SHARE_FILE);
}

/* ---- DELETE grants/{principalId} ---- */

static int
render_revoked(void *arg, struct buf *reply)
{
	const struct share *s = arg;

	buf_addf(reply, "{\"sequence\":%lld}", (long long)s->sequence);
	return buf_finish(reply);
}

/* Of workspaces others may know a little less than who has a role there. */
static int
find_revoked(struct request *req, struct share *s)
{
	int rc = s->kind == SHARE_WORKSPACE ? find(req, s->kind, ACTION_READ, &s->workspace, &s->id) :
					      api_path_id(req, 0, id_kind_of(s->kind), &s->id);

	if (rc == 0 && (rc = api_path_id(req, 1, ID_USER, &s->principal)) == 0 && s->kind == SHARE_WORKSPACE &&
	    s->principal != req->who.who.id)
		rc = find(req, s->kind, ACTION_MANAGE, &s->workspace, &s->id);
	return rc;
}

static int
revoke(struct request *req, enum share_kind kind, struct idem *idem)
{
	struct share s = { .kind = kind, .who = &req->who.who };
	int rc;

	if ((rc = find_revoked(req, &s)) != 0 || (rc = api_actor(req, &s.actor)) != 0)
		return rc;
	idem->render = render_revoked;
	idem->arg = &s;
	idem->status = 200;
	switch (rc = share_take(req->daemon->store, &s, idem)) {
	case ERR_NOTFOUND:
		if (!s.found)
			return request_fail(req, rc, NULL, "There is no such %s.", kind_name(kind));
		return request_fail(req, rc, NULL, "The user has no grant on this %s itself.", kind_name(kind));
	case ERR_DENIED:
		return request_fail(req, rc, NULL, "Your role does not allow this.");
	case ERR_CONFLICT:
		return request_fail(req, rc, NULL, "The workspace is theirs: give it to another owner first.");
	default:
		return rc;
	}
}

static int
revoke_call(struct request *req, enum share_kind kind)
{
	struct idem idem = IDEM_INIT;
	int rc = api_idem_begin(req, NULL, &idem);

	if (rc == 0 && !idem.replayed)
		rc = revoke(req, kind, &idem);
	return api_idem_reply(req, rc, &idem);
}

int
api_workspace_revoke(struct request *req)
{
	return revoke_call(req, SHARE_WORKSPACE);
}

int
api_folder_revoke(struct request *req)
{
	return revoke_call(req, SHARE_FOLDER);
}

int
api_file_revoke(struct request *req)
{
	return revoke_call(req, SHARE_FILE);
}
