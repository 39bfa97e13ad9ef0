#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "http_in.h"
#include "http_render.h"
#include "limits.h"
#include "log.h"

/* What happens on a lane: connections come and go, requests are taken in, replies are sent. */
#define ENDLESS_BLOCK 1024
#define REFUSAL_MAX 65536

static struct entry *
entry_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void
enter_phase(struct entry *e, enum phase phase, int64_t now)
{
	atomic_store_explicit(&e->since_us, now, memory_order_relaxed);
	atomic_store_explicit(&e->phase, phase, memory_order_relaxed);
}

/* ---- waiting ---- */

enum held { HELD_SUSPENDED, HELD_AGAIN, HELD_ABORT };

static enum held
hold(struct entry *e)
{
	enum held held = HELD_SUSPENDED;

	pthread_mutex_lock(&e->lock);
	if (atomic_load(&e->lane->server->abort) || atomic_load(&e->cut) || e->gone) {
		held = HELD_ABORT;
	} else if (e->early) {
		e->early = false;
		held = HELD_AGAIN;
	} else {
		e->waiting = true;
		MHD_suspend_connection(e->mhd);
	}
	pthread_mutex_unlock(&e->lock);
	return held;
}

void
http_resume(struct http_request *req)
{
	struct entry *e = req->impl_;

	pthread_mutex_lock(&e->lock);
	if (!e->waiting)
		e->early = true;
	else if (e->park)
		http_park_ready(e);
	else
		MHD_resume_connection(e->mhd);
	e->waiting = false;
	pthread_mutex_unlock(&e->lock);
}

/* ---- replies ---- */

static ssize_t
source_read(void *arg, uint64_t pos, char *bytes, size_t max)
{
	struct entry *e = arg;
	size_t got;
	int rc;

	while ((rc = conn_source_read(&e->conn, pos, bytes, max, &got)) == ERR_AGAIN) {
		switch (hold(e)) {
		case HELD_SUSPENDED:
			return 0;
		case HELD_ABORT:
			return MHD_CONTENT_READER_END_WITH_ERROR;
		case HELD_AGAIN:
			break;
		}
	}
	if (rc == ERR_END)
		return MHD_CONTENT_READER_END_OF_STREAM;
	return rc ? MHD_CONTENT_READER_END_WITH_ERROR : (ssize_t)got;
}

