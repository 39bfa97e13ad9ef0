#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "clock.h"
#include "err.h"
#include "fio.h"
#include "http_in.h"
#include "http_render.h"
#include "thread.h"

/*
 * Who waits for long waits here, past the library, which holds 64 KiB and more for each connection and looks through all of a lane's when one
 * goes on: a request without a body that waits (HTTP_WAIT), and a reply without end. Such an entry leaves its lane: the library closes
 * its own descriptor of the socket, a second one is the park's. The park's thread calls the handlers from there on and writes the reply. The
 * next request is mostly the same but for a cursor, and is then served here too; with any other the connection goes back to its lane,
 * unread, as if it were new.
 *
 *	waiting	entry.waiting: http_resume() makes it ready, and so does a client that hangs up
 *	ready	in the park's list; it is served when its turn comes
 *	stuck	until its socket takes more, or brings the next request
 *
 * From ready on only the park's thread moves it, and only while it works off the list does it free one: events are about living ones.
 *
 * Lock order: server.lock, entry.lock, park.lock.
 */
#define EVENTS 256
#define PIECE 16384		/* of a source */
#define TURN 16			/* steps, then it is another one's turn */
#define REPLY_MAX (128u << 20)	/* head and body; more than any reply may have */
#define KEEP_BYTES (1u << 20)	/* what the thread's buffer may keep */
#define AGAIN_MAX 4096		/* bytes of a request that is taken here */
#define PARK_STACK (512u << 10)

struct park {
	struct http_server *server;
	pthread_t thread;
	bool started;
	int epfd, wakefd;
	atomic_bool stop;
	pthread_mutex_t lock;
	struct entry *ready, **end;
	struct buf out;			/* the thread's: what it writes */
};

/* ---- from other threads ---- */

void
http_park_ready(struct entry *e)
{
	struct park *p = e->park;
	bool first;

	pthread_mutex_lock(&p->lock);
	first = !p->ready;
	e->ready = NULL;
	*p->end = e;
	p->end = &e->ready;
	pthread_mutex_unlock(&p->lock);
	if (first)
		(void)eventfd_write(p->wakefd, 1);
}

static void
forget(struct entry *e)
{
	(void)epoll_ctl(e->park->epfd, EPOLL_CTL_DEL, e->fd, NULL);
	http_serve_unlist(e);
	http_serve_free(e);
}

static void
drop(struct entry *e, bool whole)
{
	struct http_server *s = e->lane->server;
	bool local = e->conn.req.local;
	int fd = e->fd, unread = 0;

	http_serve_over(e, whole);
	forget(e);
	/* The client may still have to read the reply: what it sent meanwhile must not reset the connection. */
	if (!atomic_load(&s->abort) && ioctl(fd, FIONREAD, &unread) == 0 && unread > 0)
		acceptor_linger(s->acceptor, fd);
	else
		fio_close(&fd);
	acceptor_gone(s->acceptor, local);
}

/* A connection that speaks plain HTTP/1.1 and has sent nothing behind its request. */
static bool
fits(const struct entry *e, const char *version)
{
	const struct http_request *req = &e->conn.req;
	const char *end;

	if (MHD_VERSION != 0x00097500 || e->lane->tls || req->has_body || !e->conn.target_at ||
	    strcmp(version, "HTTP/1.1") || strcmp(req->method, "GET"))
		return false;
	/* The library reads into memory that is zeroed, and the request's line is where it was read. What stands behind it may begin with NUL. */
	end = req->method + e->head_size;
	return e->head_size < HTTP_CONNECTION_MEMORY && e->conn.target_at == req->method + 4 && !*end &&
	    !memcmp(end, end + 1, HTTP_PAGE - (uintptr_t)end % HTTP_PAGE - 1);
}

bool
http_park_leave(struct entry *e, const char *version)
{
	e->leaving = fits(e, version) && conn_keep(&e->conn) == 0;
	return e->leaving;
}

bool
http_park_take(struct entry *e)
{
	struct http_server *s = e->lane->server;
	struct park *p = &s->parks[e->lane->number % s->nparks];
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = e };
	int fd = fcntl(e->fd, F_DUPFD_CLOEXEC, 0);
	bool taken = false;

	if (fd < 0)
		return false;
	pthread_mutex_lock(&s->lock);
	e->fd = fd;
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_lock(&e->lock);
	e->mhd = NULL;
	e->park = p;
	if (!atomic_load(&s->abort) && epoll_ctl(p->epfd, EPOLL_CTL_ADD, fd, &event) == 0) {
		taken = true;
		e->waiting = !e->early && e->conn.state != CONN_REPLIED;
		e->early = false;
		if (!e->waiting)
			http_park_ready(e);
	}
	pthread_mutex_unlock(&e->lock);
	if (!taken)
		drop(e, false);
	return true;
}

