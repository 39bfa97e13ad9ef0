#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "api.h"
#include "clock.h"
#include "err.h"
#include "meta.h"

#define NAME_MAX_BYTES 255
#define SECONDS_MAX 253402300799u	/* the end of the year 9999 */
#define MTIME "x-amz-meta-mtime"
#define MODE "x-amz-meta-mode"

const char *
api_name_reason(struct slice name)
{
	if (!name.len)
		return "it is empty";
	if (name.len > NAME_MAX_BYTES)
		return "it is longer than 255 bytes";
	if (slice_is(name, ".") || slice_is(name, ".."))
		return "it stands for a folder itself";
	for (size_t i = 0; i < name.len; i++) {
		if (name.p[i] == '/')
			return "it has a slash";
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
			return "it has a control character";
	}
	return utf8_valid(name.p, name.len) ? NULL : "it is not UTF-8";
}

int
api_check_name(struct request *req, const char *name)
{
	const char *why = api_name_reason(SLICE(name));

	return why ? request_fail(req, ERR_INVALID, "invalid_name", "name: %s.", why) : 0;
}

static void
put_base64(struct json_out *j, const char *key, struct slice s)
{
	char *text = malloc(BASE64_SIZE(s.len));

	if (!text) {
		j->buf->err = ERR_NOMEM;
		return;
	}
	base64_encode(s.p, s.len, text);
	json_key_str(j, key, text);
	free(text);
}

void
api_put_name(struct json_out *j, struct slice name, bool twin)
{
	const char *why = api_name_reason(name);

	if (!why && twin)
		why = "a file and a folder have this name";
	json_key(j, "name");
	json_bytes(j, name.p, name.len);
	json_key_bool(j, "syncable", !why);
	if (why) {
		json_key_str(j, "reason", why);
		put_base64(j, "nameBase64", name);
	}
}

void
api_put_hash(struct json_out *j, const uint8_t *hash)
{
	char text[7 + 65] = "sha256:";

	if (hash)
		hex_encode(hash, 32, text + 7);
	json_key_str(j, "contentHash", hash ? text : NULL);
}

static void
put_header(struct json_out *j, const char *key, const struct node *n, const char *name)
{
	struct slice value;

	json_key(j, key);
	if (meta_find(n->headers.data, n->headers.len, name, &value))
		json_bytes(j, value.p, value.len);
	else
		json_null_value(j);
}

/* Seconds since 1970 with an optional fraction, as rclone writes them. False for anything else. */
static bool
parse_seconds(struct slice s, int64_t *us)
{
	const char *dot = memchr(s.p, '.', s.len);
	size_t whole = dot ? (size_t)(dot - s.p) : s.len;
	int64_t unit = 100000;
	uint64_t seconds;

	if (parse_u64(s.p, whole, &seconds) != 0 || seconds > SECONDS_MAX)
		return false;
	*us = (int64_t)seconds * 1000000;
	for (size_t i = whole + 1; i < s.len; i++, unit /= 10) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*us += (s.p[i] - '0') * unit;
	}
	return true;
}

static void
put_mtime(struct json_out *j, const struct node *n)
{
	char text[CLOCK_TEXT];
	struct slice value;
	int64_t us;
	bool known = meta_find(n->headers.data, n->headers.len, MTIME, &value) && parse_seconds(value, &us);

	if (known)
		clock_rfc3339(us, text);
	json_key_str(j, "mtime", known ? text : NULL);
}

static void
put_file(struct json_out *j, const struct node *n)
{
	admin_put_id(j, "versionId", ID_VERSION, n->version_id);
	json_key_uint(j, "sizeBytes", n->size);
	api_put_hash(j, n->has_hash ? n->content_hash : NULL);
	json_key_str(j, "etag", n->etag);
	put_header(j, "contentType", n, "content-type");
	put_mtime(j, n);
	put_header(j, "mode", n, MODE);
	admin_put_time(j, "modifiedAt", n->modified_us);
}

static void
put_collisions(struct json_out *j, const struct api_node_extra *extra)
{
	char text[ID_TEXT];

	if (!extra || !extra->ncollides)
		return;
	json_key(j, "nameCollides");
	json_array_begin(j);
	for (size_t i = 0; i < extra->ncollides; i++) {
		id_format(extra->collides[i].kind == NODE_FILE ? ID_FILE : ID_FOLDER, extra->collides[i].id, text);
		json_str(j, text);
	}
	json_array_end(j);
}

