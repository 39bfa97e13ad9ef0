#ifndef FSD_WATCH_H
#define FSD_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * Requests that wait for something to happen: a commit in a workspace, a line of a job. What is waited for is a
 * number (an id). One thread wakes them, so that whoever tells of a commit never waits for a connection; it
 * wakes all that wait for one number at most once in WATCH_COALESCE_MS.
 *
 * A handler: watch_add(); looks whether what it wants is there already; if it is, watch_remove() and reply; if
 * not, ERR_AGAIN out of run(), which is called again when watch_tell() was called, the time is over, or the daemon stops.
 * It looks again then, and again calls watch_add() to wait further. release() calls watch_remove() in any case.
 */
#define WATCH_COALESCE_MS 3

struct watch_hub;
struct http_request;

struct watcher {			/* placed by the caller, zeroed before first use */
	struct http_request *http;	/* whom http_resume() is called for; NULL while it is in no list */
	int64_t what;
	int64_t until_us;		/* clock_mono_us() at which the waiting ends */
	LIST_ENTRY(watcher) waiting;
};

int watch_hub_new(struct watch_hub **hub);
void watch_hub_free(struct watch_hub *hub);	/* NULL is fine; nobody may wait any more */
/* Wakes everybody; from now on nobody waits: watch_add() answers ERR_CLOSED. */
void watch_hub_stop(struct watch_hub *hub);

/* ERR_CLOSED: the daemon stops: reply with what there is. */
int watch_add(struct watch_hub *hub, struct watcher *w, struct http_request *http, int64_t what, int64_t until_us);
void watch_remove(struct watch_hub *hub, struct watcher *w);	/* http_resume() is not called after this returned */
void watch_tell(struct watch_hub *hub, int64_t what);		/* quick */
unsigned watch_count(struct watch_hub *hub);

#endif
