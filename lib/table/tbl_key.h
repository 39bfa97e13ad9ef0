#ifndef TABLE_TBL_KEY_H
#define TABLE_TBL_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tbl_principal.h"

struct db_conn;

/* The table `access_key`. Secrets come and go sealed; times are microseconds. */
#define KEY_ID_MAX 32		/* bytes of an id with its NUL */
#define KEY_SEALED_MAX 128

struct key_row {
	char id[KEY_ID_MAX];
	int64_t principal_id;
	uint8_t sealed[KEY_SEALED_MAX];
	size_t sealed_len;
	int64_t created_at, disabled_at;	/* disabled_at 0: not */
};

/* All: 0, ERR_NOTFOUND, ERR_EXISTS, or the engine's failures. */
int tbl_key_insert(struct db_conn *c, const struct key_row *key);
/* The key and who holds it. ERR_CORRUPT: a sealed secret of a length that nobody writes. */
int tbl_key_identity(struct db_conn *c, const char *id, struct key_row *key, struct principal_row *p);
/* A principal's keys in order of ids, without their secrets. */
int tbl_key_list(struct db_conn *c, int64_t principal, struct key_row *rows, unsigned max, unsigned *n);
int tbl_key_disable(struct db_conn *c, int64_t principal, const char *id, int64_t disabled_at);	/* 0: enabled */
int tbl_key_delete(struct db_conn *c, int64_t principal, const char *id);
int tbl_key_delete_all(struct db_conn *c, int64_t principal);

#endif
