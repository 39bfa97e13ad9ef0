#ifndef JOBS_HASHES_H
#define JOBS_HASHES_H

#include <stdint.h>

/*
 * contentHash of current contents that came without one: S3 multipart uploads, lists of chunks (SEMANTICS 11). Each is read outside the committer, as long again
 * being rested, and told once, as FILE_METADATA_CHANGED.
 */
struct store;

/* From pass to pass, at first zeros: what can't be read is passed over, and tried again after an hour. One thread. */
struct hashes {
	int64_t to;			/* versions up to this id were tried */
	int64_t again_us;		/* when all are tried anew, by the monotonic clock */
};

/* All that there are; *n gets how many. stop(arg) is asked all the time: non-zero ends early with ERR_CLOSED. */
int hashes_run(struct store *store, struct hashes *hashes, int (*stop)(void *arg), void *arg, int64_t *n);

#endif
