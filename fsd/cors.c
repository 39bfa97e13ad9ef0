#include <string.h>
#include <strings.h>

#include "daemon.h"
#include "route.h"

/*
 * Cross-origin requests of browsers (https://fetch.spec.whatwg.org/#http-cors-protocol), for the origins of the
 * setting cors_origins and no others; "*" stands for all. A preflight has no credentials and needs none.
 */
#define METHODS "GET, HEAD, PUT, POST, PATCH, DELETE"
#define EXPOSED "ETag, Content-Range, Accept-Ranges, Last-Modified, x-amz-request-id, x-amz-version-id, " \
	"x-amz-delete-marker, x-amz-mp-parts-count, x-amz-checksum-crc32, x-amz-checksum-crc32c, " \
	"x-amz-checksum-crc64nvme, x-amz-checksum-sha1, x-amz-checksum-sha256, x-amz-checksum-type"
#define MAX_AGE "3600"

static bool
is_listed(const struct conf_list *origins, const char *origin)
{
	for (size_t i = 0; i < origins->count; i++)
		if (!strcmp(origins->items[i], "*") || !strcasecmp(origins->items[i], origin))
			return true;
	return false;
}

static bool
is_preflight(const struct request *req)
{
	return !strcmp(req->http->method, "OPTIONS") && http_header(req->http, "access-control-request-method");
}

static void
answer_preflight(struct request *req)
{
	const char *wanted = http_header(req->http, "access-control-request-headers");
	struct http_reply *reply = &req->http->reply;

	http_reply_header(reply, "Access-Control-Allow-Methods", METHODS);
	if (wanted)
		http_reply_header_raw(reply, "Access-Control-Allow-Headers", wanted, strlen(wanted));
	http_reply_header(reply, "Access-Control-Max-Age", MAX_AGE);
	reply->status = 204;
}

bool
cors_request(struct request *req)
{
	const struct conf_list *origins = &req->daemon->settings.cors_origins;
	struct http_reply *reply = &req->http->reply;
	const char *origin;
	bool listed;

	if (!origins->count || !(origin = http_header(req->http, "origin")))
		return false;
	listed = is_listed(origins, origin);
	/* Caches must not give one origin's reply to another. */
	http_reply_header(reply, "Vary", "Origin");
	if (listed) {
		http_reply_header_raw(reply, "Access-Control-Allow-Origin", origin, strlen(origin));
		http_reply_header(reply, "Access-Control-Expose-Headers", EXPOSED);
	}
	if (!is_preflight(req))
		return false;
	if (listed)
		answer_preflight(req);
	else
		reply->status = 403;
	return true;
}
