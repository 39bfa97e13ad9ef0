#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "err.h"
#include "str.h"

#define CONNECT_SECONDS 20
#define URL_MAX 65536

struct client {
	CURL *curl;
	struct curl_slist *headers;
	char *url;		/* without a slash at the end */
	int (*stop)(void);
	struct buf reply;
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

void
client_free(struct client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	curl_slist_free_all(c->headers);
	free(c->url);
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

int
client_call(struct client *c, const char *method, const char *path, const struct buf *body, unsigned seconds,
    int *http, struct json **doc)
{
	char why[JSON_ERROR];
	long status = 0;
	int rc;

	*doc = NULL;
	*c->error = '\0';
	buf_clear(&c->reply);
	if ((rc = prepare(c, method, path, body, seconds)) != 0 ||
	    (rc = result_of(curl_easy_perform(c->curl), c)) != 0)
		return rc;
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
