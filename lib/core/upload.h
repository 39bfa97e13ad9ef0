#ifndef CORE_UPLOAD_H
#define CORE_UPLOAD_H

#include "object.h"

/*
 * Multipart uploads (kind s3 of the upload table). Parts hold references of their own; completion moves them into
 * the new version. A completed upload stays for 24 h, so that the same completion sent again gets the same answer.
 */
struct upload_info {
	int64_t id, workspace;
	struct buf key;			/* bytes */
	int64_t created_us, created_by;
	int status;			/* 1 open, 2 completed, 3 aborted */
	uint8_t checksum_kind;		/* enum digest_kind; meaningful if checksum_type is not CHECKSUM_NONE */
	enum checksum_type checksum_type;
	struct buf headers;
};
#define UPLOAD_INFO_INIT { .key = BUF_INIT(LIMIT_KEY_STORED), .headers = BUF_INIT(1 << 20) }
void upload_info_release(struct upload_info *info);

struct upload_create {
	int64_t workspace;
	struct slice key;
	const struct buf *headers;
	uint8_t checksum_kind;
	enum checksum_type checksum_type;
	struct actor actor;
};
/* ERR_NOTFOUND: no such workspace. ERR_TOOMANY: as many are open in it as may be, of all or of this user. */
int upload_create(struct store *store, const struct upload_create *create, int64_t *id);

/* ERR_NOTFOUND unless it is open (or completed, with `completed`) and of that workspace and key. */
int upload_find(struct store *store, int64_t workspace, struct slice key, int64_t id, struct upload_info *info);

struct upload_part {
	unsigned number;		/* 1 to LIMIT_PARTS */
	uint64_t size;
	char etag[ETAG_TEXT];		/* MD5 in hex */
	struct checksum checksum;	/* CHECKSUM_NONE if the client sent none and the upload asks for none */
	int64_t modified_us;
};
/* A part sent again replaces the earlier one. ERR_NOTFOUND: no such open upload. ERR_QUOTA: it would not fit beside what is stored and held (upload_held.h). */
int upload_put_part(struct store *store, int64_t workspace, int64_t id, const struct ingest_result *bytes,
    struct upload_part *part);
/*
 * UploadPartCopy: [from, from+len) of a version as a part, by references where the range falls on chunk borders; the
 * caller re-ingests otherwise (ERR_UNSUPPORTED, nothing done). part->etag is the caller's (MD5 of the bytes, which it had to read).
 */
int upload_copy_part(struct store *store, int64_t workspace, int64_t id, const struct object_info *from,
    uint64_t offset, uint64_t len, struct upload_part *part);

/* Parts with number > after in order, at most max; *more if there are others. */
int upload_list_parts(struct store *store, int64_t id, unsigned after, struct upload_part *parts, unsigned max, unsigned *n,
    bool *more);

struct upload_list {
	int64_t workspace;
	struct slice prefix, delimiter;
	struct slice after_key;		/* key-marker */
	int64_t after_id;		/* upload-id-marker; 0: behind all of after_key */
	unsigned max;
};
struct upload_list_item {
	struct slice key;
	bool prefix;
	int64_t id, created_us, created_by;
	uint8_t checksum_kind;
	enum checksum_type checksum_type;
};
/* Open uploads by key, then id. *truncated with the markers of the last item shown in `next_key`, *next_id. */
int upload_list(struct store *store, const struct upload_list *query,
    void (*each)(void *arg, const struct upload_list_item *item), void *arg, bool *truncated, struct buf *next_key,
    int64_t *next_id);

struct upload_complete {
	int64_t workspace, id;
	struct slice key;
	const struct upload_part *parts;	/* number, etag, checksum (NONE: not given) as the client lists them */
	size_t count;
	struct checksum checksum;		/* the whole object's as announced, to be compared (NONE: not given) */
	enum checksum_type checksum_type;	/* NONE: not given */
	uint64_t object_size;			/* x-amz-mp-object-size, UINT64_MAX: not given */
	struct expectation expect;
	struct actor actor;
	/* results */
	const char *why;			/* static English text for ERR_INVALID */
	enum { COMPLETE_OK, COMPLETE_NO_PART, COMPLETE_ORDER, COMPLETE_TOO_SMALL, COMPLETE_CHECKSUM, COMPLETE_NO_OBJECT } wrong;
	unsigned wrong_part;
};
/*
 * ETag: hex MD5 of the parts' MD5s, "-", count. Checksums: composite, or full object by CRC combination.
 * ERR_NOTFOUND: no such upload, or (COMPLETE_NO_OBJECT) no object that `expect` could be true of. ERR_INVALID: `wrong` and `why` tell. ERR_PRECONDITION, ERR_QUOTA. Sent again
 * with the same parts after success: the same result.
 */
int upload_complete(struct store *store, struct upload_complete *complete, struct object_info *info);

/* ERR_NOTFOUND: no such open upload. Its parts go in bounded transactions; what a crash leaves is the expiry's. */
int upload_abort(struct store *store, int64_t workspace, struct slice key, int64_t id);

/*
 * For maintenance: ends up to `max` uploads whose time is over at `now_us` (open ones are aborted, completed ones forgotten);
 * *n gets how many. 0 with *n == 0: nothing to do.
 */
int upload_expire(struct store *store, int64_t now_us, unsigned max, unsigned *n);

#endif
