#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "daemon.h"
#include "err.h"

/* /v1/admin/users/{name}/tokens: bearer tokens. A token is shown once, when it is made. */
#define SHOWN 1000
#define LIFETIME_MAX_MS (1000ll * 366 * 86400 * 1000)	/* a thousand years */

int
admin_token_add_all(struct request *req, struct json_out *j, int64_t principal)
{
	struct token *tokens = calloc(SHOWN, sizeof(*tokens));
	unsigned n = 0;
	int rc = tokens ? token_list(req->daemon->store, principal, tokens, SHOWN, &n) : ERR_NOMEM;

	json_key(j, "tokens");
	json_array_begin(j);
	for (unsigned i = 0; i < n; i++) {
		json_object_begin(j);
		admin_put_id(j, "tokenId", ID_TOKEN, tokens[i].id);
		admin_put_time(j, "createdAt", tokens[i].created_us);
		admin_put_time(j, "expiresAt", tokens[i].expires_us);
		json_object_end(j);
	}
	json_array_end(j);
	free(tokens);
	return rc;
}

int
admin_token_list(struct request *req)
{
	return admin_user_has(req, admin_token_add_all);
}

int
admin_token_create(struct request *req)
{
	static const char *const fields[] = { "expiresMs", NULL };
	char text[TOKEN_TEXT];
	struct json *body = NULL;
	int64_t lifetime = 0;
	struct principal p;
	struct token token;
	struct json_out j;
	int rc;

	if ((rc = admin_path_user(req, 0, &p)) != 0 || (rc = admin_body(req, fields, &body)) != 0)
		return rc;
	if ((rc = admin_get_int(req, body, "expiresMs", LIFETIME_MAX_MS, &lifetime)) != 0 ||
	    (rc = token_create(req->daemon->store, p.id, lifetime, &token, text)) != 0)
		goto out;
	admin_reply(req, 201, &j);
	json_object_begin(&j);
	admin_put_id(&j, "tokenId", ID_TOKEN, token.id);
	json_key_str(&j, "token", text);
	admin_put_time(&j, "expiresAt", token.expires_us);
	json_object_end(&j);
	explicit_bzero(text, sizeof(text));
out:
	json_free(body);
	return rc;
}

int
admin_token_delete(struct request *req)
{
	struct principal p;
	char text[ID_TEXT];
	int64_t id;
	int rc;

	if ((rc = admin_path_user(req, 0, &p)) != 0 || (rc = admin_param(req, 1, text, sizeof(text))) != 0)
		return rc;
	if (id_parse(ID_TOKEN, text, &id) != 0)
		rc = ERR_NOTFOUND;
	else
		rc = token_delete(req->daemon->store, p.id, id);
	if (rc == ERR_NOTFOUND)
		return request_fail(req, rc, "not_found", "The user has no token %s.", text);
	if (rc == 0)
		req->http->reply.status = 204;
	return rc;
}
