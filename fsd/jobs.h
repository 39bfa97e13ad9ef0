#ifndef FSD_JOBS_H
#define FSD_JOBS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Maintenance that an administrator starts and follows: a thread a job, at most one of a kind at a time.
 *
 *	running -> done		it came to its end; exit code 0, or 4 for a check with findings
 *		-> failed	an error, in the exit code
 *		-> stopped	by jobs_cancel() or because the daemon stops
 *
 * The last JOBS_KEPT ended jobs stay readable. Nothing of a job is on disk. Any thread.
 */
#define JOBS_KEPT 16
#define JOB_LINES 10000			/* further findings are counted only */

enum job_kind { JOB_GC, JOB_CHECK };
enum job_state { JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_STOPPED };

struct daemon;
struct jobs;
struct json_out;

struct job_options {
	enum job_kind kind;
	bool dry_run;			/* gc */
	int64_t grace_ms;		/* gc; < 0: the store's */
	bool quick;			/* check */
};

int jobs_new(struct daemon *daemon, struct jobs **jobs);
void jobs_stop(struct jobs *jobs);	/* tells all to end; NULL is fine */
void jobs_free(struct jobs *jobs);	/* joins them; NULL is fine */

/* ERR_CONFLICT while one of that kind runs; ERR_CLOSED while stopping. */
int jobs_start(struct jobs *jobs, const struct job_options *options, int64_t *id);
int jobs_cancel(struct jobs *jobs, int64_t id);		/* ERR_NOTFOUND; nothing if it has ended */

/*
 * Writes the job's state, progress, the lines with a number > `after`, and the report once it ended, as a JSON object. *news tells whether
 * there is a line behind `after`, or it has ended. ERR_NOTFOUND.
 */
int jobs_show(struct jobs *jobs, int64_t id, int64_t after, struct json_out *out, bool *news);

#endif
