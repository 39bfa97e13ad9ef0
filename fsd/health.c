#include "admin.h"
#include "daemon.h"
#include "metrics.h"

/* What watches the daemon asks: alive, ready to serve, and figures. Who may read those is a setting. */

static int
plain(struct request *req, int status, const char *text)
{
	struct http_reply *reply = &req->http->reply;

	reply->status = status;
	http_reply_header(reply, "Content-Type", "text/plain; charset=utf-8");
	http_reply_header(reply, "Cache-Control", "no-store");
	buf_addstr(&reply->body, text);
	return 0;
}

int
health_live(struct request *req)
{
	return plain(req, 200, "ok\n");
}

int
health_ready(struct request *req)
{
	const struct daemon *d = req->daemon;

	if (d->stopping)
		return plain(req, 503, "stopping\n");
	return d->ready ? plain(req, 200, "ready\n") : plain(req, 503, "starting\n");
}

int
health_metrics(struct request *req)
{
	struct http_reply *reply = &req->http->reply;

	reply->status = 200;
	http_reply_header(reply, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	http_reply_header(reply, "Cache-Control", "no-store");
	metrics_text(req->daemon, &reply->body);
	return 0;
}
