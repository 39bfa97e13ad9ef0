#ifndef CORE_TREE_IN_H
#define CORE_TREE_IN_H

#include "object_in.h"
#include "tbl_file.h"
#include "tbl_folder.h"
#include "tree.h"

/*
 * The changes of tree.h inside a closure, for those who do several in one commit; and what they share. Refusals come before the first
 * change of each; but a tree_change_in() of place and attributes both may find after the move that the quota has no room for a version.
 */
int tree_make_in(struct txn *t, struct tree_make *m);
int tree_change_in(struct txn *t, struct tree_change *c);
int tree_delete_in(struct txn *t, struct tree_delete *d);
int tree_undelete_in(struct txn *t, struct tree_undelete *u);
int tree_restore_in(struct txn *t, struct tree_restore *r);

/*
 * The folder that what was deleted in `folder` comes back into: that one, or what is at its path now. *now 0: it would be made again. ERR_NOTFOUND: its path is
 * not known, or a file has the name of one of its folders. Changes nothing.
 */
int tree_undelete_place(struct txn *t, int64_t workspace, int64_t folder, int64_t *now);

/* How deep a folder is (the root: 0). ERR_NOTFOUND: it is not there, or in the trash. */
int tree_depth(struct txn *t, int64_t workspace, int64_t folder, int *depth);

/*
 * object_aim() of a key that begins in `folder`, which must be reached. ERR_NOTFOUND: no such folder. `key` lives as long as the target. What has only
 * versions left is found as for S3: a put goes on with it.
 */
int tree_aim(struct txn *t, int64_t workspace, int64_t folder, struct slice key, struct actor actor,
    struct target *target);
/* Aims at a file that is shown, or (`marked`) also at one that is deleted by a marker. `name` keeps its name. ERR_NOTFOUND. */
int tree_aim_file(struct txn *t, int64_t workspace, int64_t file, bool marked, struct actor actor, struct buf *name,
    struct target *target);

/* A name that the tree accepts. ERR_INVALID. */
int tree_name_check(struct slice name);

/*
 * Makes a folder explicit, unless it is the root or was before: what devices write into stays when the last file goes. Other events of the
 * same commit must follow.
 */
int tree_mark(struct txn *t, struct workspace_row *w, int64_t folder, struct actor actor);
/* The same for the folder at a path from the root, whose folders are made as needed. */
int tree_mark_path(struct txn *t, struct workspace_row *w, struct slice path, struct actor actor, int64_t *folder);

/*
 * Whether `at` can be taken by a file or folder that comes there: ERR_EXISTS with what is shown under the name, or is in the way as tree_clear() says. What has only
 * versions left, which S3 keeps, is ERR_EXISTS with id 0: it would be out of S3's reach.
 */
struct tree_taken {
	int64_t id;
	enum node_kind kind;
};
int tree_free(struct txn *t, const struct entry_at *at, struct tree_taken *taken);
/*
 * Whether what gets shown at `at` makes no twin (twin.h): neither itself, nor a folder above it that is not shown now and would be with it, up to the folder `top`
 * (0: all). ERR_EXISTS with the other one. A name "" asks for the folders alone. ERR_NOTFOUND: no such folder.
 */
int tree_clear(struct txn *t, const struct entry_at *at, int64_t top, struct tree_taken *taken);

/* Takes the folder at `at` out of the tree and into the trash, where it counts as that many files and bytes. Emits its event if it was shown. */
int tree_detach(struct txn *t, struct workspace_row *w, const struct entry_at *at, int64_t objects, int64_t bytes,
    struct actor actor);

/* Fills `n`, if it is wanted. */
int tree_show(struct txn *t, enum node_kind kind, int64_t id, struct node *n);

#endif
