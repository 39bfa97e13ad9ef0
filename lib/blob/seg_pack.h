#ifndef BLOB_SEG_PACK_H
#define BLOB_SEG_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "record.h"
#include "seg_filler.h"

/*
 * A chunk made ready to be written as a record: its blocks compressed where that pays, with their CRCs. Its
 * size is known before its place is, and the head is encoded when the place is known. Placed by the caller; one thread.
 */
struct seg_pack {
	struct record_block blocks[RECORD_BLOCKS_MAX];
	uint8_t head[RECORD_HEAD_MAX];
	uint8_t filler[SEG_FILLER_HEAD];
	struct iovec iov[RECORD_BLOCKS_MAX + 4];
	int count;		/* of iov */
	uint32_t raw;
	uint32_t size;		/* the record's */
	uint32_t fill;		/* of the filler behind it; 0: none */
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

/* Its place and name are known, and how much filler follows it (seg_filler.h): from now on p->iov is what is to be written at `offset`. Once. */
void seg_pack_place(struct seg_pack *p, const struct record_file *file, uint64_t offset, uint32_t fill,
    const uint8_t id[32]);
/*
 * Only the heads, after a write that failed: what follows in the segment stays reachable. The record's id becomes all zero, which
 * marks a place that was reserved and holds nothing.
 */
int seg_pack_abandon(struct seg_pack *p, int fd, const char *name, const struct record_file *file,
    uint64_t offset);

#endif