/* ---- a step ---- */

enum step { GO_ON, WAITS, STUCK, OTHER, CLOSES, BROKEN };

static enum step
built(const struct buf *b)
{
	return buf_finish(b) == 0 ? GO_ON : BROKEN;
}

static enum step
head(struct park *p, struct entry *e)
{
	struct http_request *req = &e->conn.req;
	const char *connection = http_header(req, "connection");

	if (e->conn.state != CONN_REPLIED && conn_end(&e->conn) == STEP_WAIT)
		return WAITS;
	if (conn_settle(&e->conn) != 0)
		return BROKEN;
	if (atomic_load(&p->server->closing) || (connection && strcasecmp(connection, "keep-alive") != 0))
		req->reply.close = true;
	http_render(req, &p->out);
	e->answered = true;
	e->over = !req->reply.source.read || !req->reply.source.size;
	return built(&p->out);
}

static enum step
piece(struct park *p, struct entry *e)
{
	const uint64_t size = e->conn.req.reply.source.size;
	bool chunked = size == HTTP_ENDLESS;
	char bytes[PIECE];
	size_t got;
	int rc = conn_source_read(&e->conn, e->conn.given, bytes, sizeof(bytes), &got);

	if (rc == ERR_AGAIN && chunked)
		return WAITS;
	if (rc && (rc != ERR_END || !chunked))
		return BROKEN;
	if (chunked)
		buf_addf(&p->out, "%zx\r\n", got);
	buf_add(&p->out, bytes, got);
	if (chunked)
		buf_add(&p->out, "\r\n", 2);
	e->over = rc == ERR_END || e->conn.given == size;
	return built(&p->out);
}

static enum step
send_some(struct entry *e, const struct buf *from, size_t *sent)
{
	ssize_t n;

	for (*sent = 0; *sent < from->len; *sent += (size_t)n) {
		n = send(e->fd, from->data + *sent, from->len - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? STUCK : BROKEN;
	}
	return GO_ON;
}

/* What the socket doesn't take is kept for later. */
static enum step
send_new(struct park *p, struct entry *e)
{
	size_t sent;
	enum step step = send_some(e, &p->out, &sent);

	if (step == STUCK) {
		e->rest = (struct buf) BUF_INIT(REPLY_MAX);
		buf_add(&e->rest, p->out.data + sent, p->out.len - sent);
		if (built(&e->rest) == BROKEN)
			step = BROKEN;
	}
	return step;
}

static enum step
send_rest(struct entry *e)
{
	size_t sent;
	enum step step = send_some(e, &e->rest, &sent);

	if (step == GO_ON)
		buf_release(&e->rest);
	else
		buf_consume(&e->rest, sent);
	return step;
}

static enum step
end_request(struct park *p, struct entry *e)
{
	if (e->conn.req.reply.close || atomic_load(&p->server->closing))
		return CLOSES;
	http_serve_over(e, true);
	e->over = false;
	return GO_ON;
}

static enum step
next_request(struct park *p, struct entry *e)
{
	char text[AGAIN_MAX];
	ssize_t n = recv(e->fd, text, sizeof(text), MSG_PEEK | MSG_DONTWAIT);
	struct slice target;

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return STUCK;
	if (n <= 0)
		return BROKEN;
	if (!conn_is_again(&e->conn, text, (size_t)n, &target))
		return OTHER;
	if (recv(e->fd, text, (size_t)n, MSG_DONTWAIT) != n || conn_again(&e->conn, target) != 0)
		return BROKEN;
	atomic_fetch_add(&p->server->active, 1);
	return GO_ON;
}

static enum step
take_step(struct park *p, struct entry *e)
{
	enum step step;

	if (e->rest.len)
		return send_rest(e);
	if (e->over)
		return end_request(p, e);
	if (e->conn.state == CONN_EMPTY)
		return next_request(p, e);
	buf_clear(&p->out);
	step = e->answered ? piece(p, e) : head(p, e);
	if (step == GO_ON)
		step = send_new(p, e);
	if (p->out.size > KEEP_BYTES)
		buf_release(&p->out);
	return step;
}

/* ---- the thread ---- */

static bool
waits(struct entry *e)
{
	bool waiting;

	pthread_mutex_lock(&e->lock);
	waiting = e->waiting = !e->early && !e->gone;
	e->early = false;
	pthread_mutex_unlock(&e->lock);
	return waiting;
}

/* Events come when more can be sent or read. */
static bool
sticks(struct park *p, struct entry *e)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = e };

	atomic_store(&e->stuck_us, clock_mono_us());
	return !e->rest.len || epoll_ctl(p->epfd, EPOLL_CTL_MOD, e->fd, &event) == 0;
}

