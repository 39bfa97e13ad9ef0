#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "daemon.h"
#include "err.h"

/* /v1/admin/users: who there is. */
#define OWN_GRANTS 10000

static void
add_user(struct json_out *j, const struct principal *p)
{
	admin_put_id(j, "userId", ID_USER, p->id);
	json_key_str(j, "name", p->name);
	json_key_bool(j, "admin", p->admin);
	json_key_bool(j, "mayCreateBuckets", p->may_create_buckets);
	json_key_bool(j, "disabled", p->disabled_us != 0);
	admin_put_time(j, "createdAt", p->created_us);
}

static int
reply_user(struct request *req, int status, const struct principal *p)
{
	struct json_out j;

	admin_reply(req, status, &j);
	json_object_begin(&j);
	add_user(&j, p);
	json_object_end(&j);
	return 0;
}

int
admin_user_list(struct request *req)
{
	const char *after = uri_value(&req->uri, "after");
	struct principal *list = NULL;
	struct json_out j;
	unsigned limit, n = 0;
	int rc;

	if ((rc = admin_limit(req, &limit)) != 0)
		return rc;
	if (!(list = calloc(limit + 1, sizeof(*list))))
		return ERR_NOMEM;
	if ((rc = principal_list(req->daemon->store, after ? after : "", list, limit + 1, &n)) != 0)
		goto out;
	admin_reply(req, 200, &j);
	json_object_begin(&j);
	json_key(&j, "users");
	json_array_begin(&j);
	for (unsigned i = 0; i < n && i < limit; i++) {
		json_object_begin(&j);
		add_user(&j, &list[i]);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_key_str(&j, "next", n > limit ? list[limit - 1].name : NULL);
	json_object_end(&j);
out:
	free(list);
	return rc;
}

int
admin_user_create(struct request *req)
{
	static const char *const fields[] = { "name", "admin", "mayCreateBuckets", NULL };
	struct json *body = NULL;
	const char *name = NULL;
	bool admin = false, may = false;
	struct principal p;
	int rc;

	if ((rc = admin_body(req, fields, &body)) != 0 || (rc = admin_get_str(req, body, "name", &name)) != 0 ||
	    (rc = admin_get_bool(req, body, "admin", &admin)) != 0 ||
	    (rc = admin_get_bool(req, body, "mayCreateBuckets", &may)) != 0)
		goto out;
	rc = principal_create(req->daemon->store, name ? name : "", admin, may, &p);
	if (rc == ERR_INVALID)
		rc = request_fail(req, rc, "invalid_name", "A user's name has 1 to %d of the characters "
		    "A-Z a-z 0-9 . _ - @ + and does not begin with \"-\" or \".\".", LIMIT_USER_NAME);
	else if (rc == ERR_EXISTS)
		rc = request_fail(req, rc, NULL, "There is a user \"%s\" already.", name);
	else if (rc == 0)
		rc = reply_user(req, 201, &p);
out:
	json_free(body);
	return rc;
}

/* Grants are kept by workspace; a user's are gathered from all. */
static int
add_grants_of(struct request *req, struct json_out *j, int64_t principal, const struct workspace_row *w,
    struct grant *grants)
{
	unsigned n = 0;
	int rc = grant_list(req->daemon->store, w->id, grants, OWN_GRANTS, &n);

	if (rc == ERR_NOTFOUND)
		return 0;
	for (unsigned i = 0; i < n && !rc; i++) {
		if (grants[i].principal != principal)
			continue;
		json_object_begin(j);
		json_key_str(j, "workspace", w->name);
		admin_put_granted(j, &grants[i]);
		json_key_str(j, "role", role_name(grants[i].role));
		json_object_end(j);
	}
	return rc;
}

static int
add_grants(struct request *req, struct json_out *j, int64_t principal)
{
	struct grant *grants = calloc(OWN_GRANTS, sizeof(*grants));
	struct workspace_row rows[32];
	char after[LIMIT_BUCKET_NAME + 1] = "";
	unsigned n = 0;
	int rc = grants ? 0 : ERR_NOMEM;

	json_key(j, "grants");
	json_array_begin(j);
	do {
		if (rc == 0)
			rc = workspace_list(req->daemon->store, after, rows, 32, &n);
		for (unsigned i = 0; i < n && !rc; i++) {
			rc = add_grants_of(req, j, principal, &rows[i], grants);
			memcpy(after, rows[i].name, sizeof(after));
		}
	} while (rc == 0 && n == 32);
	json_array_end(j);
	free(grants);
	return rc;
}

int
admin_user_show(struct request *req)
{
	struct principal p;
	struct json_out j;
	int rc;

	if ((rc = admin_path_user(req, 0, &p)) != 0)
		return rc;
	admin_reply(req, 200, &j);
	json_object_begin(&j);
	add_user(&j, &p);
	if ((rc = admin_key_add_all(req, &j, p.id)) != 0 || (rc = admin_token_add_all(req, &j, p.id)) != 0 ||
	    (rc = add_grants(req, &j, p.id)) != 0)
		return rc;
	json_object_end(&j);
	return 0;
}

int
admin_user_has(struct request *req, int (*add_all)(struct request *req, struct json_out *j, int64_t principal))
{
	struct principal p;
	struct json_out j;
	int rc;

	if ((rc = admin_path_user(req, 0, &p)) != 0)
		return rc;
	admin_reply(req, 200, &j);
	json_object_begin(&j);
	rc = add_all(req, &j, p.id);
	json_key_str(&j, "next", NULL);
	json_object_end(&j);
	return rc;
}

int
admin_user_change(struct request *req)
{
	static const char *const fields[] = { "disabled", NULL };
	struct json *body = NULL;
	struct principal p;
	bool disabled;
	int rc;

	if ((rc = admin_path_user(req, 0, &p)) != 0 || (rc = admin_body(req, fields, &body)) != 0)
		return rc;
	disabled = p.disabled_us != 0;
	if ((rc = admin_get_bool(req, body, "disabled", &disabled)) == 0 &&
	    (rc = principal_disable(req->daemon->store, p.id, disabled)) == 0 &&
	    (rc = principal_get(req->daemon->store, p.id, &p)) == 0)
		rc = reply_user(req, 200, &p);
	if (rc == ERR_CONFLICT)
		rc = request_fail(req, rc, NULL, "\"%s\" is the last administrator.", p.name);
	json_free(body);
	return rc;
}

int
admin_user_delete(struct request *req)
{
	struct principal p;
	int rc;

	if ((rc = admin_path_user(req, 0, &p)) != 0)
		return rc;
	rc = principal_delete(req->daemon->store, p.id);
	if (rc == ERR_NOTEMPTY)
		return request_fail(req, rc, NULL, "\"%s\" still owns workspaces: delete them or give them another owner.",
		    p.name);
	if (rc == ERR_CONFLICT)
		return request_fail(req, rc, NULL, "\"%s\" is the last administrator.", p.name);
	if (rc == 0)
		req->http->reply.status = 204;
	return rc;
}