void
api_put_node(struct json_out *j, const struct node *n, const struct api_node_extra *extra)
{
	struct slice path = { n->path.data ? n->path.data : "", n->path.len };
	struct slice name = { n->name.data ? n->name.data : "", n->name.len };
	bool alone = extra && extra->top;	/* what else its folder has is not the caller's to know */
	bool root = n->kind == NODE_FOLDER && !n->parent && !alone;

	if (extra && extra->path.p)
		path = extra->path;
	admin_put_id(j, "id", n->kind == NODE_FILE ? ID_FILE : ID_FOLDER, n->id);
	json_key_str(j, "kind", n->kind == NODE_FILE ? "file" : "folder");
	admin_put_id(j, "workspaceId", ID_WORKSPACE, n->workspace);
	admin_put_id(j, "parentFolderId", ID_FOLDER, alone ? 0 : n->parent);
	if (root)
		json_key_str(j, "name", "");
	else
		api_put_name(j, name, n->twin && !alone);
	json_key(j, "path");
	json_bytes(j, path.p, path.len);
	if (n->kind == NODE_FILE)
		put_file(j, n);
	else
		json_key_bool(j, "explicit", n->explicit_folder || root);
	admin_put_time(j, "createdAt", n->created_us);
	admin_put_id(j, "createdBy", ID_USER, n->created_by);
	json_key_int(j, "sequence", n->sequence);
	put_collisions(j, extra);
}

/* ---- attributes ---- */

static int
get_mtime(struct request *req, const struct json *body, char seconds[32])
{
	const char *text = NULL;
	int64_t us;
	int rc = admin_get_str(req, body, "mtime", &text);

	*seconds = '\0';
	if (rc || !text)
		return rc;
	if (clock_parse_rfc3339(text, &us) != 0 || us < 0)
		return request_fail(req, ERR_INVALID, NULL, "mtime: expected a time like 2026-11-22T13:52:15.123456Z.");
	snprintf(seconds, 32, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
	return 0;
}

static int
get_mode(struct request *req, const struct json *body, const char **mode)
{
	int rc = admin_get_str(req, body, "mode", mode);

	if (rc || !*mode)
		return rc;
	if (strspn(*mode, "01234567") != strlen(*mode) || !**mode || strlen(*mode) > 6)
		return request_fail(req, ERR_INVALID, NULL, "mode: expected octal digits like \"0644\".");
	return 0;
}

static int
get_type(struct request *req, const struct json *body, const char **type)
{
	int rc = admin_get_str(req, body, "contentType", type);

	if (rc || !*type)
		return rc;
	for (const char *p = *type; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return request_fail(req, ERR_INVALID, NULL, "contentType: has a byte that a header can't have.");
	if (!**type || strlen(*type) > 255)
		return request_fail(req, ERR_INVALID, NULL, "contentType: expected 1 to 255 bytes.");
	return 0;
}

static bool
replaced(struct slice name, const char *type, const char *mtime, const char *mode)
{
	return (type && slice_is(name, "content-type")) || (*mtime && slice_is(name, MTIME)) ||
	       (mode && slice_is(name, MODE));
}

int
api_get_attributes(struct request *req, const struct json *body, const struct buf *old, struct buf *headers)
{
	const char *type = NULL, *mode = NULL;
	struct slice name, value;
	char mtime[32];
	size_t at = 0;
	int rc;

	if ((rc = get_type(req, body, &type)) != 0 || (rc = get_mtime(req, body, mtime)) != 0 ||
	    (rc = get_mode(req, body, &mode)) != 0)
		return rc;
	buf_clear(headers);
	while (old && (rc = meta_next(old->data, old->len, &at, &name, &value)) == 0)
		if (!replaced(name, type, mtime, mode))
			meta_add(headers, name.p, name.len, value.p, value.len);
	if (rc && rc != ERR_END)
		return rc;
	if (type)
		meta_add(headers, "content-type", strlen("content-type"), type, strlen(type));
	if (*mtime)
		meta_add(headers, MTIME, strlen(MTIME), mtime, strlen(mtime));
	if (mode)
		meta_add(headers, MODE, strlen(MODE), mode, strlen(mode));
	return buf_finish(headers);
}
