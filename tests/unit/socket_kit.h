#ifndef SOCKET_KIT_H
#define SOCKET_KIT_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

/* A client of HTTP/1.1 that sends what bytes it likes, on sockets with patience for 60 seconds. */

static inline int
dial_port(int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = 60 };
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_port = htons((uint16_t)port);
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(s, (struct sockaddr *)&in, sizeof(in)) != 0) {
		close(s);
		return -1;
	}
	return s;
}

static inline int
dial_path(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int s;

	if (len >= sizeof(sun.sun_path))
		return -1;
	memcpy(sun.sun_path, path, len);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(s, (struct sockaddr *)&sun, sizeof(sun)) != 0) {
		close(s);
		return -1;
	}
	return s;
}

static inline bool
put(int s, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(s, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static inline bool
say(int s, const char *text)
{
	return put(s, text, strlen(text));
}

static inline void
nap(int ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l };

	nanosleep(&t, NULL);
}

/* Waits until it is so, for a minute: far longer than a slow machine takes. CHECK() it afterwards. */
#define WAIT_UNTIL(cond)                                                                           \
	do {                                                                                       \
		for (int i_ = 0; i_ < 6000 && !(cond); i_++)                                       \
			nap(10);                                                                   \
	} while (0)

/* Whether all that was sent over this IPv4 socket was read: the other end is a descriptor of this process too. */
static inline bool
is_read(int s)
{
	struct sockaddr_in me = { 0 }, peer;
	socklen_t len = sizeof(me);
	int left = 1;

	if (ioctl(s, SIOCOUTQ, &left) != 0 || left || getsockname(s, (struct sockaddr *)&me, &len) != 0)
		return false;
	for (int fd = 0; fd < 1024; fd++) {
		len = sizeof(peer);
		if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && len == sizeof(peer) && peer.sin_port == me.sin_port &&
		    peer.sin_family == AF_INET)
			return ioctl(fd, FIONREAD, &left) == 0 && !left;
	}
	return false;
}

/* A reply. `status` is -1 if the connection ended before one was there, or in the middle. */
struct got {
	int status;
	char head[16384];
	size_t body_len;
	char body[8192];	/* its beginning */
};

static inline bool
one(int s, char *c)
{
	return recv(s, c, 1, 0) == 1;
}

static inline const char *
field(const struct got *g, const char *name)
{
	static char value[1024];
	char want[64];
	const char *p, *end;

	snprintf(want, sizeof(want), "\r\n%s: ", name);
	if (!(p = strcasestr(g->head, want)))
		return NULL;
	p += strlen(want);
	end = strstr(p, "\r\n");
	snprintf(value, sizeof(value), "%.*s", (int)(end - p), p);
	return value;
}

static inline void
hear(int s, bool head_only, struct got *g)
{
	size_t n = 0, want;
	const char *length;
	char c;

	memset(g, 0, sizeof(*g));
	g->status = -1;
	while (n < sizeof(g->head) - 1 && one(s, &c)) {
		g->head[n++] = c;
		if (n >= 4 && !memcmp(g->head + n - 4, "\r\n\r\n", 4))
			break;
	}
	if (n < 4 || memcmp(g->head + n - 4, "\r\n\r\n", 4) || strncmp(g->head, "HTTP/1.1 ", 9))
		return;
	length = head_only ? NULL : field(g, "Content-Length");
	want = length ? (size_t)strtoull(length, NULL, 10) : 0;
	while (g->body_len < want) {
		static _Thread_local char chunk[65536];
		size_t max = want - g->body_len < sizeof(chunk) ? want - g->body_len : sizeof(chunk);
		ssize_t k = recv(s, chunk, max, 0);

		if (k <= 0)
			return;
		for (ssize_t i = 0; i < k && g->body_len + (size_t)i < sizeof(g->body) - 1; i++)
			g->body[g->body_len + (size_t)i] = chunk[i];
		g->body_len += (size_t)k;
	}
	g->status = atoi(g->head + 9);
}

/* The peer closed in good order: end of file, no reset, nothing more. */
static inline bool
closed(int s)
{
	char c;

	return recv(s, &c, 1, 0) == 0;
}

static inline bool
ended(int s)
{
	char c;

	return recv(s, &c, 1, MSG_DONTWAIT) == 0 || errno != EAGAIN;
}

static inline unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strcasestr(p, what)); p++)
		n++;
	return n;
}

#endif
