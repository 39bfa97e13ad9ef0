#ifndef CORE_PAST_WAY_H
#define CORE_PAST_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "past.h"

/*
 * The ways to folders as of a sequence: each folder is climbed from once, and remembered. For one page of past_tree.c.
 */
struct principal;

struct past_way {
	int64_t folder;			/* 0: an empty place of the table */
	bool reached;			/* a way led there */
	bool under;			/* it is the folder that is listed, or below it */
	bool seen;			/* the reader may see it, as things are now */
	size_t path, len;		/* its path in past_ways.paths, with its slash; the root's is empty */
	size_t shown;			/* bytes of the path that the reader must not see */
};

struct past_ways {
	const struct past_view *view;
	struct store *store;
	const struct principal *who;
	bool whole;			/* the reader sees everything */
	int64_t under;			/* 0: everything is */
	struct past_way *table;		/* open addressing; a power of two */
	size_t size, used;
	struct buf paths;
};
#define PAST_WAYS_INIT { .paths = BUF_INIT(256u << 20) }

/* The way to a folder; *way lives until the next call. One that no way led to is no error. */
int past_way_find(struct past_ways *ways, int64_t folder, const struct past_way **way);
/* Whether the reader may see a file or folder by itself or by what is above it now. */
int past_way_visible(struct past_ways *ways, int kind, int64_t node, bool *visible);
void past_ways_release(struct past_ways *ways);

#endif
