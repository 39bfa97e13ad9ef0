#ifndef FSD_HINT_H
#define FSD_HINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * Streams of hints: which of a client's workspaces have come further. Commits are told to the hub, whose thread passes them on at most once in
 * HINT_COALESCE_MS; of a workspace only the newest sequence counts, so a stream that is slow misses none but the superseded ones. While more
 * than HINT_CROWD streams have been woken and have not written yet, hints wait, for HINT_WAIT_MS at most: requests go first.
 *
 * A stream: hint_open(); hint_watch() with its workspaces; then, from the reader of its reply, hint_take() until it says ERR_AGAIN, which
 * arranges for http_resume() to be called once there is something again. hint_close() from release(), after which it is not called any more.
 *
 * Besides heads a stream is woken to show that it lives (every HINT_BEAT_MS in which it wrote nothing), and, some hundred streams
 * at a time, when grants, tokens or users changed anywhere: it looks then whether it still may, and at what.
 */
#define HINT_COALESCE_MS 20
#define HINT_WAIT_MS 1000
#define HINT_CROWD 2000
#define HINT_BEAT_MS 15000

struct store;
struct http_request;
struct head;
struct hint_hub;
struct hint_sub;

struct hint_stream {			/* placed by the caller, zeroed before hint_open(); the hub's */
	struct http_request *http;	/* NULL: not open */
	struct hint_sub *subs;
	unsigned count;
	int64_t epoch;			/* of the authorisation when it looked last */
	int64_t beat_us;
	bool woken, check;
	LIST_ENTRY(hint_stream) all;
};

int hint_hub_new(struct store *store, struct hint_hub **hub);
void hint_hub_stop(struct hint_hub *hub);	/* wakes everybody; hint_take() says ERR_CLOSED from now on */
void hint_hub_free(struct hint_hub *hub);	/* NULL is fine; no stream is open any more */

void hint_tell(struct hint_hub *hub, int64_t workspace, int64_t sequence);	/* quick; any thread */

int hint_open(struct hint_hub *hub, struct hint_stream *s, struct http_request *http);	/* ERR_CLOSED */
void hint_close(struct hint_hub *hub, struct hint_stream *s);	/* fine if it is not open */
/*
 * The workspaces that the stream is for from now on, in order of ids, and how far they have come at least. *changed: the set is another than
 * before. Ask for heads after this once more and pass them again, so that no commit falls between. ERR_NOMEM.
 */
int hint_watch(struct hint_hub *hub, struct hint_stream *s, const struct head *heads, unsigned n, bool *changed);
/* What the client knows of one of them already: it is told only what is newer. */
void hint_known(struct hint_hub *hub, struct hint_stream *s, int64_t workspace, int64_t sequence);

enum hint_kind { HINT_HEAD, HINT_CHECK, HINT_BEAT };
struct hint {
	enum hint_kind kind;
	int64_t workspace, sequence;	/* HINT_HEAD */
};
/* The next thing to say or do. ERR_AGAIN: there is nothing yet. ERR_CLOSED: the daemon stops. */
int hint_take(struct hint_hub *hub, struct hint_stream *s, struct hint *hint);

unsigned hint_count(struct hint_hub *hub);

#endif
