/*
 * A request's head, parsed in place by a reader as lenient as the HTTP library, goes to the guard. What the guard lets
 * pass must read the same to a second reader that takes RFC 9112 by the letter and sees the bytes as they were sent.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guard.h"
#include "limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define HEADERS (LIMIT_HEADERS + 1)

struct lenient {
	struct http_header headers[HEADERS];
	struct guard_request g;
};

/* Ends the line at `p` with NUL as the library does, and returns the next one's start; NULL if none ends. *len: without its end. */
static char *
cut_line(char *p, char *end, size_t *len)
{
	for (char *line = p; p < end; p++) {
		*len = (size_t)(p - line);
		if (*p == '\r' && p + 1 < end && p[1] == '\n') {
			p[0] = p[1] = '\0';
			return p + 2;
		}
		if (*p == '\n') {
			*p = '\0';
			return p + 1;
		}
	}
	return NULL;
}

/* Method, blanks, target, blank, version: the last blank counts, so that a target may hold some. */
static bool
read_line(struct guard_request *g, char *line, size_t len)
{
	char *target = memchr(line, ' ', len), *last = line + len - 1;

	if (!target)
		return false;
	*target++ = '\0';
	while (*target == ' ')
		target++;
	while (last > target && *last == ' ')
		last--;
	while (last > target && *last != ' ')
		last--;
	if (last <= target)
		return false;
	*last = '\0';
	g->method = g->memory = line;
	g->version = last + 1;
	g->target_at = target;
	g->target_len = strlen(target);
	return strlen(g->version) == (size_t)(line + len - g->version);	/* it knows the texts of versions by their length */
}

static bool
read_header(struct lenient *l, char *line)
{
	char *colon = strchr(line, ':'), *value = colon ? colon + 1 : NULL;

	if (!colon)
		return false;
	*colon = '\0';
	while (*value == ' ' || *value == '\t')
		value++;
	if (l->g.nheaders == LIMIT_HEADERS) {
		l->g.too_many = true;
		return true;
	}
	l->headers[l->g.nheaders++] = (struct http_header) { SLICE(line), SLICE(value) };
	return true;
}

/* The lines behind the first one, all and half of them: what is known of a part stays true of the whole. */
static void
look_ahead(struct guard_request *g, const char *end)
{
	const char *stop = g->version + strlen(g->version), *head = stop + 2 < end ? stop + 2 : end;
	enum guard_ends half = guard_ends(head, head + (end - head) / 2);

	g->ends = guard_ends(head, end);
	assert(half == GUARD_UNSEEN || half == g->ends);
}

/* What the library would hand over; false where it refuses by itself or waits for more. */
static bool
read_leniently(struct lenient *l, char *memory, size_t len, char target[])
{
	char *line = memory, *end = memory + len, *next = cut_line(line, end, &len);

	memset(l, 0, sizeof(*l));
	if (!next || !read_line(&l->g, line, len))
		return false;
	memcpy(target, l->g.target_at, l->g.target_len + 1);
	look_ahead(&l->g, end);
	for (char *p = memory + (l->g.target_at - memory); *p; p++)
		if (*p == '?' || *p == '&' || *p == '=')
			*p = '\0';
	for (line = next; (next = cut_line(line, end, &len)) && *line; line = next)
		if (!read_header(l, line))
			return false;
	l->g.target = target;
	l->g.headers = l->headers;
	l->g.memory_len = next ? (size_t)(next - memory) : 0;
	return next != NULL;
}

/* ---- by the letter ---- */

struct strict {
	size_t headers, hosts, lengths, codings, size;
	uint64_t length;
	char version;		/* the last digit */
};

static size_t
token(const char *p, const char *end)
{
	const char *from = p;

	while (p < end && ((*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z') ||
			  (*p && strchr("!#$%&'*+-.^_`|~", *p))))
		p++;
	return (size_t)(p - from);
}

static bool
take(const char **p, const char *end, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(end - *p) < len || memcmp(*p, text, len))
		return false;
	*p += len;
	return true;
}

