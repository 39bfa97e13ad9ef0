#include <stdlib.h>
#include <string.h>

#include "awschunk.h"
#include "digest.h"
#include "err.h"

/*
 * States, and what the next byte is part of:
 *
 *	SIZE	a chunk's header line          -> DATA, or after the chunk of size 0 -> TRAILER
 *	DATA	a chunk's payload              -> CRLF
 *	CRLF	the line end behind a payload  -> SIZE (the chunk's signature was verified)
 *	TRAILER	a trailer line, or the empty line that ends the body -> DONE (all verified)
 *	DONE	nothing
 */
enum state { SIZE, DATA, CRLF, TRAILER, DONE };

struct trailer {
	const char *name, *value;
};

struct awschunk {
	enum awschunk_mode mode;
	enum state state;
	int err;			/* the first; final */
	uint64_t announced, given;	/* payload bytes of the whole body */
	uint64_t left;			/* payload bytes of this chunk still to come */
	struct sigv4_chain chain;
	struct digest *sha256;		/* of this chunk's payload; NULL if unsigned */
	char expected[SIGV4_SIGNATURE];	/* what this chunk's header line claims */
	char line[AWSCHUNK_LINE];
	size_t line_len;
	char text[AWSCHUNK_TRAILERS + 2 * AWSCHUNK_TRAILER_COUNT];	/* names and values, each with a NUL */
	size_t text_len, trailer_bytes;
	struct trailer trailers[AWSCHUNK_TRAILER_COUNT];
	size_t count;
	bool trailer_signed;		/* x-amz-trailer-signature came, and held */
	bool bare;			/* the line before ended with LF alone */
};

