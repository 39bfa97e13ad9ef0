#include <string.h>

#include "alias.h"
#include "daemon.h"
#include "err.h"
#include "limits.h"
#include "past.h"
#include "perm.h"
#include "s3.h"
#include "workspace.h"

/*
 * x-amz-copy-source: "/bucket/key?versionId=…" or without the first slash, percent-encoded.
 */
struct copy_source {
	char bucket[LIMIT_BUCKET_NAME + 1];
	struct buf key;
	int64_t version;
};

static int
bad_source(struct request *req)
{
	return request_fail(req, ERR_INVALID, "InvalidArgument",
	    "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
}

static int
parse(struct request *req, const char *text, struct copy_source *source)
{
	const char *query = strchr(text, '?'), *id;
	size_t len = query ? (size_t)(query - text) : strlen(text), blen;
	char *slash;
	int rc;

	if (query && !str_starts(query, "?versionId="))
		return bad_source(req);
	if (query) {
		id = query + strlen("?versionId=");
		if (s3_version_parse(id, &source->version) != 0)
			return request_fail(req, ERR_INVALID, "InvalidArgument", "Invalid version id specified");
	}
	if ((rc = uri_decode(&source->key, text, len, false)) != 0)
		return rc == ERR_INVALID ? bad_source(req) : rc;
	if (source->key.len && source->key.data[0] == '/')
		buf_consume(&source->key, 1);
	slash = source->key.len ? memchr(source->key.data, '/', source->key.len) : NULL;
	blen = slash ? (size_t)(slash - source->key.data) : 0;
	if (!blen || blen > LIMIT_BUCKET_NAME || blen + 1 == source->key.len ||
	    !utf8_valid(source->key.data, source->key.len))
		return bad_source(req);
	memcpy(source->bucket, source->key.data, blen);
	source->bucket[blen] = '\0';
	buf_consume(&source->key, blen + 1);
	return 0;
}

static int
find(struct request *req, const struct copy_source *source, struct object_info *info)
{
	struct store *store = req->daemon->store;
	struct slice key = { source->key.data, source->key.len };
	struct workspace_row from;
	int64_t sequence = 0;
	bool past = alias_named(source->bucket);
	int rc;

	if ((rc = past ? alias_find(req, source->bucket, &from, &sequence) :
	    workspace_find(store, source->bucket, &from)) != 0)
		return rc == ERR_NOTFOUND ? request_fail(req, rc, "NoSuchBucket", NULL) : rc;
	if ((rc = perm_check(store, &req->who.who, ACTION_READ, from.id, key)) != 0 ||
	    (rc = request_expects_owner(req, "x-amz-source-expected-bucket-owner", from.owner_id)) != 0)
		return rc;
	if (past)
		rc = alias_lost(req, past_find(store, from.id, sequence, key, source->version, info));
	else
		rc = object_find(store, from.id, key, source->version, info);
	if (rc == ERR_NOTFOUND && perm_check(store, &req->who.who, ACTION_LIST, from.id, key) != 0)
		return request_fail(req, ERR_DENIED, "AccessDenied", NULL);
	if (rc == ERR_NOTFOUND)
		return request_fail(req, rc, source->version ? "NoSuchVersion" : "NoSuchKey", NULL);
	if (rc == 0 && info->delete_marker)
		return request_fail(req, ERR_INVALID, "InvalidRequest",
		    "The source of a copy request may not specifically refer to a delete marker by version id.");
	return rc;
}

int
s3_copy_source(struct request *req, struct object_info *info)
{
	const char *text = request_header(req, "x-amz-copy-source");
	struct copy_source source = { .key = BUF_INIT(LIMIT_KEY_STORED + LIMIT_BUCKET_NAME + 2) };
	int rc;

	if (!text)
		return bad_source(req);
	if ((rc = parse(req, text, &source)) == 0)
		rc = find(req, &source, info);
	buf_release(&source.key);
	return rc;
}
