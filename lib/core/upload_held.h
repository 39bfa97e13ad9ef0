#ifndef CORE_UPLOAD_HELD_H
#define CORE_UPLOAD_HELD_H

#include <stdint.h>

/*
 * What a workspace's open uploads hold, of whatever kind: the sizes of their parts count in its quota beside what is stored, and there is a limit to
 * their number. Both sums stand in the workspace's row; these are called by the closures that open, fill and end an upload.
 */
struct txn;
struct upload_row;
struct workspace_row;

/* Inserts the row, as an open one. ERR_TOOMANY: LIMIT_UPLOADS are open, or LIMIT_UPLOADS_EACH of who does not own the workspace. */
int upload_held_open(struct txn *t, struct workspace_row *w, const struct upload_row *u);

/* Counts a part that is about to be put in place of the one of its number, if there is one. ERR_QUOTA: there is no room for it. */
int upload_held_part(struct txn *t, struct workspace_row *w, int64_t upload, int64_t number, int64_t size);

/* An open upload is about to end: its parts, which are all there still, count no longer. */
int upload_held_end(struct txn *t, struct workspace_row *w, int64_t upload);
/* It goes on after all. ERR_QUOTA: there is no room for it any more. */
int upload_held_again(struct txn *t, struct workspace_row *w, int64_t upload);

#endif
