#ifndef FSCTL_STOP_H
#define FSCTL_STOP_H

#include <stdint.h>

/*
 * Being told to stop: Ctrl-C, SIGTERM, SIGHUP, a reader of our output that went away, and
 * the end of the time that was given. The first signal is only remembered, so that the
 * verb ends its work in order; a second one, the same or another, ends the program at
 * once. One thread, but for stop_asked() and stop_poll().
 */
void stop_setup(void);
/* From now on a closed standard output counts as SIGPIPE, without anything being written. */
void stop_watch_output(void);
/* When `ms` (at most INT64_MAX / 2000) have passed from now on, that too is being told to stop. */
void stop_after(int64_t ms);
/* What we are to end with, an exit status (status_is_stop()); STATUS_OK: go on. */
int stop_asked(void);
/*
 * Waits until `fd` is ready for `events` of poll(2), or has an error or an end to tell:
 * STATUS_OK; or what stop_asked() says, whichever comes first. Whoever would block for
 * good in read() or write() asks this before.
 */
int stop_poll(int fd, short events);
/*
 * The same as stop_asked(), and forgets it: for verbs that still have something to do
 * before they end.
 */
int stop_take(void);

#endif
