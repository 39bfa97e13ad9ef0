#include <string.h>

#include "admin.h"
#include "api.h"
#include "api_calls.h"
#include "daemon.h"
#include "err.h"
#include "le.h"
#include "limits.h"
#include "past_tree.h"
#include "ticket.h"

/*
 * GET /v1/tree?workspaceId=[&at=][&folderId=][&limit=], then with &page=, beside which they may be left out: all that is in a workspace, or below
 * a folder, as of one sequence, which the first page fixes. The last page has the cursor of the feed that goes on from there.
 *
 * A page's mark says, little-endian: 'T', how the moment was given, workspace, principal, sequence, the time that was given, folder of
 * the listing, folder and name of the entry that was shown last.
 */
enum { AT_NOW = 1, AT_SEQUENCE, AT_TIME };
#define LIMIT_PAGE 10000
#define LIMIT_USUAL 1000
#define MARK_HEAD (2 + 6 * 8)

struct page {
	struct request *req;
	struct past_tree_query query;
	struct past_tree_end end;
	struct json_out j;
	int at;				/* AT_* */
	int64_t time_us;		/* AT_TIME */
	uint8_t mark[TICKET_PAYLOAD];	/* of the page before; query.name points into it */
};

static int
other_listing(struct request *req)
{
	return request_fail(req, ERR_INVALID, NULL, "page: it is not from this listing.");
}

static int
read_when(struct request *req, const char *at, struct past_when *when)
{
	if (past_when_parse(at, when) != 0)
		return request_fail(req, ERR_INVALID, NULL, "at: expected a sequence or a time like 2026-11-22T10:00:00Z.");
	return 0;
}

/* What stands beside the page must be what its listing was asked for. */
static int
check_listing(struct page *p)
{
	struct request *req = p->req;
	const char *at = uri_value(&req->uri, "at");
	struct past_when when;
	int64_t folder;
	int rc;

	if ((rc = api_query_id(req, "folderId", ID_FOLDER, &folder)) != 0 || (at && (rc = read_when(req, at, &when)) != 0))
		return rc;
	if (folder && folder != p->query.under)
		return other_listing(req);
	if (at && (p->at != (when.is_time ? AT_TIME : AT_SEQUENCE) ||
	    (when.is_time ? when.time_us != p->time_us : when.sequence != p->query.when.sequence)))
		return other_listing(req);
	return 0;
}

static int
read_mark(struct page *p, const char *text)
{
	struct request *req = p->req;
	struct past_tree_query *q = &p->query;
	const uint8_t *m = p->mark;
	size_t len;

	if (ticket_read(req->daemon->store, TICKET_PAGE, text, p->mark, &len) != 0 || len < MARK_HEAD || m[0] != 'T' ||
	    (int64_t)le_get64(m + 2) != q->workspace || (int64_t)le_get64(m + 10) != req->who.who.id)
		return other_listing(req);
	p->at = m[1];
	q->again = p->at == AT_NOW;
	q->when = (struct past_when) { .sequence = (int64_t)le_get64(m + 18) };
	p->time_us = (int64_t)le_get64(m + 26);
	q->under = (int64_t)le_get64(m + 34);
	q->folder = (int64_t)le_get64(m + 42);
	q->name = (struct slice) { (const char *)m + MARK_HEAD, len - MARK_HEAD };
	return check_listing(p);
}

static void
put_mark(struct page *p)
{
	const struct past_tree_query *q = &p->query;
	const struct buf *name = &p->end.name;
	struct buf text = BUF_INIT(TICKET_TEXT);
	uint8_t mark[TICKET_PAYLOAD] = { 'T', (uint8_t)p->at };

	le_put64(mark + 2, (uint64_t)q->workspace);
	le_put64(mark + 10, (uint64_t)p->req->who.who.id);
	le_put64(mark + 18, (uint64_t)p->end.sequence);
	le_put64(mark + 26, (uint64_t)p->time_us);
	le_put64(mark + 34, (uint64_t)q->under);
	le_put64(mark + 42, (uint64_t)p->end.folder);
	if (name->len)
		memcpy(mark + MARK_HEAD, name->data, name->len);
	ticket_write(p->req->daemon->store, TICKET_PAGE, mark, MARK_HEAD + name->len, &text);
	json_key_str(&p->j, "nextPage", text.data);
	if (buf_finish(&text) != 0)
		p->j.buf->err = buf_finish(&text);
	buf_release(&text);
}

