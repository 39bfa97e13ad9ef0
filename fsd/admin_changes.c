#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "clock.h"
#include "daemon.h"
#include "err.h"
#include "feed.h"
#include "limits.h"
#include "watch.h"

/*
 * GET …/changes?cursor=&limit=&wait=: the change feed as the administrator sees it. The cursor is "begin", "now" or a
 * sequence. With `wait` an empty page waits for the next commit, suspended; run is then called again.
 */
#define WAIT_MAX_S 60
#define LIMIT_FALLBACK 500

struct waiting {
	struct watcher watcher;
	int64_t workspace, from, until_us;
	unsigned limit;
};

struct page {
	struct json_out *out;
	unsigned count;
};

static void
add_hash(struct json_out *j, const struct event *e)
{
	char hex[65];

	hex_encode(e->content_hash, sizeof(e->content_hash), hex);
	json_key_str(j, "contentHash", e->has_hash ? hex : NULL);
}

/* Folders are stored with their slash. */
static void
add_name(struct json_out *j, const char *key, struct slice name)
{
	json_key(j, key);
	json_bytes(j, name.p, name.len && name.p[name.len - 1] == '/' ? name.len - 1 : name.len);
}

static void
add_event(void *arg, const struct event *e, struct slice path)
{
	struct page *page = arg;
	struct json_out *j = page->out;

	page->count++;
	json_object_begin(j);
	json_key_int(j, "sequence", e->sequence);
	json_key_str(j, "eventType", feed_event_name(e->type));
	json_key_str(j, "kind", e->folder ? "folder" : "file");
	admin_put_id(j, "id", e->folder ? ID_FOLDER : ID_FILE, e->node);
	admin_put_id(j, "parentId", ID_FOLDER, e->parent);
	add_name(j, "name", e->name);
	json_key(j, "path");
	json_bytes(j, path.p, path.len);
	admin_put_id(j, "versionId", ID_VERSION, e->version);
	json_key_uint(j, "sizeBytes", e->size);
	add_hash(j, e);
	if (e->from_parent) {
		admin_put_id(j, "fromParentId", ID_FOLDER, e->from_parent);
		add_name(j, "fromName", e->from_name);
	}
	if (e->principal) {
		admin_put_id(j, "userId", ID_USER, e->principal);
		json_key_str(j, "role", role_name((enum role)e->role));
	}
	admin_put_id(j, "actor", ID_USER, e->actor);
	admin_put_time(j, "occurredAt", e->occurred_us);
	json_key_bool(j, "endsCommit", e->ends_commit);
	json_object_end(j);
}

static int
resolve_cursor(struct request *req, const struct workspace_row *row, int64_t *from)
{
	const char *cursor = uri_value(&req->uri, "cursor");

	if (!cursor || !strcmp(cursor, "begin"))
		*from = row->horizon;
	else if (!strcmp(cursor, "now"))
		*from = row->sequence;
	else
		return admin_query_int(req, "cursor", 0, INT64_MAX, from);
	return 0;
}

/* The first call; later ones find what it parsed. */
static int
begin(struct request *req)
{
	struct workspace_row row;
	struct waiting *w;
	int64_t wait, limit, from;
	int rc;

	if (req->op)
		return 0;
	if ((rc = admin_path_workspace(req, 0, &row)) != 0 || (rc = resolve_cursor(req, &row, &from)) != 0 ||
	    (rc = admin_query_int(req, "wait", 0, WAIT_MAX_S, &wait)) != 0 ||
	    (rc = admin_query_int(req, "limit", LIMIT_FALLBACK, LIMIT_CHANGES, &limit)) != 0)
		return rc;
	if (!limit)
		return request_fail(req, ERR_INVALID, NULL, "limit: expected a number from 1 to %d.", LIMIT_CHANGES);
	if (from > row.sequence)
		return request_fail(req, ERR_INVALID, "cursor_invalid", "cursor: the workspace is at %lld.",
		    (long long)row.sequence);
	if (!(w = calloc(1, sizeof(*w))))
		return ERR_NOMEM;
	w->workspace = row.id;
	w->from = from;
	w->limit = (unsigned)limit;
	w->until_us = wait ? req->http->started_us + wait * 1000000 : 0;
	req->op = w;
	return 0;
}

static int
read_page(struct request *req, const struct waiting *w, unsigned *count)
{
	struct json_out j;
	struct page page = { .out = &j };
	int64_t last;
	char cursor[24];
	bool more;
	int rc;

	buf_clear(&req->http->reply.body);
	json_out_init(&j, &req->http->reply.body, false);
	json_object_begin(&j);
	json_key(&j, "changes");
	json_array_begin(&j);
	rc = feed_read(req->daemon->store, w->workspace, w->from, w->limit, add_event, &page, &last, &more);
	if (rc == ERR_EXPIRED)
		return request_fail(req, rc, "cursor_expired", "The feed no longer reaches back to that cursor: list, then begin anew.");
	if (rc)
		return rc;
	json_array_end(&j);
	snprintf(cursor, sizeof(cursor), "%lld", (long long)last);
	json_key_str(&j, "nextCursor", cursor);
	json_key_bool(&j, "hasMore", more);
	json_object_end(&j);
	*count = page.count;
	return 0;
}

int
admin_changes(struct request *req)
{
	struct watch_hub *hub = req->daemon->hub;
	struct waiting *w;
	unsigned count = 0;
	bool waits;
	int rc;

	if ((rc = begin(req)) != 0)
		return rc;
	w = req->op;
	/* Told before looking, so that no commit falls between. */
	waits = clock_mono_us() < w->until_us &&
	    watch_add(hub, &w->watcher, req->http, w->workspace, w->until_us) == 0;
	if ((rc = read_page(req, w, &count)) != 0)
		return rc;
	if (waits && !count)
		return ERR_AGAIN;
	watch_remove(hub, &w->watcher);
	admin_reply_head(req, 200);
	return 0;
}

void
admin_changes_release(struct request *req)
{
	struct waiting *w = req->op;

	watch_remove(req->daemon->hub, &w->watcher);
	free(w);
}
