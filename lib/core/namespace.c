#include <assert.h>
#include <string.h>

#include "commit.h"
#include "db.h"
#include "err.h"

#include "namespace.h"
#include "store_in.h"
#include "tbl_entry.h"
#include "tbl_folder.h"

struct slice
namespace_path(struct slice key)
{
	size_t n = key.len;

	while (n && key.p[n - 1] != '/')
		n--;
	return (struct slice) { key.p, n };
}

/* The first folder's name of a path, with its slash. */
static struct slice
first(struct slice path)
{
	const char *slash = memchr(path.p, '/', path.len);

	assert(slash);
	return (struct slice) { path.p, (size_t)(slash - path.p) + 1 };
}

static struct slice
behind(struct slice s, size_t len)
{
	return (struct slice) { s.p + len, s.len - len };
}

int
namespace_key_check(struct slice key)
{
	size_t depth = 0;

	if (key.len > LIMIT_KEY)
		return ERR_TOOBIG;
	if (key.len == 0 || memchr(key.p, '\0', key.len) || !utf8_valid(key.p, key.len))
		return ERR_INVALID;
	for (size_t i = 0; i < key.len; i++)
		depth += key.p[i] == '/';
	return depth > LIMIT_DEPTH ? ERR_TOOBIG : 0;
}

/* Goes down from `*folder` as far as the path's folders are there; *found gets how many bytes of it that is. */
static int
descend(struct db_conn *db, int64_t workspace, struct slice path, int64_t *folder, size_t *found)
{
	struct entry_at at = { .workspace = workspace, .folder = *folder };
	struct entry_row e;
	size_t n = *found;
	int rc = 0;

	while (n < path.len) {
		at.name = first(behind(path, n));
		if ((rc = tbl_entry_get(db, &at, &e)) != 0)
			break;
		at.folder = e.node_id;
		n += at.name.len;
	}
	*folder = at.folder;
	*found = n;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* The longest piece of the path that is cached: 0 where not even the root is. */
static bool
cached_start(struct store *store, int64_t epoch, int64_t workspace, struct slice path, int64_t *folder, size_t *found)
{
	struct slice p = path;

	for (;;) {
		if (namespace_cached(store->namespace, epoch, workspace, p, folder)) {
			*found = p.len;
			return true;
		}
		if (p.len == 0)
			return false;
		p = namespace_path((struct slice) { p.p, p.len - 1 });
	}
}

int
namespace_folder(struct store *store, struct db_conn *db, int64_t epoch, int64_t workspace, struct slice path,
    int64_t *folder)
{
	struct workspace_row w;
	int64_t at = 0;
	size_t found = 0;
	int rc;

	if (!cached_start(store, epoch, workspace, path, &at, &found)) {
		if ((rc = tbl_workspace_get(db, workspace, &w)) != 0)
			return rc;
		at = w.root_folder_id;
		namespace_remember(store->namespace, epoch, workspace, (struct slice) { "", 0 }, at);
	}
	if (found < path.len) {
		if ((rc = descend(db, workspace, path, &at, &found)) != 0)
			return rc;
		if (found < path.len)
			return ERR_NOTFOUND;
		namespace_remember(store->namespace, epoch, workspace, path, at);
	}
	*folder = at;
	return 0;
}

int
namespace_locate(struct txn *t, const struct workspace_row *w, struct slice key, struct namespace_place *place)
{
	struct slice path = namespace_path(key);
	bool stands = !txn_structure_changing(t);

	*place = (struct namespace_place) { .path = path, .name = behind(key, path.len), .folder = w->root_folder_id,
		.epoch = store_structure_epoch(t->store) };
	if (stands && path.len && cached_start(t->store, place->epoch, w->id, path, &place->folder, &place->found))
		place->cached = place->found == path.len;
	return descend(t->db, w->id, path, &place->folder, &place->found);
}

int
namespace_locate_in(struct txn *t, int64_t workspace, int64_t folder, struct slice key, struct namespace_place *place)
{
	struct slice path = namespace_path(key);

	*place = (struct namespace_place) { .path = path, .name = behind(key, path.len), .folder = folder,
		.cached = true };
	return descend(t->db, workspace, path, &place->folder, &place->found);
}

void
namespace_learn(struct store *store, int64_t workspace, const struct namespace_place *place)
{
	if (!place->cached && place->path.len && place->found == place->path.len)
		namespace_remember(store->namespace, place->epoch, workspace, place->path, place->folder);
}

int
namespace_path_of(struct db_conn *db, int64_t workspace, int64_t folder, struct buf *path)
{
	struct slice names[LIMIT_DEPTH + 1];	/* and the root's */
	struct db_row rows[LIMIT_DEPTH + 1];
	struct folder_row f;
	int depth = 0, rc;

	for (;;) {
		if (depth > LIMIT_DEPTH)
			rc = ERR_NOTFOUND;	/* no tree is that deep */
		else if ((rows[depth] = (struct db_row)DB_ROW_INIT, rc = tbl_folder_get(db, workspace, folder, &rows[depth], &f)) == 0)
			names[depth++] = f.name;
		if (rc != 0 || f.parent_id == 0)
			break;
		folder = f.parent_id;
	}
	for (int i = depth; rc == 0 && i-- > 0;)
		buf_add(path, names[i].p, names[i].len);
	while (depth-- > 0)
		db_row_release(&rows[depth]);
	return rc ? rc : buf_finish(path);
}
