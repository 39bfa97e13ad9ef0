#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acceptor.h"
#include "clock.h"
#include "err.h"
#include "fio.h"
#include "limits.h"
#include "listen.h"
#include "log.h"
#include "thread.h"

/*
 * Everything in the epoll set begins with a struct watch. Listeners: listening <-> paused (at the limit, or no
 * descriptors left) -> closed. Lingering sockets: added by any thread under `lock`, read and freed by the
 * acceptor's thread alone.
 */
#define LISTENERS 32
#define TICK_US 1000000
#define PAUSE_MS 100		/* how soon a paused listener is tried again */
#define ACCEPTS_A_ROUND 64	/* then the others get their turn */

enum watch_kind { WATCH_WAKE, WATCH_TCP, WATCH_UNIX, WATCH_LINGER };

struct watch {
	enum watch_kind kind;
	int fd;
	bool paused;
};

struct straggler {
	struct watch watch;
	struct straggler *next;
	int64_t until_us;
	size_t left;
};

struct acceptor {
	struct accept_options options;
	uid_t owner;
	int epfd;
	struct watch wake;
	struct watch listeners[LISTENERS];	/* in the order of options.listen; the Unix one last */
	unsigned nlisteners;
	atomic_uint connections;	/* of all kinds */
	atomic_uint local;
	_Atomic int64_t local_closed_us;
	atomic_bool quiesce, quiesced, stop;
	bool started;
	pthread_t thread;
	pthread_mutex_t lock;		/* leaf; the list of those that linger, and `closed` with `changed` */
	pthread_cond_t changed;
	struct straggler *lingering;
	unsigned nlingering;
};

static int
watch_add(struct acceptor *a, struct watch *w)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = w };

	return epoll_ctl(a->epfd, EPOLL_CTL_ADD, w->fd, &event) == 0 ? 0 : ERR_IO;
}

static void
pause_listener(struct acceptor *a, struct watch *w, bool pause)
{
	struct epoll_event event = { .events = pause ? 0 : EPOLLIN, .data.ptr = w };

	if (w->paused == pause || w->fd < 0)
		return;
	w->paused = pause;
	(void)epoll_ctl(a->epfd, EPOLL_CTL_MOD, w->fd, &event);
}

static bool
at_limit(struct acceptor *a, bool local)
{
	return atomic_load(&a->connections) >= a->options.connections + (local ? ACCEPT_RESERVED : 0);
}

/* Root and the owner of the store are the administrator; nobody else is let in. */
static bool
peer_allowed(struct acceptor *a, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return false;
	if (cred.uid == 0 || cred.uid == a->owner)
		return true;
	log_warn("%s: refused uid %u", a->options.unix_name, (unsigned)cred.uid);
	return false;
}

static void
accept_some(struct acceptor *a, struct watch *w)
{
	bool local = w->kind == WATCH_UNIX;
	struct sockaddr_storage address;
	socklen_t len;
	int fd;

	for (int i = 0; i < ACCEPTS_A_ROUND; i++) {
		if (at_limit(a, local)) {
			pause_listener(a, w, true);
			return;
		}
		len = sizeof(address);
		fd = accept4(w->fd, (struct sockaddr *)&address, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
				log_errno(ERR_IO, "accept");
				pause_listener(a, w, true);
			}
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			return;
		}
		if (local && !peer_allowed(a, fd)) {
			fio_close(&fd);
			continue;
		}
		atomic_fetch_add(&a->connections, 1);
		if (local)
			atomic_fetch_add(&a->local, 1);
		a->options.take(a->options.arg, fd, local, (struct sockaddr *)&address, len);
	}
}

/* The caller holds the lock. */
static void
linger_end(struct acceptor *a, struct straggler *l)
{
	struct straggler **at = &a->lingering;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	a->nlingering--;
	/* Closing is not enough: whoever gave it may still hold the socket by another descriptor. */
	(void)epoll_ctl(a->epfd, EPOLL_CTL_DEL, l->watch.fd, NULL);
	fio_close(&l->watch.fd);
	free(l);
}

