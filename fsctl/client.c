#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "err.h"
#include "str.h"

#define CONNECT_SECONDS 20
#define URL_MAX 65536
#define CLIENT_BUFFER (256 << 10)

struct client {
	CURL *curl;
	struct curl_slist *headers;
	char *url;		/* without a slash at the end */
	char *socket, *token;	/* or NULL */
	int (*stop)(void);
	struct buf reply;
	const struct client_bytes *bytes;	/* of the request that runs */
	uint64_t sent;
	bool failed;		/* its read() or take() did */
	char error[CURL_ERROR_SIZE > CLIENT_ERROR ? CURL_ERROR_SIZE : CLIENT_ERROR];
};

static size_t
take(char *bytes, size_t size, size_t n, void *arg)
{
	struct client *c = arg;

	buf_add(&c->reply, bytes, size * n);
	return buf_finish(&c->reply) == 0 ? size * n : 0;
}

static int
tick(void *arg, curl_off_t a, curl_off_t b, curl_off_t d, curl_off_t e)
{
	struct client *c = arg;

	(void)a, (void)b, (void)d, (void)e;
	return c->stop && c->stop() ? 1 : 0;
}

static int
add_header(struct client *c, const char *line)
{
	struct curl_slist *more = curl_slist_append(c->headers, line);

	if (!more)
		return ERR_NOMEM;
	c->headers = more;
	return 0;
}

static int
add_headers(struct client *c, const char *token)
{
	char *line = NULL;
	int rc;

	if ((rc = add_header(c, "Content-Type: application/json")) != 0 || (rc = add_header(c, "Expect:")) != 0 ||
	    (rc = add_header(c, "Accept: application/json")) != 0 || !token)
		return rc;
	if (asprintf(&line, "Authorization: Bearer %s", token) < 0)
		return ERR_NOMEM;
	rc = add_header(c, line);
	explicit_bzero(line, strlen(line));
	free(line);
	return rc;
}

static int
configure(struct client *c, const struct client_options *o)
{
	CURL *h = c->curl;

	if (curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) || curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->error) ||
	    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") || curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) ||
	    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ||
	    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS) ||
	    curl_easy_setopt(h, CURLOPT_HTTPHEADER, c->headers) || curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take) ||
	    curl_easy_setopt(h, CURLOPT_WRITEDATA, c) || curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L) ||
	    curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, tick) || curl_easy_setopt(h, CURLOPT_XFERINFODATA, c) ||
	    curl_easy_setopt(h, CURLOPT_USERAGENT, "fsctl/" FSD_VERSION))
		return ERR_NOMEM;
	if (o->socket && (curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, o->socket) || curl_easy_setopt(h, CURLOPT_NOPROXY, "*")))
		return ERR_NOMEM;
	return 0;
}

/* Copies the URL without the slashes at its end; only http and https can be meant. */
static int
take_url(struct client *c, const char *url)
{
	size_t len = strlen(url);

	if (!str_starts(url, "http://") && !str_starts(url, "https://"))
		return ERR_INVALID;
	while (len && url[len - 1] == '/')
		len--;
	return (c->url = strndup(url, len)) ? 0 : ERR_NOMEM;
}

int
client_new(const struct client_options *options, struct client **client)
{
	struct client *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return ERR_NOMEM;
	c->reply.max = CLIENT_REPLY_MAX;
	c->stop = options->stop;
	if ((rc = take_url(c, options->socket ? "http://fsd" : options->url)) != 0)
		goto out;
	rc = ERR_NOMEM;
	if ((options->socket && !(c->socket = strdup(options->socket))) || (options->token && !(c->token = strdup(options->token))))
		goto out;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) || !(c->curl = curl_easy_init()))
		goto out;
	if ((rc = add_headers(c, options->token)) == 0)
		rc = configure(c, options);
out:
	if (rc)
		client_free(c);
	else
		*client = c;
	return rc;
}

int
client_again(const struct client *c, struct client **client)
{
	return client_new(&(struct client_options) { .socket = c->socket, .url = c->url, .token = c->token, .stop = c->stop },
	    client);
}

void
client_free(struct client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	curl_slist_free_all(c->headers);
	free(c->url);
	free(c->socket);
	if (c->token)
		explicit_bzero(c->token, strlen(c->token));
	free(c->token);
	buf_release(&c->reply);
	free(c);
}

const char *
client_error(const struct client *c)
{
	return c->error;
}

