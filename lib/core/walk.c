#include <string.h>

#include "err.h"
#include "walk.h"

int
walk_next(struct walk *w)
{
	const char *slash;
	int rc;

	if (w->rest.len == 0)
		return ERR_END;
	slash = memchr(w->rest.p, '/', w->rest.len);
	w->is_folder = slash != NULL;
	w->name = (struct slice) { w->rest.p, slash ? (size_t)(slash - w->rest.p) + 1 : w->rest.len };
	rc = tbl_grant_step(w->db, w->workspace, w->folder, w->name.p, w->name.len, &w->node);
	if (rc)
		return rc;
	w->parent = w->folder;
	if (w->is_folder)
		w->folder = w->node.id;
	w->rest.p += w->name.len;
	w->rest.len -= w->name.len;
	return 0;
}
