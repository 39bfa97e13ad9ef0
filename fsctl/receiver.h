#ifndef FSCTL_RECEIVER_H
#define FSCTL_RECEIVER_H

#include <stdint.h>
#include <sys/types.h>

/*
 * One version of a file from the server to a place below a folder on disk:
 *
 *	there already (size and hash) -> its time and mode are set
 *	else -> .fsctl-VERSION.part beside the target, which an interrupted transfer leaves; the next one keeps what the
 *	        manifest's hashes say is right of it
 *	     -> verified by the version's SHA-256, or those of its chunks if it has none -> flushed, if something has
 *	        its name -> renamed to it
 *
 * Whoever writes to a part holds its flock, and only then renames or removes it. Who finds
 * it taken (the same version, to the same folder, at the same time) takes the next name,
 * .fsctl-VERSION.1.part and so on: each makes a file of its own, and the last one's stays.
 *
 * Where an older file of that name is long enough, the version's manifest is compared
 * with it, and only the chunks that it lacks are fetched. A file of one chunk is fetched
 * by its hash, any other through its short-lived URL.
 */
struct tally;
struct peer;

struct receiver {
	struct tally *tally;
	int root;		/* the folder, or -1: to standard output */
	const char *dest;	/* below it */
	const char *local, *path;	/* for people: here, and WORKSPACE/path */
	const char *id, *version;
	const char *hash, *mtime, *mode;	/* as the server writes them; NULL: not known */
	mode_t mask;		/* the process's umask, which is asked for by setting it, and so before there are threads */
	uint64_t size;
	uint32_t min, avg, max;	/* how the workspace cuts */
};

/* All that the tally is told. An exit status. Any thread. */
int receiver_get(const struct receiver *r, struct peer *peer);

#endif
