#ifndef BLOB_SEG_FILE_H
#define BLOB_SEG_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "seg_cache.h"
#include "seg_env.h"
#include "seg_index.h"
#include "seg_pack.h"

/*
 * One segment file from its creation to its sealing.
 *
 *	1 open		made by seg_file_new(); takes reservations
 *	2 rolled	full, or told to: takes no more; its last writes end
 *	3 sealed	by seg_file_end() and seg_file_seal(): index and trailer written, truncated, durable
 *
 * A crash in states 1 and 2 leaves it to recovery (seg_recover.h), which seals it. A file never comes back to
 * an earlier state, and a process never appends to one that it did not make.
 *
 * The fields are the lane's, under its lock (seg_lane.h); the functions that do input or output are called
 * without it, by the one thread that set the flag named with them.
 *
 *	0 … flushed … written … tail … ready … allocated
 *
 * up to `flushed` everything survives a power cut; up to seg_file_written() there is no hole; up to `tail` it is given
 * away; up to `ready` it may be; up to `allocated` the file system has promised room, so that a full disk
 * shows before a place is given away and not after.
 *
 * Segments of streams are written past the page cache where the file system allows it: then every place begins and ends at a
 * multiple of SEG_ALIGN, with a filler behind the record (seg_filler.h) and one behind the file header. The descriptor of
 * the page cache serves readers, who find what a direct write has ended, and the few bytes that are written
 * through it: the heads of what was abandoned, index and trailer.
 */
enum seg_style {
	SEG_ZEROED,		/* small records: flushing over written zeros changes no metadata */
	SEG_PLAIN,		/* allocated ahead */
	SEG_DIRECT,		/* the same, past the page cache if possible */
};

#define SEG_ZERO_STEP (256u << 10)	/* what is written with zeros ahead of small records */
#define SEG_WRITEBACK (8u << 20)	/* streams: write-back is begun each time so much has been written */

/* A write on its way: from its reservation to its end, in ascending order of offset. On its thread's stack. */
struct seg_write {
	uint64_t offset;
	uint64_t end;		/* behind the filler */
	uint32_t fill;
	struct seg_write *prev, *next;
};

struct seg_file {
	struct seg_env *env;	/* constant, like `home`, `name`, `zeroed`, `direct` */
	uint64_t home;
	char name[SEG_NAME];
	bool zeroed;
	int direct;		/* a descriptor for direct writes, or -1. Then places are aligned */
	struct seg_fd *handle;	/* held; readers share it */
	struct seg_file *next;	/* of the lane */

	uint64_t tail, done, flushed, ready, allocated;	/* `done`: the end of the last record that is written */
	uint64_t started;	/* write-back has been begun up to here */
	struct seg_write *first, *last;
	struct seg_index index;
	unsigned users;		/* threads that hold the pointer without the lock */

	bool preparing;		/* a thread is in seg_file_prepare() */
	bool flushing;		/* a thread is in seg_file_flush() or seg_file_seal() */
	bool sealing;		/* a thread leads it from state 2 to 3 */
	bool entered;		/* header and directory entry are durable */
	bool rolled;
	bool sealed;

	uint64_t reported;	/* the tail that homes() has told */
	bool reported_sealed;
};

/* Makes the next segment: the file and its header. Nothing is durable yet. */
int seg_file_new(struct seg_env *env, enum seg_style style, struct seg_file **f);
void seg_file_free(struct seg_file *f);	/* NULL is fine */

/*
 * Makes [ready, need) and some more behind it fit to be given away. Returns the new marks. ERR_SPACE.
 * `ready` and `allocated` are set by the caller, under the lock.
 */
int seg_file_prepare(const struct seg_file *f, uint64_t need, uint64_t *ready, uint64_t *allocated);

/* Bytes that a record of `size` bytes takes at the tail, with what follows it. */
uint64_t seg_file_room(const struct seg_file *f, uint32_t size);
/* Gives those away (the tail has them ready) to a record of `raw` bytes. ERR_NOMEM: nothing changed. */
int seg_file_reserve(struct seg_file *f, struct seg_write *w, const uint8_t id[32], uint32_t size, uint32_t raw,
    struct record_entry **entry);
/*
 * Writes the record at its place. If that fails, its head alone says that nothing is there; if that fails too, or a direct
 * write has failed for another reason than room, the store is closed for writing.
 */
int seg_file_write(const struct seg_file *f, const struct seg_write *w, const uint8_t id[32], struct seg_pack *p);
/* The write is done: its bytes are in the file. */
void seg_file_complete(struct seg_file *f, struct seg_write *w);
/* Everything before this offset has been written. */
uint64_t seg_file_written(const struct seg_file *f);

/* Makes durable what is written; the first time also the header and the directory entry. Any failure is final. */
int seg_file_flush(const struct seg_file *f);

/*
 * Writes index and trailer at `tail`, the end of the last record, and cuts what was allocated behind; seg_file_seal() makes that
 * durable. Also for recovery. ERR_SPACE, ERR_NOMEM: may be tried again.
 */
int seg_file_end(struct seg_env *env, int fd, const char *name, uint64_t home, const struct seg_index *index,
    uint64_t tail);
int seg_file_seal(const struct seg_file *f);	/* any failure is final */

#endif
