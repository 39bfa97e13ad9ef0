#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "api_calls.h"
#include "api.h"
#include "clock.h"
#include "content.h"
#include "daemon.h"
#include "err.h"
#include "le.h"
#include "meta.h"
#include "range.h"
#include "ticket.h"

/*
 * Versions on their way to devices: a short-lived URL for the whole (ranges, strong ETag), and manifest and chunks for those who have most of it. Rights are asked
 * for when a URL is given and again when it is used.
 */
#define CONTENT_TICKET_US (15 * 60 * 1000000ll)
#define TICKET_SIZE 24			/* version, principal, end of its time: little-endian numbers of 8 bytes */
#define MANIFEST_CHUNKS 10000

/* ---- the version that is meant ---- */

/*
 * A file, with ?version=: an id or "current". A version that is named is found for as long as it is kept, also of a file that is gone. `content` was
 * initialised.
 */
static int
find_version(struct request *req, int64_t file, struct node *n, struct content *content)
{
	const char *text = uri_value(&req->uri, "version");
	int64_t version = 0;
	int rc;

	if (text && strcmp(text, "current") != 0 && id_parse(ID_VERSION, text, &version) != 0)
		return request_fail(req, ERR_INVALID, NULL, "version: expected \"current\" or the id of a version.");
	rc = version ? api_past_file(req, file, n) : api_node(req, ACTION_READ, NODE_FILE, file, n);
	if (rc || (rc = api_min_sequence(req, n->workspace)) != 0)
		return rc;
	rc = content_of(req->daemon->store, version ? version : n->version_id, content);
	if (rc == ERR_NOTFOUND || (rc == 0 && content->file != n->id))
		return request_fail(req, ERR_NOTFOUND, NULL, "The file has no such version.");
	return rc;
}

/* The same of a call that names the file in its path. */
static int
find_path_version(struct request *req, struct node *n, struct content *content)
{
	int64_t file;
	int rc = api_path_id(req, 0, ID_FILE, &file);

	return rc ? rc : find_version(req, file, n, content);
}

static void
put_version(struct json_out *j, const struct content *c)
{
	admin_put_id(j, "fileId", ID_FILE, c->file);
	admin_put_id(j, "versionId", ID_VERSION, c->version);
	json_key_uint(j, "sizeBytes", c->size);
	api_put_hash(j, c->has_hash ? c->hash : NULL);
}

/* ---- the URL ---- */

int
api_download(struct request *req)
{
	struct content c = CONTENT_INIT;
	struct node n = NODE_INIT;
	struct buf ticket = BUF_INIT(TICKET_TEXT);
	int64_t until = clock_wall_us() + CONTENT_TICKET_US;
	char id[ID_TEXT], path[64];
	uint8_t said[TICKET_SIZE];
	struct json_out j;
	int rc;

	if ((rc = find_path_version(req, &n, &c)) == 0) {
		le_put64(said, (uint64_t)c.version);
		le_put64(said + 8, (uint64_t)req->who.who.id);
		le_put64(said + 16, (uint64_t)until);
		ticket_write(req->daemon->store, TICKET_CONTENT, said, sizeof(said), &ticket);
		id_format(ID_VERSION, c.version, id);
		snprintf(path, sizeof(path), "/v1/content/%s", id);
		admin_reply(req, 200, &j);
		json_object_begin(&j);
		put_version(&j, &c);
		api_put_url(req, &j, "downloadUrl", path, &ticket);
		admin_put_time(&j, "expiresAt", until);
		json_object_end(&j);
		rc = buf_finish(&req->http->reply.body);
	}
	buf_release(&ticket);
	node_release(&n);
	content_release(&c);
	return rc;
}

/* ---- the bytes ---- */

static int
send_range(struct request *req, const struct buf *manifest, uint64_t from, uint64_t len)
{
	if (!strcmp(req->http->method, "HEAD")) {
		req->http->reply.head_length = len;
		return 0;
	}
	return request_send(req, manifest, from, len);
}

static int
refuse(struct request *req)
{
	return api_fail(req, ERR_AUTH, 403, "ticket_invalid", "The URL is not one that this server gave.");
}