static void
linger_read(struct acceptor *a, struct straggler *l)
{
	char waste[16384];
	ssize_t got;

	for (int i = 0; i < 16; i++) {
		got = recv(l->watch.fd, waste, sizeof(waste), MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got <= 0 || (size_t)got >= l->left) {
			pthread_mutex_lock(&a->lock);
			linger_end(a, l);
			pthread_mutex_unlock(&a->lock);
			return;
		}
		l->left -= (size_t)got;
	}
}

static void
linger_expire(struct acceptor *a, bool all)
{
	int64_t now = clock_mono_us();
	struct straggler *next;

	pthread_mutex_lock(&a->lock);
	for (struct straggler *l = a->lingering; l; l = next) {
		next = l->next;
		if (all || l->until_us <= now)
			linger_end(a, l);
	}
	pthread_mutex_unlock(&a->lock);
}

void
acceptor_linger(struct acceptor *a, int fd)
{
	struct straggler *l = NULL;

	(void)shutdown(fd, SHUT_WR);
	pthread_mutex_lock(&a->lock);
	if (a->nlingering < LINGER_MAX && !atomic_load(&a->stop) && (l = calloc(1, sizeof(*l)))) {
		*l = (struct straggler) { .watch = { .kind = WATCH_LINGER, .fd = fd },
			.until_us = clock_mono_us() + LINGER_SECONDS * 1000000ll, .left = LINGER_BYTES,
			.next = a->lingering };
		if (watch_add(a, &l->watch) == 0) {
			a->lingering = l;
			a->nlingering++;
			fd = -1;
		} else {
			free(l);
		}
	}
	pthread_mutex_unlock(&a->lock);
	fio_close(&fd);
}

