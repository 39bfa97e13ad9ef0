#ifndef BLOB_SEG_PACK_H
#define BLOB_SEG_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "record.h"

/*
 * A chunk made ready to be written as a record: its blocks compressed where that pays, with their CRCs. Its
 * size is known before its place is, and the head is encoded when the place is known. Placed by the caller; one thread.
 */
struct seg_pack {
	struct record_block blocks[RECORD_BLOCKS_MAX];
	uint8_t head[RECORD_HEAD_MAX];
	struct iovec iov[RECORD_BLOCKS_MAX + 2];
	int count;		/* of iov */
	uint32_t raw;
	uint32_t size;		/* the record's */
	size_t head_size;
	void *room;		/* packed bytes of a large chunk */
	size_t room_size;
};

/* Bytes of all pieces together. */
size_t seg_pack_len(const struct iovec *iov, int count);
/*
 * The pieces (`len` bytes together, 1 to CHUNK_MAX; each but the last a multiple of BLOCK_SIZE) are borrowed until the
 * release. ERR_NOMEM.
 */
int seg_pack_init(struct seg_pack *p, const struct iovec *iov, size_t len, bool compress);
void seg_pack_release(struct seg_pack *p);

/* Writes the record at `offset`. An all-zero `id` marks a place that was reserved and holds nothing. */
int seg_pack_write(struct seg_pack *p, int fd, const char *name, const struct record_file *file, uint64_t offset,
    const uint8_t id[32]);
/* Only the head, after a write that failed: what follows in the segment stays reachable. */
int seg_pack_abandon(struct seg_pack *p, int fd, const char *name, const struct record_file *file,
    uint64_t offset);

#endif
