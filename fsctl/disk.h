#ifndef FSCTL_DISK_H
#define FSCTL_DISK_H

#include <stddef.h>
#include <sys/stat.h>

/* A folder on disk with all that is in it, in order of names. One thread. */
struct tally;

struct disk_entry {
	char *local;		/* as it can be opened */
	char *path;		/* below the folder; "" is the folder itself */
	long above;		/* index of the folder that it is in; -1 of the first */
	struct stat st;		/* a folder or a regular file */
};

struct disk {
	struct disk_entry *entries;	/* a folder stands before what is in it */
	size_t n, room;
};

/*
 * Symbolic links below are not followed; they and other things that are neither file nor
 * folder are skipped, and the tally told; so are names that can't be sent and what can't
 * be read, as failures: of a folder that fails on the way its beginning is there. An exit
 * status.
 */
int disk_folder(struct tally *tally, const char *folder, struct disk *walk);
void disk_release(struct disk *walk);

#endif
