#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "api.h"
#include "api_calls.h"
#include "api_event.h"
#include "clock.h"
#include "daemon.h"
#include "device.h"
#include "err.h"
#include "limits.h"
#include "page_cache.h"
#include "watch.h"

/*
 * GET /v1/changes: the change feed (SYNC 1 to 7). With `wait` an empty page waits for the next commit, suspended; run is then called again and
 * finds what the first call parsed. Pages of readers of a whole workspace are rendered once (page_cache.h).
 */
#define WAIT_MAX_S 120
#define LIMIT_FALLBACK 500
#define OPENING "{\"changes\":["

struct asked {
	struct watcher watcher;
	struct cursor cursor;
	unsigned limit;
	int64_t until_us;		/* 0: it doesn't wait */
	int64_t device;
};

struct page {
	struct cursor next;
	unsigned count;
	bool more;
	bool whole;			/* the reader's role is on the whole workspace */
};

/* ---- what is asked for ---- */

static int
check_scope(struct request *req, struct asked *a, int64_t folder)
{
	struct node n = NODE_INIT;
	int rc = api_node(req, ACTION_LIST, NODE_FOLDER, folder, &n);

	if (rc == 0 && n.workspace != a->cursor.workspace)
		rc = request_fail(req, ERR_NOTFOUND, NULL, "There is no such folder.");
	/* The root is no narrower than the workspace. */
	if (rc == 0)
		a->cursor.folder = n.parent ? folder : 0;
	node_release(&n);
	return rc;
}

static int
from_edge(struct request *req, struct asked *a, bool now, int64_t folder)
{
	struct workspace_row row;
	int rc = api_query_workspace(req, ACTION_LIST, true, &row);

	if (rc)
		return rc;
	a->cursor = (struct cursor) { .workspace = row.id, .principal = req->who.who.id,
		.sequence = now ? row.sequence : 0 };
	return folder ? check_scope(req, a, folder) : 0;
}

/* A cursor knows its workspace and scope; who names them must name the same. */
static int
from_cursor(struct request *req, struct asked *a, const char *text, int64_t folder)
{
	int64_t workspace, scope;
	int rc;

	if ((rc = api_read_cursor(req, text, &a->cursor)) != 0 ||
	    (rc = api_query_id(req, "workspaceId", ID_WORKSPACE, &workspace)) != 0)
		return rc;
	if (workspace && workspace != a->cursor.workspace)
		return request_fail(req, ERR_INVALID, "cursor_invalid", "The cursor is of another workspace.");
	scope = a->cursor.folder;
	if (!folder || folder == scope)
		return 0;
	/* That of a whole workspace goes with its root. */
	if (!scope && (rc = check_scope(req, a, folder)) != 0)
		return rc;
	if (scope || a->cursor.folder)
		return request_fail(req, ERR_INVALID, "cursor_invalid", "The cursor is of another scope.");
	return 0;
}

static int
parse(struct request *req, struct asked *a)
{
	const char *text = uri_value(&req->uri, "cursor");
	int64_t wait, limit, folder;
	int rc;

	if ((rc = admin_query_int(req, "wait", 0, WAIT_MAX_S, &wait)) != 0 ||
	    (rc = admin_query_int(req, "limit", LIMIT_FALLBACK, LIMIT_CHANGES, &limit)) != 0 ||
	    (rc = api_query_id(req, "folderId", ID_FOLDER, &folder)) != 0 ||
	    (rc = api_query_id(req, "deviceId", ID_DEVICE, &a->device)) != 0)
		return rc;
	if (!limit)
		return request_fail(req, ERR_INVALID, NULL, "limit: expected a number from 1 to %d.", LIMIT_CHANGES);
	a->limit = (unsigned)limit;
	a->until_us = wait ? req->http->started_us + wait * 1000000 : 0;
	if (!text || !strcmp(text, "begin") || !strcmp(text, "now"))
		return from_edge(req, a, text && *text == 'n', folder);
	return from_cursor(req, a, text, folder);
}

static int
touch_device(struct request *req, const struct asked *a)
{
	int rc = a->device ? device_asks(req->daemon->store, req->who.who.id, a->device, a->cursor.workspace) : 0;

	return rc == ERR_NOTFOUND ? request_fail(req, ERR_INVALID, NULL, "deviceId: it is none of yours.") : rc;
}

/* The first call; later ones find what it parsed. */
static int
begin(struct request *req)
{
	struct asked a = { .device = 0 }, *op;
	int rc;

	/* Who waited may have lost its token meanwhile, or its time may be over. */
	if (req->op)
		return auth_again(req);
	if ((rc = parse(req, &a)) != 0 || (rc = api_min_sequence(req, a.cursor.workspace)) != 0 ||
	    (rc = touch_device(req, &a)) != 0)
		return rc;
	if (!(op = malloc(sizeof(*op))))
		return ERR_NOMEM;
	*op = a;
	req->op = op;
	return 0;
}

