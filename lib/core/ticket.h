#ifndef CORE_TICKET_H
#define CORE_TICKET_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/*
 * Texts that clients give back and cannot make or change: cursors of the feed, upload and download URLs, marks of pages, ids of multipart uploads. A ticket is
 * a prefix, then in lower-case hex what it says and the first 16 bytes of an HMAC-SHA256 over its kind and that, under a key
 * derived from the store's. What it says is not secret. A text that differs in any bit is refused, as is a ticket of another kind or store.
 */
struct store;

enum ticket_kind { TICKET_CURSOR = 1, TICKET_PART, TICKET_CONTENT, TICKET_PAGE, TICKET_LIST, TICKET_UPLOAD };
#define TICKET_PAYLOAD 1088		/* bytes that a ticket can say: a name (LIMIT_KEY) and eight numbers */
#define TICKET_TEXT (8 + 2 * (TICKET_PAYLOAD + 16))

/* Appends "cur_…", "tkt_…" (both URLs), "pag_…", "lst_…" or "mpu_…" to `text`. */
void ticket_write(const struct store *store, enum ticket_kind kind, const void *payload, size_t len, struct buf *text);

/* What an authentic one says; *len gets how many bytes. ERR_INVALID for everything else. */
int ticket_read(const struct store *store, enum ticket_kind kind, const char *text, uint8_t payload[TICKET_PAYLOAD],
    size_t *len);

#endif
