#ifndef CORE_NODE_H
#define CORE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "limits.h"
#include "object.h"
#include "perm.h"

/*
 * A file or a folder as the JSON API sees it: by its id, wherever it is. What lies in the trash, is deleted by a marker,
 * or has such a folder above it, is not found here (tree.h finds it). A folder's marker is found by no id, whatever its state.
 */
struct store;
struct db_conn;

enum node_kind { NODE_FILE = 1, NODE_FOLDER = 2 };

struct node {
	enum node_kind kind;
	int64_t id, workspace;
	int64_t parent;			/* 0: it is the root folder */
	struct buf name;		/* without a folder's slash; "" for the root */
	struct buf path;		/* from the root, without slash at either end; node_locate() fills it */
	bool twin;			/* a file and a folder have this name: sync can't carry it; node_locate() finds out */
	int64_t sequence;		/* of its newest change */
	int64_t created_by, created_us;
	/* folders */
	bool explicit_folder;		/* its marker is there: it stays when the last file goes */
	/* files */
	int64_t version_id, base_version_id;
	uint64_t size;
	int64_t modified_us, modified_by;
	char etag[ETAG_TEXT];
	bool has_hash;
	uint8_t content_hash[32];
	struct buf headers;		/* meta.h */
};
#define NODE_INIT { .name = BUF_INIT(LIMIT_KEY_STORED), .path = BUF_INIT(LIMIT_KEY_STORED * 2), .headers = BUF_INIT(1 << 20) }
void node_release(struct node *n);

/* Fills everything but the path; on any connection, also inside a closure. ERR_NOTFOUND. `n` was initialised; it can be loaded again. */
int node_load(struct db_conn *db, enum node_kind kind, int64_t id, struct node *n);

/*
 * Climbs from the node to the root: n->path, n->twin, and whether it can be reached at all. ERR_NOTFOUND: something above it is gone or in
 * the trash.
 */
int node_locate(struct db_conn *db, struct node *n);

/*
 * The strongest role of `who` on a node: of the workspace, or of a grant on it or on a folder above; a grant on a file that is gone is none. ROLE_NONE without an error if it has none. *top
 * (may be NULL) gets the topmost folder (or the file) that it may see by itself, 0 where it is the whole workspace: paths are shown from there.
 * ERR_NOTFOUND: the node can't be reached. Inside a read transaction.
 */
int node_role(struct store *store, struct db_conn *db, const struct principal *who, enum node_kind kind, int64_t id,
    int64_t workspace, enum role *role, int64_t *top);

/*
 * All of it in one read transaction, as handlers need it: the node, if `who` may do `action` on it. ERR_NOTFOUND: it is not there or `who`
 * may not even read it; ERR_DENIED: may see it, but not that.
 */
int node_find(struct store *store, const struct principal *who, enum action action, enum node_kind kind, int64_t id,
    struct node *n);

/*
 * Whether `who` may see a file or folder in the past: all of it with a role on the workspace, else what is in a folder that is its own to see now, and a file that is
 * there and was shared by itself. A grant on what is gone, or below what is gone, gives nothing. Inside a read transaction.
 */
int node_seen(struct store *store, struct db_conn *db, const struct principal *who, enum node_kind kind, int64_t id,
    int64_t workspace, bool *seen);

/*
 * node_find() of a file, to read it or its versions, that also finds one that is gone: in the trash, hidden by a marker, or in a folder
 * that is in the trash. Of such a one, whose path is empty, versions and contents can be read for as long as they are kept. ERR_NOTFOUND: no trace of it, or
 * nothing that `who` may see.
 */
int node_find_past(struct store *store, const struct principal *who, int64_t id, struct node *n);

/*
 * What a path of a workspace leads to: `a/b` the file of that name, else the folder; `a/b/` the folder; "" the root. ERR_NOTFOUND. Says nothing
 * of rights.
 */
int node_lookup(struct store *store, int64_t workspace, struct slice path, enum node_kind *kind, int64_t *id);
/*
 * The same of a path as `who` is shown it: from the root by a role on the whole workspace, else from the topmost folder or file that was shared. Of several
 * with its name a file where no folder is asked for, then what was made first and has the rest of the path. "" is nothing then. What is above
 * is not looked at.
 */
int node_lookup_shown(struct store *store, const struct principal *who, int64_t workspace, struct slice path,
    enum node_kind *kind, int64_t *id);

/* What `who` does not see above a located node, for those that have roles on parts of a workspace alone. ERR_NOTFOUND. */
struct node_hidden {
	size_t len;			/* bytes of the path */
	int64_t top;			/* the topmost folder (or the file) that is seen: what it is in is not; 0: all is */
};
int node_hidden(struct store *store, const struct principal *who, const struct node *n, struct node_hidden *hidden);

/* The path as `who` sees it: cut in front of the topmost folder that it may see. Of a node that was located. */
int node_shown_path(struct db_conn *db, const struct node *n, int64_t top, struct slice *path);

/* The role that an action takes; ERR_DENIED if `role` is less. */
int perm_allows(enum role role, enum action action);
/*
 * The role on the whole workspace (administrators: owner). `db` is a read transaction that the caller holds, else NULL.
 * ERR_NOTFOUND: no such workspace.
 */
int perm_role(struct store *store, struct db_conn *db, const struct principal *who, int64_t workspace, enum role *role);

#endif
