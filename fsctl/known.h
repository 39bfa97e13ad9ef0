#ifndef FSCTL_KNOWN_H
#define FSCTL_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"

/* What is in a folder of the server, by path. One thread. */
struct known_node {
	char *path;		/* below the folder */
	char *id, *version, *hash, *mtime, *mode;	/* as the server writes them; NULL: it does not say */
	uint64_t size;
	char *unsynced;		/* why sync can't carry it; NULL: it can */
	bool folder;
};

struct known {
	struct known_node *nodes;
	size_t n, room;
};

/* `skip`: bytes of the node's path before the path below the folder. An exit status. */
int known_add(struct known *k, const struct json *node, size_t skip);
void known_sort(struct known *k);	/* after the last one was added */
const struct known_node *known_find(const struct known *k, const char *path);	/* NULL: none */
void known_release(struct known *k);

#endif
