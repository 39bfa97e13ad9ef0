#ifndef CORE_NAMESPACE_H
#define CORE_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "feed.h"
#include "limits.h"
#include "object.h"
#include "str.h"

/*
 * Keys and the tree. The key `a/b/c` has the folder path `a/b/` and the name `c`; each folder's name keeps its slash. `a//b` lies in
 * the folder `/` of `a/`; `a/` has the path `a/` and the empty name.
 *
 * A folder is a row of `folder` and an entry in its parent; the root has no entry. Its `live` counts the entries in it that are
 * shown, `entries` all of them. A folder is shown while live > 0; when that passes between 0 and 1 its entry follows, the parent's
 * count changes and the feed says FOLDER_RESTORED or FOLDER_DELETED. At no entries its rows go.
 *
 * Paths of folders are cached with the structure epoch at which they were true. Making folders ends no cached path, since only
 * what is there is cached; deleting and moving them raises the epoch.
 */
struct store;
struct db_conn;
struct txn;
struct workspace_row;
struct namespace;

int namespace_new(struct namespace **ns);
void namespace_free(struct namespace *ns);	/* NULL is fine */

/* A key that may be written: UTF-8 without NUL, 1 to LIMIT_KEY bytes, at most LIMIT_DEPTH folders. ERR_INVALID, ERR_TOOBIG. */
int namespace_key_check(struct slice key);

/* The part of `key` up to its last slash, which may be empty. */
struct slice namespace_path(struct slice key);

/*
 * The folder of a path ("" or ending in a slash). `epoch` is store_structure_epoch() as it was before the read transaction of `db`
 * began. ERR_NOTFOUND: no such folder or workspace. Any thread.
 */
int namespace_folder(struct store *store, struct db_conn *db, int64_t epoch, int64_t workspace, struct slice path,
    int64_t *folder);

/* Where a key is, inside a closure. */
struct namespace_place {
	struct slice path, name;	/* pieces of the key */
	size_t found;			/* bytes of `path` that lead to `folder` */
	int64_t folder;			/* the deepest folder of the path that is there */
	int64_t epoch;			/* at which that was found */
	bool cached;			/* it came from the cache */
};

/* Looks the key's folders up. Always 0 but for the engine's failures; place->found < place->path.len: some are missing. */
int namespace_locate(struct txn *t, const struct workspace_row *w, struct slice key, struct namespace_place *place);

/* The same for a key that begins in `folder`: never from the cache, and not for namespace_learn(). */
int namespace_locate_in(struct txn *t, int64_t workspace, int64_t folder, struct slice key, struct namespace_place *place);

/*
 * Makes the missing folders of the place, and counts an entry in: `added` if it is a new one, `live` if it is shown from now on. Emits
 * the folders' events. Afterwards place->folder is the key's folder. ERR_TOOBIG: too deep.
 */
int namespace_enter(struct txn *t, struct workspace_row *w, struct namespace_place *place, bool added, bool live,
    struct actor actor);

/* `folder` has `height` levels of folders below it, at least: its height and those above follow. */
int namespace_raise(struct txn *t, const struct workspace_row *w, int64_t folder, int64_t height);

/*
 * Emits `event` and counts an entry out of the folder that it leaves (event->from_parent, or without one event->parent):
 * `removed` if its row is gone, `hidden` if it was shown and is no more.
 * Folders that are not shown any more, or end, follow with their events.
 */
int namespace_leave(struct txn *t, struct workspace_row *w, struct event *event, bool removed, bool hidden);

/* After the commit of a closure that located `place`: remembers its folder. */
void namespace_learn(struct store *store, int64_t workspace, const struct namespace_place *place);

/* The path of a folder from its id, appended to `path`. ERR_NOTFOUND: one of the folders is gone. */
int namespace_path_of(struct db_conn *db, int64_t workspace, int64_t folder, struct buf *path);

/* ---- namespace_cache.c ---- */

bool namespace_cached(struct namespace *ns, int64_t epoch, int64_t workspace, struct slice path, int64_t *folder);
void namespace_remember(struct namespace *ns, int64_t epoch, int64_t workspace, struct slice path, int64_t folder);

#endif
