#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "api.h"
#include "api_calls.h"
#include "daemon.h"
#include "err.h"
#include "heads.h"
#include "hint.h"
#include "id.h"

/*
 * GET /v1/events: hints as Server-Sent Events (SYNC 7; https://html.spec.whatwg.org/multipage/server-sent-events.html). The stream
 * begins with how far each workspace has come, and goes on when one comes further. It ends when the caller's token does, or the daemon.
 */
#define PIECE_MAX (1u << 20)
#define PIECE 4096		/* what is written at a time */
#define RETRY_LEAST_MS 1000
#define RETRY_MORE_MS 4000

struct stream {
	struct hint_stream hints;
	struct request *req;
	struct buf out;		/* what was not sent yet */
	size_t sent;
};

/* ---- what it says ---- */

static void
say_head(struct stream *s, int64_t workspace, int64_t sequence)
{
	struct cursor cursor = { .workspace = workspace, .principal = s->req->who.who.id, .sequence = sequence };
	char id[ID_TEXT];

	id_format(ID_WORKSPACE, workspace, id);
	buf_addstr(&s->out, "id: ");
	api_cursor_text(s->req, &cursor, &s->out);
	buf_addf(&s->out, "\nevent: head\ndata: {\"workspaceId\":\"%s\",\"sequence\":%lld}\n\n", id, (long long)sequence);
}

static void
say_workspaces(struct stream *s, const struct head *heads, unsigned n, bool more)
{
	char id[ID_TEXT];

	buf_addstr(&s->out, "event: workspaces\ndata: {\"workspaces\":[");
	for (unsigned i = 0; i < n; i++) {
		id_format(ID_WORKSPACE, heads[i].workspace, id);
		buf_addf(&s->out, "%s\"%s\"", i ? "," : "", id);
	}
	buf_addf(&s->out, "]%s}\n\n", more ? ",\"more\":true" : "");
}

/* ---- what it is for ---- */

/* Finds out which workspaces it is for. Twice: what is committed between the look and the watch would be missed. */
static int
look(struct stream *s, bool tell)
{
	struct daemon *d = s->req->daemon;
	struct head *heads = calloc(HEADS_LIMIT, sizeof(*heads));
	bool changed = false, more = false, again;
	unsigned n = 0;
	int rc = heads ? 0 : ERR_NOMEM;

	for (int i = 0; rc == 0 && i < 2; i++) {
		if ((rc = heads_of(d->store, s->req->who.who.id, heads, &n, &more)) == 0 &&
		    (rc = hint_watch(d->hints, &s->hints, heads, n, &again)) == 0)
			changed |= again;
	}
	/* Of others than these nothing will be heard. */
	if (rc == 0 && (tell ? changed : more))
		say_workspaces(s, heads, n, more);
	free(heads);
	return rc;
}

static int
do_hint(struct stream *s, const struct hint *hint)
{
	int rc = 0;

	switch (hint->kind) {
	case HINT_HEAD:
		say_head(s, hint->workspace, hint->sequence);
		return 0;
	case HINT_CHECK:
		return auth_again(s->req) != 0 ? ERR_END : look(s, true);
	case HINT_BEAT:
		/* A token may have run out by now. */
		rc = auth_again(s->req) != 0 ? ERR_END : 0;
		buf_addstr(&s->out, ":\n\n");
	}
	return rc;
}

static int
fill(struct stream *s)
{
	struct hint hint;
	int rc = 0;

	s->sent = 0;
	buf_clear(&s->out);
	while (rc == 0 && s->out.len < PIECE && (rc = hint_take(s->req->daemon->hints, &s->hints, &hint)) == 0)
		rc = do_hint(s, &hint);
	if (rc == ERR_AGAIN && s->out.len) {
		/* Said first; the next call finds nothing and waits. */
		rc = 0;
	}
	if (rc == ERR_AGAIN)
		buf_release(&s->out);
	if (rc == 0)
		rc = buf_finish(&s->out);
	return rc == ERR_CLOSED ? ERR_END : rc;
}

static int
stream_read(void *arg, uint64_t offset, void *bytes, size_t max, size_t *got)
{
	struct stream *s = arg;
	int rc;

	(void)offset;
	if (s->sent == s->out.len && (rc = fill(s)) != 0)
		return rc;
	*got = s->out.len - s->sent < max ? s->out.len - s->sent : max;
	memcpy(bytes, s->out.data + s->sent, *got);
	s->sent += *got;
	return 0;
}

/* ---- its beginning ---- */

/* What the client has heard, if it says so and it is true. */
static void
take_last_id(struct stream *s)
{
	const char *text = http_header(s->req->http, "last-event-id");
	struct cursor c;

	if (text && api_read_cursor(s->req, text, &c) == 0)
		hint_known(s->req->daemon->hints, &s->hints, c.workspace, c.sequence);
}

int
api_events(struct request *req)
{
	struct http_reply *reply = &req->http->reply;
	struct stream *s;
	uint16_t spread;
	int rc;

	if (!(s = calloc(1, sizeof(*s))))
		return ERR_NOMEM;
	req->op = s;
	s->req = req;
	s->out = (struct buf)BUF_INIT(PIECE_MAX);
	if ((rc = hint_open(req->daemon->hints, &s->hints, req->http)) != 0 || (rc = look(s, false)) != 0)
		return rc;
	take_last_id(s);
	/* So that not all come back at once. */
	random_bytes(&spread, sizeof(spread));
	buf_addf(&s->out, "retry: %d\n\n", RETRY_LEAST_MS + spread % RETRY_MORE_MS);
	reply->status = 200;
	http_reply_header(reply, "Content-Type", "text/event-stream");
	http_reply_header(reply, "Cache-Control", "no-store");
	http_reply_header(reply, "X-Accel-Buffering", "no");
	reply->source = (struct http_source) { .read = stream_read, .arg = s, .size = HTTP_ENDLESS };
	return buf_finish(&s->out);
}

void
api_events_release(struct request *req)
{
	struct stream *s = req->op;

	hint_close(req->daemon->hints, &s->hints);
	buf_release(&s->out);
	free(s);
}
