#ifndef CORE_TRANSFER_H
#define CORE_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "idem.h"
#include "manifest.h"
#include "node.h"
#include "object.h"

/*
 * Uploads of the JSON API: sessions of kind sync in the tables upload and upload_part. A session reserves a file id, not a name.
 *
 *	transfer_start -> (transfer_put_part)* -> transfer_complete: open -> completed, kept for a day to answer the same call again
 *	                                       -> transfer_abort, or expiry 7 days after the last byte, or transfer_revoke(): gone
 *
 * Bytes come in parts: either of part_size, the last one shorter; or, with a list of chunks, each part is the chunk of that index + 1, and only
 * those that are missing are sent. A chunk that the caller was told is there stays there for the session's life: the session holds a reference.
 * No error ends a session.
 */
struct store;
struct ingest_result;

#define TRANSFER_PART (8u << 20)	/* bytes of a part, grown where more than LIMIT_PARTS were needed */
#define TRANSFER_CHUNKS LIMIT_PARTS	/* chunks that a start can list */

struct transfer {
	int64_t id, workspace, parent;
	int64_t file_id;		/* reserved, or the one that gets a new version */
	bool new_version;		/* file_id was there before */
	struct buf name;
	uint64_t size;
	uint32_t part_size;		/* 0: by chunks */
	unsigned parts;			/* how many there will be */
	bool has_hash;			/* the whole file's SHA-256 was announced */
	uint8_t hash[32];
	int64_t base;			/* the version that the caller builds on; 0: it expects no such name */
	bool rename;			/* a conflict makes a conflict copy */
	int64_t principal, device;
	int64_t created_us, expires_us;
	bool completed;
	struct buf chunks;		/* struct manifest_chunk one after the other */
	struct buf headers;		/* meta.h */
};
#define TRANSFER_INIT { .name = BUF_INIT(1024), .chunks = BUF_INIT(TRANSFER_CHUNKS * sizeof(struct manifest_chunk)), \
	.headers = BUF_INIT(1 << 20) }
void transfer_release(struct transfer *tr);

/*
 * Where a new version of tr->file_id goes: workspace and parent of the file, be it deleted, and whether `who` may write there. ERR_NOTFOUND: no trace of it, or
 * not the caller's to see. ERR_DENIED.
 */
int transfer_aim(struct store *store, const struct principal *who, struct transfer *tr);

/*
 * Starts the session that `tr` describes: workspace, parent and name, or file_id with new_version; size, hash, base, rename, principal, device, chunks, headers are
 * the caller's, the rest is filled. by_chunks: tr->chunks is the list (an empty file has none). `who` decides which chunks may be told to be there. If has_base is false the base is what the name shows now.
 * ERR_NOTFOUND: the parent is gone, or no trace of the file is left; ERR_INVALID: chunks that don't make up the size, or one over the workspace's maximum; ERR_TOOBIG; ERR_QUOTA;
 * ERR_SPACE; ERR_TOOMANY: LIMIT_UPLOADS are open, or LIMIT_UPLOADS_EACH of who does not own the workspace. ERR_USAGE: the base is no version
 * of that file, nor one that could have been and is not kept any more; one of a file that `who` doesn't see is no error and counts as such.
 */
int transfer_start(struct store *store, const struct principal *who, struct transfer *tr, bool by_chunks, bool has_base,
    struct idem *idem);

/* A session by its id. ERR_NOTFOUND: none, aborted, over, or of another principal (`principal` 0: any). */
int transfer_get(struct store *store, int64_t id, int64_t principal, struct transfer *tr);

/*
 * Whether `who` may write where the session will, as things are now. ERR_NOTFOUND: not the caller's to see (any more), or gone. ERR_DENIED.
 */
int transfer_permit(struct store *store, const struct principal *who, const struct transfer *tr);

/* What part `number` has to be: its bytes, and its chunk where chunks are listed (else NULL). ERR_INVALID: there is no such part. */
int transfer_part(const struct transfer *tr, unsigned number, uint64_t *size, const struct manifest_chunk **chunk);

