#include "api.h"
#include "daemon.h"
#include "err.h"
#include "le.h"
#include "ticket.h"

/* A cursor says, as four little-endian numbers of 8 bytes: workspace, folder, principal, sequence. */
#define CURSOR_SIZE 32

void
api_cursor_text(struct request *req, const struct cursor *c, struct buf *text)
{
	uint8_t said[CURSOR_SIZE];

	le_put64(said, (uint64_t)c->workspace);
	le_put64(said + 8, (uint64_t)c->folder);
	le_put64(said + 16, (uint64_t)c->principal);
	le_put64(said + 24, (uint64_t)c->sequence);
	ticket_write(req->daemon->store, TICKET_CURSOR, said, sizeof(said), text);
}

void
api_put_cursor(struct request *req, struct json_out *j, const char *key, const struct cursor *c)
{
	struct buf text = BUF_INIT(TICKET_TEXT);

	api_cursor_text(req, c, &text);
	json_key_str(j, key, text.data);
	if (buf_finish(&text) != 0)
		j->buf->err = buf_finish(&text);
	buf_release(&text);
}

int
api_read_cursor(struct request *req, const char *text, struct cursor *c)
{
	uint8_t said[TICKET_PAYLOAD];
	size_t len;

	if (ticket_read(req->daemon->store, TICKET_CURSOR, text, said, &len) != 0 || len != CURSOR_SIZE)
		return request_fail(req, ERR_INVALID, "cursor_invalid", "The cursor is not one that this server gave.");
	*c = (struct cursor) { (int64_t)le_get64(said), (int64_t)le_get64(said + 8), (int64_t)le_get64(said + 16),
		(int64_t)le_get64(said + 24) };
	if (c->principal != req->who.who.id)
		return request_fail(req, ERR_INVALID, "cursor_invalid", "The cursor was given to somebody else.");
	return 0;
}
