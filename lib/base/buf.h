#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

/*
 * A growable string of bytes with a sticky error: appends return nothing, and whoever builds asks once,
 * with buf_finish(). After a failure further appends do nothing. `data`, when not NULL, is followed by a
 * NUL that `len` does not count. Not for sharing between threads.
 */
struct buf {
	char *data;	/* owned; NULL while nothing was appended */
	size_t len;	/* bytes in use */
	size_t size;	/* bytes allocated */
	size_t max;	/* appends that would pass this many bytes fail with ERR_TOOBIG */
	int err;	/* 0, ERR_NOMEM or ERR_TOOBIG */
};

#define BUF_INIT(limit) { .max = (limit) }

void buf_release(struct buf *b);	/* frees the contents; `b` can be used again */
void buf_clear(struct buf *b);		/* empties it, forgets the error, keeps the memory */
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_addstr(struct buf *b, const char *s);
void buf_addch(struct buf *b, char c);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_addhex(struct buf *b, const void *bytes, size_t len);	/* lower case */
void buf_addle(struct buf *b, uint64_t value, int bytes);	/* the low 1 to 8 bytes, little-endian */

/* Drops the first `len` bytes (len <= b->len). */
void buf_consume(struct buf *b, size_t len);

/*
 * Makes room for `len` bytes and returns where to write them, or NULL with the error set. The caller
 * writes and then adds to b->len what it wrote (at most `len`).
 */
char *buf_room(struct buf *b, size_t len);

/* 0 if everything was appended, else the first error. The contents stay owned by `b`. */
int buf_finish(const struct buf *b);

/* buf_finish(); on success gives the contents away (never NULL; `b` is empty after) to be freed with free(). */
int buf_take(struct buf *b, char **data, size_t *len);

#endif
