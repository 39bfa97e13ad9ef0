#ifndef CORE_TREE_H
#define CORE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "node.h"
#include "object.h"
#include "str.h"

/*
 * The tree as devices work on it: by ids, whatever the path. What S3 does by keys is in object.h; both end in the same
 * rows, counts and events (SEMANTICS 2 to 9).
 *
 *	file	shown -> deleted by a marker (versioned) -> shown | in the trash -> shown | destroyed (history.h)
 *	folder	shown -> in the trash as a whole, nothing below it touched -> shown | destroyed (history.h)
 *
 * Names have no slash, are valid UTF-8 of 1 to 255 bytes without NUL (ERR_INVALID), and are refused with ERR_EXISTS where the
 * folder shows a file or a folder of that name. What is below a folder in the trash, or in it, is ERR_NOTFOUND; so is the file
 * that is a folder's marker.
 *
 * Each call is one commit; `idem` (idem.h, may be NULL) keeps its reply. Results are set on success, and `existing` and `current` with the
 * errors that name them. `node`, where it is not NULL, was initialised and gets the node as it is after the change: for render too.
 */
struct store;
struct idem;

#define TREE_NAME 255			/* bytes of a name */
#define TREE_PIECE 10000		/* files that one deletion can take file by file */

struct tree_make {
	int64_t workspace, parent;
	struct slice name;
	struct actor actor;
	/* results */
	int64_t folder, sequence;
	int64_t existing;		/* ERR_EXISTS: the id of what has the name */
	enum node_kind existing_kind;
	struct node *node;
};
/*
 * Makes an explicit folder; one that is there without a marker becomes explicit. ERR_NOTFOUND: no such parent. ERR_EXISTS.
 * ERR_TOOBIG: too deep.
 */
int tree_make(struct store *store, struct tree_make *m, struct idem *idem);

struct tree_change {
	int64_t workspace;
	enum node_kind kind;
	int64_t id;
	int64_t parent;			/* where to; 0: it stays in its folder */
	struct slice name;		/* p NULL: it keeps its name */
	const struct buf *attributes;	/* files: stored headers (meta.h) in place of those of the same names; NULL: as they are */
	int64_t base;			/* files: the version that must be current; 0: any */
	struct actor actor;
	/* results */
	int64_t sequence;		/* of the workspace where nothing had to change */
	int64_t existing;		/* ERR_EXISTS; 0: versions that S3 keeps */
	enum node_kind existing_kind;
	int64_t current;		/* ERR_PRECONDITION: the current version */
	struct node *node;
};
/*
 * Moves, renames, and changes attributes, which makes a new version of the same bytes. A folder moves as one row, whatever lies below. ERR_NOTFOUND: it or the
 * parent is not there. ERR_PRECONDITION: another version is current. ERR_CONFLICT: a folder would come to lie below itself. ERR_EXISTS.
 * ERR_TOOBIG: what is below would lie too deep (judged by the deepest that it ever was). ERR_INVALID: the root, a name.
 */
int tree_change(struct store *store, struct tree_change *c, struct idem *idem);

struct tree_delete {
	int64_t workspace;
	enum node_kind kind;
	int64_t id;
	int64_t base;			/* files: the version that must be current; 0: any */
	bool seen_only;			/* folders: delete only what was there and is unchanged since `seen` */
	int64_t seen;			/* a sequence */
	bool empty_only;		/* folders: ERR_NOTEMPTY if anything but its marker is shown in it */
	struct actor actor;
	/* results */
	int64_t sequence;
	int64_t deleted, kept;		/* files, without markers of folders */
	int64_t current;		/* ERR_PRECONDITION */
};
/*
 * A file: as S3's DELETE (object.h). A folder of a workspace that never was versioned goes to the trash as a whole, with one event;
 * if something in it is unseen, so do the folders that have nothing of it and the files that were seen, and the folder stays with the rest. In a versioned
 * workspace each file gets its marker. ERR_TOOBIG: more than TREE_PIECE files would go one by one. ERR_INVALID: the root.
 */
int tree_delete(struct store *store, struct tree_delete *d, struct idem *idem);

struct tree_undelete {
	int64_t workspace;
	enum node_kind kind;
	int64_t id;
	int64_t parent;			/* where to; 0: where it was, by path, whose folders are made again if they are gone */
	struct slice name;		/* p NULL: as it was called */
	struct actor actor;
	/* results */
	int64_t sequence;
	int64_t existing;		/* ERR_EXISTS: what has the name, or that of a folder above it; 0: versions that S3 keeps; or it is not deleted: itself */
	enum node_kind existing_kind;
	struct node *node;
};
/*
 * Out of the trash, or without its marker; of a folder whose files were marked those of its last deletion. ERR_NOTFOUND: it is not there (any more),
 * or where it was is not known. ERR_EXISTS; ERR_QUOTA; ERR_TOOBIG.
 */
