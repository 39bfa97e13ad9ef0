#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "clock.h"
#include "daemon.h"
#include "err.h"
#include "exit_code.h"
#include "gc.h"
#include "id.h"
#include "jobs.h"
#include "json.h"
#include "log.h"
#include "report.h"
#include "thread.h"
#include "watch.h"

/*
 * Jobs are in one list, newest first, under jobs.lock; what a running job changes is under it too. An ended job's thread is
 * joined when the job is dropped, or at the end.
 *
 * Lock order: jobs.lock, watch_hub's.
 */
#define PAGE_LINES 1000
#define AGAIN_NS 100000000

struct job {
	struct job *next;
	struct jobs *jobs;
	int64_t id;
	struct job_options options;
	pthread_t thread;
	atomic_bool stop;
	enum job_state state;
	uint64_t done, total;
	char **lines;			/* line N is lines[N - 1] */
	int64_t nlines, unseen;		/* `unseen` more than JOB_LINES */
	int rc;
	struct gc_report gc;
	struct check_report check;
	int64_t started_us, ended_us;
};

struct jobs {
	struct daemon *daemon;
	pthread_mutex_t lock;
	struct job *list;
	bool stopping;
};

static const char *const kind_names[] = { [JOB_GC] = "gc", [JOB_CHECK] = "check" };
static const char *const state_names[] = { [JOB_RUNNING] = "running", [JOB_DONE] = "done", [JOB_FAILED] = "failed",
	[JOB_STOPPED] = "stopped" };

static int
must_stop(void *arg)
{
	struct job *job = arg;

	return atomic_load(&job->stop);
}

static void
problem(void *arg, const char *text)
{
	struct job *job = arg;
	char **lines = NULL, *copy = NULL;

	pthread_mutex_lock(&job->jobs->lock);
	if (job->nlines < JOB_LINES && (copy = strdup(text)) != NULL &&
	    (job->nlines % 64 || (lines = reallocarray(job->lines, (size_t)job->nlines + 64, sizeof(*lines))))) {
		if (lines)
			job->lines = lines;
		job->lines[job->nlines++] = copy;
		copy = NULL;
	} else {
		job->unseen++;
	}
	pthread_mutex_unlock(&job->jobs->lock);
	free(copy);
	watch_tell(job->jobs->daemon->hub, job->id);
}

static int
progress(void *arg, uint64_t done, uint64_t total)
{
	struct job *job = arg;

	pthread_mutex_lock(&job->jobs->lock);
	job->done = done;
	job->total = total;
	pthread_mutex_unlock(&job->jobs->lock);
	return must_stop(job);
}

static int
gc_must_stop(void *arg)
{
	struct job *job = arg;
	uint64_t done, total;

	gc_progress(job->jobs->daemon->store, &done, &total);
	return progress(job, done, total);
}

/* A pass of the timer may be at it: the administrator's comes after. */
static int
collect(struct job *job, struct gc_report *report)
{
	const struct timespec pause = { .tv_nsec = AGAIN_NS };
	int rc;

	while ((rc = gc_run(job->jobs->daemon->store, job->options.dry_run, job->options.grace_ms, gc_must_stop, job,
		    report)) == ERR_BUSY &&
	    !must_stop(job))
		nanosleep(&pause, NULL);
	return must_stop(job) && rc ? ERR_CLOSED : rc;
}

static void *
run(void *arg)
{
	struct job *job = arg;
	struct gc_report gc = { 0 };
	struct check_report check = { 0 };
	int rc;

	if (job->options.kind == JOB_GC)
		rc = collect(job, &gc);
	else
		rc = store_check(job->jobs->daemon->store, job->options.quick, problem, progress, job, &check);
	pthread_mutex_lock(&job->jobs->lock);
	job->rc = rc;
	job->gc = gc;
	job->check = check;
	job->state = rc == 0 || rc == ERR_CORRUPT ? JOB_DONE : rc == ERR_CLOSED ? JOB_STOPPED : JOB_FAILED;
	job->ended_us = clock_wall_us();
	if (job->state == JOB_DONE)
		job->done = job->total;
	pthread_mutex_unlock(&job->jobs->lock);
	if (rc && rc != ERR_CORRUPT && rc != ERR_CLOSED)
		log_error("job %s: %s", kind_names[job->options.kind], err_text(rc));
	watch_tell(job->jobs->daemon->hub, job->id);
	return NULL;
}

static void
job_free(struct job *job)
{
	pthread_join(job->thread, NULL);
	for (int64_t i = 0; i < job->nlines; i++)
		free(job->lines[i]);
	free(job->lines);
	free(job);
}

int
jobs_new(struct daemon *daemon, struct jobs **jobs)
{
	struct jobs *j = calloc(1, sizeof(*j));

	if (!j)
		return ERR_NOMEM;
	j->daemon = daemon;
	pthread_mutex_init(&j->lock, NULL);
	*jobs = j;
	return 0;
}

void
jobs_stop(struct jobs *jobs)
{
	if (!jobs)
		return;
	pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	for (struct job *job = jobs->list; job; job = job->next)
		atomic_store(&job->stop, true);
	pthread_mutex_unlock(&jobs->lock);
}

