#ifndef TABLE_TBL_TOKEN_H
#define TABLE_TBL_TOKEN_H

#include <stdint.h>

#include "tbl_principal.h"

struct db_conn;

/* The table `token`. A token is known by its SHA-256 alone. Times are microseconds. */
struct token_row {
	uint8_t hash[32];
	int64_t id, principal_id, created_at, expires_at;	/* expires_at 0: never */
};

/* All: 0, ERR_NOTFOUND, ERR_EXISTS, or the engine's failures. */
int tbl_token_insert(struct db_conn *c, const struct token_row *token);
/* The token and who holds it, whether it expired or not. */
int tbl_token_identity(struct db_conn *c, const uint8_t hash[32], struct token_row *token, struct principal_row *p);
/* A principal's tokens in order of ids, without their hashes. */
int tbl_token_list(struct db_conn *c, int64_t principal, struct token_row *rows, unsigned max, unsigned *n);
int tbl_token_delete(struct db_conn *c, int64_t principal, int64_t id);
int tbl_token_delete_all(struct db_conn *c, int64_t principal);

#endif
