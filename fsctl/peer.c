#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "err.h"
#include "exit_status.h"
#include "id.h"
#include "peer.h"
#include "reply.h"
#include "say.h"
#include "stop.h"
#include "str.h"
#include "uri.h"

#define PAUSE_MS 100		/* the first; each further one is twice as long */
#define PAUSE_MAX_MS 8000
#define DROP_SECONDS 5

struct peer {
	struct ctl *ctl;
	struct client *client;
};

int
peer_new(struct ctl *ctl, struct peer **peer)
{
	struct peer *p = NULL;
	int status = ctl_open(ctl);

	if (status != STATUS_OK)
		return status;
	if (!(p = calloc(1, sizeof(*p))) || client_again(ctl->client, &p->client) != 0) {
		free(p);
		return say_error(STATUS_FAILED, "out of memory for a connection");
	}
	p->ctl = ctl;
	*peer = p;
	return STATUS_OK;
}

void
peer_free(struct peer *p)
{
	if (!p)
		return;
	client_free(p->client);
	free(p);
}

/* Half to all of it, so that clients that failed together do not come back together. */
static void
pause_before(unsigned try)
{
	int64_t ms = PAUSE_MS;
	uint32_t r;

	for (unsigned i = 1; i < try && ms < PAUSE_MAX_MS; i++)
		ms *= 2;
	random_bytes(&r, sizeof(r));
	ms = ms / 2 + (int64_t)(r % (uint32_t)(ms / 2 + 1));
	while (ms > 0 && !stop_asked()) {
		const struct timespec t = { .tv_nsec = (ms < 100 ? ms : 100) * 1000000 };

		(void)nanosleep(&t, NULL);
		ms -= 100;
	}
}

static bool
worth_another(int rc, int http, const struct json *doc)
{
	if (rc)
		return rc == ERR_CLOSED || rc == ERR_TIMEOUT;
	return http == 429 || http == 502 || http == 503 || http == 504 ||
	       (http == 409 && !strcmp(reply_str(reply_get(doc, "error"), "code", ""), "idempotency_running"));
}

static int
broken(const struct peer *p, int rc)
{
	if (stop_asked())
		return stop_asked();
	return ctl_broken(p->ctl, rc, client_error(p->client), "try again; what is done stays done");
}

int
peer_try(struct peer *p, const char *method, const struct buf *path, const struct buf *body, int *http, struct json **doc)
{
	const bool change = strcmp(method, "GET") != 0;
	uint8_t random[16];
	char key[2 * sizeof(random) + 1];
	int rc = 0;

	*doc = NULL;
	if (buf_finish(path) || (body && buf_finish(body)))
		return say_error(STATUS_USAGE, "%s: an argument is too long", p->ctl->doing);
	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), key);
	for (unsigned try = 1;; try++) {
		if (stop_asked())
			return stop_asked();
		rc = client_call_once(p->client, method, path->data, body, change ? key : NULL, CTL_SECONDS, http, doc);
		if (!worth_another(rc, *http, *doc) || try >= PEER_TRIES)
			break;
		json_free(*doc);
		*doc = NULL;
		pause_before(try);
	}
	return rc ? broken(p, rc) : STATUS_OK;
}

int
peer_call(struct peer *p, const char *method, const struct buf *path, const struct buf *body, struct json **doc)
{
	struct json *reply = NULL;
	int http = 0, status = peer_try(p, method, path, body, &http, &reply);

	if (status == STATUS_OK)
		status = ctl_explain(p->ctl, http, reply);
	if (status == STATUS_OK && doc && !reply)
		status = say_error(STATUS_FAILED, "%s: the daemon's reply is empty: is it of another version?", p->ctl->doing);
	if (status == STATUS_OK && doc)
		*doc = reply;
	else
		json_free(reply);
	return status;
}

bool
peer_drop(struct peer *p, const struct buf *path)
{
	struct json *doc = NULL;
	int http = 0, rc = buf_finish(path);

	if (rc == 0)
		rc = client_call_last(p->client, "DELETE", path->data, DROP_SECONDS, &http, &doc);
	json_free(doc);
	return rc == 0 && (http < 300 || http == 404 || http == 410);
}

int
peer_list(struct peer *p, const struct buf *path, const struct peer_list *list)
{
	struct buf page = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	const char *after = NULL;
	int status;

	if (buf_finish(path))
		return say_error(STATUS_USAGE, "%s: an argument is too long", p->ctl->doing);
	do {
		buf_clear(&page);
		buf_addstr(&page, path->data ? path->data : "");
		peer_param(&page, "after", after);
		json_free(doc);
		doc = NULL;
		status = peer_call(p, "GET", &page, NULL, &doc);
		for (const struct json *i = reply_first(reply_array(doc, list->name)); i && status == STATUS_OK; i = json_next(i))
			status = list->each(list->arg, i);
		after = reply_str(doc, list->next, NULL);
	} while (status == STATUS_OK && after);
	json_free(doc);
	buf_release(&page);
	return status == PEER_ENOUGH ? STATUS_OK : status;
}

int
peer_transfer(struct peer *p, struct client_bytes *b, int (*again)(void *arg, struct client_bytes *b, bool *progress),
    void *arg, int *http, struct json **doc)
{
	unsigned failed = 0;
	int rc, status;

	for (;;) {
		bool progress = false;

		if (stop_asked())
			return stop_asked();
		rc = client_transfer(p->client, b, http, doc);
		if (rc == ERR_IO && !stop_asked())
			return PEER_BODY;
		if (!worth_another(rc, *http, *doc) || failed + 1 >= PEER_TRIES)
			break;
		json_free(*doc);
		*doc = NULL;
		pause_before(++failed);
		if (again && (status = again(arg, b, &progress)) != STATUS_OK)
			return status;
		if (progress)
			failed = 0;
	}
	return rc ? broken(p, rc) : STATUS_OK;
}

void
peer_path(struct buf *path, ...)
{
	const char *part;
	va_list parts;

	buf_addstr(path, "/v1");
	va_start(parts, path);
	while ((part = va_arg(parts, const char *)) != NULL) {
		/* ":share" and the like belong to the part before; ids and names of calls have no colon. */
		if (*part != ':')
			buf_addch(path, '/');
		if (*part == ':' || strchr(part, ':'))
			buf_addstr(path, part);
		else
			uri_encode(path, part, strlen(part), false);
	}
	va_end(parts);
}

void
peer_param(struct buf *path, const char *name, const char *value)
{
	if (!value)
		return;
	buf_addf(path, "%c%s=", path->data && strchr(path->data, '?') ? '&' : '?', name);
	uri_encode(path, value, strlen(value), false);
}
