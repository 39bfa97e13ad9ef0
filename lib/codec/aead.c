#include <string.h>

#include <openssl/evp.h>

#include "aead.h"
#include "err.h"
#include "id.h"

int
aead_seal(const uint8_t key[AEAD_KEY_SIZE], const void *ad, size_t adlen, const void *plain, size_t len,
    uint8_t *sealed)
{
	uint8_t *body = sealed + AEAD_NONCE_SIZE;
	EVP_CIPHER_CTX *z;
	int n, rc = ERR_NOMEM;

	if (len > AEAD_LEN_MAX || adlen > AEAD_LEN_MAX)
		return ERR_TOOBIG;
	if (!(z = EVP_CIPHER_CTX_new()))
		return ERR_NOMEM;
	random_bytes(sealed, AEAD_NONCE_SIZE);
	if (!EVP_EncryptInit_ex(z, EVP_aes_256_gcm(), NULL, key, sealed))
		goto out;
	if (adlen && !EVP_EncryptUpdate(z, NULL, &n, ad, (int)adlen))
		goto out;
	if (len && !EVP_EncryptUpdate(z, body, &n, plain, (int)len))
		goto out;
	if (!EVP_EncryptFinal_ex(z, body + len, &n) ||
	    !EVP_CIPHER_CTX_ctrl(z, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_SIZE, body + len))
		goto out;
	rc = 0;
out:
	EVP_CIPHER_CTX_free(z);
	return rc;
}

int
aead_open(const uint8_t key[AEAD_KEY_SIZE], const void *ad, size_t adlen, const uint8_t *sealed, size_t len,
    void *plain)
{
	const uint8_t *body = sealed + AEAD_NONCE_SIZE;
	uint8_t tag[AEAD_TAG_SIZE], none[AEAD_TAG_SIZE];
	EVP_CIPHER_CTX *z;
	size_t body_len;
	int n, rc = ERR_NOMEM;

	if (len < AEAD_SEALED_SIZE(0))
		return ERR_CORRUPT;
	body_len = len - AEAD_SEALED_SIZE(0);
	if (body_len > AEAD_LEN_MAX || adlen > AEAD_LEN_MAX)
		return ERR_TOOBIG;
	if (!(z = EVP_CIPHER_CTX_new()))
		return ERR_NOMEM;
	memcpy(tag, body + body_len, sizeof(tag));
	if (!EVP_DecryptInit_ex(z, EVP_aes_256_gcm(), NULL, key, sealed))
		goto out;
	if (adlen && !EVP_DecryptUpdate(z, NULL, &n, ad, (int)adlen))
		goto out;
	if (body_len && !EVP_DecryptUpdate(z, plain, &n, body, (int)body_len))
		goto out;
	if (!EVP_CIPHER_CTX_ctrl(z, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_SIZE, tag))
		goto out;
	/* Compares the tag and writes nothing. */
	rc = EVP_DecryptFinal_ex(z, none, &n) == 1 ? 0 : ERR_CORRUPT;
out:
	if (rc && body_len)
		explicit_bzero(plain, body_len);
	EVP_CIPHER_CTX_free(z);
	return rc;
}
