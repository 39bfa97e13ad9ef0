#include <assert.h>
#include <string.h>

#include "digest.h"
#include "err.h"
#include "store_in.h"
#include "str.h"
#include "ticket.h"

#define MAC 16

static const char *
prefix_of(enum ticket_kind kind)
{
	static const char *const prefixes[] = { [TICKET_CURSOR] = "cur_", [TICKET_PART] = "tkt_", [TICKET_CONTENT] = "tkt_",
		[TICKET_PAGE] = "pag_", [TICKET_LIST] = "lst_", [TICKET_UPLOAD] = "mpu_" };

	return prefixes[kind];
}

static void
sign(const struct store *store, enum ticket_kind kind, const void *payload, size_t len, uint8_t mac[SHA256_SIZE])
{
	static const char purpose[] = "fsd ticket 1";
	uint8_t key[SHA256_SIZE], said[1 + TICKET_PAYLOAD];

	said[0] = (uint8_t)kind;
	memcpy(said + 1, payload, len);
	hmac_sha256(store->key, sizeof(store->key), purpose, sizeof(purpose) - 1, key);
	hmac_sha256(key, sizeof(key), said, len + 1, mac);
	explicit_bzero(key, sizeof(key));
}

void
ticket_write(const struct store *store, enum ticket_kind kind, const void *payload, size_t len, struct buf *text)
{
	uint8_t mac[SHA256_SIZE];

	assert(len <= TICKET_PAYLOAD);
	sign(store, kind, payload, len, mac);
	buf_addstr(text, prefix_of(kind));
	buf_addhex(text, payload, len);
	buf_addhex(text, mac, MAC);
}

/* The digits as ticket_write() makes them: another spelling of the same bytes is another text. */
static int
decode(const char *hex, uint8_t *bytes, size_t max, size_t *len)
{
	size_t n = strlen(hex);

	if (n % 2 || n / 2 > max || strspn(hex, "0123456789abcdef") != n)
		return ERR_INVALID;
	*len = n / 2;
	return hex_decode(hex, n, bytes, *len);
}

int
ticket_read(const struct store *store, enum ticket_kind kind, const char *text, uint8_t payload[TICKET_PAYLOAD],
    size_t *len)
{
	const char *prefix = prefix_of(kind);
	uint8_t bytes[TICKET_PAYLOAD + MAC], mac[SHA256_SIZE];
	size_t n;

	if (!str_starts(text, prefix) || decode(text + strlen(prefix), bytes, sizeof(bytes), &n) != 0 || n < MAC)
		return ERR_INVALID;
	n -= MAC;
	sign(store, kind, bytes, n, mac);
	if (!bytes_equal_secret(mac, bytes + n, MAC))
		return ERR_INVALID;
	memcpy(payload, bytes, n);
	*len = n;
	return 0;
}
