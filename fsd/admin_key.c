#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "daemon.h"
#include "err.h"

/* /v1/admin/users/{name}/keys: access keys of S3. A secret is shown once, when its key is made. */
#define SHOWN 1000

int
admin_key_add_all(struct request *req, struct json_out *j, int64_t principal)
{
	struct access_key *keys = calloc(SHOWN, sizeof(*keys));
	unsigned n = 0;
	int rc = keys ? key_list(req->daemon->store, principal, keys, SHOWN, &n) : ERR_NOMEM;

	json_key(j, "keys");
	json_array_begin(j);
	for (unsigned i = 0; i < n; i++) {
		json_object_begin(j);
		json_key_str(j, "accessKeyId", keys[i].id);
		json_key_bool(j, "disabled", keys[i].disabled_us != 0);
		admin_put_time(j, "createdAt", keys[i].created_us);
		json_object_end(j);
	}
	json_array_end(j);
	free(keys);
	return rc;
}

int
admin_key_list(struct request *req)
{
	return admin_user_has(req, admin_key_add_all);
}

int
admin_key_create(struct request *req)
{
	char secret[KEY_SECRET_TEXT];
	struct access_key key;
	struct principal p;
	struct json_out j;
	int rc;

	if ((rc = admin_path_user(req, 0, &p)) != 0 ||
	    (rc = key_create(req->daemon->store, p.id, &key, secret)) != 0)
		return rc;
	admin_reply(req, 201, &j);
	json_object_begin(&j);
	json_key_str(&j, "accessKeyId", key.id);
	json_key_str(&j, "secretAccessKey", secret);
	json_object_end(&j);
	explicit_bzero(secret, sizeof(secret));
	return 0;
}

static int
find_key(struct request *req, struct principal *p, char id[KEY_ID_TEXT])
{
	int rc = admin_path_user(req, 0, p);

	return rc ? rc : admin_param(req, 1, id, KEY_ID_TEXT);
}

static int
no_key(struct request *req, int rc, const char *id)
{
	return rc == ERR_NOTFOUND ? request_fail(req, rc, "not_found", "The user has no access key %s.", id) : rc;
}

int
admin_key_change(struct request *req)
{
	static const char *const fields[] = { "disabled", NULL };
	char id[KEY_ID_TEXT];
	struct json *body = NULL;
	bool disabled = false;
	struct principal p;
	int rc;

	if ((rc = find_key(req, &p, id)) != 0 || (rc = admin_body(req, fields, &body)) != 0)
		return rc;
	if (!json_get(body, "disabled"))
		rc = request_fail(req, ERR_INVALID, NULL, "disabled: missing.");
	else if ((rc = admin_get_bool(req, body, "disabled", &disabled)) == 0)
		rc = no_key(req, key_disable(req->daemon->store, p.id, id, disabled), id);
	if (rc == 0)
		req->http->reply.status = 204;
	json_free(body);
	return rc;
}

int
admin_key_delete(struct request *req)
{
	char id[KEY_ID_TEXT];
	struct principal p;
	int rc;

	if ((rc = find_key(req, &p, id)) != 0 || (rc = no_key(req, key_delete(req->daemon->store, p.id, id), id)) != 0)
		return rc;
	req->http->reply.status = 204;
	return 0;
}
