#ifndef FSD_ACCEPTOR_H
#define FSD_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * The acceptor: one thread that owns the listening sockets (TCP and one Unix socket), enforces the limit of
 * connections and hands every accepted one on. It knows nothing of HTTP.
 *
 * At the limit it stops accepting: clients wait in the kernel's queue. The Unix socket may go ACCEPT_RESERVED
 * connections beyond it, so that the administrator always gets in. Peers of the Unix socket other than uid 0
 * and the owner of the folder that holds it are refused.
 *
 * It also lingers: closing a socket with unread bytes makes the kernel send a reset, which can destroy the reply
 * before the client has read it. A socket given to acceptor_linger() is read and thrown away until the client
 * closes, for at most LINGER_SECONDS and LINGER_BYTES.
 *
 * "[::]:9000" listens on IPv6 alone; for both families list "0.0.0.0:9000" too.
 */
#define ACCEPT_RESERVED 16
#define LINGER_SECONDS 5
#define LINGER_BYTES (16u << 20)
#define LINGER_MAX 256			/* more at once are closed without lingering */

struct acceptor;

struct accept_options {
	const char *const *listen;	/* "127.0.0.1:9000", "[::1]:9000", "localhost:9000"; NULL-terminated; may be NULL */
	int unix_dirfd;			/* or -1 */
	const char *unix_name;
	unsigned connections;
	/* A new connection, non-blocking, on the acceptor's thread; takes `fd` whatever happens. acceptor_gone() is
	 * called for each, once. */
	void (*take)(void *arg, int fd, bool local, const struct sockaddr *address, socklen_t len);
	void (*tick)(void *arg);	/* about every second, on the acceptor's thread */
	void *arg;
};

/* Binds everything and listens; ERR_EXISTS: an address is in use; ERR_INVALID: not an address (both logged). */
int acceptor_new(const struct accept_options *options, struct acceptor **acceptor);
int acceptor_start(struct acceptor *a);
/* Closes the listeners and unlinks the Unix socket; lingering and ticks go on. Once, not on the acceptor's thread. */
void acceptor_quiesce(struct acceptor *a);
void acceptor_free(struct acceptor *a);	/* quiesces, ends the thread, closes what lingers; NULL is fine */

/* Any thread. */
void acceptor_gone(struct acceptor *a, bool local);
void acceptor_linger(struct acceptor *a, int fd);	/* takes fd; its sending side is shut down */
unsigned acceptor_connections(struct acceptor *a);
int64_t acceptor_unix_idle_us(struct acceptor *a);	/* since the last local one closed, or the start; 0 while one is open */
int acceptor_port(struct acceptor *a, unsigned i);	/* of options.listen[i]; -1 if there is none */

#endif
