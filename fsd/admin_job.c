#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "clock.h"
#include "daemon.h"
#include "err.h"
#include "jobs.h"
#include "watch.h"

/* /v1/admin/jobs: gc and check. GET …?after=N&wait=S waits for a line behind N or the end. */
#define WAIT_MAX_S 60
#define GRACE_MAX_MS (366ll * 86400 * 1000)

struct waiting {
	struct watcher watcher;
	int64_t job, after, until_us;
};

static int
get_options(struct request *req, const struct json *body, struct job_options *o)
{
	const char *kind = "";
	int rc;

	if ((rc = admin_get_str(req, body, "kind", &kind)) != 0 ||
	    (rc = admin_get_bool(req, body, "dryRun", &o->dry_run)) != 0 ||
	    (rc = admin_get_bool(req, body, "quick", &o->quick)) != 0 ||
	    (rc = admin_get_int(req, body, "graceMs", GRACE_MAX_MS, &o->grace_ms)) != 0)
		return rc;
	if (!strcmp(kind, "gc"))
		o->kind = JOB_GC;
	else if (!strcmp(kind, "check"))
		o->kind = JOB_CHECK;
	else
		return request_fail(req, ERR_INVALID, NULL, "kind: expected \"gc\" or \"check\".");
	if (o->kind == JOB_CHECK && (o->dry_run || o->grace_ms >= 0))
		return request_fail(req, ERR_INVALID, NULL, "dryRun and graceMs belong to gc.");
	if (o->kind == JOB_GC && o->quick)
		return request_fail(req, ERR_INVALID, NULL, "quick belongs to check.");
	return 0;
}

int
admin_job_start(struct request *req)
{
	static const char *const fields[] = { "kind", "dryRun", "quick", "graceMs", NULL };
	struct job_options o = { .grace_ms = -1 };
	struct json *body = NULL;
	struct json_out j;
	int64_t id;
	int rc;

	if ((rc = admin_body(req, fields, &body)) != 0 || (rc = get_options(req, body, &o)) != 0)
		goto out;
	if ((rc = jobs_start(req->daemon->jobs, &o, &id)) == ERR_CONFLICT)
		rc = request_fail(req, rc, NULL, "One is running already.");
	if (rc)
		goto out;
	admin_reply(req, 202, &j);
	json_object_begin(&j);
	admin_put_id(&j, "jobId", ID_JOB, id);
	json_object_end(&j);
out:
	json_free(body);
	return rc;
}

static int
get_job(struct request *req, int64_t *id)
{
	char text[ID_TEXT];
	int rc = admin_param(req, 0, text, sizeof(text));

	if (rc == 0 && id_parse(ID_JOB, text, id) != 0)
		rc = request_fail(req, ERR_NOTFOUND, "not_found", "There is no job %s.", text);
	return rc;
}

static int
begin(struct request *req)
{
	struct waiting *w;
	int64_t job, after, wait;
	int rc;

	if (req->op)
		return 0;
	if ((rc = get_job(req, &job)) != 0 || (rc = admin_query_int(req, "after", 0, INT64_MAX, &after)) != 0 ||
	    (rc = admin_query_int(req, "wait", 0, WAIT_MAX_S, &wait)) != 0)
		return rc;
	if (!(w = calloc(1, sizeof(*w))))
		return ERR_NOMEM;
	w->job = job;
	w->after = after;
	w->until_us = wait ? req->http->started_us + wait * 1000000 : 0;
	req->op = w;
	return 0;
}

int
admin_job_show(struct request *req)
{
	struct watch_hub *hub = req->daemon->hub;
	struct http_reply *reply = &req->http->reply;
	struct json_out j;
	struct waiting *w;
	bool waits, news = false;
	int rc;

	if ((rc = begin(req)) != 0)
		return rc;
	w = req->op;
	waits = clock_mono_us() < w->until_us && watch_add(hub, &w->watcher, req->http, w->job, w->until_us) == 0;
	buf_clear(&reply->body);
	json_out_init(&j, &reply->body, false);
	if ((rc = jobs_show(req->daemon->jobs, w->job, w->after, &j, &news)) != 0)
		return rc == ERR_NOTFOUND ? request_fail(req, rc, "not_found", "The job is not known (any more).") : rc;
	if (waits && !news)
		return ERR_AGAIN;
	watch_remove(hub, &w->watcher);
	admin_reply_head(req, 200);
	return 0;
}

void
admin_job_release(struct request *req)
{
	struct waiting *w = req->op;

	watch_remove(req->daemon->hub, &w->watcher);
	free(w);
}

int
admin_job_cancel(struct request *req)
{
	int64_t id;
	int rc;

	if ((rc = get_job(req, &id)) != 0)
		return rc;
	if ((rc = jobs_cancel(req->daemon->jobs, id)) == ERR_NOTFOUND)
		return request_fail(req, rc, "not_found", "The job is not known (any more).");
	req->http->reply.status = 204;
	return rc;
}
