#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "fio.h"
#include "http_in.h"
#include "limits.h"
#include "log.h"

/* The server: its lanes, who gets which connection, what stalls, start and stop. */
#define CONNECTION_STEP 16384
#define LANE_STACK (512u << 10)
#define UNIX_LANES 4			/* when the others speak TLS */
/* An upload that brings less than this in two idle times is cut off, and so is a head that takes as long. */
#define BODY_LEAST 1024
#define OPTIONS_MAX 16

void
http_lane_take(struct lane *lane, int fd, bool local, const struct sockaddr *address, socklen_t len)
{
	atomic_fetch_add(&lane->connections, 1);
	if (MHD_add_connection(lane->mhd, fd, address, len) == MHD_YES)
		return;
	log_errno(ERR_IO, "a connection could not be taken");
	atomic_fetch_sub(&lane->connections, 1);
	acceptor_gone(lane->server->acceptor, local);
}

/* The acceptor's thread. */
static void
take(void *arg, int fd, bool local, const struct sockaddr *address, socklen_t len)
{
	struct http_server *s = arg;
	struct lane *first = s->lanes, *best = NULL;
	unsigned n = s->options.threads;

	if (local && s->nunix) {
		first += n;
		n = s->nunix;
	}
	s->turn++;
	for (unsigned i = 0; i < n; i++) {
		struct lane *lane = &first[(i + s->turn) % n];

		if (!best || atomic_load(&lane->connections) < atomic_load(&best->connections))
			best = lane;
	}
	http_lane_take(best, fd, local, address, len);
}

/*
 * A client that closes in the middle of a request goes unseen where its last bytes and the end came together: the
 * library then waits for another edge. Seen twice in the same phase, so that bytes just taken are not mistaken.
 */
static bool
ended(struct entry *e, int64_t since)
{
	char c;

	if (recv(e->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) != 0)
		return false;
	if (e->ended_us == since)
		return true;
	e->ended_us = since;
	return false;
}

/* Who closed while it waited for a reply is not kept until there is one. */
static void
let_go(struct entry *e)
{
	pthread_mutex_lock(&e->lock);
	if (e->waiting) {
		e->gone = true;
		e->waiting = false;
		MHD_resume_connection(e->mhd);
	}
	pthread_mutex_unlock(&e->lock);
}

/*
 * The library drops connections that bring nothing at all for the idle time. A client that sends a byte now and then
 * is found here, once a second; a suspended one is waiting for us and is left alone unless it closed. Of those that are parked only
 * the ones stall that don't read their reply, or send no other request.
 */
static bool
stalls(struct entry *e, int64_t now, int64_t allowed)
{
	int phase = atomic_load_explicit(&e->phase, memory_order_relaxed);
	int64_t since = atomic_load_explicit(&e->since_us, memory_order_relaxed);
	uint64_t received = atomic_load_explicit(&e->conn.received, memory_order_relaxed);
	int64_t stuck = atomic_load_explicit(&e->stuck_us, memory_order_relaxed);
	bool waiting, parked;

	pthread_mutex_lock(&e->lock);
	waiting = e->waiting;
	parked = e->park != NULL;
	pthread_mutex_unlock(&e->lock);
	if (parked)
		return stuck && now - stuck > allowed / 2;
	if (phase == PHASE_HEAD)
		return now - since > allowed || ended(e, since);
	if (phase == PHASE_BODY && !waiting && ended(e, since))
		return true;
	if (phase == PHASE_REPLY && waiting && ended(e, since))
		let_go(e);
	if (phase != PHASE_BODY || waiting || e->window_us < since ||
	    received >= e->window_received + BODY_LEAST) {
		e->window_us = now > since ? now : since;
		e->window_received = received;
		return false;
	}
	return now - e->window_us > allowed;
}

static void
sweep(void *arg)
{
	struct http_server *s = arg;
	int64_t now = clock_mono_us(), allowed = 2000000ll * s->options.idle_seconds;

	(void)eventfd_write(s->kickfd, 1);
	pthread_mutex_lock(&s->lock);
	for (struct entry *e = s->entries; e; e = e->next)
		if (stalls(e, now, allowed))
			(void)shutdown(e->fd, SHUT_RDWR);	/* its thread sees that and cleans up */
	pthread_mutex_unlock(&s->lock);
}

/* ---- the server ---- */

/*
 * Where exactly 128 events came at once, libmicrohttpd 0.9.75 waits for one more before it works on them, until some connection's time is over.
 * It gets one every second, of the kind that it takes for nothing.
 */
static int
kick_often(struct http_server *s, struct lane *lane)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(lane->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	return info && epoll_ctl(info->epoll_fd, EPOLL_CTL_ADD, s->kickfd, &event) == 0 ? 0 : ERR_IO;
}

static void
on_panic(void *arg, const char *file, unsigned line, const char *reason)
{
	(void)arg;
	log_error("libmicrohttpd %s:%u: %s", file, line, reason);
	abort();
}

