#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdint.h>
#include <stdbool.h>

/*
 * Progress of long work: a bar with rate, ETA and error count on a terminal (redrawn in
 * place at most 10 times a second; the bar has the room that the rest leaves; on a narrow
 * one less is said, never half a word), one plain line a minute elsewhere, nothing when
 * quiet. Without a total, the time that passed stands where the ETA would. The part that
 * is shown never goes back, whatever becomes of the totals. Writes to standard error. One
 * thread at a time, except progress_add() and progress_part(), which any thread may call.
 */
struct progress;

/* `what` is the verb shown ("checking"); totals may be 0 when unknown. ERR_NOMEM. */
int progress_new(const char *what, uint64_t items, uint64_t bytes, bool quiet, struct progress **p);
void progress_total(struct progress *p, uint64_t items, uint64_t bytes);
void progress_add(struct progress *p, uint64_t items, uint64_t bytes, uint64_t errors);
/*
 * Which part of all the work is done, 0 to 1: from the first call on it counts instead of
 * the totals, which may be known in pieces only.
 */
void progress_part(struct progress *p, double part);
void progress_draw(struct progress *p);		/* call often; it decides whether to print */
void progress_free(struct progress *p);		/* clears the bar; NULL is fine */

#endif