static int
prepare(struct client *c, const char *method, const char *path, const struct buf *body, unsigned seconds)
{
	struct buf url = BUF_INIT(URL_MAX);
	CURL *h = c->curl;
	int rc;

	buf_addf(&url, "%s%s", c->url, path);
	if ((rc = buf_finish(&url)) != 0)
		goto out;
	rc = ERR_NOMEM;
	if (curl_easy_setopt(h, CURLOPT_URL, url.data) || curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L) ||
	    curl_easy_setopt(h, CURLOPT_TIMEOUT, (long)seconds) || curl_easy_setopt(h, CURLOPT_HTTPGET, 1L) ||
	    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, method))
		goto out;
	/* A POST without a body still says Content-Length: 0. */
	if ((body || !strcmp(method, "POST")) &&
	    (curl_easy_setopt(h, CURLOPT_POSTFIELDS, body && body->data ? body->data : "") ||
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE, (long)(body ? body->len : 0))))
		goto out;
	rc = 0;
out:
	buf_release(&url);
	return rc;
}

static int
result_of(CURLcode code, struct client *c)
{
	if (code != CURLE_OK && !*c->error)
		snprintf(c->error, sizeof(c->error), "%s", curl_easy_strerror(code));
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_ABORTED_BY_CALLBACK:
		return ERR_END;
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_TIMEOUT;
	case CURLE_OUT_OF_MEMORY:
		return ERR_NOMEM;
	case CURLE_WRITE_ERROR:
		return buf_finish(&c->reply) ? buf_finish(&c->reply) : ERR_INTERNAL;
	case CURLE_URL_MALFORMAT:
		return ERR_INVALID;
	default:
		return ERR_CLOSED;
	}
}

