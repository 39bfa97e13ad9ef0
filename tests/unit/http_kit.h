#ifndef HTTP_KIT_H
#define HTTP_KIT_H

#include <pthread.h>
#include <stdatomic.h>

#include "err.h"
#include "http.h"
#include "socket_kit.h"

/* A server on port 0 with handlers that do what the target's name says. */

/* ---- the handlers ---- */

static atomic_uint n_route, n_done, n_complete, n_freed, n_refused, n_written;
static atomic_ullong last_sent;
static _Atomic(struct http_request *) polling;
static atomic_bool poll_ready;
static atomic_uint n_again;		/* routes of requests that had not to go back to a lane */
static atomic_uint tail_lines;	/* that /tail may say */

struct feed {
	uint64_t size, fail_at;
};

static inline int
feed_read(void *arg, uint64_t offset, void *bytes, size_t max, size_t *got)
{
	struct feed *f = arg;

	if (offset >= f->fail_at)
		return ERR_CORRUPT;
	if (max > f->size - offset)
		max = (size_t)(f->size - offset);
	if (max > f->fail_at - offset)
		max = (size_t)(f->fail_at - offset);
	for (size_t i = 0; i < max; i++)
		((char *)bytes)[i] = (char)('a' + (offset + i) % 26);
	*got = max;
	return 0;
}

static inline void
feed_free(void *arg)
{
	atomic_fetch_add(&n_freed, 1);
	free(arg);
}

static inline void
feed(struct http_reply *reply, uint64_t size, uint64_t fail_at)
{
	struct feed *f = malloc(sizeof(*f));

	*f = (struct feed) { size, fail_at };
	reply->source = (struct http_source) { feed_read, feed_free, f, size };
}

/* Without end: a line each time that it is resumed, until it was resumed three times; or as much as is taken. */
static inline int
tail_read(void *arg, uint64_t offset, void *bytes, size_t max, size_t *got)
{
	struct http_request *req = arg;
	unsigned said = (unsigned)offset / 5;

	if (!strcmp(req->target, "/flood")) {
		memset(bytes, 'f', max);
		*got = max;
		return 0;
	}
	if (said == atomic_load(&tail_lines)) {
		atomic_store(&polling, req);
		return said == 3 ? ERR_END : ERR_AGAIN;
	}
	memcpy(bytes, "line\n", 5);
	*got = 5;
	return 0;
}

static inline void
tail_free(void *arg)
{
	(void)arg;
	atomic_fetch_add(&n_freed, 1);
}

static inline bool
is(const struct http_request *req, const char *target)
{
	return !strcmp(req->target, target);
}

static inline enum http_next
answer(struct http_request *req, int status, const char *text)
{
	req->reply.status = status;
	buf_addstr(&req->reply.body, text);
	return HTTP_REPLY;
}

/* What has no body to wait for. */
static inline enum http_next
reply_to(struct http_request *req)
{
	static const uint64_t never = UINT64_MAX;

	if (is(req, "/slow"))
		nap(300);
	if (is(req, "/refuse"))
		return answer(req, 403, "no");
	if (is(req, "/tail") || is(req, "/flood"))
		req->reply.source = (struct http_source) { tail_read, tail_free, req, HTTP_ENDLESS };
	else if (is(req, "/big"))
		feed(&req->reply, 5u << 20, never);
	else if (is(req, "/small"))
		feed(&req->reply, 100, never);
	else if (is(req, "/bad"))
		feed(&req->reply, 5u << 20, 1u << 20);
	else if (is(req, "/badfirst"))
		feed(&req->reply, 5u << 20, 65535);
	else if (is(req, "/badsmall"))
		feed(&req->reply, 100, 0);
	else if (is(req, "/304") || is(req, "/204"))
		return answer(req, atoi(req->target + 1), "");
	else if (is(req, "/length"))
		req->reply.head_length = 12345;
	else if (is(req, "/nolength"))
		req->reply.no_length = true;
	else if (is(req, "/close")) {
		req->reply.close = true;
		return answer(req, 200, "bye");
	} else if (is(req, "/headers")) {
		http_reply_header(&req->reply, "Content-Length", "7");
		http_reply_header(&req->reply, "Transfer-Encoding", "chunked");
		http_reply_header(&req->reply, "x-empty", "%s", "");
		http_reply_header_raw(&req->reply, "x-raw", "a\r\nSet-Cookie: b\x7f", 17);
		return answer(req, 200, "headers");
	} else if (!strncmp(req->target, "/peer", 5))
		buf_addf(&req->reply.body, "%s %s %d %s", req->target, req->peer, req->local,
		    http_header(req, "X-Blank") ? http_header(req, "X-Blank") : "-");
	else
		return answer(req, 200, "hello");
	return answer(req, 200, "");
}

