#ifndef FSD_HANDOVER_H
#define FSD_HANDOVER_H

#include <stdbool.h>

/*
 * Who runs over a store, and as whom.
 *
 * A socket-only daemon is started by fsctl for as long as it is needed. It ends HANDOVER_IDLE_SECONDS after its
 * last client, and at once when a real daemon asks for the store (POST /v1/admin/yield over the socket), which
 * then waits up to HANDOVER_WAIT_SECONDS for the lock.
 */
#define HANDOVER_IDLE_SECONDS 10
#define HANDOVER_WAIT_SECONDS 30
#define HANDOVER_SOCKET "fsd.sock"

/*
 * Root becomes the owner of `dir` (user, group and the user's other groups), so that no file in it ever belongs to somebody
 * else than its owner. Nothing happens if the folder is not there, or for anybody but root. ERR_DENIED, logged.
 */
int handover_drop(const char *dir);

/*
 * A real daemon, before it opens the store: waits until nobody holds the lock, asking a socket-only daemon to
 * yield. 0 when it is free or was never made; ERR_LOCKED when a real daemon has it, or after the time is over (both logged).
 */
int handover_wait(const char *dir);

/* Tells who started us that the socket can be used; closes `fd`. Nothing if it is negative. */
void handover_ready(int fd);

#endif
