#ifndef BLOB_SEG_ENV_H
#define BLOB_SEG_ENV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "record.h"

/*
 * What all parts of one store of segment files share. Constant after blob_seg_open(), but for the atomics.
 */
#define SEG_NAME 32		/* the longest file name, with its NUL */
#define SEG_DIR "segments"

struct seg_cache;
struct seg_stage;

struct seg_env {
	int dirfd;			/* DATA/segments */
	uint8_t store[16];
	uint64_t limit;			/* bytes of records after which a segment is full */
	uint64_t instance;		/* tells the stores of one process apart */
	bool compress;
	struct seg_cache *cache;	/* descriptors for reading */
	struct seg_stage *stage;	/* for direct writes */
	_Atomic bool buffered;		/* the file system refuses direct writes */
	_Atomic uint64_t next;		/* the next segment's number */
	_Atomic bool closed;		/* for writing: after a failed flush, or opened read-only */
	void (*failed)(void *arg);	/* told of a failed flush; may be NULL. Set before the first put */
	void *failed_arg;
};

/* "0000000a.seg": at least 8 hex digits. */
void seg_env_name(uint64_t home, char name[SEG_NAME]);
/* The number in a file name; 0 if it is not one that seg_env_name() writes. */
uint64_t seg_env_home(const char *name);

struct record_file seg_env_file(const struct seg_env *env, uint64_t home);

/* A write or flush failed and bytes may be lost: no later put or sync may report success. Logs and tells once. */
void seg_env_close(struct seg_env *env, const char *name);

/* The file system refused a direct write: all go through the page cache from now on. Logs once. */
void seg_env_refused(struct seg_env *env);

#endif
