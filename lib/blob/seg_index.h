#ifndef BLOB_SEG_INDEX_H
#define BLOB_SEG_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "record.h"

/*
 * The index of a segment that is still being written: 48 bytes a record, in pages that never move, at most
 * SEG_RECORDS_MAX records (6 MiB), after which the segment is full however small it is. Not for sharing:
 * the owner locks.
 */
#define SEG_INDEX_PAGE 4096u
#define SEG_INDEX_PAGES 32u
#define SEG_RECORDS_MAX (SEG_INDEX_PAGE * SEG_INDEX_PAGES)

struct seg_index {
	struct record_entry *pages[SEG_INDEX_PAGES];
	uint32_t count;
};

/* Appends; offsets ascend. ERR_NOMEM, ERR_TOOBIG when full. `entry` may be NULL; it stays until the release. */
int seg_index_add(struct seg_index *x, const uint8_t id[32], uint64_t offset, uint32_t size, uint32_t raw,
    struct record_entry **entry);

/*
 * Index and trailer as they stand at offset `at` of a sealed segment: allocated, to be freed. Entries whose id is
 * all zero (abandoned) are left out.
 */
int seg_index_encode(const struct seg_index *x, const struct record_file *file, uint64_t at, uint8_t **bytes,
    size_t *len);

void seg_index_release(struct seg_index *x);

#endif