static inline enum http_next
t_route(struct http_request *req)
{
	static const char *const streamed[] = { "/sum", "/wait", "/early", "/mid", "/stuck", "/half", "/poll", "/poll-early",
		"/poll-big" };
	char name[16] = "";

	atomic_fetch_add(&n_route, 1);
	(void)pthread_getname_np(pthread_self(), name, sizeof(name));
	if (!strcmp(name, "fsd-park"))
		atomic_fetch_add(&n_again, 1);
	http_reply_header(&req->reply, "x-test", "%d", 42);
	if (is(req, "/echo")) {
		req->body_max = 1000;
		return HTTP_BUFFER;
	}
	for (size_t i = 0; i < sizeof(streamed) / sizeof(streamed[0]); i++)
		if (is(req, streamed[i]))
			return HTTP_STREAM;
	return !strncmp(req->target, "/poll-peer", 10) ? HTTP_STREAM : reply_to(req);
}

static inline void *
resume_soon(void *arg)
{
	nap(2);
	http_resume(arg);
	return NULL;
}

/* Two bytes of a piece are taken, then a wait, then the rest: ctx counts. */
static inline enum http_next
write_waiting(struct http_request *req, size_t len, size_t *used)
{
	uintptr_t n = (uintptr_t)req->ctx;
	pthread_t resumer;

	req->ctx = (void *)(n + 1);
	if (n % 2) {
		*used = len;
		return HTTP_GOON;
	}
	*used = len > 2 ? 2 : 0;
	if (is(req, "/early"))
		http_resume(req);
	else if (pthread_create(&resumer, NULL, resume_soon, req) == 0)
		pthread_detach(resumer);
	return HTTP_WAIT;
}

static inline enum http_next
t_write(struct http_request *req, const void *bytes, size_t len, size_t *used)
{
	(void)bytes;
	atomic_fetch_add(&n_written, 1);
	if (is(req, "/wait") || is(req, "/early"))
		return write_waiting(req, len, used);
	if (is(req, "/stuck")) {
		atomic_store(&polling, req);
		return HTTP_WAIT;
	}
	if (is(req, "/half"))
		atomic_store(&polling, req);
	if (is(req, "/mid") && req->received > 100000)
		return answer(req, 507, "full");
	*used = len;
	return HTTP_GOON;
}

static inline enum http_next
t_finish(struct http_request *req)
{
	if (is(req, "/echo")) {
		buf_add(&req->reply.body, req->body.data, req->body.len);
		return answer(req, 200, "");
	}
	if (is(req, "/poll-early") && !req->ctx) {
		req->ctx = req;
		http_resume(req);
		return HTTP_WAIT;
	}
	if (!strncmp(req->target, "/poll", 5) && !is(req, "/poll-early") && !atomic_load(&poll_ready)) {
		atomic_store(&polling, req);
		return HTTP_WAIT;
	}
	if (!strncmp(req->target, "/poll-peer", 10))
		buf_addf(&req->reply.body, "%s %s %s %zu ", req->method, http_header(req, "x-blank"), req->peer, req->nheaders);
	if (is(req, "/poll-big"))
		feed(&req->reply, 5u << 20, UINT64_MAX);
	buf_addf(&req->reply.body, "%llu", (unsigned long long)req->received);
	return answer(req, 200, "");
}

static inline void
t_done(struct http_request *req, bool complete)
{
	atomic_store(&last_sent, req->sent);
	atomic_fetch_add(&n_done, 1);
	if (complete)
		atomic_fetch_add(&n_complete, 1);
}

static inline void
t_refuse(struct http_request *req, int status, const char *reason, struct http_reply *reply)
{
	(void)req;
	atomic_fetch_add(&n_refused, 1);
	reply->status = status;
	buf_addf(&reply->body, "refused: %s", reason);
}

static const struct http_handlers handlers = { t_route, t_write, t_finish, t_done, t_refuse };

/* ---- the server ---- */

static struct http_server *server;
static int unix_dirfd = -1;

static inline int
start(unsigned threads, unsigned idle_seconds, unsigned connections)
{
	static const char *const listen[] = { "127.0.0.1:0", "[::1]:0", NULL };
	struct http_options o = { .listen = listen, .unix_dirfd = unix_dirfd, .unix_name = "t.sock",
		.threads = threads, .connections = connections, .idle_seconds = idle_seconds,
		.handlers = &handlers };
	int rc;

	n_route = n_done = n_complete = n_freed = n_refused = n_written = 0;
	polling = NULL;
	poll_ready = false;
	tail_lines = n_again = 0;
	rc = http_start(&o, &server);
	if (rc == ERR_IO || rc == ERR_INVALID) {	/* a machine without IPv6 */
		static const char *const only4[] = { "127.0.0.1:0", NULL };

		o.listen = only4;
		rc = http_start(&o, &server);
	}
	return rc;
}

static inline void
stop(void)
{
	http_stop(server, 2000);
	server = NULL;
}

static inline int
dial(void)
{
	return dial_port(http_port(server, 0));
}

static inline bool
becomes(atomic_uint *n, unsigned want)
{
	WAIT_UNTIL(atomic_load(n) == want);
	return atomic_load(n) == want;
}

#endif
