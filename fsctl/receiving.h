#ifndef FSCTL_RECEIVING_H
#define FSCTL_RECEIVING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "receiver.h"

/*
 * The bytes of the version that receiver.c fetches, in order, to a file that grows or to
 * standard output. All that the tally is told; exit statuses.
 *
 * receiving.c has them from the server; receiving_manifest.c knows by the version's
 * manifest which of them are here already, in an earlier try's part or an older file.
 */
#define PART_NAME 64

struct digest;

struct receiving {
	const struct receiver *r;
	struct peer *peer;
	int dir, old, part;	/* -1: not open */
	uint64_t old_size;
	bool replaces;		/* something has its name */
	const char *name;
	char part_name[PART_NAME];
	const char *hash;	/* hex, of the whole; NULL: the server has none */
	struct digest *digest;	/* of what was written, from the beginning; unused without `hash` */
	uint64_t at;		/* bytes written */
	uint64_t sure;		/* of these, chunks from the beginning on that are as the manifest says */
	bool guessed;		/* an earlier try's beginning of a chunk was kept, which nothing vouches for yet */
	uint64_t tried;		/* where the last try began */
	struct buf manifest;	/* the version's chunks in order, once asked for */
	char *url;
};

/* What is still missing, by the version's URL. */
int receiving_whole(struct receiving *g);
/* One chunk, by its hash. *found: false where the version has no such chunk. Unsaid then. */
int receiving_chunk(struct receiving *g, const char *hex, bool *found);
/* 0; ERR_END: told to stop; another negative code, said: it can't be written. */
int receiving_keep(struct receiving *g, const void *bytes, size_t len);
/* The last `len` bytes that were written are a chunk of the manifest's. */
void receiving_sure(struct receiving *g, uint64_t len);

/*
 * Keeps what is right of `there` bytes that an earlier try brought: whole chunks by their
 * hashes, and the beginning of one more.
 */
int receiving_begin(struct receiving *g, uint64_t there);
/*
 * *done: it was worth it. What the old file has at least half of is made from it; `there`
 * bytes an earlier try brought.
 */
int receiving_delta(struct receiving *g, uint64_t there, bool *done);
/*
 * Once all has come: whether it is right, by the hash of the whole, or of its chunks where
 * there is none. Without either, to standard output, only the length is looked at.
 * A chunk of which an earlier try brought a wrong beginning is fetched again.
 */
int receiving_verify(struct receiving *g, bool *right);

#endif