static void
close_listeners(struct acceptor *a)
{
	for (unsigned i = 0; i < a->nlisteners; i++) {
		if (a->listeners[i].kind == WATCH_UNIX && a->listeners[i].fd >= 0)
			(void)fio_unlink(a->options.unix_dirfd, a->options.unix_name);
		fio_close(&a->listeners[i].fd);
	}
	pthread_mutex_lock(&a->lock);
	atomic_store(&a->quiesced, true);
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

static void
handle(struct acceptor *a, struct watch *w)
{
	uint64_t count;

	switch (w->kind) {
	case WATCH_WAKE:
		while (read(w->fd, &count, sizeof(count)) < 0 && errno == EINTR)
			;
		break;
	case WATCH_TCP:
	case WATCH_UNIX:
		if (w->fd >= 0)
			accept_some(a, w);
		break;
	case WATCH_LINGER:
		linger_read(a, (struct straggler *)(void *)w);
		break;
	}
}

static bool
any_paused(struct acceptor *a)
{
	for (unsigned i = 0; i < a->nlisteners; i++)
		if (a->listeners[i].paused && a->listeners[i].fd >= 0)
			return true;
	return false;
}

static void *
acceptor_run(void *arg)
{
	struct acceptor *a = arg;
	struct epoll_event events[64];
	int64_t ticked = clock_mono_us(), now;
	int n;

	while (!atomic_load(&a->stop)) {
		n = epoll_wait(a->epfd, events, 64, any_paused(a) ? PAUSE_MS : TICK_US / 1000);
		for (int i = 0; i < n; i++)
			handle(a, events[i].data.ptr);
		if (atomic_load(&a->quiesce) && !atomic_load(&a->quiesced))
			close_listeners(a);
		for (unsigned i = 0; i < a->nlisteners; i++)
			if (!at_limit(a, a->listeners[i].kind == WATCH_UNIX))
				pause_listener(a, &a->listeners[i], false);
		if ((now = clock_mono_us()) - ticked >= TICK_US) {
			ticked = now;
			linger_expire(a, false);
			a->options.tick(a->options.arg);
		}
	}
	return NULL;
}

static int
bind_all(struct acceptor *a)
{
	const struct accept_options *o = &a->options;
	struct stat st;
	int rc;

	for (const char *const *p = o->listen; p && *p; p++) {
		if (a->nlisteners == LISTENERS - 1)
			return ERR_TOOBIG;
		if ((rc = listen_tcp(*p, &a->listeners[a->nlisteners].fd)) != 0)
			return rc;
		a->listeners[a->nlisteners++].kind = WATCH_TCP;
	}
	if (o->unix_dirfd < 0)
		return 0;
	if (fstat(o->unix_dirfd, &st) != 0)
		return log_errno(ERR_IO, "%s: fstat of its folder", o->unix_name);
	a->owner = st.st_uid;
	if ((rc = listen_unix(o->unix_dirfd, o->unix_name, &a->listeners[a->nlisteners].fd)) != 0)
		return rc;
	a->listeners[a->nlisteners++].kind = WATCH_UNIX;
	return 0;
}

int
acceptor_new(const struct accept_options *options, struct acceptor **acceptor)
{
	struct acceptor *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return ERR_NOMEM;
	a->options = *options;
	a->epfd = -1;
	a->wake = (struct watch) { .kind = WATCH_WAKE, .fd = -1 };
	for (unsigned i = 0; i < LISTENERS; i++)
		a->listeners[i].fd = -1;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	atomic_store(&a->local_closed_us, clock_mono_us());
	if ((rc = bind_all(a)) != 0)
		goto out;
	if ((a->epfd = epoll_create1(EPOLL_CLOEXEC)) < 0 ||
	    (a->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0 || watch_add(a, &a->wake) != 0) {
		rc = log_errno(ERR_IO, "acceptor");
		goto out;
	}
	*acceptor = a;
	a = NULL;
out:
	acceptor_free(a);
	return rc;
}

int
acceptor_start(struct acceptor *a)
{
	int rc;

	for (unsigned i = 0; i < a->nlisteners; i++)
		if (watch_add(a, &a->listeners[i]) != 0)
			return log_errno(ERR_IO, "acceptor");
	if ((rc = thread_start(&a->thread, "fsd-accept", 256u << 10, acceptor_run, a)) != 0)
		return rc;
	a->started = true;
	return 0;
}

static void
wake(struct acceptor *a)
{
	uint64_t one = 1;

	if (a->wake.fd >= 0 && write(a->wake.fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_errno(ERR_IO, "eventfd");
}

void
acceptor_quiesce(struct acceptor *a)
{
	if (!a->started) {
		close_listeners(a);
		return;
	}
	atomic_store(&a->quiesce, true);
	wake(a);
	pthread_mutex_lock(&a->lock);
	while (!atomic_load(&a->quiesced))
		pthread_cond_wait(&a->changed, &a->lock);
	pthread_mutex_unlock(&a->lock);
}

void
acceptor_free(struct acceptor *a)
{
	if (!a)
		return;
	if (!atomic_load(&a->quiesced))
		acceptor_quiesce(a);
	atomic_store(&a->stop, true);
	if (a->started) {
		wake(a);
		pthread_join(a->thread, NULL);
	}
	linger_expire(a, true);
	fio_close(&a->wake.fd);
	fio_close(&a->epfd);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

void
acceptor_gone(struct acceptor *a, bool local)
{
	unsigned before;

	if (local) {
		atomic_store(&a->local_closed_us, clock_mono_us());
		atomic_fetch_sub(&a->local, 1);
	}
	before = atomic_fetch_sub(&a->connections, 1);
	assert(before > 0);
	/* Somebody may be waiting for this place. */
	if (before == a->options.connections || before == a->options.connections + ACCEPT_RESERVED)
		wake(a);
}

unsigned
acceptor_connections(struct acceptor *a)
{
	return atomic_load(&a->connections);
}

int64_t
acceptor_unix_idle_us(struct acceptor *a)
{
	int64_t idle;

	if (atomic_load(&a->local))
		return 0;
	idle = clock_mono_us() - atomic_load(&a->local_closed_us);
	return idle > 0 ? idle : 1;
}

int
acceptor_port(struct acceptor *a, unsigned i)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (i >= a->nlisteners || a->listeners[i].kind != WATCH_TCP ||
	    getsockname(a->listeners[i].fd, (struct sockaddr *)&ss, &len) != 0)
		return -1;
	if (ss.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)(void *)&ss)->sin6_port);
	return ntohs(((struct sockaddr_in *)(void *)&ss)->sin_port);
}
