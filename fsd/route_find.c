#include <string.h>

#include "err.h"
#include "route.h"

#define PARAMS (sizeof(((struct request *)NULL)->params) / sizeof(struct slice))

/* The next piece of a path, without its slash. */
static struct slice
piece(const char **at, const char *end)
{
	const char *from = *at < end && **at == '/' ? *at + 1 : *at, *to = from;

	while (to < end && *to != '/')
		to++;
	*at = to;
	return (struct slice) { from, (size_t)(to - from) };
}

/* A piece "{id}" or "{id}:undelete" of a pattern: cuts what follows the brace off `got`. */
static bool
param_fits(struct slice want, struct slice *got)
{
	const char *brace = memchr(want.p, '}', want.len);
	size_t tail = want.len - (size_t)(brace + 1 - want.p);

	if (got->len <= tail || memcmp(got->p + got->len - tail, brace + 1, tail) != 0)
		return false;
	got->len -= tail;
	return true;
}

/* Does the path fit the pattern "/v1/users/{name}"? What stands for {…} goes to `found`, as sent. */
static bool
path_fits(const char *pattern, struct slice path, struct slice found[PARAMS], unsigned *n)
{
	const char *p = pattern, *pend = pattern + strlen(pattern);
	const char *q = path.p, *qend = path.p + path.len;

	*n = 0;
	while (p < pend && q < qend) {
		struct slice want = piece(&p, pend), got = piece(&q, qend);

		if (want.len && *want.p == '{') {
			if (*n == PARAMS || !param_fits(want, &got))
				return false;
			found[(*n)++] = got;
		} else if (bytes_cmp(want.p, want.len, got.p, got.len)) {
			return false;
		}
	}
	return p == pend && q == qend;
}

static bool
decode_params(struct request *req, const struct slice *found, unsigned n)
{
	size_t starts[PARAMS], room = 0;

	for (unsigned i = 0; i < n; i++)
		room += found[i].len + 1;
	buf_clear(&req->scratch);
	if (!buf_room(&req->scratch, room))
		return false;
	for (unsigned i = 0; i < n; i++) {
		starts[i] = req->scratch.len;
		if (uri_decode(&req->scratch, found[i].p, found[i].len, false) != 0)
			return false;
		buf_addch(&req->scratch, '\0');
	}
	if (buf_finish(&req->scratch) != 0)
		return false;
	for (unsigned i = 0; i < n; i++)
		req->params[i] = (struct slice) { req->scratch.data + starts[i],
			(i + 1 < n ? starts[i + 1] : req->scratch.len) - starts[i] - 1 };
	return true;
}

/* A HEAD is what GET would be, where there is no route of its own: the reply's body is not sent. */
static bool
method_fits(const struct route *r, const char *method)
{
	return !strcmp(r->method, method) || (r->path && !strcmp(method, "HEAD") && !strcmp(r->method, "GET"));
}

const struct route *
route_find(const struct route *table, struct request *req, bool *other)
{
	struct slice found[PARAMS];
	unsigned n = 0;

	*other = false;
	for (const struct route *r = table; r->name; r++) {
		if (r->level != req->level)
			continue;
		if (r->path && !path_fits(r->path, req->uri.raw_path, found, &n))
			continue;
		if (!method_fits(r, req->http->method)) {
			*other |= r->path || (!r->param && !r->header);
			continue;
		}
		if (r->param && !uri_has(&req->uri, r->param))
			continue;
		if (r->header && !http_header(req->http, r->header))
			continue;
		return r->path && n && !decode_params(req, found, n) ? NULL : r;
	}
	return NULL;
}
