#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "limits.h"
#include "uri.h"

#define PARAMS_STEP 8	/* most requests have few */

void
uri_init(struct uri *u)
{
	memset(u, 0, sizeof(*u));
	u->mem = (struct buf) BUF_INIT(LIMIT_TARGET + 16);
}

void
uri_release(struct uri *u)
{
	buf_release(&u->mem);
	free(u->params);
	uri_init(u);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes into `to`, which has room for `len` bytes. */
static int
decode(const char *text, size_t len, bool plus, char *to, size_t *got)
{
	char *start = to;

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (text[i] == '+' && plus) {
			*to++ = ' ';
			continue;
		}
		if (text[i] != '%') {
			*to++ = text[i];
			continue;
		}
		if (len - i < 3 || (high = hex_digit(text[i + 1])) < 0 || (low = hex_digit(text[i + 2])) < 0)
			return ERR_INVALID;
		if (!high && !low)
			return ERR_INVALID;
		*to++ = (char)(high << 4 | low);
		i += 2;
	}
	*got = (size_t)(to - start);
	return 0;
}

int
uri_decode(struct buf *out, const char *text, size_t len, bool plus)
{
	char *to = buf_room(out, len);
	size_t got = 0;
	int rc;

	if (!to)
		return buf_finish(out);
	if ((rc = decode(text, len, plus, to, &got)) != 0)
		return rc;
	to[got] = '\0';
	out->len += got;
	return 0;
}

/* 0: escape; 1: unreserved; 2: the slash */
static const unsigned char plain[256] = {
	['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['0' ... '9'] = 1, ['-'] = 1, ['.'] = 1, ['_'] = 1, ['~'] = 1,
	['/'] = 2,
};

void
uri_encode(struct buf *out, const char *bytes, size_t len, bool keep_slash)
{
	static const char hex[] = "0123456789ABCDEF";
	char *to = buf_room(out, 3 * len), *start = to;

	if (!to)
		return;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (plain[c] == 1 || (plain[c] == 2 && keep_slash)) {
			*to++ = (char)c;
			continue;
		}
		*to++ = '%';
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	*to = '\0';
	out->len += (size_t)(to - start);
}

/* Decodes one piece to the end of u->mem, with a NUL behind. The room was made before. */
static int
put(struct uri *u, const char *text, size_t len, bool plus, struct slice *piece)
{
	char *to = u->mem.data + u->mem.len;
	size_t got = 0;
	int rc;

	if ((rc = decode(text, len, plus, to, &got)) != 0)
		return rc;
	to[got] = '\0';
	u->mem.len += got + 1;
	*piece = (struct slice) { to, got };
	return 0;
}

static int
put_param(struct uri *u, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t name = equals ? (size_t)(equals - text) : len;
	struct uri_param *p;
	int rc;

	if (u->count == URI_PARAMS)
		return ERR_TOOBIG;
	if (u->count == u->room) {
		if (!(p = reallocarray(u->params, u->room + PARAMS_STEP, sizeof(*p))))
			return ERR_NOMEM;
		u->params = p;
		u->room += PARAMS_STEP;
	}
	p = &u->params[u->count];
	p->has_value = equals != NULL;
	p->value = (struct slice) { "", 0 };
	if ((rc = put(u, text, name, true, &p->name)) != 0)
		return rc;
	if (equals && (rc = put(u, equals + 1, len - name - 1, true, &p->value)) != 0)
		return rc;
	u->count++;
	return 0;
}

/* The part of the target from its path on; the authority of an absolute form is skipped. */
static int
skip_authority(const char **target, size_t *len)
{
	const char *from = *target, *end = from + *len, *slash;

	if (*len > 7 && !memcmp(from, "http://", 7))
		from += 7;
	else if (*len > 8 && !memcmp(from, "https://", 8))
		from += 8;
	else
		return *len && *from == '/' ? 0 : ERR_INVALID;
	if (!(slash = memchr(from, '/', (size_t)(end - from))))
		return ERR_INVALID;
	*target = slash;
	*len = (size_t)(end - slash);
	return 0;
}

int
uri_parse(struct uri *u, const char *target, size_t len)
{
	const char *question, *piece, *end;
	int rc;

	u->count = 0;
	buf_clear(&u->mem);
	if (len > LIMIT_TARGET)
		return ERR_TOOBIG;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)target[i] <= ' ' || target[i] == 0x7f)
			return ERR_INVALID;
	if ((rc = skip_authority(&target, &len)) != 0)
		return rc;
	/* Decoding never grows, and each "?", "=", "&" pays for the NUL of the piece before it. */
	if (!buf_room(&u->mem, len + 2))
		return buf_finish(&u->mem);
	end = target + len;
	question = memchr(target, '?', len);
	u->raw_path = (struct slice) { target, (size_t)((question ? question : end) - target) };
	u->raw_query = question ? (struct slice) { question + 1, (size_t)(end - question - 1) } : (struct slice) { "", 0 };
	if ((rc = put(u, target, u->raw_path.len, false, &u->path)) != 0)
		return rc;
	for (piece = u->raw_query.p; question && piece < end;) {
		const char *stop = memchr(piece, '&', (size_t)(end - piece));

		if (!stop)
			stop = end;
		if (stop > piece && (rc = put_param(u, piece, (size_t)(stop - piece))) != 0)
			return rc;
		piece = stop + 1;
	}
	return 0;
}

const struct uri_param *
uri_param(const struct uri *u, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < u->count; i++)
		if (u->params[i].name.len == len && !memcmp(u->params[i].name.p, name, len))
			return &u->params[i];
	return NULL;
}

bool
uri_has(const struct uri *u, const char *name)
{
	return uri_param(u, name) != NULL;
}

const char *
uri_value(const struct uri *u, const char *name)
{
	const struct uri_param *p = uri_param(u, name);

	return p ? p->value.p : NULL;
}
