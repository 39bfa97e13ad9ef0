#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn.h"
#include "err.h"
#include "limits.h"

/* Reply headers share the connection's memory with the request's. */
#define REPLY_HEADERS_MAX 16384
#define HEADERS_STEP 20		/* LIMIT_HEADERS is a multiple */
#define REPLY_BODY_MAX (64u << 20)
/* What an idle connection may keep for its next request. */
#define KEEP_BYTES 8192
/* Behind a reply that came early over TLS, so much more is read to let the client see it. */
#define DISCARD_MAX (64ull << 20)

static void
wake(void *arg)
{
	http_resume(arg);
}

static bool
cut(void *arg)
{
	return http_cut(arg);
}

int
conn_init(struct conn *c, const struct http_handlers *handlers, struct budget *bodies)
{
	*c = (struct conn) { .handlers = handlers };
	c->body.budget = bodies;
	c->body.user = (struct budget_user) { .wake = wake, .cut = cut, .arg = &c->req };
	c->req.impl_ = c;
	c->req.body = (struct buf) BUF_INIT(REPLY_BODY_MAX);
	c->req.reply.body = (struct buf) BUF_INIT(REPLY_BODY_MAX);
	c->req.reply.headers = (struct buf) BUF_INIT(REPLY_HEADERS_MAX);
	return 0;
}

void
conn_release(struct conn *c)
{
	buf_release(&c->req.body);
	buf_release(&c->req.reply.body);
	buf_release(&c->req.reply.headers);
	free(c->target);
	free(c->headers);
}

int
conn_target(struct conn *c, struct slice target)
{
	size_t size = target.len + 1 < 256 ? 256 : target.len + 1;
	char *copy;

	if (size > c->target_size) {
		if (!(copy = realloc(c->target, size)))
			return ERR_NOMEM;
		c->target = copy;
		c->target_size = size;
	}
	memcpy(c->target, target.p, target.len);
	c->target[target.len] = '\0';
	c->target_at = target.p;
	c->target_len = target.len;
	return 0;
}

bool
conn_header(struct conn *c, const struct http_header *header)
{
	struct http_header *grown;

	if (c->req.nheaders == c->headers_room && c->headers_room < LIMIT_HEADERS) {
		if ((grown = reallocarray(c->headers, c->headers_room + HEADERS_STEP, sizeof(*grown))) != NULL) {
			c->req.headers = c->headers = grown;
			c->headers_room += HEADERS_STEP;
		}
	}
	if (c->req.nheaders == c->headers_room) {
		c->too_many = true;
		return false;
	}
	c->headers[c->req.nheaders++] = *header;
	return true;
}

static char *
put_text(char *to, struct slice text)
{
	memcpy(to, text.p, text.len);
	to[text.len] = '\0';
	return to + text.len + 1;
}

/* One piece: the headers, then their texts and the method. */
int
conn_keep(struct conn *c)
{
	struct http_request *req = &c->req;
	size_t size = req->nheaders * sizeof(*c->headers) + strlen(req->method) + 1;
	struct http_header *kept;
	char *at;

	for (size_t i = 0; i < req->nheaders; i++)
		size += c->headers[i].name.len + c->headers[i].value.len + 2;
	if (!(kept = malloc(size)))
		return ERR_NOMEM;
	at = (char *)(kept + req->nheaders);
	for (size_t i = 0; i < req->nheaders; i++) {
		kept[i] = (struct http_header) { .name = { at, c->headers[i].name.len } };
		at = put_text(at, c->headers[i].name);
		kept[i].value = (struct slice) { at, c->headers[i].value.len };
		at = put_text(at, c->headers[i].value);
	}
	(void)put_text(at, SLICE(req->method));
	req->method = c->method = at;
	free(c->headers);
	req->headers = c->headers = kept;
	c->headers_room = req->nheaders;
	c->target_at = NULL;
	return 0;
}