int tree_undelete(struct store *store, struct tree_undelete *u, struct idem *idem);

struct tree_restore {
	int64_t workspace, file, version;
	int64_t base;			/* the version that must be current; 0: any */
	struct actor actor;
	bool cleared;			/* where it will be shown has been judged already: its name need not be free */
	/* results */
	int64_t result, sequence;	/* the new version */
	int64_t before;			/* the sequence in front of the commit's events */
	bool unchanged;			/* it is what the file shows: nothing was done */
	int64_t current;		/* ERR_PRECONDITION */
	int64_t existing;		/* ERR_EXISTS: what has the name of the deleted file, or of a folder above it, meanwhile */
	enum node_kind existing_kind;
	struct node *node;
};
/* A new version with bytes and attributes of an old one, of whatever kind. ERR_NOTFOUND; ERR_PRECONDITION; ERR_QUOTA; ERR_EXISTS. */
int tree_restore(struct store *store, struct tree_restore *r, struct idem *idem);

/* ---- listings: tree_list.c, tree_trash.c. Each in one read transaction; any thread. ---- */

struct tree_children {
	int64_t workspace, folder;
	struct slice after;		/* as `next` was; empty: from the beginning */
	struct slice prefix;		/* of names */
	unsigned limit;
	/* results */
	struct buf next;		/* empty: that was all */
	int64_t sequence;		/* of the workspace */
};
#define TREE_CHILDREN_INIT { .next = BUF_INIT(LIMIT_KEY_STORED) }

struct tree_child {
	const struct node *node;	/* without its path */
	const struct tree_sibling *collides;	/* names that differ in case or Unicode form only */
	unsigned ncollides;
};
struct tree_sibling {
	enum node_kind kind;
	int64_t id;
};
/*
 * What a folder shows but its marker, in the order of the stored names (in which a folder's ends in a slash). Collisions are looked for in folders of
 * at most TREE_FOLD entries. ERR_NOTFOUND.
 */
#define TREE_FOLD 100000
int tree_children(struct store *store, struct tree_children *q, void (*each)(void *arg, const struct tree_child *child),
    void *arg);

struct tree_trash {
	int64_t workspace;
	int64_t after_us, after_id;	/* behind this one; 0, 0: the newest */
	unsigned limit;
	bool more;			/* result */
};
struct tree_gone {
	enum node_kind kind;
	int64_t id, parent;		/* where it was */
	struct slice name;		/* without slash; live during the call */
	int64_t deleted_us, deleted_by;
	int64_t expires_us;		/* 0: what a marker hides stays without end */
	int64_t version;		/* files: what would come back */
	bool has_hash;
	uint8_t hash[32];
	int64_t bytes, files;
};
/* Files (also those that markers hide) and whole folders that can be undeleted, the one deleted last first. ERR_NOTFOUND: no such workspace. */
int tree_trash(struct store *store, struct tree_trash *q, void (*each)(void *arg, const struct tree_gone *gone), void *arg);
/* One of them. ERR_NOTFOUND. `name` gets the name, which gone->name points into. */
int tree_trash_get(struct store *store, enum node_kind kind, int64_t id, struct tree_gone *gone, int64_t *workspace,
    struct buf *name);
/* The same inside a transaction. */
int tree_trash_find(struct db_conn *db, enum node_kind kind, int64_t id, struct tree_gone *gone, int64_t *workspace,
    struct buf *name);
/*
 * Where a folder is, or was last: also one that is in the trash or destroyed. `name` gets its name, with the slash. *parent 0: it is the root. ERR_NOTFOUND: it
 * is not known. Inside a transaction.
 */
int tree_last_place(struct db_conn *db, int64_t workspace, int64_t folder, int64_t *parent, struct buf *name);

struct tree_version {
	int64_t id, base;		/* base 0: none */
	uint64_t size;
	bool has_hash, marker, current;
	uint8_t hash[32];
	int64_t created_us, created_by;
	int keep;			/* KEEP_* of tbl_version.h */
};
/* All versions of a file with ids below `before` (0: all), newest first, at most `limit`. *more: there are others. ERR_NOTFOUND: no such file. */
int tree_versions(struct store *store, int64_t workspace, int64_t file, int64_t before, unsigned limit,
    void (*each)(void *arg, const struct tree_version *version), void *arg, bool *more);

#endif
