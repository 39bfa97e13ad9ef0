#ifndef TABLE_TBL_VERSION_H
#define TABLE_TBL_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "tbl_entry.h"

/* The table `file_version`. */
enum { VERSION_CONTENT = 1, VERSION_MARKER = 2 };
enum { KEEP_CURRENT, KEEP_NONCURRENT, KEEP_HISTORY };

struct version_row {
	int64_t id, workspace, file_id, sequence, base_id;	/* base_id 0: none */
	int kind, keep;
	bool null_version;
	int64_t size;
	char etag[ENTRY_ETAG];
	bool has_hash;
	uint8_t hash[32];
	int64_t created_at, created_by;
	int64_t superseded;		/* the sequence since which it is not current; 0: it is */
	struct slice manifest, headers, checksum, parts;
	int versioning;			/* the workspace's; filled by look-ups alone */
};

int tbl_version_insert(struct db_conn *c, const struct version_row *v);

/*
 * Look-ups. The slices point into `row`, which the caller releases. Each ERR_NOTFOUND.
 * The current version of the file at an entry; one by its id; the version of a file kept by S3 that is called "null"; the newest
 * one kept by S3 with id < before.
 */
int tbl_version_at(struct db_conn *c, const struct entry_at *at, struct db_row *row, struct version_row *v);
int tbl_version_get(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row, struct version_row *v);
int tbl_version_by_id(struct db_conn *c, int64_t id, struct db_row *row, struct version_row *v);	/* in whatever workspace */
int tbl_version_null(struct db_conn *c, int64_t workspace, int64_t file, struct db_row *row, struct version_row *v);
int tbl_version_older(struct db_conn *c, int64_t workspace, int64_t file, int64_t before, struct db_row *row,
    struct version_row *v);
/* Of the contents of a file that are not current any more, the newest that was there at a sequence and not yet superseded. */
int tbl_version_as_of(struct db_conn *c, int64_t workspace, int64_t file, int64_t sequence, struct db_row *row,
    struct version_row *v);
/* The newest of a file that is not current. */
int tbl_version_newest_old(struct db_conn *c, int64_t workspace, int64_t file, struct db_row *row, struct version_row *v);
/* Whether a file has any version that is not current: 0 or ERR_NOTFOUND. */
int tbl_version_any_old(struct db_conn *c, int64_t workspace, int64_t file);

/* No longer current: kept as noncurrent or as history. */
int tbl_version_supersede(struct db_conn *c, int64_t workspace, int64_t id, int keep, int64_t at, int64_t sequence);
int tbl_version_promote(struct db_conn *c, int64_t workspace, int64_t id);
/* Deletes it and answers its manifest, in `row`. */
int tbl_version_delete(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row, struct slice *manifest);

/*
 * The versions of a file that are not current, with id < before, newest first, of every kind: db_next() and tbl_version_each() for
 * each. base_id is filled, manifest, headers and parts are not.
 */
int tbl_version_old(struct db_conn *c, int64_t workspace, int64_t file, int64_t before, struct db_row *row);
/* The same of one version alone. ERR_NOTFOUND. */
int tbl_version_lean(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row);
int tbl_version_each(const struct db_row *row, struct version_row *v);

/* The first current content with id > after whose hash is not known. ERR_NOTFOUND. */
int tbl_version_unhashed(struct db_conn *c, int64_t after, int64_t *id);
/* Its hash is this now. ERR_NOTFOUND: it is not current, or has one. */
int tbl_version_hash(struct db_conn *c, int64_t workspace, int64_t id, const uint8_t hash[32]);

/* The history of a workspace superseded at or before `at`, oldest first. */
struct version_old {
	int64_t id, file_id, size, superseded;	/* the sequence */
};
int tbl_version_history(struct db_conn *c, int64_t workspace, int64_t at, struct version_old *rows, unsigned max,
    unsigned *n);

/* All versions of a file that S3 shows, with id < before, newest first: db_next() and tbl_version_seen() for each. */
struct version_seen {
	int64_t id, size, created_at;
	bool marker, null_version;
	struct slice etag;
};
int tbl_version_scan(struct db_conn *c, int64_t workspace, int64_t file, int64_t before, struct db_row *row);
/* The same of one version alone. */
int tbl_version_one(struct db_conn *c, int64_t workspace, int64_t id, struct db_row *row);
void tbl_version_seen(const struct db_row *row, struct version_seen *seen);

#endif
