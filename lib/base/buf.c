#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "le.h"
#include "str.h"

void
buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf) BUF_INIT(b->max);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->err = 0;
	if (b->data)
		b->data[0] = '\0';
}

/* Always leaves one byte behind the room for the NUL. */
char *
buf_room(struct buf *b, size_t len)
{
	size_t size = b->size ? b->size : 64;
	char *data;

	if (b->err)
		return NULL;
	/* Almost always: what is there is enough. */
	if (len < b->size - b->len && b->len + len <= b->max) {
		b->data[b->len + len] = '\0';
		return b->data + b->len;
	}
	/* A quarter of what a size_t can count is more than any machine has, and keeps the doubling from wrapping. */
	if (b->len > b->max || len > b->max - b->len || len >= SIZE_MAX / 4 - b->len) {
		b->err = ERR_TOOBIG;
		return NULL;
	}
	while (size - b->len <= len)
		size *= 2;
	if (size > b->size) {
		if (!(data = realloc(b->data, size))) {
			b->err = ERR_NOMEM;
			return NULL;
		}
		b->data = data;
		b->size = size;
	}
	b->data[b->len + len] = '\0';
	return b->data + b->len;
}

void
buf_add(struct buf *b, const void *bytes, size_t len)
{
	char *to = buf_room(b, len);

	if (!to || !len)
		return;
	memcpy(to, bytes, len);
	b->len += len;
}

void
buf_addstr(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addch(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_addf(struct buf *b, const char *format, ...)
{
	va_list args;
	char *to;
	int len;

	if (b->err)
		return;
	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0) {
		b->err = ERR_TOOBIG;
		return;
	}
	if (!(to = buf_room(b, (size_t)len)))
		return;
	va_start(args, format);
	vsnprintf(to, (size_t)len + 1, format, args);
	va_end(args);
	b->len += (size_t)len;
}

void
buf_addhex(struct buf *b, const void *bytes, size_t len)
{
	char *to = buf_room(b, len < SIZE_MAX / 2 ? 2 * len : SIZE_MAX);

	if (!to)
		return;
	hex_encode(bytes, len, to);
	b->len += 2 * len;
}

void
buf_addle(struct buf *b, uint64_t value, int bytes)
{
	uint8_t raw[8];

	assert(bytes >= 1 && bytes <= 8);
	le_put(raw, value, bytes);
	buf_add(b, raw, (size_t)bytes);
}

void
buf_consume(struct buf *b, size_t len)
{
	assert(len <= b->len);
	if (!len)
		return;
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
	b->data[b->len] = '\0';
}

int
buf_finish(const struct buf *b)
{
	/* Who wrote into buf_room() moved the end without the NUL. */
	if (b->data)
		b->data[b->len] = '\0';
	return b->err;
}

int
buf_take(struct buf *b, char **data, size_t *len)
{
	if (!b->err && !b->data)
		buf_room(b, 0);
	if (buf_finish(b))
		return b->err;
	*data = b->data;
	*len = b->len;
	*b = (struct buf) BUF_INIT(b->max);
	return 0;
}
