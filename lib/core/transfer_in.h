#ifndef CORE_TRANSFER_IN_H
#define CORE_TRANSFER_IN_H

#include "object_in.h"
#include "tbl_upload.h"
#include "transfer.h"

/* The inside of transfer*.c and apply*.c. */

#define TRANSFER_SYNC_SIZE 72
#define TRANSFER_ENTRY_SIZE 36	/* of the list of chunks, as it is stored */

static inline const struct manifest_chunk *
transfer_chunks(const struct transfer *tr)
{
	return (const struct manifest_chunk *)(const void *)tr->chunks.data;
}

static inline size_t
transfer_chunk_count(const struct transfer *tr)
{
	return tr->chunks.len / sizeof(struct manifest_chunk);
}

unsigned transfer_count_parts(const struct transfer *tr);
void transfer_encode(const struct transfer *tr, uint8_t sync[TRANSFER_SYNC_SIZE]);

/* What a row says; `tr` was initialised. Its chunks are read with it from part 0. */
int transfer_read(struct db_conn *db, const struct upload_row *u, struct transfer *tr);

/* ---- transfer_start.c ---- */

/* Ids of chunks: added, then sorted once, then asked. */
struct transfer_set {
	struct buf ids;
};
#define TRANSFER_SET_INIT { BUF_INIT(64 << 20) }
int transfer_set_add(struct transfer_set *set, struct db_conn *db, const void *manifest, size_t len);
void transfer_set_sort(struct transfer_set *set);
bool transfer_set_has(const struct transfer_set *set, const uint8_t id[32]);
bool transfer_set_twice(const struct transfer_set *set, const uint8_t id[32]);	/* or more often */
/* All of a version, sorted; of the file `file` alone, if that is not 0. Nothing if there is no such version. */
int transfer_set_version(struct transfer_set *set, struct db_conn *db, int64_t workspace, int64_t version, int64_t file);

/* ---- transfer_stage.c ---- */

/* Adds what was staged (not sorted; NULL: only looks). ERR_EXPIRED: it is over, or not of that workspace and principal. */
int transfer_staged(struct db_conn *db, int64_t id, int64_t workspace, int64_t principal, struct transfer_set *set);
/* Files were made of what was staged, after upload_held_end(). keep: it stays for others, if the quota has room for it beside them. */
int transfer_stage_end(struct txn *t, struct workspace_row *w, int64_t id, bool keep);

/* ---- transfer_start.c ---- */

/*
 * Each part with number > after, in order: its row if it has arrived; held: it was there already. `each` answers whether to go on.
 */
int transfer_walk(struct db_conn *db, const struct transfer *tr, unsigned after,
    bool (*each)(void *arg, unsigned number, const struct upload_part_row *p, bool held), void *arg);

/* Whether `who` may be told which chunks the workspace is known to have (refs.h): who may read all of it. */
bool transfer_may_tell(struct store *store, struct db_conn *db, const struct principal *who, int64_t workspace);

/* ---- transfer_hash.c ---- */

/* SHA-256 of the bytes of chunks that are there, or of a version's or part's manifest: reads them. ERR_NOTFOUND: one is not there. */
struct digest;
int transfer_hash_chunks(struct store *store, const struct manifest_chunk *chunks, size_t count, struct digest *d);
int transfer_hash_manifest(struct store *store, struct slice manifest, uint64_t size, struct digest *d);
/* What a version is tagged with that has no MD5 (SEMANTICS 10). hash NULL: that of the list of chunks stands in. */
void transfer_etag(const uint8_t *hash, const struct manifest_chunk *chunks, size_t count, char etag[ETAG_TEXT]);

/* ---- transfer_gather.c: the parts of a session, as they are now ---- */

struct transfer_gathering {
	struct transfer_complete *c;	/* NULL: nothing is compared */
	const struct transfer *tr;
	struct digest *list;		/* of numbers and ETags */
	struct digest *md5s;		/* of the parts' MD5s */
	struct buf manifests;		/* of the parts that arrived, each with its length before it */
	size_t listed;
	unsigned seen;
	uint8_t sha256[32];		/* of the last one */
	char etag[ETAG_TEXT];		/* of the last one */
	int rc;
};
/* ERR_INVALID: a part is missing, or not as `c` lists it: c->missing (`c` may be NULL). */
int transfer_gather(struct db_conn *db, const struct transfer *tr, struct transfer_complete *c, struct transfer_gathering *g);
void transfer_gathering_release(struct transfer_gathering *g);
/* The manifest that begins at *at of those that were gathered; *at is then behind it. */
struct slice transfer_gathering_next(const struct transfer_gathering *g, size_t *at);