/* A reply without a body: only its size counts. */
static struct MHD_Response *
make_bodyless(struct entry *e)
{
	struct http_reply *reply = &e->conn.req.reply;
	struct MHD_Response *r;
	uint64_t size = reply->head_length;
	bool none = e->conn.head && reply->no_length;

	if (e->conn.head && reply->source.read && reply->source.size == HTTP_ENDLESS)
		none = true;
	else if (e->conn.head && reply->source.read)
		size = reply->source.size;
	else if (e->conn.head && reply->body.len)
		size = reply->body.len;
	if (reply->status == 204)
		size = 0;
	if (!none && !size)
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	r = MHD_create_response_from_callback(none ? MHD_SIZE_UNKNOWN : size, 1, source_read, e, NULL);
	/* Without this the library would announce chunks. It closes the connection, the price of no length. */
	if (r && none)
		(void)MHD_set_response_options(r, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	return r;
}

/* The bytes stay ours until conn_done(), which the library calls before it forgets the response. */
static struct MHD_Response *
make_response(struct entry *e)
{
	struct http_reply *reply = &e->conn.req.reply;
	struct MHD_Response *r;
	char *name, *value;
	size_t at = 0, block;

	if (!conn_has_body(&e->conn)) {
		r = make_bodyless(e);
	} else if (reply->source.read) {
		block = reply->source.size < CONN_PIECE ? (size_t)reply->source.size : CONN_PIECE;
		/* Chunks are made in the connection's own memory. */
		if (reply->source.size == HTTP_ENDLESS)
			block = ENDLESS_BLOCK;
		r = MHD_create_response_from_callback(reply->source.size, block, source_read, e, NULL);
	} else {
		r = MHD_create_response_from_buffer(reply->body.len, reply->body.data, MHD_RESPMEM_PERSISTENT);
	}
	if (!r)
		return NULL;
	while (http_next_header(&reply->headers, &at, &name, &value))
		if (MHD_add_response_header(r, name, value) != MHD_YES)
			log_error("reply header \"%s\" is malformed", name);
	if (reply->close)
		(void)MHD_add_response_header(r, "Connection", "close");
	return r;
}

static enum MHD_Result
send_reply(struct entry *e)
{
	struct http_reply *reply = &e->conn.req.reply;
	struct MHD_Response *r;
	enum MHD_Result result;

	if (conn_settle(&e->conn) != 0)
		return MHD_NO;
	if (atomic_load_explicit(&e->lane->server->closing, memory_order_relaxed))
		reply->close = true;
	if (!(r = make_response(e))) {
		log_error("out of memory for a reply");
		return MHD_NO;
	}
	enter_phase(e, PHASE_REPLY, clock_mono_us());
	result = MHD_queue_response(e->mhd, (unsigned)reply->status, r);
	MHD_destroy_response(r);
	return result;
}

/* From here on the request can't be cut. False: it was. */
static bool
settle(struct entry *e)
{
	bool cut;

	if (!e->conn.req.has_body)
		return true;
	pthread_mutex_lock(&e->lock);
	cut = e->cut != 0;
	e->settled = true;
	pthread_mutex_unlock(&e->lock);
	return !cut;
}

/* Past the library, as much as the socket takes. True: all of it. */
static bool
write_reply(struct entry *e, struct http_request *req)
{
	struct buf out = BUF_INIT(1u << 20);
	ssize_t sent = -1;
	bool all;

	req->reply.close = true;
	http_render(req, &out);
	if (!buf_finish(&out)) {
		do
			sent = send(e->fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		while (sent < 0 && errno == EINTR);
	}
	all = sent >= 0 && sent == (ssize_t)out.len;
	buf_release(&out);
	return all;
}

/*
 * A reply in the middle of an upload. The library can't send one there, so it is written to the socket as long as
 * the socket takes it, which has room since nothing but "100 Continue" went out before. Under TLS the
 * rest of the body is read and thrown away first (MHD_YES); else the connection ends here.
 */
static enum MHD_Result
send_early(struct entry *e)
{
	struct http_reply *reply = &e->conn.req.reply;

	if (conn_settle(&e->conn) != 0 || reply->source.read || !settle(e))
		return MHD_NO;
	if (e->lane->tls)
		return MHD_YES;
	e->linger = true;
	e->answered = write_reply(e, &e->conn.req);
	return MHD_NO;
}

/* The request itself belongs to its own thread. */
static int
write_refusal(struct entry *e)
{
	struct http_request refusal = { .reply = { .status = 408, .body = BUF_INIT(REFUSAL_MAX),
		.headers = BUF_INIT(REFUSAL_MAX) } };
	struct http_reply *reply = &refusal.reply;

	e->lane->server->options.handlers->refuse(&e->conn.req, 408,
	    "the body came too slowly while others waited for memory", reply);
	e->answered = write_reply(e, &refusal);
	buf_release(&reply->body);
	buf_release(&reply->headers);
	return reply->status;
}

/* What lies in the socket waits for us, not for the client. */
static bool
is_our_turn(struct entry *e)
{
	int unread = 0;

	return atomic_load(&e->busy) || (ioctl(e->fd, FIONREAD, &unread) == 0 && unread > 0);
}

bool
http_cut(struct http_request *req)
{
	struct entry *e = req->impl_;
	bool cut = false;

	pthread_mutex_lock(&e->lock);
	if (!e->settled && !e->cut && (e->waiting || !is_our_turn(e))) {
		cut = true;
		e->cut = e->lane->tls ? 408 : write_refusal(e);
		/* Who waits has more to send, and its socket stays open: with that side shut down the kernel gives no more room to send. */
		if (e->waiting)
			MHD_resume_connection(e->mhd);
		else
			(void)shutdown(e->fd, e->lane->tls ? SHUT_RDWR : SHUT_RD);
		e->waiting = false;
	}
	pthread_mutex_unlock(&e->lock);
	return cut;
}

/* ---- the library's callbacks ---- */

static enum MHD_Result
add_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value,
    size_t value_len)
{
	struct conn *c = arg;

	(void)kind;
	return conn_header(c, &(struct http_header) { .name = { name, name_len },
		   .value = { value ? value : "", value_len } }) ? MHD_YES : MHD_NO;
}

static enum MHD_Result
begin(struct entry *e, const char *method, const char *version)
{
	struct conn *c = &e->conn;
	const union MHD_ConnectionInfo *info;
	struct guard_request g;
	enum conn_step step;

	info = MHD_get_connection_info(e->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	(void)MHD_get_connection_values_n(e->mhd, MHD_HEADER_KIND, add_header, c);
	g = (struct guard_request) { .memory = method, .memory_len = info ? info->header_size : 0,
		.method = method, .target = c->target, .target_at = c->target_at, .target_len = c->target_len,
		.version = version, .headers = c->headers, .nheaders = c->req.nheaders,
		.too_many = c->too_many, .ends = c->ends };
	e->head_size = g.memory_len;
	atomic_fetch_add(&e->lane->server->active, 1);
	step = conn_begin(c, &g);
	if (step == STEP_REPLY) {
		e->linger = true;
		return send_reply(e);
	}
	enter_phase(e, c->req.has_body ? PHASE_BODY : PHASE_REPLY, c->req.started_us);
	return MHD_YES;
}

static enum MHD_Result
body(struct entry *e, const char *bytes, size_t *size)
{
	size_t used;

	if (atomic_load(&e->cut))
		return MHD_NO;
	for (;;) {
		enum conn_step step;

		atomic_store(&e->busy, true);
		step = conn_body(&e->conn, bytes, *size, &used);
		atomic_store(&e->busy, false);
		bytes += used;
		*size -= used;
		if (step == STEP_ON)
			return MHD_YES;
		if (step == STEP_REPLY)
			return send_early(e);
		if (step == STEP_BREAK)
			return MHD_NO;
		switch (hold(e)) {
		case HELD_SUSPENDED:
			return MHD_YES;
		case HELD_ABORT:
			return MHD_NO;
		case HELD_AGAIN:
			if (!*size)
				return MHD_YES;
		}
	}
}

static enum MHD_Result
end(struct entry *e, const char *version)
{
	if (!settle(e))
		return MHD_NO;
	enter_phase(e, PHASE_REPLY, clock_mono_us());
	while (conn_end(&e->conn) == STEP_WAIT) {
		if (http_park_leave(e, version))
			return MHD_NO;
		switch (hold(e)) {
		case HELD_SUSPENDED:
			return MHD_YES;
		case HELD_ABORT:
			return MHD_NO;
		case HELD_AGAIN:
			break;
		}
	}
	if (e->conn.req.reply.source.size == HTTP_ENDLESS && http_park_leave(e, version))
		return MHD_NO;
	return send_reply(e);
}

enum MHD_Result
http_serve_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
    const char *bytes, size_t *size, void **context)
{
	struct entry *e = *context;

	(void)arg;
	(void)mhd;
	(void)url;
	if (!e || atomic_load_explicit(&e->lane->server->abort, memory_order_relaxed))
		return MHD_NO;
	if (e->conn.state == CONN_EMPTY)
		return begin(e, method, version);
	if (*size)
		return body(e, bytes, size);
	return end(e, version);
}

/*
 * The lines behind the first one, before the library parses them. The page on which that one ends is the connection's memory to the page's end; what
 * lies behind, if anything, is not known here.
 */
static enum guard_ends
look_ahead(const char *target)
{
	const char *version = target + strlen(target) + 1, *stop = version + strlen(version);

	return guard_ends(stop + 2, stop + HTTP_PAGE - (uintptr_t)stop % HTTP_PAGE);
}

/* The raw target, before the library cuts it up. What this returns is the request's context. */
void *
http_serve_target(void *arg, const char *target, struct MHD_Connection *mhd)
{
	struct entry *e = entry_of(mhd);
	char *query;

	(void)arg;
	if (!e || !target || conn_target(&e->conn, SLICE(target)) != 0)
		return NULL;
	e->mhd = mhd;
	e->conn.ends = look_ahead(target);
	/*
	 * The library would now split the query into pairs, in place, and hang where these outgrow the connection's
	 * memory. An empty query has none; the buffer is its own and writable.
	 */
	if ((query = strchr((char *)(uintptr_t)target, '?')) != NULL && query[1])
		query[1] = '\0';
	return e;
}

size_t
http_serve_unescape(void *arg, struct MHD_Connection *mhd, char *text)
{
	(void)arg;
	(void)mhd;
	return strlen(text);
}

void
http_serve_over(struct entry *e, bool complete)
{
	bool begun = e->conn.state != CONN_EMPTY;

	conn_done(&e->conn, complete);
	if (begun)
		atomic_fetch_sub(&e->lane->server->active, 1);
	e->answered = e->early = e->settled = false;
	e->cut = 0;
	enter_phase(e, PHASE_HEAD, clock_mono_us());
}

void
http_serve_done(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode how)
{
	struct entry *e = *context;
	bool whole = how == MHD_REQUEST_TERMINATED_COMPLETED_OK;

	(void)arg;
	(void)mhd;
	*context = NULL;
	if (!e || e->leaving)
		return;
	if (!settle(e))
		e->conn.req.reply.status = e->cut;
	e->linger |= !whole;
	http_serve_over(e, e->answered || (whole && e->conn.state != CONN_EMPTY));
}

/* ---- connections ---- */

static void
describe_peer(struct entry *e, const struct sockaddr *address)
{
	struct http_request *req = &e->conn.req;
	char ip[INET6_ADDRSTRLEN] = "?";
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);

	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;

		(void)inet_ntop(AF_INET, &in->sin_addr, ip, sizeof(ip));
		snprintf(req->peer, sizeof(req->peer), "%s:%u", ip, ntohs(in->sin_port));
	} else if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)address;

		(void)inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof(ip));
		snprintf(req->peer, sizeof(req->peer), "[%s]:%u", ip, ntohs(in6->sin6_port));
	} else {
		(void)getsockopt(e->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
		snprintf(req->peer, sizeof(req->peer), "unix:uid=%u", (unsigned)cred.uid);
		req->local = true;
	}
}

