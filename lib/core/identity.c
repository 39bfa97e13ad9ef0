#include <string.h>

#include "cache.h"
#include "caches.h"
#include "clock.h"
#include "commit.h"
#include "db.h"
#include "digest.h"
#include "err.h"
#include "identity.h"
#include "principal_row.h"
#include "secret.h"
#include "store_in.h"
#include "str.h"
#include "tbl_key.h"
#include "tbl_token.h"

/*
 * Each look-up reads the epoch before its snapshot, so that what it caches is never newer in name than in fact.
 */

static int
look_up_key(struct store *store, const char *key_id, struct identity_fact *fact)
{
	struct db_conn *c = NULL;
	struct principal_row who;
	struct key_row key;
	int rc;

	if ((rc = db_read_begin(store->db, &c)) == 0)
		rc = tbl_key_identity(c, key_id, &key, &who);
	db_read_end(c);
	if (rc == 0 && (key.disabled_at || who.disabled_at))
		rc = ERR_NOTFOUND;
	if (rc)
		return rc;
	principal_of_row(&who, &fact->identity.who);
	memcpy(fact->identity.key_id, key_id, KEY_ID_TEXT);
	return secret_open(store, key.id, key.sealed, key.sealed_len, fact->identity.secret);
}

static int
look_up_token(struct store *store, const uint8_t hash[SHA256_SIZE], struct identity_fact *fact)
{
	struct db_conn *c = NULL;
	struct principal_row who;
	struct token_row token;
	int rc;

	if ((rc = db_read_begin(store->db, &c)) == 0)
		rc = tbl_token_identity(c, hash, &token, &who);
	db_read_end(c);
	if (rc == 0 && who.disabled_at)
		rc = ERR_NOTFOUND;
	if (rc)
		return rc;
	principal_of_row(&who, &fact->identity.who);
	fact->expires_us = token.expires_at;
	return 0;
}

static int
look_up_local(struct store *store, struct identity_fact *fact)
{
	struct db_conn *c = NULL;
	struct principal_row who;
	int rc;

	if ((rc = db_read_begin(store->db, &c)) == 0)
		rc = tbl_principal_admin(c, 0, &who);
	db_read_end(c);
	if (rc == 0)
		principal_of_row(&who, &fact->identity.who);
	return rc;
}

/* What a look-up found goes into the cache, also that there is nobody. */
static void
remember(struct cache *cache, const void *key, size_t len, int64_t epoch, int rc, const struct identity_fact *fact)
{
	if (rc == 0)
		cache_put(cache, key, len, epoch, fact);
	else if (rc == ERR_NOTFOUND)
		cache_put(cache, key, len, epoch, NULL);
}

static int
give(int rc, struct identity_fact *fact, struct identity *identity)
{
	if (rc == 0 && fact->expires_us && clock_wall_us() >= fact->expires_us)
		rc = ERR_NOTFOUND;
	if (rc == 0)
		*identity = fact->identity;
	explicit_bzero(fact, sizeof(*fact));
	return rc == ERR_NOTFOUND ? ERR_AUTH : rc;
}

int
identity_by_key(struct store *store, const char *key_id, struct identity *identity)
{
	struct cache *cache = store->caches->keys;
	struct identity_fact fact = { 0 };
	int64_t epoch = store_auth_epoch(store);
	size_t len = strnlen(key_id, KEY_ID_TEXT);
	int rc;

	if (len != KEY_ID_TEXT - 1)
		return ERR_AUTH;
	if ((rc = cache_get(cache, key_id, len, epoch, &fact)) == ERR_AGAIN) {
		rc = look_up_key(store, key_id, &fact);
		remember(cache, key_id, len, epoch, rc, &fact);
	}
	return give(rc, &fact, identity);
}

int
identity_by_token(struct store *store, const char *token, struct identity *identity)
{
	struct cache *cache = store->caches->tokens;
	struct identity_fact fact = { 0 };
	int64_t epoch = store_auth_epoch(store);
	uint8_t hash[SHA256_SIZE];
	int rc;

	if (strnlen(token, TOKEN_TEXT) == TOKEN_TEXT || !str_starts(token, "fsdt_"))
		return ERR_AUTH;
	digest_sha256(token, strlen(token), hash);
	if ((rc = cache_get(cache, hash, sizeof(hash), epoch, &fact)) == ERR_AGAIN) {
		rc = look_up_token(store, hash, &fact);
		remember(cache, hash, sizeof(hash), epoch, rc, &fact);
	}
	return give(rc, &fact, identity);
}

/* Kept beside the tokens under a key that is no hash. */
int
identity_local(struct store *store, struct identity *identity)
{
	struct cache *cache = store->caches->tokens;
	struct identity_fact fact = { 0 };
	int64_t epoch = store_auth_epoch(store);
	int rc;

	if ((rc = cache_get(cache, "local", 5, epoch, &fact)) == ERR_AGAIN) {
		rc = look_up_local(store, &fact);
		remember(cache, "local", 5, epoch, rc, &fact);
	}
	return give(rc, &fact, identity);
}