/* "http://HOST" before the path. */
static void
skip_host(const char **p, const char *end)
{
	size_t scheme = end - *p > 8 && !strncasecmp(*p, "https://", 8) ? 8 : end - *p > 7 && !strncasecmp(*p, "http://", 7) ? 7 : 0;

	*p += scheme;
	while (scheme && *p < end && !strchr("/?# ", **p))
		++*p;
}

static bool
strict_line(const char **p, const char *end, struct strict *s)
{
	size_t method = token(*p, end);

	*p += method;
	if (!method || !take(p, end, " "))
		return false;
	skip_host(p, end);
	if (*p == end || **p != '/')
		return false;
	while (*p < end && (unsigned char)**p > ' ' && **p != 0x7f)
		++*p;
	if (!take(p, end, " HTTP/1.") || *p == end || (**p != '0' && **p != '1'))
		return false;
	s->version = *(*p)++;
	return take(p, end, "\r\n");
}

static bool
strict_header(const char **p, const char *end, struct strict *s)
{
	const char *name = *p, *value;
	size_t nlen = token(name, end), vlen;

	*p += nlen;
	if (!nlen || !take(p, end, ":"))
		return false;
	while (*p < end && (**p == ' ' || **p == '\t'))
		++*p;
	value = *p;
	while (*p < end && ((unsigned char)**p >= ' ' || **p == '\t') && **p != 0x7f)
		++*p;
	vlen = (size_t)(*p - value);
	s->headers++;
	s->hosts += nlen == 4 && !strncasecmp(name, "host", 4);
	if (nlen == 14 && !strncasecmp(name, "content-length", 14)) {
		s->lengths++;
		for (s->length = 0; vlen; value++, vlen--)
			s->length = s->length * 10 + (uint64_t)(*value - '0');
	} else if (nlen == 17 && !strncasecmp(name, "transfer-encoding", 17)) {
		s->codings++;
		assert(vlen == 7 && !strncasecmp(value, "chunked", 7));
	}
	return take(p, end, "\r\n");
}

/* Every line of what was accepted, or an assertion fails. */
static void
read_strictly(const char *bytes, const char *end, struct strict *s)
{
	const char *p = bytes;

	memset(s, 0, sizeof(*s));
	assert(strict_line(&p, end, s));
	while (!take(&p, end, "\r\n"))
		assert(strict_header(&p, end, s));
	s->size = (size_t)(p - bytes);
}

static char *
copy_of(const uint8_t *bytes, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

/* The first line's own end is past when the lines behind it are looked at: LF NUL is read as CR LF there. No reader takes that NUL for anything. */
static void
mend(char *stop)
{
	if (!memcmp(stop, "\n", 2))
		memcpy(stop, "\r\n", 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *memory = copy_of(bytes, len), *sent = copy_of(bytes, len), *target = copy_of(bytes, len);
	const char *reason = NULL;
	struct guard_result r;
	struct lenient l;
	struct strict s;
	int status;

	if (!read_leniently(&l, memory, len, target))
		goto out;
	if ((status = guard_check(&l.g, &r, &reason)) != 0) {
		assert(reason && (status == 400 || status == 414 || status == 417 || status == 505));
		goto out;
	}
	assert(l.g.ends == GUARD_PLAIN);
	mend(sent + (l.g.version + strlen(l.g.version) - memory));
	read_strictly(sent, sent + len, &s);
	assert(s.size == l.g.memory_len && s.headers == l.g.nheaders);
	assert(s.hosts == 1 || (s.version == '0' && s.hosts == 0));
	assert(s.lengths + s.codings <= 1 && (!s.codings || s.version == '1'));
	assert(r.has_length == (s.lengths == 1) && r.chunked == (s.codings == 1) && r.content_length == s.length);
out:
	free(memory);
	free(sent);
	free(target);
	return 0;
}
