#ifndef CORE_TREE_SCAN_H
#define CORE_TREE_SCAN_H

#include "buf.h"
#include "commit.h"

/*
 * What is shown below a folder, looked at once: for a deletion that must know what it counts for, and what of it its device has not seen.
 * Folders come in an order in which parents precede what is in them.
 */
struct tree_scanned {
	int64_t folder;
	size_t parent;			/* index; of the first: 0 */
	size_t name, len;		/* in tree_scan.names, with its slash; of the first: none */
	bool foreign;			/* it came here after `seen`, and with it all that is below */
	int64_t objects, bytes;		/* below it */
	int64_t files;			/* below it, without markers */
	int64_t unseen;			/* below it: files, and folders that came here */
	int64_t kept;			/* below it: files alone of these */
};

struct tree_scan {
	int64_t seen;			/* INT64_MAX: everything is */
	struct tree_scanned *list;
	size_t n, size;
	struct buf names;
	int64_t newest;			/* times of the markers that hide files below: the newest */
};
#define TREE_SCAN_INIT { .seen = INT64_MAX, .names = BUF_INIT(1ull << 30) }

/* ERR_NOMEM; the engine's failures. `hidden`: also goes into folders that are not shown. */
int tree_scan(struct txn *t, int64_t workspace, int64_t folder, bool hidden, struct tree_scan *scan);
void tree_scan_release(struct tree_scan *scan);

#endif
