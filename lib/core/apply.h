#ifndef CORE_APPLY_H
#define CORE_APPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "idem.h"
#include "manifest.h"
#include "node.h"
#include "object.h"

/*
 * Many changes of one workspace in one commit (SYNC 12): the rights to each were asked before. Contents are named by their chunks, which must be there
 * already: told by the same rule as at the start of an upload (transfer.h), of the base version, or staged. What was staged ends with the commit, unless
 * an operation was refused and the quota has room for it still.
 */
struct store;

#define APPLY_OPS 1000
#define APPLY_STAGED 100			/* staged packs that one call can name: what they hold is looked through */
#define APPLY_VERIFY (1ull << 30)		/* bytes that one call can have read to verify hashes of several chunks */

enum apply_kind { APPLY_CREATE, APPLY_VERSION, APPLY_MOVE, APPLY_DELETE, APPLY_FOLDER };

struct apply_op {
	enum apply_kind kind;
	enum node_kind node;		/* move, delete: what `id` is */
	int64_t id;			/* version, move, delete */
	int64_t parent;			/* create, folder; move: 0: it stays */
	int parent_op;			/* in place of `parent`: the folder that this earlier operation made; -1: none */
	struct slice name;		/* move: p NULL: it keeps it */
	size_t chunk, chunks;		/* the first of them in apply.chunks, and how many */
	uint64_t size;
	bool has_hash;			/* the whole file's SHA-256 was announced */
	uint8_t hash[32];
	struct slice headers;		/* meta.h */
	int64_t base;			/* the version, or of a folder the sequence, that was seen; 0: none, or for a deletion any */
	bool rename;			/* a conflict makes a conflict copy */
	/* results */
	int rc;				/* preset: a refusal that is known; else as transfer_complete() and tree.h say; ERR_INVALID: chunks are missing */
	int64_t result, version;	/* the node; a file's version */
	int64_t sequence;		/* of the workspace after it */
	bool unchanged;
	int64_t conflict_of;
	int64_t existing;		/* ERR_EXISTS; 0: not known */
	enum node_kind existing_kind;
	int64_t current;		/* ERR_PRECONDITION */
	char conflict_name[256];	/* ERR_PRECONDITION: for a conflict copy */
	struct buf called;		/* the name that it has now; not of deletions */
	struct buf missing;		/* unsigned: which of its chunks */
	int64_t deleted, kept;		/* folders: files */
	bool verified;			/* apply.c's */
};

struct apply {
	int64_t workspace;
	const struct principal *who;	/* decides which chunks may be told to be there, and where contents may go */
	struct actor actor;
	struct slice label;		/* DEVICE in the names of conflict copies */
	bool atomic;			/* all or none, and one commit for the feed; else each on its own */
	struct apply_op *ops;
	size_t count;
	struct buf chunks;		/* struct manifest_chunk one after the other */
	const int64_t *staged;
	size_t nstaged;
	/* results */
	int64_t before, sequence;	/* the workspace's */
	size_t failed;			/* atomic: which one refused */
};
#define APPLY_INIT { .chunks = BUF_INIT(16 << 20) }
void apply_release(struct apply *a);	/* chunks and what the operations hold; not the array */

/*
 * ERR_NOTFOUND: no such workspace. ERR_EXPIRED: something staged is over, or another principal's. Atomic: the code of ops[failed]; nothing was done. Else 0,
 * and each has its own. ERR_TOOBIG with failed == count: more to verify than APPLY_VERIFY.
 */
int apply_run(struct store *store, struct apply *a, struct idem *idem);

#endif
