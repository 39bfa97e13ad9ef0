#include <string.h>
#include <strings.h>

#include "guard.h"
#include "limits.h"
#include "str.h"

#define METHOD_MAX 32

/* tchar of RFC 9110, 5.6.2. */
static const bool token_byte[256] = {
	['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1, ['-'] = 1,
	['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1,
	['0' ... '9'] = 1, ['a' ... 'z'] = 1, ['A' ... 'Z'] = 1,
};

/* Host: a name, an IPv4 address or [IPv6], and a port. Anything that a proxy could read as a list or a path is out. */
static const bool host_byte[256] = {
	['-'] = 1, ['.'] = 1, ['_'] = 1, ['~'] = 1, ['%'] = 1, [':'] = 1, ['['] = 1, [']'] = 1, ['!'] = 1,
	['$'] = 1, ['&'] = 1, ['\''] = 1, ['('] = 1, [')'] = 1, ['*'] = 1, ['+'] = 1, [';'] = 1, ['='] = 1,
	['0' ... '9'] = 1, ['a' ... 'z'] = 1, ['A' ... 'Z'] = 1,
};

static bool
all_of(const bool set[256], const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!set[(unsigned char)p[i]])
			return false;
	return true;
}

static bool
has_control(const char *p, size_t len, bool tab_too)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)p[i];

		if ((c < 0x20 && (c != '\t' || tab_too)) || c == 0x7f)
			return true;
	}
	return false;
}

bool
guard_name(const char *p, size_t len)
{
	return len && all_of(token_byte, p, len);
}

bool
guard_value(const char *p, size_t len)
{
	return !has_control(p, len, false);
}

static bool
name_is(const struct http_header *h, const char *name)
{
	return h->name.len == strlen(name) && !strncasecmp(h->name.p, name, h->name.len);
}

static bool
two_nuls(const char *p, const char *end)
{
	return end - p >= 2 && !p[0] && !p[1];
}

enum guard_ends
guard_ends(const char *head, const char *end)
{
	const char *p = head, *lf;

	while (p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		if (lf == p || lf[-1] != '\r')
			return GUARD_ODD;
		if (lf == p + 1)
			return memchr(head, '\0', (size_t)(lf - head)) ? GUARD_ODD : GUARD_PLAIN;
		p = lf + 1;
	}
	return p > head && memchr(head, '\0', (size_t)(p - head)) ? GUARD_ODD : GUARD_UNSEEN;
}

/* Whether the request's memory holds what the library told and nothing else. */
static bool
memory_is_plain(const struct guard_request *g)
{
	const char *p = g->memory, *end = g->memory + g->memory_len;

	if (g->method != p || g->target_at != p + strlen(p) + 1 ||
	    g->version != g->target_at + g->target_len + 1)
		return false;
	p = g->version + strlen(g->version);
	for (size_t i = 0; i < g->nheaders; i++) {
		const struct http_header *h = &g->headers[i];

		if (!two_nuls(p, end) || h->name.p != p + 2)
			return false;
		p = h->name.p + h->name.len + 1;
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		if (h->value.p != p)
			return false;
		p = h->value.p + h->value.len;
	}
	return two_nuls(p, end) && two_nuls(p + 2, end) && p + 4 == end;
}

/* Where the path of a target begins, behind "http://HOST" too (RFC 9112, 3.2.2). False: it has none. */
static bool
find_path(const struct guard_request *g, size_t *at)
{
	const char *path, *host = !strncasecmp(g->target, "http://", 7) ? g->target + 7 :
	    !strncasecmp(g->target, "https://", 8) ? g->target + 8 : NULL;

	*at = 0;
	if (!host)
		return g->target[0] == '/';
	path = host + strcspn(host, "/?#");
	*at = (size_t)(path - g->target);
	return path > host && *path == '/';
}

