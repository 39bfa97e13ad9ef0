#include <string.h>
#include <strings.h>

#include "err.h"
#include "sigv4_canon.h"

static bool
same_name(struct slice a, struct slice b)
{
	return a.len == b.len && !strncasecmp(a.p, b.p, a.len);
}

static struct slice
trim(struct slice s)
{
	while (s.len && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.len--;
	}
	while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool
sigv4_canon_header(const struct sigv4_request *r, const char *name, struct slice *value)
{
	for (size_t i = 0; i < r->count; i++) {
		if (same_name(r->headers[i].name, SLICE(name))) {
			*value = trim(r->headers[i].value);
			return true;
		}
	}
	return false;
}

int
sigv4_canon_names(struct slice list, struct slice names[SIGV4_HEADERS], size_t *count)
{
	const char *p = list.p, *end = list.p + list.len;
	size_t n = 0;

	for (;;) {
		const char *stop = memchr(p, ';', (size_t)(end - p));

		if (!stop)
			stop = end;
		if (stop == p || n == SIGV4_HEADERS)
			return ERR_INVALID;
		for (const char *c = p; c < stop; c++)
			if (*c >= 'A' && *c <= 'Z')
				return ERR_INVALID;
		names[n++] = (struct slice) { p, (size_t)(stop - p) };
		if (stop == end)
			break;
		p = stop + 1;
	}
	*count = n;
	return 0;
}

bool
sigv4_canon_named(const struct slice *names, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++)
		if (same_name(names[i], name))
			return true;
	return false;
}

void
sigv4_canon_value(struct buf *out, struct slice value)
{
	value = trim(value);
	while (value.len) {
		size_t n = 0;

		while (n < value.len && !(value.p[n] == ' ' && n + 1 < value.len && value.p[n + 1] == ' '))
			n++;
		if (n == value.len) {
			buf_add(out, value.p, n);
			return;
		}
		buf_add(out, value.p, n + 1);
		while (n < value.len && value.p[n] == ' ')
			n++;
		value.p += n;
		value.len -= n;
	}
}

int
sigv4_canon_all(const struct sigv4_request *r, char *mem, size_t size, struct slice names[SIGV4_HEADERS], size_t *count)
{
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++) {
		struct slice name = r->headers[i].name;
		size_t at;

		if (sigv4_canon_named(names, n, name))
			continue;
		if (n == SIGV4_HEADERS || name.len > size)
			return ERR_INVALID;
		for (size_t k = 0; k < name.len; k++)
			mem[k] = (char)(name.p[k] >= 'A' && name.p[k] <= 'Z' ? name.p[k] + 32 : name.p[k]);
		name.p = mem;
		mem += name.len;
		size -= name.len;
		for (at = n++; at && bytes_cmp(name.p, name.len, names[at - 1].p, names[at - 1].len) < 0; at--)
			names[at] = names[at - 1];
		names[at] = name;
	}
	*count = n;
	return 0;
}

void
sigv4_canon_line(struct buf *out, const struct sigv4_request *r, struct slice name)
{
	bool first = true;

	buf_add(out, name.p, name.len);
	buf_addch(out, ':');
	for (size_t i = 0; i < r->count; i++) {
		if (!same_name(r->headers[i].name, name))
			continue;
		if (!first)
			buf_addch(out, ',');
		first = false;
		sigv4_canon_value(out, r->headers[i].value);
	}
	buf_addch(out, '\n');
}

/* One encoded parameter: where its name and its value stand in the buffer. */
struct piece {
	size_t name, namelen, value, valuelen;
};

static int
piece_cmp(const char *base, const struct piece *a, const struct piece *b)
{
	int cmp = bytes_cmp(base + a->name, a->namelen, base + b->name, b->namelen);

	return cmp ? cmp : bytes_cmp(base + a->value, a->valuelen, base + b->value, b->valuelen);
}

/*
 * The parameters are encoded to the end of the buffer, sorted by what they are there, written out behind that
 * in order, and moved to the front: no memory but the caller's.
 */
static void
add_query(struct buf *out, const struct uri *uri)
{
	struct piece pieces[URI_PARAMS], piece;
	size_t n = 0, from = out->len, sorted, at, room;
	char *to;

	for (size_t i = 0; i < uri->count; i++) {
		const struct uri_param *p = &uri->params[i];

		if (slice_is(p->name, "X-Amz-Signature"))
			continue;
		piece.name = out->len;
		uri_encode(out, p->name.p, p->name.len, false);
		piece.namelen = out->len - piece.name;
		piece.value = out->len;
		uri_encode(out, p->value.p, p->value.len, false);
		piece.valuelen = out->len - piece.value;
		if (buf_finish(out))
			return;
		for (at = n++; at && piece_cmp(out->data, &piece, &pieces[at - 1]) < 0; at--)
			pieces[at] = pieces[at - 1];
		pieces[at] = piece;
	}
	sorted = out->len;
	room = sorted - from + 2 * n;
	if (!n || !(to = buf_room(out, room)))
		return;
	for (size_t i = 0; i < n; i++) {
		if (i)
			*to++ = '&';
		to = (char *)mempcpy(to, out->data + pieces[i].name, pieces[i].namelen);
		*to++ = '=';
		to = (char *)mempcpy(to, out->data + pieces[i].value, pieces[i].valuelen);
	}
	room = (size_t)(to - (out->data + sorted));
	memmove(out->data + from, out->data + sorted, room);
	out->len = from + room;
}

int
sigv4_canon_request(const struct sigv4_request *r, const struct slice *names, size_t count, struct slice payload,
    struct buf *out)
{
	buf_clear(out);
	buf_add(out, r->method.p, r->method.len);
	buf_addch(out, '\n');
	uri_encode(out, r->uri->path.p, r->uri->path.len, true);
	buf_addch(out, '\n');
	add_query(out, r->uri);
	buf_addch(out, '\n');
	for (size_t i = 0; i < count; i++)
		sigv4_canon_line(out, r, names[i]);
	buf_addch(out, '\n');
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_addch(out, ';');
		buf_add(out, names[i].p, names[i].len);
	}
	buf_addch(out, '\n');
	buf_add(out, payload.p, payload.len);
	return buf_finish(out);
}
