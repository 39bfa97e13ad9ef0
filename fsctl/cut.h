#ifndef FSCTL_CUT_H
#define FSCTL_CUT_H

#include <stdint.h>

#include "buf.h"
#include "digest.h"

/* A file on disk as the chunks that the server cuts it into (chunker.h). Any thread. */
struct cut_chunk {
	uint8_t hash[SHA256_SIZE];
	uint32_t bytes;
	uint64_t offset;
};

struct cut {
	struct buf chunks;	/* struct cut_chunk one after the other */
	uint8_t hash[SHA256_SIZE];	/* of all of it */
	uint64_t bytes;
	void (*tick)(void *arg);	/* called now and then while the file is read; NULL: nothing is */
	void *tick_arg;
};
#define CUT_INIT { .chunks = BUF_INIT((size_t)1 << 30) }

/*
 * Reads from the file's beginning to its end. ERR_IO (logged), ERR_NOMEM, ERR_INVALID
 * (the sizes), ERR_CLOSED: told to stop.
 */
int cut_file(int fd, const char *name, uint32_t min, uint32_t avg, uint32_t max, struct cut *cut);
void cut_release(struct cut *cut);
size_t cut_count(const struct cut *cut);
const struct cut_chunk *cut_at(const struct cut *cut, size_t i);

/*
 * The hash alone of `len` bytes from there on, or up to the file's end; *got is how many
 * there were. Goes on with `d` as it is. Errors as cut_file().
 */
struct cut_range {
	uint64_t from, len;
};
#define CUT_ALL ((struct cut_range) { 0, UINT64_MAX })
int cut_hash(int fd, const char *name, struct cut_range range, struct digest *d, uint64_t *got);

#endif
