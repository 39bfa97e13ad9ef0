#include <stdio.h>

#include "access_log.h"
#include "clock.h"
#include "daemon.h"
#include "metrics.h"
#include "route.h"

void
request_observe(struct request *req, bool complete)
{
	const struct http_request *http = req->http;
	const char *operation = req->route ? req->route->name : "Unknown";
	int64_t micros = clock_mono_us() - http->started_us;
	const char *who = NULL;
	char user[LIMIT_USER_NAME + 8];

	metrics_count(req->daemon->metrics, operation, http->reply.status, micros, http->received, http->sent);
	if (!complete)
		metrics_broken(req->daemon->metrics);
	if (!req->daemon->settings.log_access)
		return;
	if (req->authenticated && req->who.key_id[0]) {
		who = req->who.key_id;
	} else if (req->authenticated) {
		snprintf(user, sizeof(user), "user:%s", req->who.who.name);
		who = user;
	}
	access_log_write(&(struct access_line) {
	    .wall_us = clock_wall_us(),
	    .request_id = req->id,
	    .peer = http->peer,
	    .who = who,
	    .method = http->method,
	    .target = http->target,
	    .operation = operation,
	    .status = http->reply.status,
	    .in = http->received,
	    .out = http->sent,
	    .micros = micros,
	    .broken = !complete,
	});
}

void
request_observe_refused(const struct daemon *daemon, const struct http_request *http, int status)
{
	metrics_count(daemon->metrics, "Refused", status, 0, 0, 0);
	if (!daemon->settings.log_access)
		return;
	access_log_write(&(struct access_line) {
	    .wall_us = clock_wall_us(),
	    .request_id = "-",
	    .peer = http->peer,
	    .method = http->method ? http->method : "-",
	    .target = http->target ? http->target : "-",
	    .operation = "Refused",
	    .status = status,
	});
}
