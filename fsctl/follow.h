#ifndef FSCTL_FOLLOW_H
#define FSCTL_FOLLOW_H

#include <stddef.h>

#include "buf.h"
#include "json.h"

/*
 * A job in the daemon, from its start to its report:
 *
 *	(waits for another of its kind, as long as --lock-wait says) -> started -> followed (progress, lines) -> ended
 *		-> asked to stop, by the first signal or the time limit -> followed -> ended
 *
 * A second signal ends fsctl at once; the daemon then stops the job by itself or not at all.
 */
struct ctl;

struct followed {
	struct json *last;	/* the job's last state, with `state`, `report`, `exitCode` */
	char **lines;		/* what it said on its way */
	size_t nlines;
	int stopped;		/* the exit status of why we had it stopped, or STATUS_OK */
};

/*
 * `what` is shown beside the bar. An exit status: STATUS_OK when the job ended, however
 * it ended.
 */
int follow_job(struct ctl *ctl, const struct buf *request, const char *what, struct followed *f);
/* The exit status of a job that ended; says why if it failed. */
int follow_status(const struct ctl *ctl, const struct followed *f);
/* Keeps the last state's lines, that member of it: texts, or objects that have one. */
int follow_lines(struct followed *f, const char *member);
void follow_release(struct followed *f);

#endif
