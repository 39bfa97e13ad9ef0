#ifndef CORE_CACHES_H
#define CORE_CACHES_H

/*
 * The caches of a store that the authorisation epoch validates. Those of folder ids, which the structure epoch validates, are
 * namespace.h's own.
 */
struct cache;
struct caches {
	struct cache *keys;		/* key id -> struct identity: identity.c */
	struct cache *tokens;		/* SHA-256 -> struct identity and its expiry; and the local administrator */
	struct cache *grants;		/* workspace and principal -> what perm.c asks first */
	struct cache *workspaces;	/* name -> struct workspace_row: workspace.c */
};

int caches_new(struct caches **caches);		/* ERR_NOMEM */
void caches_free(struct caches *caches);	/* NULL is fine; wipes secrets */

#endif
