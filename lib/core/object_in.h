#ifndef CORE_OBJECT_IN_H
#define CORE_OBJECT_IN_H

#include "commit.h"
#include "namespace.h"
#include "object.h"
#include "tbl_version.h"

/*
 * What puts, copies, deletes and completions share, inside their closures:
 *
 *	object_aim -> object_judge -> object_admit -> (references are taken) -> object_commit
 */
struct target {
	struct workspace_row *w;
	struct slice key;
	struct namespace_place place;
	struct entry_at at;
	bool exists;			/* there is an entry, shown or not */
	struct entry_row entry;
	struct actor actor;
};

/* Looks up workspace, folders and entry. ERR_NOTFOUND: no such workspace. */
int object_aim(struct txn *t, int64_t workspace, struct slice key, struct actor actor, struct target *target);

/* The same for a key that begins in `folder`, which is known to be there and in reach. */
int object_aim_in(struct txn *t, int64_t workspace, int64_t folder, struct slice key, struct actor actor,
    struct target *target);

/* ERR_PRECONDITION; ERR_NOTFOUND for an ETag or version expected of nothing. */
int object_judge(const struct target *target, const struct expectation *expect);

/* Whether the quota has room for `size` bytes in place of what is there. ERR_QUOTA. */
int object_admit(const struct target *target, uint64_t size);

struct object_new {
	uint64_t size;
	const char *etag;
	const uint8_t *hash;		/* NULL: none */
	const struct checksum *checksum;
	struct slice headers, manifest, parts;	/* the manifest's references are taken already */
	int64_t file_id;		/* what the file is called if the key has no entry; 0: a new id */
	enum event_type event;		/* what the feed is told instead of what it would be; 0: nothing else */
	bool goes_on;			/* other events of the same commit follow */
};
/* Makes it the current version. *info as object_put() says. */
int object_commit(struct txn *t, struct target *target, const struct object_new *new, struct object_info *info);

/* ---- object_version.c: what becomes of versions ---- */

/*
 * The current version of the target is about to be superseded by one of `sequence`: it is kept as noncurrent, becomes history or
 * is destroyed, as the workspace says; the counts follow. *null_version: whether the next one is called "null".
 */
int object_supersede(struct txn *t, struct target *target, int64_t sequence, bool *null_version);
/* Removes a version from the store: its row and references. The counts are the caller's. */
int object_destroy(struct txn *t, int64_t workspace, int64_t version);
/* Destroyed, or kept as history if the workspace has one; the counts are adjusted. */
int object_retire(struct txn *t, struct workspace_row *w, int64_t version, int64_t size, bool marker, int64_t sequence);

/* ---- object_delete.c ---- */

/* Deletes what was aimed at, as `d` says; d->rc is an expected refusal, which comes before the first change. */
int object_delete_in(struct txn *t, struct target *target, struct object_delete *d);

void object_fill(const struct version_row *v, struct object_info *info);

#endif
