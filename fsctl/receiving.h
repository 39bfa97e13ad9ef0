#ifndef FSCTL_RECEIVING_H
#define FSCTL_RECEIVING_H

#include <stdbool.h>
#include <stdint.h>

#include "receiver.h"

/*
 * The bytes of the version that receiver.c fetches, in order, to a file that grows or to
 * standard output. All that the tally is told; exit statuses.
 */
#define PART_NAME 64

struct digest;

struct receiving {
	const struct receiver *r;
	struct peer *peer;
	int dir, old, part;	/* -1: not open */
	uint64_t old_size;
	const char *name;
	char part_name[PART_NAME];
	struct digest *digest;	/* of what was written, from the beginning */
	uint64_t at;		/* bytes written */
	uint64_t tried;		/* where the last try began */
	char *url;
};

/* Keeps so many bytes of what an earlier try brought. */
int receiving_begin(struct receiving *g, uint64_t at);
/* What is still missing, by the version's URL. */
int receiving_whole(struct receiving *g);
/* One chunk, by its hash. *found: false where the version has no such chunk. Unsaid then. */
int receiving_chunk(struct receiving *g, const char *hex, bool *found);
/*
 * *done: it was worth it. What the old file has at least half of is made from it; `there`
 * bytes an earlier try brought.
 */
int receiving_delta(struct receiving *g, uint64_t there, bool *done);

#endif
