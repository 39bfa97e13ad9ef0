#ifndef CODEC_SIGV4_CANON_H
#define CODEC_SIGV4_CANON_H

#include "sigv4.h"

/*
 * The canonical form of a request (Signature Version 4) and helpers that sigv4.c, sigv4_parse.c and sigv2.c share.
 * Any thread.
 */

/* The trimmed value of the first header of that (lower-case) name. False if it is not there. */
bool sigv4_canon_header(const struct sigv4_request *r, const char *name, struct slice *value);

/* Splits "host;range;x-amz-date". ERR_INVALID: an empty name, an upper-case one, or over SIGV4_HEADERS. */
int sigv4_canon_names(struct slice list, struct slice names[SIGV4_HEADERS], size_t *count);
/* Is `name`, of any case, among them? */
bool sigv4_canon_named(const struct slice *names, size_t count, struct slice name);

/*
 * The names of all headers: in lower case, sorted, each once, in `mem`. ERR_INVALID: over SIGV4_HEADERS of them or
 * more than `size` bytes.
 */
int sigv4_canon_all(const struct sigv4_request *r, char *mem, size_t size, struct slice names[SIGV4_HEADERS],
    size_t *count);

/* Appends "name:value\n", with the values of headers of one name joined by commas. */
void sigv4_canon_line(struct buf *out, const struct sigv4_request *r, struct slice name);

/* Appends a header value without outer blanks and with runs of inner blanks as one. */
void sigv4_canon_value(struct buf *out, struct slice value);

/* Writes the canonical request to the cleared `out`: S3's variant (path escaped once, not normalised). */
int sigv4_canon_request(const struct sigv4_request *r, const struct slice *names, size_t count,
    struct slice payload, struct buf *out);

#endif