/* Bytes of the reply that stand for nothing any more are dropped; the reply is the given refusal instead. */
static void
refuse(struct conn *c, int status, const char *reason)
{
	struct http_reply *reply = &c->req.reply;

	if (reply->source.free)
		reply->source.free(reply->source.arg);
	reply->source = (struct http_source) { 0 };
	reply->no_length = false;
	buf_clear(&reply->headers);
	buf_clear(&reply->body);
	c->handlers->refuse(&c->req, status, reason, reply);
	reply->status = status;
}

static void
fill_request(struct conn *c, const struct guard_request *g)
{
	struct http_request *req = &c->req;

	req->method = g->method;
	req->target = c->target + c->guard.path_at;
	req->content_length = c->guard.chunked ? UINT64_MAX : c->guard.content_length;
	req->has_body = c->guard.chunked || c->guard.content_length > 0;
	req->expect_continue = c->guard.expect_continue;
	req->started_us = clock_mono_us();
	/* The library ends its reading of a chunked body at bare line feeds too, and so that of a head; nothing may come behind that. */
	req->reply.close = c->guard.chunked || g->ends == GUARD_UNSEEN;
	c->head = !strcmp(g->method, "HEAD");
}

/* The guard has seen the values as they are; handlers see them without trailing blanks, still NUL-terminated. */
static void
trim_values(struct conn *c)
{
	for (size_t i = 0; i < c->req.nheaders; i++) {
		struct slice *v = &c->headers[i].value;
		size_t len = v->len;

		while (v->len && (v->p[v->len - 1] == ' ' || v->p[v->len - 1] == '\t'))
			v->len--;
		/* The text is the connection's own memory, shown as const by the library. */
		if (v->len < len)
			((char *)(uintptr_t)v->p)[v->len] = '\0';
	}
}

static enum conn_step
route(struct conn *c)
{
	struct http_request *req = &c->req;
	enum http_next next;

	c->routed = true;
	next = c->handlers->route(req);
	if (next == HTTP_BUFFER && req->has_body && !c->guard.chunked && req->content_length > req->body_max) {
		refuse(c, 413, "the body is too large");
		next = HTTP_REPLY;
	}
	if (next == HTTP_REPLY && req->has_body) {
		c->state = CONN_REPLIED;
		req->reply.close = true;
		return STEP_REPLY;
	}
	assert(next == HTTP_REPLY || next == HTTP_BUFFER || next == HTTP_STREAM);
	c->state = next == HTTP_REPLY ? CONN_READY : next == HTTP_BUFFER ? CONN_BUFFER : CONN_STREAM;
	if (next == HTTP_BUFFER)
		req->body.max = req->body_max < REPLY_BODY_MAX ? (size_t)req->body_max : REPLY_BODY_MAX;
	return STEP_ON;
}

enum conn_step
conn_begin(struct conn *c, const struct guard_request *g)
{
	struct http_request *req = &c->req;
	const char *reason = NULL;
	int status;

	assert(c->state == CONN_EMPTY);
	status = guard_check(g, &c->guard, &reason);
	fill_request(c, g);
	if (status) {
		c->state = CONN_REPLIED;
		req->reply.close = true;
		refuse(c, status, reason);
		return STEP_REPLY;
	}
	trim_values(c);
	return route(c);
}

static bool
skip(const char **at, const char *end, struct slice what)
{
	if ((size_t)(end - *at) < what.len || memcmp(*at, what.p, what.len) != 0)
		return false;
	*at += what.len;
	return true;
}

