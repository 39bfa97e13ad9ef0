#ifndef TABLE_TBL_WORKSPACE_H
#define TABLE_TBL_WORKSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

struct db_conn;

/* The table `workspace`. Strings are NUL-terminated; sizes are bytes, times microseconds, history milliseconds. */
enum { VERSIONING_NEVER, VERSIONING_ENABLED, VERSIONING_SUSPENDED };

struct workspace_row {
	int64_t id;
	char name[LIMIT_BUCKET_NAME + 1];
	char display_name[256];
	int64_t owner_id;
	char region[32];
	char plan[32];
	uint64_t quota_bytes;		/* 0: none */
	int64_t created_at;
	int64_t root_folder_id;
	int64_t history_ms;
	int versioning;
	uint32_t chunk_min, chunk_avg, chunk_max;
	int64_t sequence, horizon;
	int64_t past_horizon;		/* the tree of an earlier sequence is lost in parts */
	int64_t objects, bytes, noncurrent_bytes, history_bytes;
	int64_t uploads, upload_bytes;	/* open ones, and what their parts hold */
	bool dirty;			/* the hot columns or settings differ from the table's */
};

/* All: 0, ERR_NOTFOUND, ERR_EXISTS (the name is taken), or the engine's failures. */
int tbl_workspace_insert(struct db_conn *c, const struct workspace_row *row);
int tbl_workspace_update(struct db_conn *c, const struct workspace_row *row);	/* everything but id, owner, root and creation */
int tbl_workspace_delete(struct db_conn *c, int64_t id);
/* Whether the principal owns a workspace: 0 or ERR_NOTFOUND. */
int tbl_workspace_owned(struct db_conn *c, int64_t owner);
int tbl_workspace_get(struct db_conn *c, int64_t id, struct workspace_row *row);
int tbl_workspace_by_name(struct db_conn *c, const char *name, struct workspace_row *row);
/* Id and newest sequence of those that a principal owns, or (`shared`) in which it was given something; each once. */
int tbl_workspace_heads(struct db_conn *c, int64_t principal, bool shared, unsigned max,
    int (*each)(int64_t workspace, int64_t sequence, void *arg), void *arg);
/* Rows with name > `after` in order of names, at most `max`; *n gets how many. */
int tbl_workspace_list(struct db_conn *c, const char *after, struct workspace_row *rows, unsigned max, unsigned *n);
int tbl_workspace_of(struct db_conn *c, int64_t owner, const char *after, struct workspace_row *rows, unsigned max,
    unsigned *n);

#endif
