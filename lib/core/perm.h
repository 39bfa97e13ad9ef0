#ifndef CORE_PERM_H
#define CORE_PERM_H

#include <stdbool.h>
#include <stdint.h>

#include "object.h"
#include "principal.h"
#include "str.h"

/*
 * "May X do Y on Z", for both faces, and the grants it rests on. Deny is the default. Administrators may do everything;
 * a workspace's owner has the role owner on all of it; grants on workspace, folder or file are inherited down the tree, and the
 * nearest can raise, not lower, what is inherited.
 */
enum role { ROLE_NONE, ROLE_VIEWER, ROLE_EDITOR, ROLE_OWNER };
const char *role_name(enum role role);
int role_parse(const char *text, enum role *role);

enum action {
	ACTION_LIST,		/* names under a prefix, HeadBucket */
	ACTION_READ,
	ACTION_WRITE,		/* put, delete, multipart */
	ACTION_MANAGE,		/* the bucket itself: delete, settings, grants: owners */
};

/*
 * 0 or ERR_DENIED. `key`: the object or prefix meant, empty for the workspace itself. For a key that does not exist the nearest
 * existing folder above counts.
 */
int perm_check(struct store *store, const struct principal *who, enum action action, int64_t workspace,
    struct slice key);
/* May create workspaces: administrators, and users with the right to. */
int perm_check_create(const struct principal *who);
/* Has any role at all in the workspace (what ListBuckets shows). */
bool perm_any(struct store *store, const struct principal *who, int64_t workspace);

struct grant {
	int64_t resource, principal, workspace;
	int resource_kind;		/* 1 workspace, 2 folder, 3 file */
	enum role role;
	int64_t created_us;
	char principal_name[LIMIT_USER_NAME + 1];
	bool in_trash;			/* it sleeps: what it is on is in the trash, deleted by a marker, or destroyed (it ends soon: grant_expire()) */
	char path[LIMIT_KEY + 1];	/* "" for the workspace; folders end in "/" (cut with … when longer); in the trash the last one, "" if that is not known */
};
/* `path` "" is the workspace, ending in "/" a folder (made if missing), else a file (ERR_NOTFOUND). Emits SHARE_GRANTED / SHARE_REVOKED. */
int grant_add(struct store *store, int64_t workspace, struct slice path, int64_t principal, enum role role, struct actor actor);
int grant_remove(struct store *store, int64_t workspace, struct slice path, int64_t principal, struct actor actor);	/* ERR_NOTFOUND */
/* What is in the trash has no path there: share_take(). */
int grant_list(struct store *store, int64_t workspace, struct grant *list, unsigned max, unsigned *n);
/* For maintenance: ends up to `max` grants on folders and files that were destroyed. 0 with *n == 0: nothing to do. */
int grant_expire(struct store *store, unsigned max, unsigned *n);
/* All that one principal was given, by workspace. */
int grant_list_of(struct store *store, int64_t principal, struct grant *list, unsigned max, unsigned *n);

#endif
