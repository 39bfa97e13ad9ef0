#ifndef FSCTL_WALK_H
#define FSCTL_WALK_H

#include <stddef.h>
#include <sys/stat.h>

/* A folder on disk with all that is in it, in order of names. One thread. */
struct tally;

struct walk_entry {
	char *local;		/* as it can be opened */
	char *path;		/* below the folder; "" is the folder itself */
	long above;		/* index of the folder that it is in; -1 of the first */
	struct stat st;		/* a folder or a regular file */
};

struct walk {
	struct walk_entry *entries;	/* a folder stands before what is in it */
	size_t n, room;
};

/*
 * Symbolic links below are not followed; they and other things that are neither file nor folder are skipped, and the tally told; so are
 * names that can't be sent and what can't be read, as failures. An exit status.
 */
int walk_folder(struct tally *tally, const char *folder, struct walk *walk);
void walk_release(struct walk *walk);

#endif
