#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "err.h"
#include "exit_status.h"
#include "follow.h"
#include "progress.h"
#include "reply.h"
#include "say.h"
#include "stop.h"

#define REDRAW_WAIT_S 1
#define LINES_WAIT_S 20

struct follower {
	struct ctl *ctl;
	struct progress *progress;
	struct followed *f;
	uint64_t shown;			/* bytes, or items, that the bar has */
};

void
follow_release(struct followed *f)
{
	json_free(f->last);
	for (size_t i = 0; i < f->nlines; i++)
		free(f->lines[i]);
	free(f->lines);
	*f = (struct followed) { 0 };
}

/* *busy: another of its kind is at it, unsaid if there is still time to wait for it. */
static int
try_start(struct ctl *ctl, const struct buf *request, char **id, bool *busy)
{
	struct buf path = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	const char *text;
	int http = 0, status;

	ctl_path(&path, "jobs", NULL);
	if ((status = ctl_try(ctl, "POST", &path, request, CTL_SECONDS, &http, &doc)) != STATUS_OK)
		goto out;
	if ((*busy = http == 409) && ctl->lockwait.given && (status = lockwait_pause(&ctl->lockwait, "another one is running")) != STATUS_LOCKED)
		goto out;
	status = ctl_explain(ctl, http, doc);
	if (*busy) {
		say_hint(ctl->lockwait.given ? "it did not end in the time of --lock-wait; try again when it is done" :
					       "wait until it is done, and try again, or give --lock-wait");
		status = ctl->lockwait.given ? STATUS_LOCKED : STATUS_TEMPORARY;
	}
	text = reply_str(doc, "jobId", NULL);
	if (status == STATUS_OK && (!text || !(*id = strdup(text))))
		status = say_error(STATUS_FAILED, "%s: the daemon's reply names no job: is it of another version?", ctl->doing);
out:
	json_free(doc);
	buf_release(&path);
	return status;
}

static int
start(struct ctl *ctl, const struct buf *request, char **id)
{
	bool busy = true;
	int status = STATUS_OK;

	while (status == STATUS_OK && busy)
		status = try_start(ctl, request, id, &busy);
	return status;
}

int
follow_lines(struct followed *f, const char *member)
{
	const struct json *lines = reply_array(f->last, member), *line;
	size_t n = lines ? json_array_len(lines) : 0;
	char **more = reallocarray(f->lines, f->nlines + n + 1, sizeof(*more));

	if (!more)
		return say_error(STATUS_FAILED, "out of memory for the report");
	f->lines = more;
	for (line = reply_first(lines); line; line = json_next(line)) {
		const char *text = reply_str(line, "text", NULL);

		if ((text || json_as_str(line, &text) == 0) && (more[f->nlines] = strdup(text)) != NULL)
			f->nlines++;
	}
	return STATUS_OK;
}

static void
draw(struct follower *w, size_t new_lines)
{
	const struct json *p = reply_get(w->f->last, "progress");
	uint64_t done = (uint64_t)reply_int(p, "done", 0), total = (uint64_t)reply_int(p, "total", 0);
	const bool items = !strcmp(reply_str(p, "unit", "bytes"), "items");

	progress_total(w->progress, items ? total : 0, items ? 0 : total);
	if (done > w->shown) {
		progress_add(w->progress, items ? done - w->shown : 0, items ? 0 : done - w->shown, 0);
		w->shown = done;
	}
	progress_add(w->progress, 0, 0, new_lines);
	progress_draw(w->progress);
}

/* One look. *more: it runs on, or has more lines. */
static int
look(struct follower *w, const char *id, bool *more)
{
	const unsigned wait = isatty(STDERR_FILENO) ? REDRAW_WAIT_S : LINES_WAIT_S;
	struct buf path = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	size_t before = w->f->nlines;
	int http = 0, status;

	ctl_path(&path, "jobs", id, NULL);
	buf_addf(&path, "?after=%zu&wait=%u", before, wait);
	status = ctl_try(w->ctl, "GET", &path, NULL, wait + CTL_SECONDS, &http, &doc);
	buf_release(&path);
	if (status != STATUS_OK)
		return status;
	if ((status = ctl_explain(w->ctl, http, doc)) != STATUS_OK) {
		json_free(doc);
		return status;
	}
	json_free(w->f->last);
	w->f->last = doc;
	if ((status = follow_lines(w->f, "lines")) != STATUS_OK)
		return status;
	draw(w, w->f->nlines - before);
	*more = !strcmp(reply_str(doc, "state", ""), "running") ||
	    (reply_bool(doc, "moreLines", false) && w->f->nlines > before);
	return STATUS_OK;
}

static int
cancel(struct ctl *ctl, const char *id)
{
	struct buf path = BUF_INIT(CTL_PATH);
	int status;

	ctl_path(&path, "jobs", id, NULL);
	status = ctl_call(ctl, "DELETE", &path, NULL, NULL);
	buf_release(&path);
	return status;
}

int
follow_job(struct ctl *ctl, const struct buf *request, const char *what, struct followed *f)
{
	struct follower w = { .ctl = ctl, .f = f };
	char *id = NULL;
	bool more = true;
	int status;

	if ((status = start(ctl, request, &id)) != STATUS_OK)
		goto out;
	if (progress_new(what, 0, 0, ctl->quiet, &w.progress) != 0) {
		status = say_error(STATUS_FAILED, "out of memory");
		goto out;
	}
	while (status == STATUS_OK && more) {
		int stopped;

		status = look(&w, id, &more);
		if (more && (stopped = stop_take()) != STATUS_OK) {
			f->stopped = stopped;
			status = cancel(ctl, id);
		}
	}
out:
	progress_free(w.progress);
	free(id);
	return status;
}

int
follow_status(const struct ctl *ctl, const struct followed *f)
{
	const char *state = reply_str(f->last, "state", "");
	int code = (int)(reply_int(f->last, "exitCode", STATUS_FAILED) & 255);

	if (!strcmp(state, "stopped") && f->stopped)
		return f->stopped;
	if (!strcmp(state, "stopped"))
		return say_error(code, "%s: stopped by another, or because fsd ended; run it again", ctl->doing);
	if (!strcmp(state, "failed")) {
		say_error(code, "%s: %s", ctl->doing, reply_str(f->last, "error", "it failed"));
		say_hint("fsd's log has more, or fsd.log in the data directory if fsctl started it");
		return code ? code : STATUS_FAILED;
	}
	return code;
}
