#ifndef FSCTL_RESUME_H
#define FSCTL_RESUME_H

#include <stdbool.h>

/*
 * Upload sessions that can go on after fsctl ended: a small JSON file each, named by the
 * SHA-256 of the place that it goes to, in $XDG_STATE_HOME/fsctl/uploads
 * (~/.local/state/fsctl/uploads). Losing one costs time alone, so nothing here is an
 * error. Any thread.
 *
 *	none -> taken (locked) -> a session is kept -> forgotten -> none
 *	                           fsctl ends: the lock does too, and the next one takes it
 *
 * One fsctl at a time has a place's: two that went on with one session would take its
 * parts and its end from each other; where nothing can be locked this can't be seen to.
 * Files older than the server keeps sessions, which nobody has, are removed.
 */
#define RESUME_ID 40

struct resume;

/* NULL, which is fine for all of the following: another has it, or there is nowhere to keep it. */
struct resume *resume_take(const char *place);
/* Keeps the session, if it has one. */
void resume_free(struct resume *r);

/* The session that is kept; NULL: none. Until the next call. */
const char *resume_session(const struct resume *r);
/* Whether it was kept with the same `of`: all that a session is begun with. */
bool resume_is_of(const struct resume *r, const char *of);
/* In place of what was kept before. False: it is not kept. */
bool resume_keep(struct resume *r, const char *session, const char *of);
void resume_forget(struct resume *r);

#endif
