#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "awschunk.h"
#include "daemon.h"
#include "err.h"
#include "id.h"
#include "request.h"

/*
 * Requests are used again, with the memory that their uri and scratch have grown to: a small GET allocates nothing here.
 */
#define KEPT 128		/* requests that wait for use */
#define KEPT_BYTES 16384	/* what each may keep in a buffer */
#define SCRATCH_MAX (1u << 20)
#define STEP 0x9e3779b97f4a7c15u

static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static struct request *kept;
static unsigned kept_count;

/* 16 hex digits that no other request of this or an earlier process is likely to have. */
static void
make_id(char id[20])
{
	static const char digits[] = "0123456789ABCDEF";
	static _Atomic uint64_t last;
	uint64_t x = atomic_fetch_add_explicit(&last, STEP, memory_order_relaxed);

	if (!x) {
		random_bytes(&x, sizeof(x));
		atomic_store_explicit(&last, x + STEP, memory_order_relaxed);
	}
	/* splitmix64, https://prng.di.unimi.it/splitmix64.c */
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	x ^= x >> 31;
	for (int i = 15; i >= 0; i--, x >>= 4)
		id[i] = digits[x & 15];
	id[16] = '\0';
}

static struct request *
take_kept(void)
{
	struct request *req;

	pthread_mutex_lock(&kept_lock);
	if ((req = kept) != NULL) {
		kept = req->next;
		kept_count--;
	}
	pthread_mutex_unlock(&kept_lock);
	return req;
}

static void
reuse(struct buf *b)
{
	if (b->size > KEPT_BYTES)
		buf_release(b);
	buf_clear(b);
}

/* All that a request said goes; what remains is memory. */
static void
clear(struct request *req)
{
	struct object_info found = OBJECT_INFO_INIT;

	awschunk_free(req->chunks);
	explicit_bzero(req->who.secret, sizeof(req->who.secret));
	reuse(&req->uri.mem);
	reuse(&req->scratch);
	reuse(&req->error_more);
	reuse(&req->found.headers);
	reuse(&req->found.manifest);
	reuse(&req->found.parts);
	req->route = NULL;
	req->uri.count = 0;
	req->uri.path = req->uri.raw_path = req->uri.raw_query = (struct slice) { "", 0 };
	req->level = LEVEL_SERVICE;
	req->virtual_host = false;
	req->bucket[0] = '\0';
	req->key = (struct slice) { "", 0 };
	req->who.who.id = 0;
	req->who.who.name[0] = '\0';
	req->who.who.admin = req->who.who.may_create_buckets = false;
	req->who.key_id[0] = '\0';
	req->authenticated = req->signed_ = false;
	req->payload = PAYLOAD_NONE;
	req->chunks = NULL;
	req->decoded_length = UINT64_MAX;
	req->workspace.id = 0;
	req->past = false;
	req->sequence = 0;
	memset(req->params, 0, sizeof(req->params));
	req->op = NULL;
	req->may_wait = req->performed = false;
	req->error_code = NULL;
	req->error_message[0] = '\0';
	req->error_status = 0;
	req->wrong_region = false;
	found.headers = req->found.headers;
	found.manifest = req->found.manifest;
	found.parts = req->found.parts;
	req->found = found;
}

struct request *
request_new(struct http_request *http, struct daemon *daemon)
{
	struct request *req = take_kept();

	if (!req) {
		if (!(req = calloc(1, sizeof(*req))))
			return NULL;
		uri_init(&req->uri);
		req->scratch = (struct buf) BUF_INIT(SCRATCH_MAX);
		req->error_more = (struct buf) BUF_INIT(SCRATCH_MAX);
		req->found = (struct object_info) OBJECT_INFO_INIT;
		clear(req);
	}
	req->http = http;
	req->daemon = daemon;
	req->next = NULL;
	make_id(req->id);
	return req;
}

static void
destroy(struct request *req)
{
	uri_release(&req->uri);
	buf_release(&req->scratch);
	buf_release(&req->error_more);
	object_info_release(&req->found);
	free(req);
}

