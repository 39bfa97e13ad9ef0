#ifndef CORE_PAST_TREE_H
#define CORE_PAST_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "node.h"
#include "past.h"

/*
 * All of a workspace as of a sequence, in order of folder ids and names: what a device takes before it follows the feed from that
 * sequence on. Pages cost what they show, wherever they begin.
 *
 * Who has no role on the whole workspace sees what lies below the folders, and the files, that are shared with it as things are now; what
 * is gone since, if it was shared by itself, or lies where such a folder was. Markers of folders are not shown.
 */
struct principal;

struct past_tree_query {
	int64_t workspace;
	const struct principal *who;
	struct past_when when;
	bool again;			/* `when` is the sequence of an earlier page: what was lost since does not end the listing */
	int64_t under;			/* only what was below this folder; 0: all */
	bool under_gone;		/* it is not there now, so it must have been then */
	int64_t folder;			/* behind this place; 0: from the beginning */
	struct slice name;
	unsigned max;
};

struct past_tree_end {
	int64_t sequence;		/* which tree it is */
	bool more;
	int64_t folder;			/* where the next page starts: query.folder and name */
	struct buf name;
};
#define PAST_TREE_END_INIT { .name = BUF_INIT(LIMIT_KEY_STORED) }

/*
 * Calls each(arg, node, path) for every entry; `path` as the reader may see it, without slash at the end; both live during the call. A page
 * can have less than `max` entries, or none, and say that there is more. ERR_NOTFOUND: no such workspace, or `under` was not there, or is not the
 * reader's to see. ERR_EXPIRED, ERR_INVALID: as past_open(). Any thread.
 */
int past_tree(struct store *store, const struct past_tree_query *query,
    void (*each)(void *arg, const struct node *node, struct slice path), void *arg, struct past_tree_end *end);
void past_tree_end_release(struct past_tree_end *end);

#endif
