#ifndef FSCTL_PACK_H
#define FSCTL_PACK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Small files to the server, many at once: their bytes in one request (POST /v1/chunks),
 * then all of them in one commit (files:commit-batch). A file of at most the workspace's
 * smallest chunk is one chunk.
 *
 *	filling (pack_add) -> sent by a crew, which frees it
 *
 * A pack that is under way when the time is over was sent in vain. So under --bwlimit it
 * holds what goes in 2 s, or in a quarter of --max-duration, if the others of the crew
 * send as much meanwhile; and 1 MiB under --max-duration alone. One file at least.
 */
struct crew;
struct tally;
struct remote;
struct pack;

#define PACK_FILES 1000
#define PACK_BYTES (15u << 20)

struct pack_file {
	const char *local, *path;	/* the caller's until the crew is done */
	const char *parent, *name;
	const char *file, *base, *base_hash;	/* what is there, or NULL */
	struct stat st;
};

/* NULL: no memory. `connections`: of the crew. */
struct pack *pack_new(struct tally *tally, const struct remote *to, unsigned connections);
bool pack_fits(const struct pack *p, uint64_t size);	/* not to be asked of an empty one */
void pack_add(struct pack *p, const struct pack_file *file);
/* Gives it away. Failures are told to the tally, file by file. */
void pack_send(struct pack *p, struct crew *crew);

/*
 * Makes folders by the thousand: each in the folder whose id is `parent`, or in the one
 * of the earlier index `above`. Fills ids, to be freed; one that can't be made is told to
 * the tally and has none, nor have those below it. An exit status, said, of what concerns
 * them all.
 */
struct pack_folder {
	const char *path;		/* for people */
	const char *name, *parent;	/* parent NULL: that of `above` */
	long above;
	long op;			/* pack_folders()'s own */
	char *id;
};
int pack_folders(struct tally *tally, const struct remote *to, struct pack_folder *folders, long n);

#endif
