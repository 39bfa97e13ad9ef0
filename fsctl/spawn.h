#ifndef FSCTL_SPAWN_H
#define FSCTL_SPAWN_H

#include "buf.h"
#include "lockwait.h"

/*
 * Running fsd: the one beside fsctl's own file, else the one in PATH.
 */

/*
 * Whether somebody answers on the socket of the store that `dirfd` is. 0, or an errno:
 * ENOENT and ECONNREFUSED mean nobody.
 */
int spawn_probe(int dirfd);
/*
 * The socket's path, through /proc, since that of the folder may be longer than a
 * socket's may be.
 */
#define SPAWN_PATH 64
void spawn_socket(int dirfd, char path[SPAWN_PATH]);

/*
 * Makes sure that a daemon serves the store: the one that does, or one of our own that
 * goes away some seconds after its last client. Where another process has the store but
 * does not serve it (yet), waits as `lock` says, or up to 30 seconds where that was not
 * given. An exit status: STATUS_LOCKED, that of stop_asked().
 */
int spawn_serve(const char *dir, int dirfd, struct lockwait *lock);

/*
 * Runs `fsd --data dir ARGUMENTS…` (NULL-ended) to its end; its standard output is
 * collected in `out`. Returns its exit code (128 and the signal's number if one ended
 * it), or an exit status if it could not be run. When we are told to stop it gets
 * SIGTERM, and what stop_asked() says is returned.
 */
int spawn_run(const char *dir, const char *const *arguments, struct buf *out);

#endif