/* The version that the ticket is for, if who got it may still read its file, or its past. */
static int
open_ticket(struct request *req, struct content *c)
{
	const char *text = uri_value(&req->uri, "ticket");
	struct store *store = req->daemon->store;
	uint8_t said[TICKET_PAYLOAD];
	struct node n = NODE_INIT;
	struct principal who;
	int64_t version;
	size_t len;
	int rc;

	if (!text || ticket_read(store, TICKET_CONTENT, text, said, &len) != 0 || len != TICKET_SIZE ||
	    api_path_id(req, 0, ID_VERSION, &version) != 0 || version != (int64_t)le_get64(said))
		return refuse(req);
	if ((int64_t)le_get64(said + 16) < clock_wall_us())
		return api_fail(req, ERR_EXPIRED, 403, "ticket_expired", "The URL's time is over: ask for another.");
	rc = principal_get(store, (int64_t)le_get64(said + 8), &who);
	if (rc == ERR_NOTFOUND || (rc == 0 && who.disabled_us))
		return refuse(req);
	if (rc == 0 && (rc = content_of(store, version, c)) == 0)
		rc = node_find_past(store, &who, c->file, &n);
	node_release(&n);
	return rc == ERR_DENIED ? ERR_NOTFOUND : rc;
}

/* A version never changes, so its id is the strongest of tags. */
static bool
has_it(const struct request *req, const char *tag)
{
	const char *match = http_header(req->http, "if-none-match");

	return match && (!strcmp(match, "*") || strstr(match, tag));
}

static bool
wants_range(struct request *req, const struct content *c, const char *tag, struct range *range, int *rc)
{
	const char *text = http_header(req->http, "range"), *only = http_header(req->http, "if-range");

	*rc = 0;
	*range = (struct range) { 0, c->size };
	if (!text || (only && strcmp(only, tag) != 0))
		return false;
	*rc = range_parse(text, strlen(text), c->size, range);
	if (*rc == ERR_RANGE) {
		http_reply_header(&req->http->reply, "Content-Range", "bytes */%" PRIu64, c->size);
		*rc = request_fail(req, ERR_RANGE, NULL, "The version has %" PRIu64 " bytes.", c->size);
	} else if (*rc) {
		*range = (struct range) { 0, c->size };
		*rc = 0;
		return false;
	}
	return true;
}

static void
content_headers(struct request *req, const struct content *c, const char *tag)
{
	struct http_reply *reply = &req->http->reply;
	struct slice type;

	if (meta_find(c->headers.data, c->headers.len, "content-type", &type))
		http_reply_header_raw(reply, "Content-Type", type.p, type.len);
	else
		http_reply_header(reply, "Content-Type", "application/octet-stream");
	http_reply_header(reply, "ETag", "%s", tag);
	http_reply_header(reply, "Accept-Ranges", "bytes");
	/* It can be kept for good, by who asked for it. A browser shows nothing of it as a page of ours. */
	http_reply_header(reply, "Cache-Control", "private, max-age=31536000, immutable");
	http_reply_header(reply, "Content-Security-Policy", "sandbox");
	http_reply_header(reply, "X-Content-Type-Options", "nosniff");
}

int
api_content(struct request *req)
{
	struct content c = CONTENT_INIT;
	char id[ID_TEXT], tag[ID_TEXT + 2];
	struct range range;
	bool partial;
	int rc;

	if ((rc = open_ticket(req, &c)) != 0)
		goto out;
	id_format(ID_VERSION, c.version, id);
	snprintf(tag, sizeof(tag), "\"%s\"", id);
	partial = wants_range(req, &c, tag, &range, &rc);
	if (rc)
		goto out;
	content_headers(req, &c, tag);
	if (has_it(req, tag)) {
		req->http->reply.status = 304;
		req->http->reply.head_length = c.size;
		goto out;
	}
	req->http->reply.status = partial ? 206 : 200;
	if (partial)
		http_reply_header(&req->http->reply, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range.from,
		    range.from + range.len - 1, c.size);
	rc = send_range(req, &c.manifest, range.from, range.len);
out:
	content_release(&c);
	return rc;
}

/* ---- manifest and chunks ---- */

struct listing {
	struct json_out *j;
	int64_t from, max, n;
	uint64_t offset;
};

