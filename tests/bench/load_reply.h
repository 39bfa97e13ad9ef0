#ifndef BENCH_LOAD_REPLY_H
#define BENCH_LOAD_REPLY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"

/*
 * Reads one HTTP/1.1 reply out of whatever pieces the socket gives: status, length, chunked coding,
 * Connection: close and the ETag. Trailers are skipped. Body bytes go to `sink`.
 */
enum reply_state { REPLY_HEAD, REPLY_BODY, REPLY_CHUNK_SIZE, REPLY_CHUNK, REPLY_CHUNK_END, REPLY_TRAILER, REPLY_DONE };

struct reply {
	enum reply_state state;
	int status;
	bool chunked, close;
	uint64_t left;		/* bytes of the body or of the chunk still to come */
	uint64_t body;		/* bytes of body so far */
	size_t line_len;	/* of the line being read */
	char line[4096];
	char etag[80];		/* with its quotes */
	void (*sink)(void *arg, uint64_t offset, const char *bytes, size_t len);
	void *arg;
};

static inline void
reply_begin(struct reply *r)
{
	r->state = REPLY_HEAD;
	r->status = 0;
	r->chunked = r->close = false;
	r->left = r->body = 0;
	r->line_len = 0;
	r->etag[0] = '\0';
}

static inline void
reply_header(struct reply *r, const char *line)
{
	const char *value = strchr(line, ':');
	size_t name = value ? (size_t)(value - line) : 0;

	if (!value)
		return;
	value += 1 + strspn(value + 1, " \t");
	if (name == 14 && strncasecmp(line, "content-length", name) == 0)
		r->left = strtoull(value, NULL, 10);
	else if (name == 17 && strncasecmp(line, "transfer-encoding", name) == 0)
		r->chunked = strcasecmp(value, "chunked") == 0;
	else if (name == 10 && strncasecmp(line, "connection", name) == 0)
		r->close = strcasecmp(value, "close") == 0;
	else if (name == 4 && strncasecmp(line, "etag", name) == 0 && strlen(value) < sizeof(r->etag))
		memcpy(r->etag, value, strlen(value) + 1);
}

/* One line without its end. Returns -1 if no reply looks like that. */
static inline int
reply_line(struct reply *r, const char *line)
{
	char *end;

	switch (r->state) {
	case REPLY_HEAD:
		if (r->status == 0) {
			if (strncmp(line, "HTTP/1.", 7) != 0 || strlen(line) < 12)
				return -1;
			r->status = atoi(line + 9);
			return r->status >= 100 && r->status <= 599 ? 0 : -1;
		}
		if (*line) {
			reply_header(r, line);
			return 0;
		}
		if (r->status < 200)
			reply_begin(r);		/* 100 Continue: the reply proper follows */
		else if (r->status == 204 || r->status == 304)
			r->state = REPLY_DONE;
		else if (r->chunked)
			r->state = REPLY_CHUNK_SIZE;
		else
			r->state = r->left ? REPLY_BODY : REPLY_DONE;
		return 0;
	case REPLY_CHUNK_SIZE:
		r->left = strtoull(line, &end, 16);
		r->state = r->left ? REPLY_CHUNK : REPLY_TRAILER;
		return end == line ? -1 : 0;
	case REPLY_CHUNK_END:
		r->state = REPLY_CHUNK_SIZE;
		return *line ? -1 : 0;
	default:
		if (*line == '\0')
			r->state = REPLY_DONE;
		return 0;
	}
}

static inline int
reply_take_line(struct reply *r, const char **bytes, size_t *len)
{
	const char *end = memchr(*bytes, '\n', *len);
	size_t n = end ? (size_t)(end - *bytes) : *len;

	if (r->line_len + n >= sizeof(r->line))
		return -1;
	memcpy(r->line + r->line_len, *bytes, n);
	r->line_len += n;
	*bytes += n + (end != NULL);
	*len -= n + (end != NULL);
	if (!end)
		return 0;
	if (r->line_len && r->line[r->line_len - 1] == '\r')
		r->line_len--;
	r->line[r->line_len] = '\0';
	r->line_len = 0;
	return reply_line(r, r->line);
}

/* Takes what arrived. 1: the reply is whole; 0: more to come; -1: not HTTP, or bytes behind the reply. */
static inline int
reply_feed(struct reply *r, const char *bytes, size_t len)
{
	while (len > 0) {
		if (r->state == REPLY_DONE)
			return -1;
		if (r->state == REPLY_BODY || r->state == REPLY_CHUNK) {
			size_t n = len < r->left ? len : (size_t)r->left;

			r->sink(r->arg, r->body, bytes, n);
			r->body += n;
			r->left -= n;
			bytes += n;
			len -= n;
			if (r->left == 0)
				r->state = r->state == REPLY_BODY ? REPLY_DONE : REPLY_CHUNK_END;
		} else if (reply_take_line(r, &bytes, &len) < 0) {
			return -1;
		}
	}
	return r->state == REPLY_DONE;
}

#endif