/* Of two names for the host one program would take the one, and one the other. */
static bool
same_host(const struct guard_request *g, size_t path_at, struct slice host)
{
	const char *named = strstr(g->target, "://") + 3;

	return (size_t)(g->target + path_at - named) == host.len && !strncasecmp(named, host.p, host.len);
}

static int
check_line(const struct guard_request *g, struct guard_result *result, const char **reason)
{
	size_t len = strlen(g->method);

	if (strcmp(g->version, "HTTP/1.1") && strcmp(g->version, "HTTP/1.0")) {
		*reason = "only HTTP/1.1 and HTTP/1.0 are spoken here";
		return 505;
	}
	if (!len || len > METHOD_MAX || !all_of(token_byte, g->method, len)) {
		*reason = "the method is malformed";
		return 400;
	}
	if (g->target_len > LIMIT_TARGET) {
		*reason = "the request target is too long";
		return 414;
	}
	if (!find_path(g, &result->path_at) || has_control(g->target, g->target_len, true) ||
	    memchr(g->target, ' ', g->target_len)) {
		*reason = "the request target is malformed";
		return 400;
	}
	return 0;
}

static int
check_header(const struct guard_request *g, const struct http_header *h, size_t *bytes, const char **reason)
{
	*bytes += h->name.len + h->value.len + 4;
	if (g->too_many || *bytes > LIMIT_HEADER_BYTES) {
		*reason = "the headers are too many or too large";
		return 400;
	}
	if (!guard_name(h->name.p, h->name.len)) {
		*reason = "a header name is malformed";
		return 400;
	}
	if (!guard_value(h->value.p, h->value.len)) {
		*reason = "a header value has control bytes";
		return 400;
	}
	return 0;
}

/* What decides where the request ends, and whom it is for. */
static int
check_framing(const struct guard_request *g, struct guard_result *r, const char **reason)
{
	unsigned lengths = 0, codings = 0, hosts = 0;
	bool old = !strcmp(g->version, "HTTP/1.0");

	*reason = "Content-Length, Transfer-Encoding or Host is missing, repeated or malformed";
	for (size_t i = 0; i < g->nheaders; i++) {
		const struct http_header *h = &g->headers[i];

		if (name_is(h, "Content-Length")) {
			if (lengths++ || parse_u64(h->value.p, h->value.len, &r->content_length) != 0 ||
			    r->content_length > INT64_MAX)
				return 400;
			r->has_length = true;
		} else if (name_is(h, "Transfer-Encoding")) {
			if (codings++ || old || h->value.len != 7 || strncasecmp(h->value.p, "chunked", 7))
				return 400;
			r->chunked = true;
		} else if (name_is(h, "Host")) {
			size_t len = h->value.len;

			while (len && (h->value.p[len - 1] == ' ' || h->value.p[len - 1] == '\t'))
				len--;
			if (hosts++ || !all_of(host_byte, h->value.p, len) ||
			    (r->path_at && !same_host(g, r->path_at, (struct slice) { h->value.p, len })))
				return 400;
		} else if (name_is(h, "Expect")) {
			if (h->value.len != 12 || strncasecmp(h->value.p, "100-continue", 12)) {
				*reason = "only 100-continue can be expected";
				return 417;
			}
			r->expect_continue = !old;
		}
	}
	if ((lengths && codings) || (!hosts && !old))
		return 400;
	return 0;
}

int
guard_check(const struct guard_request *g, struct guard_result *result, const char **reason)
{
	size_t bytes = 0;
	int status;

	*result = (struct guard_result) { 0 };
	if ((status = check_line(g, result, reason)) != 0)
		return status;
	for (size_t i = 0; i < g->nheaders; i++)
		if ((status = check_header(g, &g->headers[i], &bytes, reason)) != 0)
			return status;
	if (g->ends == GUARD_ODD || !memory_is_plain(g)) {
		*reason = "the request has bare line feeds, NUL bytes, folded lines or stray blanks";
		return 400;
	}
	return check_framing(g, result, reason);
}
