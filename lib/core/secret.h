#ifndef CORE_SECRET_H
#define CORE_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "principal.h"

/*
 * Random names and secrets, and how secrets are kept: sealed with the store's key file (codec/aead.h), bound to the id
 * of the key that they belong to. Tokens are 256 random bits behind "fsdt_" in base64url and kept as their SHA-256.
 */
struct store;

void secret_key_id(char id[KEY_ID_TEXT]);
void secret_make(char secret[KEY_SECRET_TEXT]);
void secret_token(char text[TOKEN_TEXT]);

/* Writes AEAD_SEALED_SIZE(strlen(secret)) bytes to `sealed`, which has room for `max`. ERR_NOMEM, ERR_TOOBIG. */
int secret_seal(const struct store *store, const char *key_id, const char *secret, uint8_t *sealed, size_t max,
    size_t *len);
/* ERR_CORRUPT (logged): not sealed with this store's key file for this key. */
int secret_open(const struct store *store, const char *key_id, const uint8_t *sealed, size_t len,
    char secret[KEY_SECRET_TEXT]);

#endif
