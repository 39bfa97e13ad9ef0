#ifndef BLOB_SEG_SCRATCH_H
#define BLOB_SEG_SCRATCH_H

#include <stdint.h>

#include "record.h"

/*
 * A thread's own buffers, so that small puts and gets allocate nothing: allocated when a thread first needs
 * them, freed when it ends, and only those pages take memory that were used.
 */
#define SEG_RECORD_SMALL (BLOCK_SIZE + 1024u)	/* a record of one block always fits */

struct seg_scratch {
	uint8_t in[SEG_RECORD_SMALL];	/* stored bytes */
	uint8_t raw[BLOCK_SIZE];	/* a block of which only a piece is wanted */

	/* The head of the last large record read, so that reading on in it costs no second look. */
	uint64_t instance;		/* 0: none */
	uint64_t home;
	struct record record;
	struct record_block blocks[RECORD_BLOCKS_MAX];
};

/* NULL: no memory. */
struct seg_scratch *seg_scratch_get(void);

#endif