static int
lane_start(struct http_server *s, struct lane *lane, unsigned number, bool tls)
{
	struct MHD_OptionItem options[OPTIONS_MAX], *o = options;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
	    MHD_USE_ITC | (tls ? MHD_USE_TLS : MHD_USE_TURBO);

#define OPTION(name, number_, pointer)                                                             \
	*o++ = (struct MHD_OptionItem) { .option = (name), .value = (intptr_t)(number_), .ptr_value = (pointer) }
	OPTION(MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_CONNECTION_MEMORY, NULL);
	OPTION(MHD_OPTION_CONNECTION_MEMORY_INCREMENT, CONNECTION_STEP, NULL);
	OPTION(MHD_OPTION_CONNECTION_LIMIT, s->options.connections + ACCEPT_RESERVED, NULL);
	OPTION(MHD_OPTION_CONNECTION_TIMEOUT, s->options.idle_seconds, NULL);
	OPTION(MHD_OPTION_NOTIFY_COMPLETED, http_serve_done, lane);
	OPTION(MHD_OPTION_NOTIFY_CONNECTION, http_serve_connection, lane);
	OPTION(MHD_OPTION_URI_LOG_CALLBACK, http_serve_target, lane);
	OPTION(MHD_OPTION_UNESCAPE_CALLBACK, http_serve_unescape, lane);
	OPTION(MHD_OPTION_THREAD_STACK_SIZE, LANE_STACK, NULL);
	if (tls) {
		OPTION(MHD_OPTION_HTTPS_MEM_KEY, 0, (char *)(uintptr_t)s->options.tls_key);
		OPTION(MHD_OPTION_HTTPS_MEM_CERT, 0, (char *)(uintptr_t)s->options.tls_certificate);
	}
	OPTION(MHD_OPTION_END, 0, NULL);
#undef OPTION
	*lane = (struct lane) { .server = s, .tls = tls, .number = number };
	lane->mhd = MHD_start_daemon(flags, 0, NULL, NULL, http_serve_request, lane, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	if (lane->mhd)
		return kick_often(s, lane);
	log_error(tls ? "HTTP thread %u could not be started: is the TLS certificate with its key valid?" :
	    "HTTP thread %u could not be started", number);
	return ERR_INTERNAL;
}

/* The threads inherit that signals are blocked: they are the main thread's. */
static int
lanes_start(struct http_server *s)
{
	bool tls = s->options.tls_certificate != NULL;
	unsigned all = s->options.threads + s->nunix;
	sigset_t block, before;
	int rc = 0;

	sigfillset(&block);
	pthread_sigmask(SIG_BLOCK, &block, &before);
	for (; s->nlanes < all && !rc; s->nlanes++)
		rc = lane_start(s, &s->lanes[s->nlanes], s->nlanes, tls && s->nlanes < s->options.threads);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* Also ends one that did not start wholly. */
static void
server_free(struct http_server *s)
{
	if (s->acceptor)
		acceptor_quiesce(s->acceptor);
	atomic_store(&s->abort, true);
	pthread_mutex_lock(&s->lock);
	for (struct entry *e = s->entries; e; e = e->next) {
		pthread_mutex_lock(&e->lock);
		if (e->waiting && !e->park) {
			e->waiting = false;
			MHD_resume_connection(e->mhd);
		}
		pthread_mutex_unlock(&e->lock);
	}
	pthread_mutex_unlock(&s->lock);
	http_park_stop(s);
	for (unsigned i = 0; i < s->nlanes; i++)
		if (s->lanes[i].mhd)
			MHD_stop_daemon(s->lanes[i].mhd);
	http_park_free(s);
	acceptor_free(s->acceptor);
	fio_close(&s->kickfd);
	pthread_mutex_destroy(&s->lock);
	free(s->lanes);
	free(s->unix_name);
	free(s);
}

int
http_start(const struct http_options *options, struct http_server **server)
{
	struct http_server *s = NULL;
	struct accept_options accept = { .listen = options->listen, .unix_dirfd = options->unix_dirfd,
		.connections = options->connections, .take = take, .tick = sweep };
	int rc;

	if (options->tls_certificate && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
		log_error("the HTTP library was built without TLS");
		return ERR_UNSUPPORTED;
	}
	if (!options->threads || !options->connections)
		return ERR_INVALID;
	if (!(s = calloc(1, sizeof(*s))))
		return ERR_NOMEM;
	s->options = *options;
	s->kickfd = -1;
	pthread_mutex_init(&s->lock, NULL);
	if (options->tls_certificate && options->unix_dirfd >= 0)
		s->nunix = UNIX_LANES;
	s->lanes = calloc(options->threads + s->nunix, sizeof(*s->lanes));
	s->unix_name = strdup(options->unix_name ? options->unix_name : "");
	if (!s->lanes || !s->unix_name || (s->kickfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
		rc = ERR_NOMEM;
		goto out;
	}
	MHD_set_panic_func(on_panic, NULL);
	accept.unix_name = s->unix_name;
	accept.arg = s;
	if ((rc = acceptor_new(&accept, &s->acceptor)) != 0 || (rc = lanes_start(s)) != 0 ||
	    (rc = http_park_start(s)) != 0 ||
	    (rc = acceptor_start(s->acceptor)) != 0)
		goto out;
	*server = s;
	s = NULL;
out:
	if (s)
		server_free(s);
	return rc;
}

void
http_stop(struct http_server *s, unsigned grace_ms)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	int64_t until = clock_mono_us() + 1000ll * grace_ms;

	if (!s)
		return;
	atomic_store(&s->closing, true);
	acceptor_quiesce(s->acceptor);
	while (atomic_load(&s->active) && clock_mono_us() < until)
		nanosleep(&pause, NULL);
	server_free(s);
}

unsigned
http_connections(struct http_server *s)
{
	return acceptor_connections(s->acceptor);
}

int64_t
http_unix_idle_us(struct http_server *s)
{
	return acceptor_unix_idle_us(s->acceptor);
}

int
http_port(struct http_server *s, unsigned i)
{
	return acceptor_port(s->acceptor, i);
}