/* Stores a part that was ingested (one chunk alone where chunks are listed). ERR_NOTFOUND, ERR_QUOTA, ERR_DIGEST: not that chunk. */
int transfer_put_part(struct store *store, const struct transfer *tr, unsigned number, const struct ingest_result *bytes);

struct transfer_part {
	unsigned number;
	uint64_t size;
	char etag[ETAG_TEXT];
	bool has_hash;			/* as a caller lists it */
	uint8_t hash[32];		/* its SHA-256 */
};
/* Parts with number > after that have arrived or were there already (size 0 and no ETag then). */
int transfer_parts(struct store *store, const struct transfer *tr, unsigned after, struct transfer_part *parts, unsigned max,
    unsigned *n);
/* The numbers > after of those that have not, ascending. */
int transfer_missing(struct store *store, const struct transfer *tr, unsigned after, unsigned *numbers, unsigned max,
    unsigned *n);

struct transfer_complete {
	int64_t id, device;
	const struct principal *who;
	const struct transfer_part *parts;	/* as the caller lists them, by number: that, ETag and hash are compared; NULL: what is there */
	size_t count;
	bool has_base;				/* else the session's */
	int64_t base;
	const char *name;			/* another name, in the same folder or in `parent`; NULL: the session's */
	int64_t parent;				/* 0: the session's */
	struct slice label;			/* DEVICE in the name of a conflict copy */
	bool rename;				/* or the session's */
	/* results */
	struct node node;			/* NODE_INIT; what is there now */
	int64_t sequence, before;		/* of the last event; the workspace's before the first */
	bool unchanged;				/* it was the same already, however it is cut: nothing was committed */
	bool repeated;				/* it had been completed before */
	int64_t conflict_of;			/* the file that this is a conflict copy of; 0: none */
	int64_t current;			/* ERR_PRECONDITION: the version that is current; 0: none, something else has the name */
	char conflict_name[256];		/* and the name for a conflict copy */
	unsigned missing;			/* ERR_INVALID: the first part that is missing or not as listed */
};
/*
 * ERR_NOTFOUND: no such session. ERR_CONFLICT: the folder is gone, or not the caller's to see any more (name another). ERR_DENIED: may not write there. ERR_EXISTS: there is
 * a folder of that name, and what is new wants no conflict copy. ERR_PRECONDITION: the current version is not the base, or an edit can't go to its name, which a folder
 * has or what was made after a deletion; also where a conflict copy is wanted and the caller may not make one. ERR_INVALID: `missing`. ERR_DIGEST: not the announced hash.
 * ERR_QUOTA. Sent again after success: the same answer.
 */
int transfer_complete(struct store *store, struct transfer_complete *c, struct idem *idem);

/* ERR_NOTFOUND: no such session, or it is over. */
int transfer_abort(struct store *store, int64_t id, int64_t principal, struct idem *idem);

/*
 * For maintenance: of open sessions and of what is staged, behind *at (zeros: from the beginning), looks at some and ends those whose creator is gone, disabled or may
 * not write where they go any more; a session stays whose place is in the trash while the creator may write elsewhere in the workspace. *at goes on;
 * *more: there may be others. What they held counts no longer, and upload_expire() takes them apart.
 */
struct upload_open;
int transfer_revoke(struct store *store, struct upload_open *at, bool *more);

/* ---- transfer_stage.c ---- */

struct transfer_stage {
	int64_t workspace, principal;
	const struct ingest_result *bytes;	/* of an ingest with `pieces` and `leaves` */
	/* results */
	int64_t id, expires_us;
};
/* Keeps chunks for a session's life, for apply.h to make files of. ERR_NOTFOUND: no such workspace. ERR_QUOTA, ERR_TOOMANY. */
int transfer_stage(struct store *store, struct transfer_stage *s, struct idem *idem);

/* ---- transfer_name.c ---- */

/*
 * "name (conflict DEVICE 2026-11-22 135215).ext" in UTC, at most 255 bytes, cut at a character; a conflict copy's own mark is replaced, never nested.
 * `n` > 1 is a further one in that second.
 */
void transfer_conflict_name(struct slice name, struct slice device, int64_t now_us, unsigned n, char out[256]);

#endif