/* ---- transfer_permit.c ---- */

/* Whether `who` may write to a node. ERR_NOTFOUND: it is not there, or not for `who`. ERR_DENIED. Inside a transaction. */
int transfer_may_write(struct store *store, struct db_conn *db, const struct principal *who, enum node_kind kind, int64_t id,
    int64_t workspace);
/* Where tr->file_id is, or was last: workspace, parent, name; *live: it is shown. ERR_NOTFOUND: there is no trace of it. */
int transfer_find(struct db_conn *db, struct transfer *tr, bool *live);
/*
 * Whether `who` may write where a version of `file` goes: to the file, wherever it is now; if it is deleted, to the folder that it was in, or with that folder
 * gone too to the whole workspace. With file 0, or without a trace of it, to `folder` (0: ERR_NOTFOUND). Errors as above.
 */
int transfer_permit_file(struct store *store, struct db_conn *db, const struct principal *who, int64_t workspace,
    int64_t file, int64_t folder);

/* ---- transfer_same.c ---- */

/* What came: chunks, or without them manifests, each with its length (8 bytes) before it. */
struct transfer_content {
	const struct manifest_chunk *chunks;
	size_t count;
	struct slice manifests;
};
/* Whether it has the chunks of that manifest, in its order. */
int transfer_same(struct db_conn *db, const struct transfer_content *content, struct slice manifest, bool *same);

/* ---- transfer_place.c: where a version goes that a device made, inside a closure ---- */

struct transfer_place {
	int64_t workspace;
	int64_t file;			/* goes where this file is now or was last; 0: to folder and name */
	int64_t folder;			/* with `file`: where to if there is no trace of it; 0: ERR_NOTFOUND then */
	int64_t beside;			/* without `file`: if `folder` is gone, the one that this file is in now or would come back into; 0: ERR_CONFLICT then */
	struct slice name;
	bool reached;			/* the folder is known to be there, and explicit */
	int64_t base;			/* the version that it builds on; 0: nothing is to be there */
	bool rename;			/* a conflict, or a folder of that name, makes a conflict copy */
	struct slice label;		/* DEVICE in its name */
	const struct principal *who;	/* must be allowed to write there, as things are now */
	struct actor actor;
	uint64_t size;
	const uint8_t *hash;		/* NULL: not known */
	struct transfer_content content;
	/* results */
	struct target target;
	bool same;			/* it shows that content already: the target is what it is */
	int64_t revive;			/* the file in the trash that comes back for it; 0: none */
	bool away;			/* its folder is gone too, and nothing is at its path: there is no target before it is revived */
	bool revived;
	int64_t before;			/* the sequence in front of that */
	bool copy;			/* the target is a conflict copy's */
	int64_t conflict_of;		/* of this file; 0: of none, as of a new one whose name a folder has */
	int64_t current;		/* ERR_PRECONDITION: the version that is current; 0: none, the name was taken by what is no file that is shown */
	char conflict_name[256];	/* and the name for a conflict copy */
	struct buf own_name;
};
#define TRANSFER_PLACE_INIT { .own_name = BUF_INIT(LIMIT_KEY_STORED) }
void transfer_place_release(struct transfer_place *p);

/*
 * Finds and judges it; changes nothing. ERR_CONFLICT: the folder is gone, or not `who`'s to see (any more). ERR_DENIED: may see it, but not write.
 * ERR_EXISTS: a folder has the name, of what is new and wants no conflict copy. ERR_PRECONDITION: another version is current, or an edit can't go to its name, which
 * is another's by now; also where a conflict copy is wanted and `who` may not make one there. ERR_NOTFOUND, ERR_QUOTA.
 */
int transfer_place_find(struct txn *t, struct transfer_place *p);
/*
 * Next, unless p->same, and before references are taken: what it goes to comes out of the trash. Refusals change nothing: ERR_QUOTA;
 * ERR_CONFLICT: its folder is gone, and it is not kept any more.
 */
int transfer_place_revive(struct txn *t, struct transfer_place *p);
/* Then, with references taken: `new` becomes current there. new->event is chosen here. */
int transfer_place_commit(struct txn *t, struct transfer_place *p, const struct object_new *new, struct object_info *info);

#endif
