#ifndef CORE_CONTENT_H
#define CORE_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "manifest.h"

/* What a version consists of, by its id alone. Says nothing of rights. */
struct store;

struct content {
	int64_t version, file, workspace;
	uint64_t size;
	int64_t modified_us;
	bool has_hash;
	uint8_t hash[32];
	struct buf manifest, headers;	/* manifest.h, meta.h */
};
#define CONTENT_INIT { .manifest = BUF_INIT(64 << 20), .headers = BUF_INIT(1 << 20) }
void content_release(struct content *c);

/* ERR_NOTFOUND: no such version, or a delete marker. `c` was initialised. */
int content_of(struct store *store, int64_t version, struct content *c);

/* Its chunks in order, until `each` answers false. ERR_NOTFOUND: the version went meanwhile. */
int content_chunks(struct store *store, const struct content *c, bool (*each)(void *arg, const struct manifest_chunk *chunk),
    void *arg);

/*
 * The hash of a current content that had none is known now: the feed says FILE_METADATA_CHANGED, unless the file is out of reach in the trash or
 * is a folder's marker. ERR_NOTFOUND: it is not current any more, or has one.
 */
int content_hashed(struct store *store, const struct content *c, const uint8_t hash[32]);

#endif
