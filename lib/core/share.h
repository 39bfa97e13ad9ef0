#ifndef CORE_SHARE_H
#define CORE_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"
#include "node.h"
#include "object.h"
#include "perm.h"
#include "str.h"
#include "tbl_workspace.h"

/*
 * Sharing by ids, as devices do it: a workspace, a folder or a file with a principal. The rows are those of the grants that
 * administrators give by path (perm.h), and so are the events. Any thread.
 *
 *	grant	given -> given anew (another role) -> revoked | its folder or file is destroyed: revoked somewhat later (grant_expire())
 *
 * While a folder or file is in the trash, its grants sleep: they give nothing, can be taken back, and are there again when it is undeleted. Who owns the
 * nearest folder above that is still there, or was, then owns it. A root folder stands for its workspace. What is shared becomes an explicit folder, so that it stays when its last file goes.
 */
struct store;
struct idem;

enum share_kind { SHARE_WORKSPACE = 1, SHARE_FOLDER, SHARE_FILE };

struct share {
	int64_t workspace;		/* share_take(): 0 is whichever it is in, and filled */
	enum share_kind kind;
	int64_t id;
	int64_t principal;
	enum role role;			/* share_give() alone */
	const struct principal *who;	/* must own it, as things are in the commit, or take its own; NULL: may do everything */
	struct actor actor;
	/* results */
	bool found;			/* it is there, and `who` may know: what is not found is the grant */
	/* the rest on success; kind and id too become the workspace's where they were the root folder's */
	int64_t created_us, sequence;
};
/*
 * ERR_NOTFOUND: it is not there. ERR_INVALID: no such principal, or no role. ERR_CONFLICT: the principal owns the workspace, which no grant can change.
 * ERR_DENIED: `who` sees it, but does not own it.
 * What was given already stays as it is, without an event.
 */
int share_give(struct store *store, struct share *s, struct idem *idem);
/* Also of what is in the trash. ERR_NOTFOUND: it is not there, or has no such grant. ERR_DENIED, ERR_CONFLICT as above. */
int share_take(struct store *store, struct share *s, struct idem *idem);

/*
 * A principal by its exact name, or (name NULL) by its id, for `who`. ERR_NOTFOUND. ERR_BUSY: `who` missed too often (misses.h) and
 * may ask again in *wait_us microseconds; nothing was looked up.
 */
int share_principal(struct store *store, const struct principal *who, const char *name, int64_t id, struct principal *p,
    int64_t *wait_us);

/* ---- lists: share_list.c, each in one read transaction ---- */

struct share_entry {
	int64_t principal;
	const char *principal_name;
	enum role role;
	enum share_kind kind;
	int64_t resource;		/* 0: above all that `who` can see */
	bool inherited;
	int64_t created_us;
};
struct share_query {
	const struct principal *who;
	int64_t workspace;
	enum share_kind kind;
	int64_t id;
	int64_t after;			/* principals behind this one */
	unsigned limit;			/* of principals: each comes with all its grants from the node upwards */
	/* results */
	int64_t last;
	bool more;
};
/*
 * What gives rights on a node: the grants on it and on what it is in, in order of principals. Those who don't own it see their own alone. ERR_NOTFOUND:
 * it can't be reached, or `who` has no right on it.
 */
int share_list(struct store *store, struct share_query *q, void (*each)(void *arg, const struct share_entry *e), void *arg);

struct share_node {
	enum node_kind kind;
	int64_t id;
	struct slice name, path;	/* path: as the principal may see it */
	enum role role;
};
/*
 * The folders and files of a workspace that a principal was given by themselves, behind the id `after`, and that can be reached; at most `limit` are
 * looked at. *last gets the id of the last, *more whether others follow.
 */
int share_nodes(struct store *store, const struct principal *who, int64_t workspace, int64_t after, unsigned limit,
    void (*each)(void *arg, const struct share_node *n), void *arg, int64_t *last, bool *more);

/* The workspaces of an owner with names behind `after`; those in which a principal was given something, and that it does not own, with ids behind `after`. */
int share_owned(struct store *store, int64_t owner, const char *after, struct workspace_row *rows, unsigned max, unsigned *n);
int share_given(struct store *store, int64_t principal, int64_t after, struct workspace_row *rows, unsigned max, unsigned *n);

#endif
