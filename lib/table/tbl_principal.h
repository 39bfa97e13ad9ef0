#ifndef TABLE_TBL_PRINCIPAL_H
#define TABLE_TBL_PRINCIPAL_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

struct db_conn;
struct db_row;

/* The table `principal`. Times are microseconds. */
struct principal_row {
	int64_t id;
	char name[LIMIT_USER_NAME + 1];
	bool admin, may_create_buckets;
	int64_t created_at, disabled_at;	/* disabled_at 0: not */
};

/* All: 0, ERR_NOTFOUND, ERR_EXISTS (the name is taken), or the engine's failures. */
int tbl_principal_insert(struct db_conn *c, const struct principal_row *p);
int tbl_principal_get(struct db_conn *c, int64_t id, struct principal_row *p);
int tbl_principal_by_name(struct db_conn *c, const char *name, struct principal_row *p);
/* Rows with name > `after` in order of names, at most `max`; *n gets how many. */
int tbl_principal_list(struct db_conn *c, const char *after, struct principal_row *rows, unsigned max, unsigned *n);
/* The oldest administrator that is not disabled and is not `but` (0: nobody is left out). */
int tbl_principal_admin(struct db_conn *c, int64_t but, struct principal_row *p);
int tbl_principal_disable(struct db_conn *c, int64_t id, int64_t disabled_at);	/* 0: enabled */
int tbl_principal_delete(struct db_conn *c, int64_t id);

/*
 * For statements of other tables that join this one: the columns with the table named p, and reading them where
 * they stand from column `first` on.
 */
#define TBL_PRINCIPAL_COLUMNS "p.id, p.name, p.admin, p.may_create_buckets, p.created_at, p.disabled_at"
void tbl_principal_read(const struct db_row *row, int first, struct principal_row *p);

#endif
