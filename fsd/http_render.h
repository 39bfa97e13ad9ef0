#ifndef FSD_HTTP_RENDER_H
#define FSD_HTTP_RENDER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * How a reply becomes bytes; for http_serve.c and http_park.c alone.
 */
struct buf;
struct http_request;

/*
 * The next of the reply's header lines, cut up in place, so each can be had once: begin with *at = 0. Those that say
 * where the reply ends are left out. An empty value is shown as one blank, which is the same and which
 * the library takes. False at the end.
 */
bool http_next_header(struct buf *headers, size_t *at, char **name, char **value);

/* The reply's head and reply.body as they go to the wire; what a source gives comes behind it, in chunks if that is endless. */
void http_render(struct http_request *req, struct buf *out);

#endif