static int
no_folder(struct request *req)
{
	return request_fail(req, ERR_NOTFOUND, NULL, "There is no such folder in this workspace.");
}

/* What the first page asks for. Without `at` it is what is there now. */
static int
first_page(struct page *p, const struct workspace_row *row)
{
	struct request *req = p->req;
	const char *at = uri_value(&req->uri, "at");
	struct past_tree_query *q = &p->query;
	struct node folder = NODE_INIT;
	int rc;

	q->again = !at;
	q->when = (struct past_when) { .sequence = row->sequence };
	if (at && (rc = read_when(req, at, &q->when)) != 0)
		return rc;
	p->at = !at ? AT_NOW : q->when.is_time ? AT_TIME : AT_SEQUENCE;
	p->time_us = q->when.time_us;
	if ((rc = api_query_id(req, "folderId", ID_FOLDER, &q->under)) != 0 || !q->under)
		return rc;
	rc = node_find(req->daemon->store, &req->who.who, ACTION_LIST, NODE_FOLDER, q->under, &folder);
	if (rc == 0 && folder.workspace != q->workspace)
		rc = ERR_NOTFOUND;
	node_release(&folder);
	q->under_gone = rc == ERR_NOTFOUND && at;
	return q->under_gone ? 0 : rc == ERR_NOTFOUND ? no_folder(req) : rc;
}

static void
put_node(void *arg, const struct node *node, struct slice path)
{
	struct page *p = arg;

	json_object_begin(&p->j);
	api_put_node(&p->j, node, &(struct api_node_extra) { .path = path, .top = !node->parent });
	json_object_end(&p->j);
}

static int
failed(struct page *p, int rc, const struct workspace_row *row)
{
	struct json_out more;

	buf_clear(&p->req->http->reply.body);
	if (rc == ERR_INVALID)
		return request_fail(p->req, rc, NULL, "at: it has not come to that yet; the newest sequence is %lld.",
		    (long long)row->sequence);
	if (rc == ERR_NOTFOUND && p->query.under_gone)
		return no_folder(p->req);
	if (rc != ERR_EXPIRED)
		return rc;
	json_key_int(api_error_more(p->req, &more), "oldestSequence", row->past_horizon);
	return api_fail(p->req, rc, 410, "expired", "What was there then is not kept any more.");
}

static int
reply(struct page *p, const struct workspace_row *row)
{
	struct request *req = p->req;
	const struct past_tree_query *q = &p->query;
	int rc;

	admin_reply(req, 200, &p->j);
	json_object_begin(&p->j);
	json_key(&p->j, "entries");
	json_array_begin(&p->j);
	if ((rc = past_tree(req->daemon->store, q, put_node, p, &p->end)) != 0)
		return failed(p, rc, row);
	json_array_end(&p->j);
	json_key_int(&p->j, "sequence", p->end.sequence);
	if (p->end.more)
		put_mark(p);
	else
		json_key_str(&p->j, "nextPage", NULL);
	if (p->end.more)
		json_key_str(&p->j, "nextCursor", NULL);
	else
		api_put_cursor(req, &p->j, "nextCursor", &(struct cursor) { .workspace = q->workspace,
			.folder = q->under, .principal = req->who.who.id, .sequence = p->end.sequence });
	json_object_end(&p->j);
	return buf_finish(&req->http->reply.body);
}

int
api_tree(struct request *req)
{
	const char *mark = uri_value(&req->uri, "page");
	struct page p = { .req = req, .end = PAST_TREE_END_INIT };
	struct workspace_row row;
	int64_t limit;
	int rc;

	if ((rc = api_query_workspace(req, ACTION_LIST, true, &row)) != 0 ||
	    (rc = api_min_sequence(req, row.id)) != 0 ||
	    (rc = admin_query_int(req, "limit", LIMIT_USUAL, LIMIT_PAGE, &limit)) != 0)
		return rc;
	p.query = (struct past_tree_query) { .workspace = row.id, .who = &req->who.who,
		.max = limit ? (unsigned)limit : LIMIT_USUAL };
	if ((rc = mark ? read_mark(&p, mark) : first_page(&p, &row)) == 0)
		rc = reply(&p, &row);
	past_tree_end_release(&p.end);
	return rc;
}
