#ifndef FSD_DAEMON_H
#define FSD_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "hashes.h"
#include "settings.h"

/*
 * What the whole daemon shares. Filled by main.c before the first request, constant afterwards but for what the members
 * guard themselves.
 */
struct store;
struct http_server;
struct metrics;
struct watch_hub;
struct hint_hub;
struct page_cache;
struct jobs;

enum role_of_daemon { ROLE_ALL = 3, ROLE_DATA = 1, ROLE_CONTROL = 2 };

struct daemon {
	struct store *store;
	struct settings settings;	/* fsd.yaml and the command line */
	struct http_server *http;
	struct metrics *metrics;
	struct watch_hub *hub;		/* who waits for changes or for a job */
	struct hint_hub *hints;		/* who hears of it by GET /v1/events */
	struct page_cache *pages;	/* of the change feed */
	struct jobs *jobs;
	struct hashes hashes;		/* the timer's */
	struct errand_pool *errands;	/* what waits for the disk (errand.h) */
	char *dir;			/* DATA, as given */
	enum role_of_daemon role;
	bool socket_only;
	int64_t started_us;		/* wall */
	_Atomic bool ready, stopping;
};

struct daemon_options {
	const char *dir;
	struct settings settings;	/* complete; taken over */
	enum role_of_daemon role;
	bool socket_only;
	int ready_fd;			/* or -1 */
};
/* Serves until it is told to stop; returns the program's exit code (exit_code.h). */
int daemon_run(struct daemon_options *options);
/* Asks the running daemon to end as by SIGTERM. Any thread. */
void daemon_stop(struct daemon *daemon);

#endif
