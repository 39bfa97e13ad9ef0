#ifndef CORE_PRINCIPAL_H
#define CORE_PRINCIPAL_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

/*
 * Users, their S3 access keys and their bearer tokens. Secrets are kept encrypted with the store's key file
 * (keys) or as SHA-256 (tokens), given out once and never logged. Every change raises the authorisation epoch, which ends
 * what is cached of it.
 */
struct store;

struct principal {
	int64_t id;
	char name[LIMIT_USER_NAME + 1];
	bool admin, may_create_buckets;
	int64_t created_us;
	int64_t disabled_us;		/* 0: not */
};

/* Names: 1 to LIMIT_USER_NAME of A-Z a-z 0-9 . _ - @ +, not starting with "-" or ".". ERR_INVALID, ERR_EXISTS. */
int principal_create(struct store *store, const char *name, bool admin, bool may_create_buckets, struct principal *p);
int principal_find(struct store *store, const char *name, struct principal *p);
int principal_get(struct store *store, int64_t id, struct principal *p);
int principal_list(struct store *store, const char *after, struct principal *list, unsigned max, unsigned *n);
int principal_disable(struct store *store, int64_t id, bool disabled);	/* ERR_CONFLICT for the last administrator that is not disabled */
/* ERR_NOTEMPTY while it owns workspaces; ERR_CONFLICT for the last administrator. Keys, tokens and grants go with it. */
int principal_delete(struct store *store, int64_t id);

#define KEY_ID_TEXT 21			/* "AK" and 18 of A-Z2-7, with NUL */
#define KEY_SECRET_TEXT 41		/* 40 of base64's alphabet without + and /, with NUL */
struct access_key {
	char id[KEY_ID_TEXT];
	int64_t principal;
	int64_t created_us, disabled_us;
};
int key_create(struct store *store, int64_t principal, struct access_key *key, char secret[KEY_SECRET_TEXT]);
int key_list(struct store *store, int64_t principal, struct access_key *list, unsigned max, unsigned *n);
int key_disable(struct store *store, int64_t principal, const char *id, bool disabled);
int key_delete(struct store *store, int64_t principal, const char *id);

#define TOKEN_TEXT 64
struct token {
	int64_t id, principal, created_us, expires_us;	/* expires 0: never */
};
int token_create(struct store *store, int64_t principal, int64_t lifetime_ms, struct token *token, char text[TOKEN_TEXT]);
int token_list(struct store *store, int64_t principal, struct token *list, unsigned max, unsigned *n);
int token_delete(struct store *store, int64_t principal, int64_t id);

/*
 * Who stands behind a key id or a token: cached under the authorisation epoch. ERR_AUTH: unknown, disabled (the
 * user or the key), expired. A caller can't tell which.
 */
struct identity {
	struct principal who;
	char key_id[KEY_ID_TEXT];	/* empty for tokens and the Unix socket */
	char secret[KEY_SECRET_TEXT];	/* of the key: for verifying a signature; wipe after use */
};
int identity_by_key(struct store *store, const char *key_id, struct identity *identity);
int identity_by_token(struct store *store, const char *token, struct identity *identity);
/* The administrator behind the Unix socket: the oldest principal with admin set that is not disabled. */
int identity_local(struct store *store, struct identity *identity);

#endif