/* The reply, once it is whole. */
static int
read_reply(struct client *c, int *http, struct json **doc)
{
	char why[JSON_ERROR];
	long status = 0;
	int rc = 0;

	(void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (c->reply.len) {
		rc = json_parse(c->reply.data, c->reply.len, why, doc);
		explicit_bzero(c->reply.data, c->reply.len);
		if (rc == ERR_INVALID && status >= 400)
			rc = 0;
		else if (rc)
			snprintf(c->error, sizeof(c->error), "the reply (HTTP status %ld) is not JSON: %s", status, why);
	}
	*http = (int)status;
	return rc;
}

static int
with_key(const struct client *c, const char *key, bool plain, struct curl_slist **headers)
{
	char line[320];
	const struct curl_slist *h = plain ? NULL : c->headers;
	struct curl_slist *list = NULL, *more = NULL;

	for (; h; h = h->next, list = more)
		if (!(more = curl_slist_append(list, h->data)))
			goto fail;
	if (plain && !(list = more = curl_slist_append(NULL, "Expect:")))
		return ERR_NOMEM;
	if (key) {
		snprintf(line, sizeof(line), "Idempotency-Key: %s", key);
		if (!(more = curl_slist_append(list, line)))
			goto fail;
		list = more;
	}
	*headers = list;
	return 0;
fail:
	curl_slist_free_all(list);
	return ERR_NOMEM;
}

int
client_call_once(struct client *c, const char *method, const char *path, const struct buf *body, const char *key,
    unsigned seconds, int *http, struct json **doc)
{
	struct curl_slist *headers = NULL;
	int rc;

	*doc = NULL;
	*c->error = '\0';
	buf_clear(&c->reply);
	if ((rc = with_key(c, key, false, &headers)) != 0)
		return rc;
	if ((rc = prepare(c, method, path, body, seconds)) == 0) {
		(void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
		rc = result_of(curl_easy_perform(c->curl), c);
		(void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers);
	}
	curl_slist_free_all(headers);
	return rc ? rc : read_reply(c, http, doc);
}

int
client_call(struct client *c, const char *method, const char *path, const struct buf *body, unsigned seconds,
    int *http, struct json **doc)
{
	return client_call_once(c, method, path, body, NULL, seconds, http, doc);
}

int
client_call_last(struct client *c, const char *method, const char *path, unsigned seconds, int *http, struct json **doc)
{
	int (*stop)(void) = c->stop, rc;

	c->stop = NULL;
	rc = client_call(c, method, path, NULL, seconds, http, doc);
	c->stop = stop;
	return rc;
}

/* ---- bytes ---- */

static size_t
give(char *into, size_t size, size_t n, void *arg)
{
	struct client *c = arg;
	const struct client_bytes *b = c->bytes;
	size_t len = size * n;

	if (len > b->size - c->sent)
		len = (size_t)(b->size - c->sent);
	if (b->most && len > b->most)
		len = (size_t)b->most;
	if (len && b->read(b->arg, c->sent, into, len) != 0) {
		c->failed = true;
		return CURL_READFUNC_ABORT;
	}
	c->sent += len;
	return len;
}

static int
rewind_body(void *arg, curl_off_t offset, int origin)
{
	struct client *c = arg;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	c->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t
take_bytes(char *bytes, size_t size, size_t n, void *arg)
{
	struct client *c = arg;
	long status = 0;

	(void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200 && status != 206)
		return take(bytes, size, n, arg);
	if (c->bytes->take(c->bytes->arg, bytes, size * n) == 0)
		return size * n;
	c->failed = true;
	return 0;
}

static int
prepare_bytes(struct client *c, const struct client_bytes *b, const char *url)
{
	const bool here = *b->target == '/';
	const long buffer = b->most && b->most < CLIENT_BUFFER ? (long)b->most : CLIENT_BUFFER;
	char range[32];
	CURL *h = c->curl;

	snprintf(range, sizeof(range), "%llu-", (unsigned long long)b->from);
	if (curl_easy_setopt(h, CURLOPT_URL, url) || curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L) ||
	    curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, here ? c->socket : NULL) ||
	    curl_easy_setopt(h, CURLOPT_TIMEOUT, 0L) || curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L) ||
	    curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, (long)CLIENT_STALL) || curl_easy_setopt(h, CURLOPT_HTTPGET, 1L) ||
	    (b->from && curl_easy_setopt(h, CURLOPT_RANGE, range)) ||
	    (b->take && curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_bytes)))
		return ERR_NOMEM;
	if (b->read && (curl_easy_setopt(h, CURLOPT_UPLOAD, 1L) ||
	    curl_easy_setopt(h, CURLOPT_INFILESIZE_LARGE, (curl_off_t)b->size) ||
	    curl_easy_setopt(h, CURLOPT_READFUNCTION, give) || curl_easy_setopt(h, CURLOPT_READDATA, c) ||
	    curl_easy_setopt(h, CURLOPT_SEEKFUNCTION, rewind_body) || curl_easy_setopt(h, CURLOPT_SEEKDATA, c) ||
	    curl_easy_setopt(h, CURLOPT_UPLOAD_BUFFERSIZE, (long)CLIENT_BUFFER)))
		return ERR_NOMEM;
	/* What is too small for the library becomes the least that it takes. */
	return curl_easy_setopt(h, CURLOPT_BUFFERSIZE, buffer) ||
	    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, b->method) ? ERR_NOMEM : 0;
}

/* As the other calls expect the handle. */
static void
restore_handle(struct client *c)
{
	CURL *h = c->curl;

	c->bytes = NULL;
	(void)curl_easy_setopt(h, CURLOPT_HTTPHEADER, c->headers);
	(void)curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, c->socket);
	(void)curl_easy_setopt(h, CURLOPT_RANGE, NULL);
	(void)curl_easy_setopt(h, CURLOPT_BUFFERSIZE, (long)CLIENT_BUFFER);
	(void)curl_easy_setopt(h, CURLOPT_UPLOAD, 0L);
	(void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take);
	(void)curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 0L);
	(void)curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, 0L);
}

int
client_transfer(struct client *c, const struct client_bytes *b, int *http, struct json **doc)
{
	struct buf url = BUF_INIT(URL_MAX);
	struct curl_slist *headers = NULL;
	int rc;

	*doc = NULL;
	*c->error = '\0';
	buf_clear(&c->reply);
	buf_addf(&url, "%s%s", *b->target == '/' ? c->url : "", b->target);
	if ((rc = buf_finish(&url)) != 0 || (rc = with_key(c, b->key, b->ticket, &headers)) != 0)
		goto out;
	c->bytes = b;
	c->sent = 0;
	c->failed = false;
	if ((rc = prepare_bytes(c, b, url.data)) == 0) {
		(void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
		rc = result_of(curl_easy_perform(c->curl), c);
		if (c->failed)
			rc = ERR_IO;
	}
	restore_handle(c);
	if (rc == 0)
		rc = read_reply(c, http, doc);
out:
	curl_slist_free_all(headers);
	buf_release(&url);
	return rc;
}
