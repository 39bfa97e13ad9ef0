#ifndef FSCTL_REMOTE_H
#define FSCTL_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"
#include "peer.h"

/*
 * WORKSPACE/path of the command line as the things that it names. One thread. All ints
 * are exit statuses.
 */
struct ctl;
struct shares;

struct remote {
	struct ctl *ctl;
	struct peer *peer;
	char *name;		/* of the workspace */
	char *path;		/* as given, without slashes at its ends; "" is the workspace itself */
	bool folder;		/* it ended in a slash, or is empty */
	struct json *doc;	/* the workspace, which the following are from */
	struct shares *shares;	/* what is shared with the caller, once it was asked for */
	const char *id, *root;	/* ws_…, fld_…; no root where only what is below is shared with the caller */
	uint32_t min, avg, max;	/* how it cuts */
};

/*
 * STATUS_USAGE for a malformed operand, STATUS_NOT_FOUND for a workspace that is not
 * there for the caller.
 */
int remote_open(struct ctl *ctl, const char *operand, struct remote *r);
void remote_close(struct remote *r);
/*
 * Another place in the same workspace or in another, over the same connection: `r` is
 * open already.
 */
int remote_move(struct remote *r, const char *operand);

/*
 * What is at `path`, as it is shown to the caller, or by an id at its beginning
 * (shares.h; STATUS_USAGE there): *node is NULL if nothing is, or if it is the root that
 * the caller may not see.
 */
int remote_find(struct remote *r, const char *path, struct json **node);
/* What the operand names; it is an error, said, if nothing is there. */
int remote_need(struct remote *r, struct json **node);
/* The id of a folder, which is made with those above it if it is not there; to be freed. */
int remote_folder(struct remote *r, const char *path, char **id);

/*
 * The folders and files that are shared with the caller by themselves, which stand at the
 * top where there is no root.
 */
int remote_shared(struct remote *r, int (*each)(void *arg, const struct json *node), void *arg);

/* The last part of a path; "" of an empty one. */
const char *remote_base(const char *path);
/* What stands before it, without a slash at the end; to be freed. NULL if memory ran out. */
char *remote_above(const char *path);
/* Both together: to be freed. */
char *remote_join(const char *folder, const char *name);
/* "WORKSPACE/path" for people; to be freed. */
char *remote_text(const struct remote *r, const char *path);

/*
 * All of a folder's tree, page by page: each(arg, node) gives an exit status. `at` may be
 * NULL. `folder` NULL: all of the workspace. Paths in the nodes begin at the workspace's
 * root (as the caller sees it).
 */
int remote_tree(struct remote *r, const char *folder, const char *at, int (*each)(void *arg, const struct json *node), void *arg);

#endif
