#ifndef BLOB_SEG_FILLER_H
#define BLOB_SEG_FILLER_H

#include <stdint.h>

#include "record.h"

/*
 * What lies between records that begin at multiples of SEG_ALIGN, so that each can be written past the page cache: a
 * record whose id is zero, as an abandoned place has it, with raw zeros in its one block. Whoever reads records in
 * order passes over it, and no index names it.
 */
#define SEG_ALIGN 4096u		/* the file offsets, lengths and addresses that every device takes */
#define SEG_FILLER_HEAD (RECORD_HEADER_SIZE + RECORD_TABLE_SIZE(1))
#define SEG_FILLER_MAX (SEG_ALIGN + SEG_FILLER_HEAD)	/* less than that, its head included */

/* Bytes of filler behind a record that ends at `end`, a multiple of RECORD_ALIGN; 0 if none is needed. */
uint32_t seg_filler_size(uint64_t end);

/* The first SEG_FILLER_HEAD bytes of a filler of `size` bytes at `offset`; zeros follow. */
void seg_filler_encode(const struct record_file *file, uint64_t offset, uint32_t size, uint8_t out[SEG_FILLER_HEAD]);

#endif
