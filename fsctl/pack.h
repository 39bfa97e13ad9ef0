#ifndef FSCTL_PACK_H
#define FSCTL_PACK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Small files to the server, many at once: their bytes in one request (POST /v1/chunks), then all of them in one commit
 * (files:commit-batch). A file of at most the workspace's smallest chunk is one chunk.
 *
 *	filling (pack_add) -> sent by a crew, which frees it
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

struct pack *pack_new(struct tally *tally, const struct remote *to);	/* NULL: no memory */
bool pack_fits(const struct pack *p, uint64_t size);
void pack_add(struct pack *p, const struct pack_file *file);
/* Gives it away. Failures are told to the tally, file by file. */
void pack_send(struct pack *p, struct crew *crew);

/*
 * Makes folders by the thousand: names[i] in the folder whose id is parents[i], or in the one made for an earlier index above[i] (>= 0).
 * Fills ids, to be freed. An exit status, said.
 */
struct pack_folder {
	const char *name, *parent;	/* parent NULL: that of `above` */
	long above;
	char *id;
};
struct peer;
int pack_folders(struct peer *peer, const struct remote *to, struct pack_folder *folders, unsigned long n);

#endif
