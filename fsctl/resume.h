#ifndef FSCTL_RESUME_H
#define FSCTL_RESUME_H

#include <stddef.h>

/*
 * Upload sessions that can go on after fsctl ended: a small JSON file each, named by the
 * SHA-256 of what it is about, in $XDG_STATE_HOME/fsctl/uploads
 * (~/.local/state/fsctl/uploads). Files older than the server keeps sessions are removed.
 * Losing one costs time alone, so nothing here is an error. Any thread.
 */
#define RESUME_ID 40

/*
 * `key` is what has to be the same: the place, and the file with its size and times; that
 * of its last change can't be set back. False: none is known.
 */
int resume_find(const char *key, char session[RESUME_ID]);
void resume_keep(const char *key, const char *session);
void resume_forget(const char *key);

#endif