/* It had its turn. */
static void
queue(struct entry *e)
{
	pthread_mutex_lock(&e->lock);
	http_park_ready(e);
	pthread_mutex_unlock(&e->lock);
}

/* To the library, as if it were new. */
static void
give_back(struct entry *e)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	struct lane *lane = e->lane;
	bool local = e->conn.req.local;
	int fd = e->fd;

	if (getpeername(fd, (struct sockaddr *)&address, &len) != 0) {
		drop(e, false);
		return;
	}
	forget(e);
	http_lane_take(lane, fd, local, (struct sockaddr *)&address, len);
}

static void
serve(struct park *p, struct entry *e)
{
	enum step step = GO_ON;

	for (int i = 0; i < TURN && step == GO_ON; i++)
		if ((step = take_step(p, e)) == WAITS && !waits(e))
			step = e->gone ? BROKEN : GO_ON;
	switch (step) {
	case WAITS:
		return;
	case GO_ON:
		queue(e);
		return;
	case STUCK:
		if (!sticks(p, e))
			drop(e, false);
		return;
	case OTHER:
		give_back(e);
		return;
	case CLOSES:
	case BROKEN:
		drop(e, step == CLOSES);
	}
}

static void
notice(struct entry *e, uint32_t events)
{
	pthread_mutex_lock(&e->lock);
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		e->gone = true;
	if ((e->waiting && e->gone) || atomic_load(&e->stuck_us)) {
		e->waiting = false;
		atomic_store(&e->stuck_us, 0);
		http_park_ready(e);
	}
	pthread_mutex_unlock(&e->lock);
}

static struct entry *
take_ready(struct park *p)
{
	struct entry *first;

	pthread_mutex_lock(&p->lock);
	first = p->ready;
	p->ready = NULL;
	p->end = &p->ready;
	pthread_mutex_unlock(&p->lock);
	return first;
}

static void *
run(void *arg)
{
	struct epoll_event events[EVENTS];
	struct park *p = arg;
	struct entry *next;
	int n;

	while (!atomic_load(&p->stop)) {
		n = epoll_wait(p->epfd, events, EVENTS, -1);
		for (int i = 0; i < n; i++)
			if (events[i].data.ptr)
				notice(events[i].data.ptr, events[i].events);
		for (struct entry *e = take_ready(p); e; e = next) {
			next = e->ready;
			serve(p, e);
		}
	}
	return NULL;
}

/* ---- begin and end ---- */

static int
park_open(struct http_server *s, struct park *p)
{
	/* Never read: each write is an edge. */
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int rc;

	*p = (struct park) { .server = s, .out = BUF_INIT(REPLY_MAX) };
	p->end = &p->ready;
	pthread_mutex_init(&p->lock, NULL);
	p->epfd = epoll_create1(EPOLL_CLOEXEC);
	p->wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->epfd < 0 || p->wakefd < 0 || epoll_ctl(p->epfd, EPOLL_CTL_ADD, p->wakefd, &event) != 0)
		return ERR_IO;
	rc = thread_start(&p->thread, "fsd-park", PARK_STACK, run, p);
	p->started = rc == 0;
	return rc;
}

int
http_park_start(struct http_server *s)
{
	unsigned n = (s->options.threads + LANES_A_PARK - 1) / LANES_A_PARK;
	int rc = 0;

	if (!(s->parks = calloc(n, sizeof(*s->parks))))
		return ERR_NOMEM;
	for (; s->nparks < n && rc == 0; s->nparks++)
		rc = park_open(s, &s->parks[s->nparks]);
	return rc;
}

void
http_park_stop(struct http_server *s)
{
	for (unsigned i = 0; i < s->nparks; i++) {
		if (!s->parks[i].started)
			continue;
		atomic_store(&s->parks[i].stop, true);
		(void)eventfd_write(s->parks[i].wakefd, 1);
		pthread_join(s->parks[i].thread, NULL);
	}
}

void
http_park_free(struct http_server *s)
{
	struct entry *next;

	for (struct entry *e = s->entries; e; e = next) {
		next = e->next;
		if (e->park)
			drop(e, false);
	}
	for (unsigned i = 0; i < s->nparks; i++) {
		fio_close(&s->parks[i].epfd);
		fio_close(&s->parks[i].wakefd);
		buf_release(&s->parks[i].out);
		pthread_mutex_destroy(&s->parks[i].lock);
	}
	free(s->parks);
}