bool
conn_is_again(const struct conn *c, const char *text, size_t len, struct slice *target)
{
	const char *at = text, *end = text + len;
	size_t path;

	if (!c->method || !c->target || !skip(&at, end, SLICE(c->method)) || !skip(&at, end, SLICE(" ")))
		return false;
	for (target->p = at; at < end && *at > ' ' && *at < 0x7f; at++)
		;
	target->len = (size_t)(at - target->p);
	path = strcspn(c->target, "?");
	if (target->len < path || target->len > LIMIT_TARGET || memcmp(target->p, c->target, path) != 0 ||
	    (target->len > path && target->p[path] != '?') || !skip(&at, end, SLICE(" HTTP/1.1\r\n")))
		return false;
	for (size_t i = 0; i < c->headers_room; i++)
		if (!skip(&at, end, c->headers[i].name) || !skip(&at, end, SLICE(": ")) ||
		    !skip(&at, end, c->headers[i].value) || !skip(&at, end, SLICE("\r\n")))
			return false;
	return skip(&at, end, SLICE("\r\n")) && at == end;
}

int
conn_again(struct conn *c, struct slice target)
{
	struct guard_request g = { .method = c->method, .ends = GUARD_PLAIN };
	int rc = conn_target(c, target);

	if (rc)
		return rc;
	c->target_at = NULL;
	c->req.nheaders = c->headers_room;
	fill_request(c, &g);
	route(c);
	return 0;
}

static enum conn_step
replied_early(struct conn *c)
{
	c->state = CONN_DISCARD;
	c->req.reply.close = true;
	return STEP_REPLY;
}

static void
count_received(struct conn *c, size_t len)
{
	c->req.received += len;
	atomic_store_explicit(&c->received, c->req.received, memory_order_relaxed);
}

static enum conn_step
collect(struct conn *c, const char *bytes, size_t len, size_t *used)
{
	struct http_request *req = &c->req;
	int rc = body_add(&c->body, &req->body, req->content_length, bytes, len, used);

	if (rc && rc != ERR_AGAIN)
		*used = len;
	count_received(c, *used);
	if (rc == 0)
		return STEP_ON;
	if (rc == ERR_AGAIN)
		return STEP_WAIT;
	if (rc == ERR_TOOBIG)
		refuse(c, 413, "the body is too large");
	else
		refuse(c, 503, "out of memory");
	return replied_early(c);
}

enum conn_step
conn_body(struct conn *c, const char *bytes, size_t len, size_t *used)
{
	size_t took;

	*used = 0;
	if (c->state == CONN_BUFFER)
		return collect(c, bytes, len, used);
	if (c->state == CONN_DISCARD) {
		*used = len;
		count_received(c, len);
		return (c->given += len) > DISCARD_MAX ? STEP_BREAK : STEP_ON;
	}
	while (*used < len) {
		enum http_next next;

		took = 0;
		next = c->handlers->write(&c->req, bytes + *used, len - *used, &took);
		assert(took <= len - *used);
		*used += took;
		count_received(c, took);
		if (next == HTTP_WAIT)
			return STEP_WAIT;
		if (next == HTTP_REPLY) {
			*used = len;
			return replied_early(c);
		}
		assert(next == HTTP_GOON && took > 0);
	}
	return STEP_ON;
}

enum conn_step
conn_end(struct conn *c)
{
	if ((c->state == CONN_BUFFER || c->state == CONN_STREAM) && c->handlers->finish(&c->req) == HTTP_WAIT)
		return STEP_WAIT;
	/* A client that is slow to read the reply keeps no more than that. */
	body_clear(&c->body, &c->req.body);
	c->given = 0;
	c->state = CONN_REPLIED;
	return STEP_REPLY;
}

bool
conn_has_body(const struct conn *c)
{
	return !c->head && c->req.reply.status != 204 && c->req.reply.status != 304;
}

static int
read_source(const struct http_source *source, uint64_t offset, char *bytes, size_t max, size_t *got)
{
	int rc;

	if (max > source->size - offset)
		max = (size_t)(source->size - offset);
	*got = 0;
	if ((rc = source->read(source->arg, offset, bytes, max, got)) == 0)
		assert(*got > 0 && *got <= max);
	return rc;
}

