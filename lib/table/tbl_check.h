#ifndef TABLE_TBL_CHECK_H
#define TABLE_TBL_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"
#include "id.h"
#include "str.h"

/* What a check of the store asks across tables. It reads all of them: on one snapshot, by whoever has the time. */

/*
 * A rule is a statement that finds the rows that break it: db_next() and tbl_check_broken() for each. ERR_NOTFOUND: there
 * is no rule with that number (they begin at 0).
 */
struct check_rule {
	const char *what;		/* "folder's count of shown entries" */
	enum id_kind kind;		/* of the id; ID_KINDS_: it is a plain number */
	bool counts;			/* `is` and `should` say something */
};
struct check_broken {
	int64_t workspace;		/* 0: none */
	int64_t id;
	int64_t is, should;
};
int tbl_check_rule(struct db_conn *c, unsigned number, struct db_row *row, struct check_rule *rule);
void tbl_check_broken(const struct db_row *row, struct check_broken *broken);

/* All contents that hold references: versions, then parts of uploads. Slices live until the next row. */
struct check_content {
	int64_t id;			/* version, or upload */
	int64_t number;			/* of the part; 0 for versions */
	int64_t size;
	bool marker;
	struct slice manifest, parts;
};
int tbl_check_versions(struct db_conn *c, struct db_row *row);
int tbl_check_parts(struct db_conn *c, struct db_row *row);
void tbl_check_content(const struct db_row *row, struct check_content *content);

struct check_counts {
	int64_t workspaces, entries, events, uploads;
};
int tbl_check_counts(struct db_conn *c, struct check_counts *counts);

#endif
