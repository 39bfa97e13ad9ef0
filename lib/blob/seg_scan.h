#ifndef BLOB_SEG_SCAN_H
#define BLOB_SEG_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"

/*
 * Reads the records of a segment file one after the other, without its index.
 *
 * Before `trusted` every record must be in order: its header is checked, and anything else is corruption. From
 * there on (what a crash may have left half done) whole records are checked, and three things are stepped
 * over: places that were given away and never written (headers that are zero, wholly or in one sector),
 * records whose head is right and whose blocks are not, and a tail with no record behind it.
 * Placed by the caller; one thread.
 */
#define SEG_SCAN_WINDOW 65536u

struct seg_scan {
	int fd;
	const char *name;
	struct record_file file;
	uint64_t pos;		/* where the next record begins */
	uint64_t end;		/* reading stops here */
	uint64_t trusted;
	uint64_t good;		/* the end of the last record that was right */
	uint64_t gaps;		/* bytes stepped over between records */
	uint8_t *window;	/* of the file, owned */
	uint64_t window_at;
	size_t window_len;
};

/* From the first record up to `end`. `name` is borrowed. ERR_NOMEM. */
int seg_scan_init(struct seg_scan *s, int fd, const char *name, const struct record_file *file, uint64_t end,
    uint64_t trusted);
void seg_scan_release(struct seg_scan *s);

/*
 * The next record; abandoned ones are passed over. ERR_END behind the last. ERR_CORRUPT: what is at s->pos is no record, and
 * either it lies before `trusted` or a valid one follows it that no crash explains.
 */
int seg_scan_next(struct seg_scan *s, struct record_entry *e);

/* How many bytes of [from, end) come before the last that is not zero: what is cut, without what was only allocated. */
int seg_scan_used(struct seg_scan *s, uint64_t from, uint64_t *used);

/*
 * The index of a sealed segment: *entries (allocated, to be freed) holds t->count of them, checked as a whole.
 * ERR_NOTFOUND: the file has no trailer.
 */
int seg_scan_index(int fd, const char *name, const struct record_file *file, uint64_t size,
    struct record_trailer *t, uint8_t **entries);

#endif