void
jobs_free(struct jobs *jobs)
{
	struct job *next;

	if (!jobs)
		return;
	jobs_stop(jobs);
	for (struct job *job = jobs->list; job; job = next) {
		next = job->next;
		job_free(job);
	}
	pthread_mutex_destroy(&jobs->lock);
	free(jobs);
}

/* Drops the oldest ended ones beyond JOBS_KEPT; returns the list of them. Under the lock. */
static struct job *
drop_old(struct jobs *jobs)
{
	struct job **at = &jobs->list, *dropped = NULL, *job;
	unsigned kept = 0;

	while ((job = *at) != NULL) {
		if (job->state == JOB_RUNNING || kept++ < JOBS_KEPT) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		job->next = dropped;
		dropped = job;
	}
	return dropped;
}

static struct job *
find(struct jobs *jobs, int64_t id)
{
	struct job *job = jobs->list;

	while (job && job->id != id)
		job = job->next;
	return job;
}

static int
start(struct jobs *jobs, struct job *job)
{
	int rc;

	if (jobs->stopping)
		return ERR_CLOSED;
	for (struct job *other = jobs->list; other; other = other->next)
		if (other->state == JOB_RUNNING && other->options.kind == job->options.kind)
			return ERR_CONFLICT;
	if ((rc = thread_start(&job->thread, "fsd-job", 0, run, job)) != 0)
		return rc;
	job->next = jobs->list;
	jobs->list = job;
	return 0;
}

int
jobs_start(struct jobs *jobs, const struct job_options *options, int64_t *id)
{
	struct job *job = calloc(1, sizeof(*job)), *dropped, *next;
	int rc;

	if (!job)
		return ERR_NOMEM;
	job->jobs = jobs;
	job->options = *options;
	job->id = id_new();
	job->started_us = clock_wall_us();
	pthread_mutex_lock(&jobs->lock);
	dropped = drop_old(jobs);
	if ((rc = start(jobs, job)) == 0) {
		*id = job->id;
		job = NULL;
	}
	pthread_mutex_unlock(&jobs->lock);
	for (; dropped; dropped = next) {
		next = dropped->next;
		job_free(dropped);
	}
	free(job);
	return rc;
}

int
jobs_cancel(struct jobs *jobs, int64_t id)
{
	struct job *job;

	pthread_mutex_lock(&jobs->lock);
	if ((job = find(jobs, id)) != NULL)
		atomic_store(&job->stop, true);
	pthread_mutex_unlock(&jobs->lock);
	return job ? 0 : ERR_NOTFOUND;
}

static void
show_lines(const struct job *job, int64_t after, struct json_out *out)
{
	int64_t end = job->nlines - after > PAGE_LINES ? after + PAGE_LINES : job->nlines;

	json_key(out, "lines");
	json_array_begin(out);
	if (after > end)
		end = after;
	for (int64_t i = after; i < end; i++) {
		json_object_begin(out);
		json_key_int(out, "n", i + 1);
		json_key_str(out, "text", job->lines[i]);
		json_object_end(out);
	}
	json_array_end(out);
	json_key_bool(out, "moreLines", end < job->nlines);
}

static void
show_end(const struct job *job, struct json_out *out)
{
	char when[CLOCK_TEXT];

	clock_rfc3339(job->ended_us, when);
	json_key_str(out, "endedAt", when);
	json_key_int(out, "exitCode", job->state == JOB_STOPPED ? EXIT_TEMPORARY : exit_code_of(job->rc));
	if (job->state == JOB_FAILED)
		json_key_str(out, "error", err_text(job->rc));
	json_key_int(out, "linesDropped", job->unseen);
	json_key(out, "report");
	json_object_begin(out);
	if (job->options.kind == JOB_GC)
		report_gc(out, &job->gc);
	else
		report_check(out, &job->check);
	json_object_end(out);
}

static void
show(const struct job *job, int64_t after, struct json_out *out)
{
	char text[ID_TEXT], when[CLOCK_TEXT];

	id_format(ID_JOB, job->id, text);
	clock_rfc3339(job->started_us, when);
	json_object_begin(out);
	json_key_str(out, "jobId", text);
	json_key_str(out, "kind", kind_names[job->options.kind]);
	json_key_str(out, "state", state_names[job->state]);
	json_key_str(out, "startedAt", when);
	json_key(out, "progress");
	json_object_begin(out);
	json_key_uint(out, "done", job->done);
	json_key_uint(out, "total", job->total);
	json_key_str(out, "unit", job->options.kind == JOB_GC ? "items" : "bytes");
	json_object_end(out);
	show_lines(job, after, out);
	if (job->state != JOB_RUNNING)
		show_end(job, out);
	json_object_end(out);
}

int
jobs_show(struct jobs *jobs, int64_t id, int64_t after, struct json_out *out, bool *news)
{
	struct job *job;

	pthread_mutex_lock(&jobs->lock);
	if ((job = find(jobs, id)) != NULL) {
		*news = job->nlines > after || job->state != JOB_RUNNING;
		show(job, after, out);
	}
	pthread_mutex_unlock(&jobs->lock);
	return job ? 0 : ERR_NOTFOUND;
}
