#ifndef CORE_OBJECT_H
#define CORE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "meta.h"
#include "str.h"

/*
 * Objects: what S3 sees of files. A key names an entry of the tree (`a/b/c` is folder `a/`, folder `b/`, file `c`; `a/` is the
 * entry with the empty name in folder `a/`; `a//b` has a folder named `/`). All rules of SEMANTICS 2 to 8 are here
 * and in namespace.h.
 *
 * Keys are UTF-8 without NUL, 1 to LIMIT_KEY bytes for writes (ERR_TOOBIG, ERR_INVALID).
 */
struct store;
struct ingest_result;

#define ETAG_TEXT 48

struct object_info {
	int64_t workspace, file_id, version_id, sequence;
	bool delete_marker;
	bool null_version;		/* S3 calls this version "null" */
	bool versioned;			/* the bucket has versioning enabled or suspended: show version ids */
	uint64_t size;
	int64_t modified_us;
	char etag[ETAG_TEXT];		/* without quotes */
	bool has_hash;
	uint8_t content_hash[32];	/* SHA-256 of the bytes */
	struct checksum checksum;
	struct buf headers;		/* meta.h */
	struct buf manifest;		/* codec/manifest.h */
	struct buf parts;		/* u64 LE sizes of the parts of a multipart upload; empty otherwise */
};
#define OBJECT_INFO_INIT { .headers = BUF_INIT(1 << 20), .manifest = BUF_INIT(64 << 20), .parts = BUF_INIT(1 << 20) }
void object_info_release(struct object_info *info);

/* What must hold of the current version, judged inside the transaction. */
enum expect { EXPECT_ANY, EXPECT_ABSENT, EXPECT_ETAG, EXPECT_VERSION };
struct expectation {
	enum expect kind;
	char etag[ETAG_TEXT];		/* EXPECT_ETAG: without quotes; "*" for any that exists */
	int64_t version_id;		/* EXPECT_VERSION */
};

/* Who does it. */
struct actor {
	int64_t principal;
	int64_t device;			/* 0: none */
};

struct object_put {
	int64_t workspace;
	struct slice key;
	const struct ingest_result *bytes;
	char etag[ETAG_TEXT];
	bool has_hash;
	uint8_t content_hash[32];
	struct checksum checksum;
	const struct buf *headers;
	struct expectation expect;
	struct actor actor;
};

/*
 * Commits a new current version. *info (may be NULL) gets file_id, version_id, sequence, modified_us, versioned. ERR_NOTFOUND the workspace is
 * gone; ERR_PRECONDITION; ERR_NOTFOUND with expect etag on a missing key; ERR_QUOTA (checked in the transaction); ERR_SPACE; ERR_TOOBIG too deep or long.
 */
int object_put(struct store *store, const struct object_put *put, struct object_info *info);

/*
 * The same without waiting. 0: done(arg) is called once from another thread, when the result is there (commit.h says what it may
 * do); *pending is the caller's, and `put`, what it points to and *info stay as they are, until object_putting_free(). Else the result
 * is there already.
 */
struct object_putting;
int object_put_begin(struct store *store, const struct object_put *put, struct object_info *info, void (*done)(void *arg),
    void *arg, struct object_putting **pending);
/* True: *rc is what object_put() would have returned. False: done() was not called yet. */
bool object_put_ready(struct object_putting *pending, int *rc);
void object_putting_free(struct object_putting *pending);	/* waits for the result if it is not there; NULL is fine */

/*
 * Finds what the key shows now, or the version with that id (0: current; VERSION_NULL: the "null" version). A delete marker is
 * found only by its id; a current one is ERR_NOTFOUND with info->delete_marker and version_id set.
 */
#define VERSION_NULL (-1)
int object_find(struct store *store, int64_t workspace, struct slice key, int64_t version, struct object_info *info);
/*
 * The same, and for a small object (inline manifest, size <= *len) its bytes in one go: copies them to `bytes` and sets *len.
 * Else *len is 0 and the caller opens a reader.
 */
int object_find_small(struct store *store, int64_t workspace, struct slice key, int64_t version,
    struct object_info *info, void *bytes, size_t *len);

struct object_delete {
	int64_t workspace;
	struct slice key;
	int64_t version;		/* 0: as S3's DELETE without versionId, and so is any in a workspace that never had versioning */
	struct expectation expect;	/* of the current version, whichever is deleted */
	struct actor actor;
	/* results */
	int rc;				/* of this key: 0 also when nothing was there; ERR_NOTFOUND where an ETag was expected */
	bool made_marker, was_marker;
	bool null_version;		/* that version is S3's "null" */
	int64_t version_id;		/* the marker's, or the one that was named; 0: neither */
};
/*
 * Deletes up to LIMIT_DELETE_KEYS keys of one workspace, in bounded transactions; each has its own result. ERR_NOTFOUND: no such
 * workspace; ERR_CLOSED.
 */
int object_delete(struct store *store, struct object_delete *deletes, size_t count);

/* One key without waiting, as object_put_begin(): *d stays as it is until object_deleting_free(). */
struct object_deleting;
int object_delete_begin(struct store *store, struct object_delete *d, void (*done)(void *arg), void *arg,
    struct object_deleting **pending);
bool object_delete_ready(struct object_deleting *pending, int *rc);
void object_deleting_free(struct object_deleting *pending);

struct object_copy {
	const struct object_info *from;	/* as found; the source version must still exist when it commits */
	int64_t workspace;
	struct slice key;
	const struct buf *headers;	/* the copy's own, or NULL for the source's */
	struct expectation expect;
	struct actor actor;
	bool has_checksum;		/* a new checksum was computed from the bytes */
	struct checksum checksum;
};
/* No bytes are copied: the manifest is referenced once more. ERR_NOTFOUND: source or workspace gone. */
int object_copy(struct store *store, const struct object_copy *copy, struct object_info *info);

#endif
