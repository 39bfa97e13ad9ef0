#include <string.h>

#include "aead.h"
#include "err.h"
#include "id.h"
#include "log.h"
#include "secret.h"
#include "store_in.h"
#include "str.h"

#define TOKEN_PREFIX "fsdt_"
#define TOKEN_BYTES 32

_Static_assert(sizeof(TOKEN_PREFIX) - 1 + BASE64_SIZE(TOKEN_BYTES) <= TOKEN_TEXT, "a token fits its text");

void
secret_key_id(char id[KEY_ID_TEXT])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint8_t bytes[KEY_ID_TEXT - 3];

	random_bytes(bytes, sizeof(bytes));
	id[0] = 'A';
	id[1] = 'K';
	for (size_t i = 0; i < sizeof(bytes); i++)
		id[2 + i] = alphabet[bytes[i] & 31];
	id[KEY_ID_TEXT - 1] = '\0';
}

void
secret_make(char secret[KEY_SECRET_TEXT])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	const unsigned count = sizeof(alphabet) - 1;
	uint8_t byte;

	for (size_t i = 0; i < KEY_SECRET_TEXT - 1;) {
		random_bytes(&byte, 1);
		if (byte < 256 / count * count)		/* so that all are as likely */
			secret[i++] = alphabet[byte % count];
	}
	secret[KEY_SECRET_TEXT - 1] = '\0';
}

void
secret_token(char text[TOKEN_TEXT])
{
	uint8_t bytes[TOKEN_BYTES];
	char *p = text + strlen(TOKEN_PREFIX);

	random_bytes(bytes, sizeof(bytes));
	memcpy(text, TOKEN_PREFIX, strlen(TOKEN_PREFIX));
	base64_encode(bytes, sizeof(bytes), p);
	for (; *p && *p != '='; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	*p = '\0';
	explicit_bzero(bytes, sizeof(bytes));
}

int
secret_seal(const struct store *store, const char *key_id, const char *secret, uint8_t *sealed, size_t max, size_t *len)
{
	size_t n = AEAD_SEALED_SIZE(strlen(secret));
	int rc;

	if (n > max)
		return ERR_TOOBIG;
	if ((rc = aead_seal(store->key, key_id, strlen(key_id), secret, strlen(secret), sealed)) == 0)
		*len = n;
	return rc;
}

int
secret_open(const struct store *store, const char *key_id, const uint8_t *sealed, size_t len,
    char secret[KEY_SECRET_TEXT])
{
	int rc = ERR_CORRUPT;

	if (len == AEAD_SEALED_SIZE(KEY_SECRET_TEXT - 1))
		rc = aead_open(store->key, key_id, strlen(key_id), sealed, len, secret);
	secret[KEY_SECRET_TEXT - 1] = '\0';
	if (rc == ERR_CORRUPT)
		log_error("access key %s: its secret does not open with store.key: the row or the file was changed; "
			  "delete the key and create another", key_id);
	return rc;
}