/* From what was read ahead; what is given away whole is kept no longer. */
static void
give_ahead(struct conn *c, uint64_t offset, char *bytes, size_t max, size_t *got)
{
	struct buf *body = &c->req.reply.body;

	*got = max < c->ahead - (size_t)offset ? max : c->ahead - (size_t)offset;
	memcpy(bytes, body->data + offset, *got);
	if (offset + *got == c->ahead) {
		c->ahead = 0;
		buf_release(body);
	}
}

int
conn_source_read(struct conn *c, uint64_t offset, char *bytes, size_t max, size_t *got)
{
	int rc = 0;

	if (offset < c->ahead)
		give_ahead(c, offset, bytes, max, got);
	else
		rc = read_source(&c->req.reply.source, offset, bytes, max, got);
	if (rc == 0)
		c->given = offset + *got;
	return rc;
}

/*
 * The first piece of the source, to the body, before the reply begins: a bad block can still become a 500. A source that has no more is done
 * with, and goes out as it lies there.
 */
static int
read_ahead(struct conn *c)
{
	struct http_reply *reply = &c->req.reply;
	size_t size = reply->source.size < CONN_PIECE ? (size_t)reply->source.size : CONN_PIECE, got;
	char *room;
	int rc;

	buf_clear(&reply->body);
	for (; reply->body.len < size; reply->body.len += got) {
		if (!(room = buf_room(&reply->body, size - reply->body.len)))
			return ERR_NOMEM;
		if ((rc = read_source(&reply->source, reply->body.len, room, size - reply->body.len, &got)) != 0)
			return rc;
	}
	if (size < reply->source.size) {
		c->ahead = size;
		return 0;
	}
	if (reply->source.free)
		reply->source.free(reply->source.arg);
	reply->source = (struct http_source) { 0 };
	return 0;
}

int
conn_settle(struct conn *c)
{
	struct http_reply *reply = &c->req.reply;

	if (reply->headers.err || reply->body.err)
		refuse(c, 500, "the reply could not be built");
	else if (reply->source.read && conn_has_body(c) && reply->source.size != HTTP_ENDLESS && read_ahead(c) != 0)
		refuse(c, 500, "the data could not be read");
	if (reply->headers.err)
		return reply->headers.err;
	return reply->body.err;
}

/* Empties a buffer; small ones keep their memory. */
static void
reuse(struct buf *b, size_t max)
{
	if (b->size > KEEP_BYTES)
		buf_release(b);
	buf_clear(b);
	b->max = max;
}

void
conn_done(struct conn *c, bool complete)
{
	struct http_request *req = &c->req;
	struct http_reply *reply = &req->reply;

	if (complete && conn_has_body(c))
		req->sent = !reply->source.read ? reply->body.len :
			    reply->source.size == HTTP_ENDLESS ? c->given : reply->source.size;
	else
		req->sent = reply->source.read ? c->given : 0;
	if (reply->source.free)
		reply->source.free(reply->source.arg);
	reply->source = (struct http_source) { 0 };
	if (c->routed)
		c->handlers->done(req, complete);

	body_end(&c->body, &req->body);
	req->body.max = REPLY_BODY_MAX;
	reuse(&reply->body, REPLY_BODY_MAX);
	reuse(&reply->headers, REPLY_HEADERS_MAX);
	if (c->target_size > KEEP_BYTES) {
		free(c->target);
		c->target = NULL;
		c->target_size = 0;
	}
	*reply = (struct http_reply) { .headers = reply->headers, .body = reply->body };
	req->method = req->target = NULL;
	req->nheaders = 0;
	req->body_max = req->received = req->sent = req->content_length = 0;
	req->has_body = req->expect_continue = false;
	req->ctx = NULL;
	c->routed = c->head = c->too_many = false;
	c->target_len = 0;
	c->given = c->ahead = 0;
	c->state = CONN_EMPTY;
	atomic_store_explicit(&c->received, 0, memory_order_relaxed);
}