static void
name_thread(const struct lane *lane)
{
	static _Thread_local bool done;
	char name[16];

	if (done)
		return;
	done = true;
	snprintf(name, sizeof(name), "fsd-http-%u", lane->number);
	(void)pthread_setname_np(pthread_self(), name);
}

static struct entry *
entry_new(struct lane *lane, struct MHD_Connection *mhd)
{
	struct http_server *s = lane->server;
	struct entry *e = calloc(1, sizeof(*e));

	if (!e || conn_init(&e->conn, s->options.handlers, s->options.bodies) != 0) {
		free(e);
		return NULL;
	}
	e->lane = lane;
	e->mhd = mhd;
	e->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	e->conn.req.tls = lane->tls;
	pthread_mutex_init(&e->lock, NULL);
	describe_peer(e, MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
	enter_phase(e, PHASE_HEAD, clock_mono_us());
	pthread_mutex_lock(&s->lock);
	e->next = s->entries;
	if (e->next)
		e->next->prev = e;
	s->entries = e;
	pthread_mutex_unlock(&s->lock);
	return e;
}

void
http_serve_unlist(struct entry *e)
{
	struct http_server *s = e->lane->server;

	pthread_mutex_lock(&s->lock);
	if (e->next)
		e->next->prev = e->prev;
	if (e->prev)
		e->prev->next = e->next;
	else
		s->entries = e->next;
	pthread_mutex_unlock(&s->lock);
}

void
http_serve_free(struct entry *e)
{
	/* Whoever resumed last may still be inside unlock. */
	pthread_mutex_lock(&e->lock);
	pthread_mutex_unlock(&e->lock);
	pthread_mutex_destroy(&e->lock);
	buf_release(&e->rest);
	conn_release(&e->conn);
	free(e);
}

static void
end_entry(struct entry *e)
{
	struct http_server *s = e->lane->server;
	int fd, unread = 0;

	if (e->leaving)
		http_serve_over(e, false);
	http_serve_unlist(e);
	/* The library closes its descriptor after this; ours keeps the socket until the client has read all. */
	if ((e->linger || (ioctl(e->fd, FIONREAD, &unread) == 0 && unread > 0)) &&
	    !atomic_load(&s->abort) && (fd = fcntl(e->fd, F_DUPFD_CLOEXEC, 0)) >= 0)
		acceptor_linger(s->acceptor, fd);
	http_serve_free(e);
}

void
http_serve_connection(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode what)
{
	struct lane *lane = arg;
	const union MHD_ConnectionInfo *info;
	struct entry *e = *context;
	bool local;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		name_thread(lane);
		if (!(*context = entry_new(lane, mhd)))
			log_error("out of memory for a connection");
		return;
	}
	atomic_fetch_sub(&lane->connections, 1);
	*context = NULL;
	if (e && e->leaving && http_park_take(e))
		return;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	local = info->client_addr->sa_family == AF_UNIX;
	if (e)
		end_entry(e);
	acceptor_gone(lane->server->acceptor, local);
}
