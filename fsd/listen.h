#ifndef FSD_LISTEN_H
#define FSD_LISTEN_H

/*
 * Making listening sockets, non-blocking and close-on-exec. Errors are logged with the address.
 */

/* "host:port" with a numeric host ([…] around IPv6) or "localhost". ERR_INVALID, ERR_EXISTS if in use, ERR_IO. */
int listen_tcp(const char *address, int *fd);
/* A socket of mode 0600 named `name` in the folder; a stale one is removed first. The path may be of any length. */
int listen_unix(int dirfd, const char *name, int *fd);

#endif
