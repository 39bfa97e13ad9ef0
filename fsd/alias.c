#include <string.h>

#include "alias.h"
#include "daemon.h"
#include "err.h"
#include "node.h"
#include "past.h"
#include "workspace.h"

#define AT "--at-"

bool
alias_named(const char *bucket)
{
	const char *at = strstr(bucket, AT);
	struct past_when when;

	return at && past_when_parse(at + strlen(AT), &when) == 0;
}

int
alias_lost(struct request *req, int code)
{
	if (code != ERR_EXPIRED && code != ERR_INVALID)
		return code;
	return request_fail(req, ERR_NOTFOUND, "NoSuchBucket", code == ERR_EXPIRED ?
	    "What the bucket held then is not kept any more." : "The bucket's name has no moment that was.");
}

int
alias_find(struct request *req, const char *bucket, struct workspace_row *row, int64_t *sequence)
{
	struct store *store = req->daemon->store;
	const char *at = strstr(bucket, AT);
	char name[LIMIT_BUCKET_NAME + 1] = "";
	enum role role = ROLE_NONE;
	struct past_when when;
	int rc;

	memcpy(name, bucket, (size_t)(at - bucket));
	if ((rc = workspace_find(store, name, row)) != 0 ||
	    (rc = perm_role(store, NULL, &req->who.who, row->id, &role)) != 0)
		return rc;
	if (role == ROLE_NONE)
		return ERR_DENIED;
	if ((rc = past_when_parse(at + strlen(AT), &when)) == 0)
		rc = past_resolve(store, row->id, &when, sequence);
	return alias_lost(req, rc);
}

int
alias_open(struct request *req)
{
	if (!req->route->past) {
		req->error_status = 405;
		return request_fail(req, ERR_UNSUPPORTED, "MethodNotAllowed", "A bucket as it was can only be read.");
	}
	req->past = true;
	return alias_find(req, req->bucket, &req->workspace, &req->sequence);
}

int
alias_object(struct request *req, int64_t version, struct object_info *info)
{
	return alias_lost(req, past_find(req->daemon->store, req->workspace.id, req->sequence, req->key, version, info));
}
