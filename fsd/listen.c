#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "err.h"
#include "fio.h"
#include "listen.h"
#include "log.h"

#define BACKLOG 1024

/* Splits "host:port", "[v6]:port" into NUL-terminated pieces. */
static int
split(const char *address, char *host, size_t hostsize, const char **port)
{
	const char *colon = strrchr(address, ':'), *start = address;
	size_t len;

	if (!colon || !colon[1])
		return ERR_INVALID;
	len = (size_t)(colon - address);
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		start++;
		len -= 2;
	} else if (memchr(address, ':', len)) {
		return ERR_INVALID;
	}
	if (!len || len >= hostsize)
		return ERR_INVALID;
	memcpy(host, start, len);
	host[len] = '\0';
	*port = colon + 1;
	return 0;
}

/* Accepted sockets inherit these options, which saves three system calls a connection. */
static void
set_options(int s, int family)
{
	int one = 1;

	(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	(void)setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (family == AF_INET6)
		(void)setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
}

int
listen_tcp(const char *address, int *fd)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *ai = NULL;
	char host[256];
	const char *port;
	int s = -1, rc = 0;

	if (split(address, host, sizeof(host), &port) != 0) {
		log_error("listen %s: not an address and port", address);
		return ERR_INVALID;
	}
	if (strcmp(host, "localhost"))
		hints.ai_flags |= AI_NUMERICHOST;
	if (getaddrinfo(host, port, &hints, &ai) != 0) {
		log_error("listen %s: not a numeric address and port", address);
		return ERR_INVALID;
	}
	if ((s = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0) {
		rc = log_errno(ERR_IO, "listen %s: socket", address);
		goto out;
	}
	set_options(s, ai->ai_family);
	if (bind(s, ai->ai_addr, ai->ai_addrlen) != 0 || listen(s, BACKLOG) != 0) {
		rc = log_errno(errno == EADDRINUSE ? ERR_EXISTS : ERR_IO, "listen %s", address);
		goto out;
	}
	*fd = s;
	s = -1;
out:
	fio_close(&s);
	freeaddrinfo(ai);
	return rc;
}

int
listen_unix(int dirfd, const char *name, int *fd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int s = -1, rc;

	/* sun_path holds 107 bytes; through /proc the folder's own path may be longer. */
	if (snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/%s", dirfd, name) >=
	    (int)sizeof(sun.sun_path))
		return ERR_TOOBIG;
	if ((rc = fio_unlink(dirfd, name)) != 0 && rc != ERR_NOTFOUND)
		return rc;
	rc = 0;
	if ((s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0) {
		rc = log_errno(ERR_IO, "%s: socket", name);
		goto out;
	}
	/* The name gets the mode that the socket has at bind, so it is never open to others. */
	if (fchmod(s, 0600) != 0 || bind(s, (struct sockaddr *)&sun, sizeof(sun)) != 0 ||
	    listen(s, BACKLOG) != 0) {
		rc = log_errno(errno == EADDRINUSE ? ERR_EXISTS : ERR_IO, "listen %s", name);
		goto out;
	}
	*fd = s;
	s = -1;
out:
	fio_close(&s);
	return rc;
}
