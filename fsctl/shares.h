#ifndef FSCTL_SHARES_H
#define FSCTL_SHARES_H

#include <stdbool.h>

#include "json.h"

/*
 * Who has roles on parts of a workspace alone finds those at its top by name. Where
 * several have one name, a path that begins with it does not say which is meant (of one
 * file and one folder a slash does: without it the file is meant): then,
 * and whenever one likes, the id of the folder or file takes the name's place
 * ("fld_…/below"). An id goes before a name that looks like one, so that nobody can put
 * something of theirs in its way.
 */
struct remote;
struct shares;

/*
 * *by_id: `path` begins with the id of something that is shared, and *node is what it
 * leads to (a slash at the end means a folder), or NULL if nothing is there. Otherwise
 * the path is one by names, which says what it means. What was learnt stays in *shares
 * (NULL at first). An exit status: STATUS_USAGE, with the ids, if several have the name.
 */
int shares_look(struct shares **shares, struct remote *r, const char *path, bool *by_id, struct json **node);
void shares_free(struct shares *s);	/* NULL is fine */

#endif