static bool
add_chunk(void *arg, const struct manifest_chunk *chunk)
{
	struct listing *l = arg;
	char hex[65];

	if (l->n - l->from >= l->max)
		return false;
	if (l->n++ >= l->from) {
		hex_encode(chunk->id, 32, hex);
		json_object_begin(l->j);
		json_key_str(l->j, "hash", hex);
		json_key_uint(l->j, "offset", l->offset);
		json_key_uint(l->j, "length", chunk->bytes);
		json_object_end(l->j);
	}
	l->offset += chunk->bytes;
	return true;
}

int
api_manifest(struct request *req)
{
	struct content c = CONTENT_INIT;
	struct node n = NODE_INIT;
	struct listing l = { .max = MANIFEST_CHUNKS };
	struct json_out j;
	int rc;

	if ((rc = admin_query_int(req, "from", 0, INT64_MAX, &l.from)) != 0 ||
	    (rc = admin_query_int(req, "limit", MANIFEST_CHUNKS, MANIFEST_CHUNKS, &l.max)) != 0 ||
	    (l.max == 0 && (rc = request_fail(req, ERR_INVALID, NULL, "limit: expected a number from 1 to %d.", MANIFEST_CHUNKS)) != 0) ||
	    (rc = find_path_version(req, &n, &c)) != 0)
		goto out;
	admin_reply(req, 200, &j);
	json_object_begin(&j);
	put_version(&j, &c);
	json_key(&j, "chunks");
	json_array_begin(&j);
	l.j = &j;
	rc = content_chunks(req->daemon->store, &c, add_chunk, &l);
	json_array_end(&j);
	json_key(&j, "next");
	if (l.offset < c.size && l.n > l.from)
		json_int(&j, l.n);
	else
		json_null_value(&j);
	json_object_end(&j);
	if (rc == 0)
		rc = buf_finish(&req->http->reply.body);
out:
	node_release(&n);
	content_release(&c);
	return rc;
}

struct search {
	const uint8_t *id;
	uint32_t bytes;
};

static bool
is_it(void *arg, const struct manifest_chunk *chunk)
{
	struct search *s = arg;

	if (!memcmp(chunk->id, s->id, 32))
		s->bytes = chunk->bytes;
	return !s->bytes;
}

static int
send_chunk(struct request *req, const uint8_t id[32], uint32_t bytes)
{
	struct buf manifest = BUF_INIT(256);
	struct manifest_builder b;
	int rc;

	manifest_begin(&b, MANIFEST_INLINE, &manifest);
	manifest_add_chunk(&b, id, bytes);
	if ((rc = manifest_end(&b)) == 0) {
		req->http->reply.status = 200;
		http_reply_header(&req->http->reply, "Content-Type", "application/octet-stream");
		http_reply_header(&req->http->reply, "Cache-Control", "private, max-age=31536000, immutable");
		rc = send_range(req, &manifest, 0, bytes);
	}
	buf_release(&manifest);
	return rc;
}

/* GET /v1/chunks/{hash}?fileId=[&version=]: of a version that the caller may read, and that has it. */
int
api_chunk(struct request *req)
{
	struct content c = CONTENT_INIT;
	struct node n = NODE_INIT;
	struct slice hex = req->params[0];
	struct search s = { 0 };
	uint8_t id[32];
	int64_t file;
	int rc;

	s.id = id;
	if (hex_decode(hex.p, hex.len, id, sizeof(id)) != 0)
		return request_fail(req, ERR_INVALID, NULL, "A chunk is named by the 64 hex digits of its SHA-256.");
	if ((rc = api_query_id(req, "fileId", ID_FILE, &file)) != 0)
		return rc;
	if (!file)
		return request_fail(req, ERR_INVALID, NULL, "fileId: missing.");
	if ((rc = find_version(req, file, &n, &c)) == 0)
		rc = content_chunks(req->daemon->store, &c, is_it, &s);
	if (rc == 0 && !s.bytes)
		rc = request_fail(req, ERR_NOTFOUND, NULL, "That version has no such chunk.");
	if (rc == 0)
		rc = send_chunk(req, id, s.bytes);
	node_release(&n);
	content_release(&c);
	return rc;
}
