#include <stdlib.h>

#include "cache.h"
#include "caches.h"
#include "err.h"
#include "identity.h"
#include "perm_fact.h"
#include "tbl_workspace.h"

#define ENTRIES 4096	/* of each: about a MiB, touched as it fills */

int
caches_new(struct caches **caches)
{
	struct caches *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return ERR_NOMEM;
	if ((rc = cache_new(ENTRIES, sizeof(struct identity_fact), &c->keys)) != 0 ||
	    (rc = cache_new(ENTRIES, sizeof(struct identity_fact), &c->tokens)) != 0 ||
	    (rc = cache_new(ENTRIES, sizeof(struct perm_fact), &c->grants)) != 0 ||
	    (rc = cache_new(ENTRIES, sizeof(struct workspace_row), &c->workspaces)) != 0) {
		caches_free(c);
		return rc;
	}
	*caches = c;
	return 0;
}

void
caches_free(struct caches *c)
{
	if (!c)
		return;
	cache_free(c->keys);
	cache_free(c->tokens);
	cache_free(c->grants);
	cache_free(c->workspaces);
	free(c);
}