int
awschunk_mode(struct slice value, enum awschunk_mode *mode)
{
	static const char prefix[] = "STREAMING-";

	if (slice_is(value, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"))
		*mode = AWSCHUNK_SIGNED;
	else if (slice_is(value, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"))
		*mode = AWSCHUNK_SIGNED_TRAILER;
	else if (slice_is(value, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"))
		*mode = AWSCHUNK_UNSIGNED_TRAILER;
	else if (value.len >= sizeof(prefix) - 1 && !memcmp(value.p, prefix, sizeof(prefix) - 1))
		return ERR_UNSUPPORTED;
	else
		return ERR_NOTFOUND;
	return 0;
}

int
awschunk_new(enum awschunk_mode mode, uint64_t decoded, const struct sigv4_chain *chain, struct awschunk **result)
{
	struct awschunk *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return ERR_NOMEM;
	d->mode = mode;
	d->announced = decoded;
	if (mode != AWSCHUNK_UNSIGNED_TRAILER) {
		d->chain = *chain;
		if ((rc = digest_new(DIGEST_SHA256, &d->sha256)) != 0) {
			awschunk_free(d);
			return rc;
		}
	}
	*result = d;
	return 0;
}

void
awschunk_free(struct awschunk *d)
{
	if (!d)
		return;
	digest_free(d->sha256);
	explicit_bzero(&d->chain, sizeof(d->chain));
	free(d);
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Does the signature claimed hold for the chunk whose payload was hashed? */
static int
verify_chunk(struct awschunk *d)
{
	uint8_t hash[SHA256_SIZE];

	if (!d->sha256)
		return 0;
	digest_final(d->sha256, hash);
	sigv4_chain_chunk(&d->chain, hash);
	return bytes_equal_secret(d->chain.last, d->expected, SIGV4_SIGNATURE) ? 0 : ERR_AUTH;
}

static int
begin_chunk(struct awschunk *d, uint64_t size)
{
	int rc;

	if (size > d->announced - d->given)
		return ERR_INVALID;
	if (d->sha256)
		digest_reset(d->sha256);
	d->left = size;
	if (size) {
		d->state = DATA;
		return 0;
	}
	if (d->given != d->announced)
		return ERR_TRUNCATED;
	if ((rc = verify_chunk(d)) != 0)
		return rc;
	d->state = TRAILER;
	return 0;
}

/* "1f00" or "1f00;chunk-signature=64 hex digits" */
static int
size_line(struct awschunk *d, const char *line, size_t len)
{
	static const char extension[] = ";chunk-signature=";
	const size_t extlen = sizeof(extension) - 1;
	uint64_t size = 0;
	size_t n = 0;

	for (int digit; n < len && (digit = hex_digit(line[n])) >= 0; n++) {
		if (size >> 60)
			return ERR_INVALID;
		size = size << 4 | (uint64_t)digit;
	}
	if (!n)
		return ERR_INVALID;
	if (!d->sha256)
		return n == len ? begin_chunk(d, size) : ERR_INVALID;
	if (len - n != extlen + SIGV4_SIGNATURE || memcmp(line + n, extension, extlen))
		return ERR_INVALID;
	memcpy(d->expected, line + n + extlen, SIGV4_SIGNATURE);
	return begin_chunk(d, size);
}

/* The trailers are signed as one text, "name:value\n" each, in the order sent. */
static int
verify_trailers(struct awschunk *d, struct slice signature)
{
	uint8_t hash[SHA256_SIZE];

	if (d->mode != AWSCHUNK_SIGNED_TRAILER || d->trailer_signed || signature.len != SIGV4_SIGNATURE)
		return ERR_INVALID;
	digest_reset(d->sha256);
	for (size_t i = 0; i < d->count; i++) {
		digest_update(d->sha256, d->trailers[i].name, strlen(d->trailers[i].name));
		digest_update(d->sha256, ":", 1);
		digest_update(d->sha256, d->trailers[i].value, strlen(d->trailers[i].value));
		digest_update(d->sha256, "\n", 1);
	}
	digest_final(d->sha256, hash);
	sigv4_chain_trailer(&d->chain, hash);
	d->trailer_signed = true;
	return bytes_equal_secret(d->chain.last, signature.p, SIGV4_SIGNATURE) ? 0 : ERR_AUTH;
}

static const char *
keep(struct awschunk *d, struct slice s, bool lower)
{
	char *to = d->text + d->text_len;

	for (size_t i = 0; i < s.len; i++)
		to[i] = (char)(lower && s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
	to[s.len] = '\0';
	d->text_len += s.len + 1;
	return to;
}

static struct slice
trim(const char *p, size_t len)
{
	while (len && (*p == ' ' || *p == '\t')) {
		p++;
		len--;
	}
	while (len && (p[len - 1] == ' ' || p[len - 1] == '\t'))
		len--;
	return (struct slice) { p, len };
}

static int
trailer_line(struct awschunk *d, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	struct slice name, value;
	struct trailer *t;

	if (!len) {
		if (d->mode == AWSCHUNK_SIGNED_TRAILER && d->count && !d->trailer_signed)
			return ERR_AUTH;
		d->state = DONE;
		return 0;
	}
	if (d->mode == AWSCHUNK_SIGNED || !colon || colon == line || d->trailer_signed || memchr(line, '\0', len))
		return ERR_INVALID;
	if ((d->trailer_bytes += len) > AWSCHUNK_TRAILERS || d->count == AWSCHUNK_TRAILER_COUNT)
		return ERR_TOOBIG;
	name = trim(line, (size_t)(colon - line));
	value = trim(colon + 1, len - (size_t)(colon - line) - 1);
	t = &d->trailers[d->count];
	t->name = keep(d, name, true);
	if (!strcmp(t->name, "x-amz-trailer-signature"))
		return verify_trailers(d, value);
	if (awschunk_trailer(d, t->name))
		return ERR_INVALID;
	t->value = keep(d, value, false);
	d->count++;
	return 0;
}

/* The CRLF of a line end LF CRLF: between the trailers and their signature only, where no body can end. */
static bool
ends_twice(const struct awschunk *d, size_t len, bool bare)
{
	return d->mode == AWSCHUNK_SIGNED_TRAILER && !d->trailer_signed && d->bare && !bare && !len;
}

static int
whole_line(struct awschunk *d, size_t len, bool bare)
{
	bool twice = ends_twice(d, len, bare);

	d->bare = bare;
	if (d->state == TRAILER)
		return twice ? 0 : trailer_line(d, d->line, len);
	return bare ? ERR_INVALID : size_line(d, d->line, len);
}

/* Collects a line that ends with CRLF. A bare LF ends a trailer too, as AWS's own example has it. */
static int
take_line(struct awschunk *d, const char *bytes, size_t len, size_t *used)
{
	const char *newline = memchr(bytes, '\n', len);
	size_t n = newline ? (size_t)(newline - bytes) + 1 : len;
	bool bare;

	if (n > sizeof(d->line) - d->line_len)
		return ERR_TOOBIG;
	memcpy(d->line + d->line_len, bytes, n);
	d->line_len += n;
	*used += n;
	if (!newline)
		return 0;
	n = d->line_len - 1;
	d->line_len = 0;
	bare = !n || d->line[n - 1] != '\r';
	return whole_line(d, bare ? n : n - 1, bare);
}

static void
take_payload(struct awschunk *d, const char *bytes, size_t len, size_t *used, struct slice *payload)
{
	size_t n = len < d->left ? len : (size_t)d->left;

	if (d->sha256)
		digest_update(d->sha256, bytes, n);
	*payload = (struct slice) { bytes, n };
	*used += n;
	d->left -= n;
	d->given += n;
	if (!d->left)
		d->state = CRLF;
}

static int
take_crlf(struct awschunk *d, char c, size_t *used)
{
	if (c != "\r\n"[d->line_len])
		return ERR_INVALID;
	++*used;
	if (++d->line_len < 2)
		return 0;
	d->line_len = 0;
	d->state = SIZE;
	return verify_chunk(d);
}

int
awschunk_feed(struct awschunk *d, const char *bytes, size_t len, size_t *used, struct slice *payload)
{
	*used = 0;
	*payload = (struct slice) { bytes, 0 };
	while (!d->err && *used < len && !payload->len) {
		const char *p = bytes + *used;
		size_t rest = len - *used;

		switch (d->state) {
		case SIZE:
		case TRAILER:
			d->err = take_line(d, p, rest, used);
			break;
		case DATA:
			take_payload(d, p, rest, used, payload);
			break;
		case CRLF:
			d->err = take_crlf(d, *p, used);
			break;
		case DONE:
			d->err = ERR_INVALID;
			break;
		}
	}
	return d->err;
}

bool
awschunk_done(const struct awschunk *d)
{
	return !d->err && d->state == DONE;
}

int
awschunk_finish(struct awschunk *d)
{
	if (!d->err && d->state != DONE)
		d->err = ERR_TRUNCATED;
	return d->err;
}

size_t
awschunk_trailer_count(const struct awschunk *d)
{
	return d->count;
}

void
awschunk_trailer_at(const struct awschunk *d, size_t i, const char **name, const char **value)
{
	*name = d->trailers[i].name;
	*value = d->trailers[i].value;
}

const char *
awschunk_trailer(const struct awschunk *d, const char *name)
{
	for (size_t i = 0; i < d->count; i++)
		if (!strcmp(d->trailers[i].name, name))
			return d->trailers[i].value;
	return NULL;
}
