#ifndef CORE_STORE_H
#define CORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A store: one data directory with its database, segments, key file and lock, owned by one process.
 *
 *	DATA/LOCK		flock, held for life
 *	DATA/VERSION		"fsd store 1\n": another number is refused (ERR_VERSION), nothing else is touched
 *	DATA/store.key		32 random bytes, 0600: encrypts secrets at rest; its fingerprint is in the database
 *	DATA/meta.db		metadata
 *	DATA/segments/		chunks
 *	DATA/ballast		space that a full disk gets back, so that deletes and GC go on
 *	DATA/fsd.sock		bound by fsd
 *	DATA/.fsd-init/		a store that is being created (store_draft.h)
 */
struct store;

struct store_settings {
	bool compress;
	bool relaxed;			/* tests only: no flushes by the database */
	bool memory;			/* tests only: chunks live in memory */
	uint64_t reserve_bytes;		/* writes get ERR_SPACE below max(reserve_bytes, reserve_percent of the disk) */
	unsigned reserve_percent;
	int64_t grace_ms;		/* how long GC leaves a tombstoned chunk */
	uint64_t segment_size;		/* 0: SEGMENT_SIZE */
	size_t pool_bytes;		/* buffers of all uploads, 6 MiB or more; 0: POOL_BYTES */
	unsigned readers;		/* 0: 32 */
	int64_t changes_keep_ms;	/* the change log (feed_trim.h); 0: it is kept for ever */
	int64_t changes_keep_min, device_idle_ms;
	int64_t upload_expiry_ms;	/* multipart uploads without activity are aborted after; 7 days */
};
#define STORE_SETTINGS_DEFAULT { .compress = true, .reserve_bytes = 1ull << 30, .reserve_percent = 2, \
	.grace_ms = 24 * 3600 * 1000ll, .upload_expiry_ms = 7 * 86400 * 1000ll }

struct store_credentials {		/* the first administrator's; shown once */
	char access_key_id[32];
	char secret_access_key[48];
	char token[64];
};

/*
 * Creates a store in `dir` (made if missing; must be empty but for hidden files and dev.env): key file, database, first administrator
 * "admin". All of it or nothing: what a failure or a crash leaves (LOCK, .fsd-init/) is no store, and the next call removes it.
 * ERR_EXISTS if there is a store; ERR_NOTEMPTY; ERR_LOCKED another process creates one; ERR_IO; ERR_SPACE.
 */
int store_create(const char *dir, struct store_credentials *admin);

/*
 * Opens it: lock, version, key, database (migrations), segments (recovery), ballast, committer.
 * ERR_NOTFOUND no store there; ERR_LOCKED; ERR_VERSION; ERR_AUTH key file missing, readable by others or wrong;
 * ERR_CORRUPT. Each is logged with what is wrong and what to do.
 */
int store_open(const char *dir, const struct store_settings *settings, struct store **store);
void store_close(struct store *store);	/* ends the committer after what is queued; NULL is fine; no call may run */

/*
 * After a failed flush nothing may be acknowledged any more: the callback (set once, before serving) is told
 * so that the program ends. Called from any thread.
 */
void store_on_failure(struct store *store, void (*failed)(void *arg), void *arg);

/* Called after every commit, from the committer's thread, once a workspace of the batch, also of one that is gone: newest sequence. Must be quick. */
void store_on_commit(struct store *store, void (*committed)(void *arg, int64_t workspace, int64_t sequence),
    void *arg);

struct store_status {
	char engine[48];
	int64_t workspaces, objects;
	uint64_t logical_bytes;		/* sum of current sizes */
	uint64_t chunk_bytes;		/* bytes of distinct live chunks: logical / chunk is the dedup ratio */
	uint64_t stored_bytes;		/* bytes that they take in segments: chunk / stored is the compression ratio */
	int64_t chunks, dead_chunks;
	int64_t segments;
	uint64_t segment_bytes;		/* bytes of all segment files up to their tails */
	uint64_t free_bytes, total_bytes;
	bool low;			/* below the reserve: writes are refused */
	int64_t open_uploads;
	size_t pool_in_use;
	int64_t commits, batches;	/* since start */
};
int store_status(struct store *store, struct store_status *status);

/* What costs nothing to know: no table is read. */
struct store_figures {
	uint64_t free_bytes, total_bytes;
	bool low;
	size_t pool_in_use;
	int64_t commits, batches;	/* since start */
};
int store_figures(struct store *store, struct store_figures *figures);

const struct store_settings *store_settings(const struct store *store);

#endif
