#ifndef CORE_STORE_IN_H
#define CORE_STORE_IN_H

#include <pthread.h>
#include <stdatomic.h>

#include "store.h"

/*
 * The inside of a store, for lib/core and lib/jobs only.
 */
#define CLOCK_LEAP_US (7 * 86400 * 1000000ll)	/* a wall clock that far ahead of all records may be a wrong one */
#define CLOCK_TRUST_US (86400 * 1000000ll)	/* it is believed after that time in which nobody set it right */

struct store {
	struct store_settings settings;
	char *dir;
	int dirfd, lockfd;
	uint8_t id[16];
	uint8_t key[32];		/* from store.key */
	struct db *db;
	struct blob_store *blobs;
	struct pool *pool, *small_pool;	/* ingest.h */
	struct committer *committer;	/* commit.h */
	struct ingest_registry *ingests;	/* ingest.h: who is running, for GC */
	struct idem_registry *idems;	/* idem.h */
	struct caches *caches;		/* cache.h */
	struct misses *misses;		/* misses.h: who guessed names of users */
	struct gate *gate;		/* gate.h: the space check */
	struct namespace *namespace;	/* namespace.h: folder ids by path */
	void (*failed)(void *arg);
	void *failed_arg;
	void (*committed)(void *arg, int64_t workspace, int64_t sequence);
	void *committed_arg;
	int64_t opened_us, opened_wall_us;	/* when it was opened: by the monotonic and the wall clock */
	int64_t doubted_us;		/* how far the wall clock was then ahead of all records, if that is past belief */
	int64_t last_home;		/* of the segments that were there when it was opened: to those nobody appends */
	void *gc_state;			/* lib/jobs/gc.c's, which sets how it is freed */
	void (*gc_free)(void *gc_state);
	_Atomic int64_t auth_epoch, structure_epoch;	/* commit.h */
	_Atomic bool auth_changing;	/* what is cached under the first is not what the running batch sees */
};

#endif
