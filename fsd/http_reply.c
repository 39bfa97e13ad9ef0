#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "http.h"
#include "http_render.h"

const char *
http_header(const struct http_request *req, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < req->nheaders; i++) {
		const struct http_header *h = &req->headers[i];

		if (h->name.len == len && !strncasecmp(h->name.p, name, len))
			return h->value.p;
	}
	return NULL;
}

void
http_reply_header_raw(struct http_reply *reply, const char *name, const char *value, size_t len)
{
	buf_addstr(&reply->headers, name);
	buf_add(&reply->headers, ": ", 2);
	for (size_t start = 0, i = 0; i <= len; i++) {
		unsigned char c = i < len ? (unsigned char)value[i] : 0;

		if (i < len && (c >= 0x20 || c == '\t') && c != 0x7f)
			continue;
		buf_add(&reply->headers, value + start, i - start);
		start = i + 1;
	}
	buf_add(&reply->headers, "\r\n", 2);
}

void
http_reply_header(struct http_reply *reply, const char *name, const char *format, ...)
{
	struct buf value = BUF_INIT(65536);
	char small[256];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (len >= 0 && len < (int)sizeof(small)) {
		http_reply_header_raw(reply, name, small, (size_t)len);
		return;
	}
	va_start(args, format);
	if (len > 0 && buf_room(&value, (size_t)len))
		vsnprintf(value.data, (size_t)len + 1, format, args);
	va_end(args);
	if (value.err && !reply->headers.err)
		reply->headers.err = value.err;
	else if (value.data)
		http_reply_header_raw(reply, name, value.data, (size_t)len);
	buf_release(&value);
}

/* RFC 9110, 15; RFC 4918 for 422, 423, 424 and 507; RFC 6585 for 428, 429 and 431. */
const char *
http_status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} table[] = {
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" },
		{ 206, "Partial Content" }, { 301, "Moved Permanently" }, { 302, "Found" },
		{ 303, "See Other" }, { 304, "Not Modified" }, { 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" }, { 408, "Request Timeout" }, { 409, "Conflict" }, { 410, "Gone" },
		{ 411, "Length Required" }, { 412, "Precondition Failed" }, { 413, "Content Too Large" },
		{ 414, "URI Too Long" }, { 415, "Unsupported Media Type" }, { 416, "Range Not Satisfiable" },
		{ 417, "Expectation Failed" }, { 422, "Unprocessable Content" }, { 423, "Locked" },
		{ 424, "Failed Dependency" }, { 428, "Precondition Required" }, { 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" },
		{ 501, "Not Implemented" }, { 502, "Bad Gateway" }, { 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return table[i].text;
	return "Unknown";
}

bool
http_next_header(struct buf *headers, size_t *at, char **name, char **value)
{
	static char none[] = " ";
	char *line, *end, *colon;

	while (headers->data && *at < headers->len) {
		line = headers->data + *at;
		if (!(end = memchr(line, '\r', headers->len - *at)))
			return false;
		*at = (size_t)(end - headers->data) + 2;
		*end = '\0';
		if (!(colon = strchr(line, ':')))
			continue;
		*colon = '\0';
		*name = line;
		*value = colon + 1;
		while (**value == ' ')
			(*value)++;
		if (!**value)
			*value = none;
		/* These follow from the reply itself. */
		if (strcasecmp(line, "Content-Length") && strcasecmp(line, "Transfer-Encoding") &&
		    strcasecmp(line, "Connection"))
			return true;
	}
	return false;
}

void
http_render(struct http_request *req, struct buf *out)
{
	struct http_reply *reply = &req->reply;
	char date[CLOCK_TEXT], *name, *value;
	size_t at = 0;

	clock_http(clock_wall_us(), date);
	buf_addf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", reply->status, http_status_text(reply->status), date);
	if (reply->close)
		buf_addstr(out, "Connection: close\r\n");
	if (reply->source.read && reply->source.size == HTTP_ENDLESS)
		buf_addstr(out, "Transfer-Encoding: chunked\r\n");
	else
		buf_addf(out, "Content-Length: %llu\r\n",
		    reply->source.read ? (unsigned long long)reply->source.size : (unsigned long long)reply->body.len);
	while (http_next_header(&reply->headers, &at, &name, &value))
		if (strcasecmp(name, "Date"))
			buf_addf(out, "%s: %s\r\n", name, value);
	buf_add(out, "\r\n", 2);
	if (!reply->source.read && reply->body.len)
		buf_add(out, reply->body.data, reply->body.len);
}
