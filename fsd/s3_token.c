#include <string.h>

#include "daemon.h"
#include "digest.h"
#include "err.h"
#include "le.h"
#include "limits.h"
#include "request.h"
#include "s3_token.h"
#include "ticket.h"

#define SAID_SIZE (1 + 8 + SHA256_SIZE)

static void
add_text(struct buf *b, struct slice text)
{
	buf_addle(b, text.len, 8);
	buf_add(b, text.p, text.len);
}

/* What a token must agree with. Each text has its length before it, so that no two listings look the same. */
static int
hash(const struct s3_listing *listing, struct slice after, uint8_t out[SHA256_SIZE])
{
	struct buf b = BUF_INIT(4 * LIMIT_KEY_STORED);
	int rc;

	buf_addle(&b, (uint64_t)listing->of, 8);
	add_text(&b, listing->bucket);
	add_text(&b, listing->prefix);
	add_text(&b, listing->delimiter);
	add_text(&b, after);
	if ((rc = buf_finish(&b)) == 0)
		digest_sha256(b.data, b.len, out);
	buf_release(&b);
	return rc;
}

/* What the ticket before the dot says. */
static int
read_ticket(struct request *req, const char *text, size_t len, uint8_t said[TICKET_PAYLOAD])
{
	char ticket[TICKET_TEXT + 1];
	size_t n;

	if (len > TICKET_TEXT)
		return ERR_INVALID;
	memcpy(ticket, text, len);
	ticket[len] = '\0';
	return ticket_read(req->daemon->store, TICKET_LIST, ticket, said, &n) == 0 && n == SAID_SIZE ? 0 : ERR_INVALID;
}

static int
read_key(const char *text, struct buf *key)
{
	size_t len = strlen(text), got;
	char *room = buf_room(key, len + 1);

	if (!room)
		return buf_finish(key);
	if (base64_decode(text, len, room, len, &got) != 0)
		return ERR_INVALID;
	key->len = got;
	return 0;
}

static int
read_token(struct request *req, const char *text, const struct s3_listing *listing, struct buf *key, struct s3_place *place)
{
	uint8_t said[TICKET_PAYLOAD], wanted[SHA256_SIZE];
	const char *dot = strchr(text, '.');
	struct slice after;
	int rc;

	if (!dot || read_ticket(req, text, (size_t)(dot - text), said) != 0)
		return ERR_INVALID;
	if ((rc = read_key(dot + 1, key)) != 0)
		return rc;
	after = (struct slice) { key->data, key->len };
	if ((rc = hash(listing, after, wanted)) != 0)
		return rc;
	if (memcmp(wanted, said + 9, SHA256_SIZE))
		return ERR_INVALID;
	*place = (struct s3_place) { after, said[0] == 1, (int64_t)le_get64(said + 1) };
	return 0;
}

int
s3_token_read(struct request *req, const char *text, const struct s3_listing *listing, struct buf *key, struct s3_place *place)
{
	int rc = read_token(req, text, listing, key, place);

	return rc != ERR_INVALID ? rc : request_fail(req, rc, "InvalidArgument",
	    "The continuation token provided is incorrect: send the one of the page before as it was, with the parameters of that page.");
}

void
s3_token_write(struct request *req, const struct s3_listing *listing, const struct s3_place *place, struct buf *text)
{
	uint8_t said[SAID_SIZE] = { place->after_prefix };
	char *room;
	int rc;

	le_put64(said + 1, (uint64_t)place->sequence);
	if ((rc = hash(listing, place->after, said + 9)) != 0) {
		text->err = text->err ? text->err : rc;
		return;
	}
	ticket_write(req->daemon->store, TICKET_LIST, said, sizeof(said), text);
	buf_addch(text, '.');
	if (!(room = buf_room(text, BASE64_SIZE(place->after.len))))
		return;
	base64_encode(place->after.p, place->after.len, room);
	text->len += strlen(room);
}
