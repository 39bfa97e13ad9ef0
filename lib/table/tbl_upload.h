#ifndef TABLE_TBL_UPLOAD_H
#define TABLE_TBL_UPLOAD_H

#include <stdint.h>

#include "db.h"
#include "str.h"

/* The tables `upload` and `upload_part`. */
enum { UPLOAD_S3 = 1, UPLOAD_SYNC = 2, UPLOAD_STAGING = 3 };
enum { UPLOAD_OPEN = 1, UPLOAD_COMPLETED = 2, UPLOAD_ABORTED = 3 };

struct upload_row {
	int64_t id, workspace;
	int kind, status;
	struct slice key;
	int64_t file_id;		/* reserved, or made at completion; 0: none yet */
	int64_t created_by, created_at, expires_at;
	struct slice headers;
	int checksum_algorithm, checksum_type;
	struct slice completed_parts;	/* what it was completed with: for the same call sent again */
	int64_t result_version;		/* 0: none */
	struct slice sync;		/* what the JSON API knows of it: core/transfer.c */
};

int tbl_upload_insert(struct db_conn *c, const struct upload_row *u);
/* The slices point into `row`, which the caller releases. ERR_NOTFOUND. */
int tbl_upload_get(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row, struct upload_row *u);
/* In whatever workspace. */
int tbl_upload_by_id(struct db_conn *c, int64_t id, struct db_row *row, struct upload_row *u);
int tbl_upload_touch(struct db_conn *c, int64_t id, int64_t expires_at);
int tbl_upload_complete(struct db_conn *c, int64_t id, struct slice parts, int64_t version, int64_t file,
    int64_t expires_at);
int tbl_upload_status(struct db_conn *c, int64_t id, int status);
int tbl_upload_delete(struct db_conn *c, int64_t id);
/* Open S3 uploads from (key, id) on, the first behind it, by key and id: db_next() and tbl_upload_seen() for each. */
int tbl_upload_scan(struct db_conn *c, int64_t workspace, struct slice key, int64_t id, struct db_row *row);
void tbl_upload_seen(const struct db_row *row, struct upload_row *u);	/* all but headers, file and completion */
/* The first open one of a workspace, of any kind. ERR_NOTFOUND. */
int tbl_upload_open(struct db_conn *c, int64_t workspace, int64_t *id);
/* Open ones of the JSON API behind (workspace, id), by workspace and id: db_next() and tbl_upload_open_seen() for each. */
struct upload_open {
	int64_t workspace, id;
};
int tbl_upload_open_scan(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row);
void tbl_upload_open_seen(const struct db_row *row, struct upload_row *u);	/* all of it */
/* How many of a workspace's open ones, of any kind, somebody began: looks at all of them. */
int tbl_upload_count(struct db_conn *c, int64_t workspace, int64_t principal, int64_t *n);
/* The one that expires first, if that is at or before `now`. ERR_NOTFOUND. */
int tbl_upload_expired(struct db_conn *c, int64_t now, int64_t *id, int64_t *workspace);

struct upload_part_row {
	int64_t number, size, created_at;
	struct slice etag, checksum, manifest;
};
int tbl_upload_part_put(struct db_conn *c, int64_t upload, const struct upload_part_row *p);
int tbl_upload_part_get(struct db_conn *c, int64_t upload, int64_t number, struct db_row *row, struct upload_part_row *p);
int tbl_upload_part_delete(struct db_conn *c, int64_t upload, int64_t number);
int tbl_upload_parts_delete(struct db_conn *c, int64_t upload);	/* all */
/* Parts with number > after, ascending; -1: with what a sync upload holds (part 0). */
int tbl_upload_part_scan(struct db_conn *c, int64_t upload, int64_t after, struct db_row *row);
void tbl_upload_part_seen(const struct db_row *row, struct upload_part_row *p);
/* Bytes of all parts, with part 0. */
int tbl_upload_bytes(struct db_conn *c, int64_t upload, int64_t *bytes);

#endif