/* ---- a page ---- */

static int
explain(struct request *req, int rc, const struct asked *a)
{
	char id[ID_TEXT], listing[64 + ID_TEXT];
	struct json_out j;

	switch (rc) {
	case ERR_NOTFOUND:
		return request_fail(req, rc, NULL, "There is no such workspace.");
	case ERR_INVALID:
		return request_fail(req, rc, "cursor_invalid", "The cursor is ahead of the workspace.");
	case ERR_EXPIRED:
		id_format(ID_WORKSPACE, a->cursor.workspace, id);
		snprintf(listing, sizeof(listing), "/v1/tree?workspaceId=%s", id);
		api_error_more(req, &j);
		json_key_str(&j, "listing", listing);
		json_key_str(&j, "hint", "List the tree, reconcile with it, and go on from the cursor of its last page.");
		return api_fail(req, rc, 410, "cursor_expired", "The change log no longer reaches back to this cursor.");
	default:
		return rc;
	}
}

/* Reads the page behind what stands in `body`, and keeps it where others may use it. */
static int
render(struct request *req, struct feed_query *q, int64_t epoch, struct buf *body, unsigned *count)
{
	struct api_events events = { .to = body };
	struct feed_out out = api_events_out(&events);
	size_t begin_at = body->len;
	int rc = feed_read_for(req->daemon->store, q, &out);

	if (rc)
		return rc;
	api_events_end(&events);
	*count = events.count;
	if (!q->personal && events.count && buf_finish(body) == 0)
		page_cache_put(req->daemon->pages,
		    &(struct page_key) { q->workspace, q->from, q->last, epoch }, body->data + begin_at, body->len - begin_at);
	return buf_finish(body);
}

static int
read_page(struct request *req, const struct asked *a, struct page *page)
{
	struct store *store = req->daemon->store;
	int64_t epoch = store_structure_epoch(store);	/* before the snapshot: what is newer than it is not older */
	struct buf *body = &req->http->reply.body;
	struct feed_query q = { .workspace = a->cursor.workspace, .who = &req->who.who, .scope = a->cursor.folder,
		.from = a->cursor.sequence, .max = a->limit };
	size_t empty;
	int rc;

	*page = (struct page) { .next = a->cursor };
	buf_clear(body);
	buf_addstr(body, OPENING);
	empty = body->len;
	if ((rc = feed_page_end(store, &q)) != 0)
		return explain(req, rc, a);
	if (q.head > q.from && (q.personal || !page_cache_get(req->daemon->pages,
	    &(struct page_key) { q.workspace, q.from, q.last, epoch }, body)) &&
	    (rc = render(req, &q, epoch, body, &page->count)) != 0)
		return explain(req, rc, a);
	page->count = body->len > empty;
	page->next.sequence = q.last;
	page->more = q.more;
	page->whole = q.whole;
	return 0;
}

static int
finish_page(struct request *req, const struct page *page)
{
	struct buf *body = &req->http->reply.body;
	struct json_out j;

	buf_addstr(body, "]");
	json_out_init(&j, body, false);
	j.comma = true;
	api_put_cursor(req, &j, "nextCursor", &page->next);
	json_key_bool(&j, "hasMore", page->more);
	buf_addstr(body, "}");
	admin_reply_head(req, 200);
	return buf_finish(body);
}

/* With too many who wait, the next one is sent away for a while. */
static bool
crowded(struct request *req)
{
	struct daemon *d = req->daemon;

	if (watch_count(d->hub) < (unsigned)d->settings.connections / 10 * 9)
		return false;
	http_reply_header(&req->http->reply, "Retry-After", "%d", 1 + (int)(req->http->started_us % 5));
	return true;
}

int
api_changes(struct request *req)
{
	struct watch_hub *hub = req->daemon->hub;
	struct asked *a;
	struct page page;
	bool waits;
	int rc;

	if ((rc = begin(req)) != 0)
		return rc;
	a = req->op;
	/* Told before looking, so that no commit falls between. */
	waits = clock_mono_us() < a->until_us &&
	    watch_add(hub, &a->watcher, req->http, a->cursor.workspace, a->until_us) == 0;
	if ((rc = read_page(req, a, &page)) != 0)
		return rc;
	if (!page.count && !page.more) {
		if (!page.whole && !perm_any(req->daemon->store, &req->who.who, a->cursor.workspace))
			return explain(req, ERR_NOTFOUND, a);
		a->cursor = page.next;
		if (waits && !crowded(req)) {
			buf_release(&req->http->reply.body);
			return ERR_AGAIN;
		}
	}
	watch_remove(hub, &a->watcher);
	return finish_page(req, &page);
}

void
api_changes_release(struct request *req)
{
	struct asked *a = req->op;

	watch_remove(req->daemon->hub, &a->watcher);
	free(a);
}