void
request_free(struct request *req)
{
	if (!req)
		return;
	clear(req);
	pthread_mutex_lock(&kept_lock);
	if (kept_count < KEPT) {
		req->next = kept;
		kept = req;
		kept_count++;
		req = NULL;
	}
	pthread_mutex_unlock(&kept_lock);
	if (req)
		destroy(req);
}

/* BUCKET.domain in the Host header, with or without a port: the bucket's name, or nothing. */
static struct slice
host_bucket(const struct request *req)
{
	const char *domain = req->daemon->settings.domain;
	const char *host = http_header(req->http, "host");
	size_t dlen, hlen;

	if (!domain || !*domain || !host)
		return (struct slice) { NULL, 0 };
	dlen = strlen(domain);
	hlen = strcspn(host, ":");
	if (hlen && host[hlen - 1] == '.')	/* of the fully qualified name */
		hlen--;
	if (hlen <= dlen + 1 || host[hlen - dlen - 1] != '.' || strncasecmp(host + hlen - dlen, domain, dlen))
		return (struct slice) { NULL, 0 };
	return (struct slice) { host, hlen - dlen - 1 };
}

static int
set_bucket(struct request *req, struct slice name, bool fold)
{
	req->level = LEVEL_BUCKET;
	if (name.len > LIMIT_BUCKET_NAME || !name.len)
		return request_fail(req, ERR_INVALID, "InvalidBucketName", "The specified bucket is not valid.");
	memcpy(req->bucket, name.p, name.len);
	req->bucket[name.len] = '\0';
	for (char *p = req->bucket; fold && *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return 0;
}

int
request_begin(struct request *req)
{
	struct slice host = host_bucket(req), path;
	const char *slash;
	int rc = uri_parse(&req->uri, req->http->target, strlen(req->http->target));

	if (rc == ERR_TOOBIG)
		return request_fail(req, ERR_INVALID, "InvalidURI", "The request has too many query parameters.");
	if (rc == ERR_INVALID)
		return request_fail(req, rc, "InvalidURI", "Couldn't parse the specified URI.");
	if (rc)
		return rc;
	path = (struct slice) { req->uri.path.p + 1, req->uri.path.len - 1 };
	req->virtual_host = host.p != NULL;
	if (!utf8_valid(path.p, path.len))
		return request_fail(req, ERR_INVALID, "InvalidURI", "The key is not valid UTF-8.");
	if (req->virtual_host) {
		if ((rc = set_bucket(req, host, true)) != 0)
			return rc;
		req->key = path;
	} else if (path.len) {
		slash = memchr(path.p, '/', path.len);
		rc = set_bucket(req, (struct slice) { path.p, slash ? (size_t)(slash - path.p) : path.len }, false);
		if (rc)
			return rc;
		if (slash)
			req->key = (struct slice) { slash + 1, path.len - (size_t)(slash + 1 - path.p) };
	}
	if (req->key.len)
		req->level = LEVEL_OBJECT;
	return 0;
}

const char *
request_header(const struct request *req, const char *name)
{
	const char *value = http_header(req->http, name);

	if (value || !req->signed_ || (req->auth.kind != SIGV4_PRESIGNED && req->auth.kind != SIGV2_PRESIGNED))
		return value;
	for (size_t i = 0; i < req->uri.count; i++)
		if (!strcasecmp(req->uri.params[i].name.p, name))
			return req->uri.params[i].value.p;
	return NULL;
}

int
request_fail(struct request *req, int code, const char *s3code, const char *format, ...)
{
	va_list args;

	req->error_code = s3code;
	req->error_message[0] = '\0';
	if (!format)
		return code;
	va_start(args, format);
	vsnprintf(req->error_message, sizeof(req->error_message), format, args);
	va_end(args);
	return code;
}

int
request_expects_owner(struct request *req, const char *header, int64_t owner)
{
	const char *expected = request_header(req, header);
	char id[ID_TEXT];

	if (!expected)
		return 0;
	id_format(ID_USER, owner, id);
	return strcasecmp(expected, id) ? request_fail(req, ERR_DENIED, "AccessDenied", "The bucket has another owner.") : 0;
}

struct actor
request_actor(const struct request *req)
{
	return (struct actor) { .principal = req->who.who.id };
}
