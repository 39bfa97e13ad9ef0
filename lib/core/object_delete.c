#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "grant.h"
#include "id.h"
#include "object_in.h"
#include "past.h"
#include "refs.h"
#include "tbl_file.h"

/*
 * Deletes. In a workspace that was never versioned the file goes to the trash while there is a history, else it ends, also
 * where its version is named: it has no other. With versioning a delete marker becomes current; of a version that is named
 * nothing stays, and the newest that remains becomes current.
 */

static struct event
event_of(const struct target *g, enum event_type type, int64_t version, uint64_t size)
{
	return (struct event) { .workspace = g->w->id, .type = type, .ends_commit = true, .node = g->entry.node_id,
		.parent = g->at.folder, .name = g->at.name, .version = version, .size = size,
		.actor = g->actor.principal, .device = g->actor.device };
}

/* The entry's row goes; the feed and the folders above hear of it. */
static int
remove_entry(struct txn *t, struct target *g)
{
	struct event event = event_of(g, EVENT_FILE_DELETED, 0, 0);
	int rc;

	if (g->entry.live && (rc = past_bury(t, g->w, &g->at, &g->entry, g->w->sequence + 1)) != 0)
		return rc;
	if ((rc = tbl_entry_delete(t->db, &g->at)) != 0)
		return rc;
	return namespace_leave(t, g->w, &event, true, g->entry.live);
}

/* A file without entry stays as long as a version of it is kept as history. */
static int
end_file(struct txn *t, struct target *g, int64_t sequence)
{
	int rc = tbl_version_any_old(t->db, g->w->id, g->entry.node_id);

	if (rc == ERR_NOTFOUND && (rc = grant_end(t, g->entry.node_id)) == 0)
		return tbl_file_delete(t->db, g->w->id, g->entry.node_id);
	return rc ? rc : tbl_file_trash(t->db, g->w->id, g->entry.node_id, sequence, t->now_us,
	    g->actor.principal);
}

/* Never versioned: to the trash, or gone. */
static int
delete_plain(struct txn *t, struct target *g)
{
	int64_t sequence = g->w->sequence + 1;
	bool null_version;
	int rc;

	if ((rc = object_supersede(t, g, sequence, &null_version)) != 0 || (rc = end_file(t, g, sequence)) != 0)
		return rc;
	return remove_entry(t, g);
}

/* ---- markers ---- */

static int
write_marker(struct txn *t, struct target *g, int64_t sequence, bool null_version, int64_t *id)
{
	struct version_row v = { .id = id_new(), .workspace = g->w->id, .file_id = g->entry.node_id, .sequence = sequence,
		.base_id = g->entry.version_id, .kind = VERSION_MARKER, .keep = KEEP_CURRENT,
		.null_version = null_version, .created_at = t->now_us, .created_by = g->actor.principal };

	*id = v.id;
	return tbl_version_insert(t->db, &v);
}

static int
write_marked_names(struct txn *t, struct target *g, int64_t marker, int64_t sequence, bool anew)
{
	struct entry_row *e = &g->entry;
	int rc;

	if (e->live && (rc = past_bury(t, g->w, &g->at, e, sequence)) != 0)
		return rc;
	e->live = false;
	e->latest = sequence;
	e->version_id = marker;
	e->size = 0;
	e->etag[0] = '\0';
	e->modified_at = t->now_us;
	if (!anew) {
		rc = tbl_file_mark(t->db, g->w->id, e->node_id, marker, sequence, t->now_us, g->actor.principal);
		return rc ? rc : tbl_entry_update(t->db, &g->at, e);
	}
	if ((rc = tbl_file_insert(t->db, &(struct file_row) { .id = e->node_id, .workspace = g->w->id,
		 .folder_id = g->at.folder, .name = g->at.name, .state = FILE_MARKED, .version_id = marker,
		 .sequence = sequence, .created_by = g->actor.principal, .created_at = t->now_us })) != 0)
		return rc;
	return tbl_entry_insert(t->db, &g->at, e);
}

/* Also on a key that does not exist, as AWS does. */
static int
delete_with_marker(struct txn *t, struct target *g, struct object_delete *d)
{
	bool anew = !g->exists, was_live = g->exists && g->entry.live, null_version;
	struct event event;
	int64_t sequence;
	int rc;

	if (anew && (rc = namespace_enter(t, g->w, &g->place, true, false, g->actor)) != 0)
		return rc;
	g->at.folder = g->place.folder;
	sequence = g->w->sequence + 1;
	if ((rc = object_supersede(t, g, sequence, &null_version)) != 0)
		return rc;
	if (anew)
		g->entry = (struct entry_row) { .kind = ENTRY_FILE, .node_id = id_new(), .born = sequence };
	if ((rc = write_marker(t, g, sequence, null_version, &d->version_id)) != 0 ||
	    (rc = write_marked_names(t, g, d->version_id, sequence, anew)) != 0)
		return rc;
	event = event_of(g, EVENT_FILE_DELETED, d->version_id, 0);
	d->made_marker = true;
	d->null_version = null_version;
	return namespace_leave(t, g->w, &event, false, was_live);
}

/* ---- one version ---- */

static int
uncount(struct txn *t, struct target *g, const struct version_row *v)
{
	if (v->keep == KEEP_NONCURRENT)
		g->w->noncurrent_bytes -= v->size;
	else if (v->kind == VERSION_CONTENT) {
		g->w->bytes -= v->size;
		g->w->objects--;
	}
	g->w->dirty = true;
	return object_destroy(t, g->w->id, v->id);
}

/* The current version was destroyed and `next` becomes current: what the entry shows changes. */
static int
promote(struct txn *t, struct target *g, const struct version_row *next, bool was_live)
{
	bool live = next->kind == VERSION_CONTENT;
	int64_t sequence;
	struct event event;
	int rc;

	if (live && !was_live && (rc = namespace_enter(t, g->w, &g->place, false, true, g->actor)) != 0)
		return rc;
	sequence = g->w->sequence + 1;
	if (was_live && !live && (rc = past_bury(t, g->w, &g->at, &g->entry, sequence)) != 0)
		return rc;
	g->entry.live = live;
	g->entry.born = live && !was_live ? sequence : g->entry.born;
	g->entry.latest = sequence;
	g->entry.version_id = next->id;
	g->entry.size = next->size;
	g->entry.modified_at = next->created_at;
	memcpy(g->entry.etag, next->etag, sizeof(g->entry.etag));
	g->w->noncurrent_bytes -= next->size;
	if (live) {
		g->w->objects++;
		g->w->bytes += next->size;
	}
	if ((rc = tbl_version_promote(t->db, g->w->id, next->id)) != 0 ||
	    (rc = live ? tbl_file_update(t->db, g->w->id, g->entry.node_id, FILE_LIVE, next->id, sequence) :
		 tbl_file_mark(t->db, g->w->id, g->entry.node_id, next->id, sequence, next->created_at, next->created_by)) != 0 ||
	    (rc = tbl_entry_update(t->db, &g->at, &g->entry)) != 0)
		return rc;
	event = event_of(g, !live ? EVENT_FILE_DELETED : was_live ? EVENT_FILE_VERSION_COMMITTED : EVENT_FILE_RESTORED,
	    next->id, (uint64_t)next->size);
	event.has_hash = next->has_hash;
	memcpy(event.content_hash, next->hash, sizeof(next->hash));
	return namespace_leave(t, g->w, &event, false, was_live && !live);
}

/* After the current version was destroyed. */
static int
fall_back(struct txn *t, struct target *g)
{
	bool was_live = g->entry.live;
	struct db_row row = DB_ROW_INIT;
	struct version_row next;
	int rc;

	rc = tbl_version_older(t->db, g->w->id, g->entry.node_id, g->entry.version_id, &row, &next);
	if (rc == 0)
		rc = promote(t, g, &next, was_live);
	else if (rc == ERR_NOTFOUND && (rc = end_file(t, g, g->w->sequence + 1)) == 0)
		rc = remove_entry(t, g);
	db_row_release(&row);
	return rc;
}

/* The version meant; slices of `v` are not valid. ERR_NOTFOUND: the file has no such one. */
static int
find_version(struct txn *t, const struct target *g, int64_t version, struct version_row *v)
{
	struct db_row row = DB_ROW_INIT;
	int rc;

	rc = tbl_version_get(t->db, g->w->id, version == VERSION_NULL ? g->entry.version_id : version, &row, v);
	if (rc == 0 && version == VERSION_NULL && !v->null_version) {
		db_row_release(&row);
		rc = tbl_version_null(t->db, g->w->id, g->entry.node_id, &row, v);
	}
	db_row_release(&row);
	return rc ? rc : v->file_id == g->entry.node_id && v->keep != KEEP_HISTORY ? 0 : ERR_NOTFOUND;
}

static int
delete_version(struct txn *t, struct target *g, struct object_delete *d)
{
	struct version_row v;
	struct event event;
	int rc;

	if ((rc = find_version(t, g, d->version, &v)) != 0)
		return rc == ERR_NOTFOUND ? 0 : rc;
	d->was_marker = v.kind == VERSION_MARKER;
	d->null_version = v.null_version;
	d->version_id = v.id;
	/* The object itself: who may delete in one folder must not end the history of all. */
	if (g->w->versioning == VERSIONING_NEVER)
		return delete_plain(t, g);
	if (v.kind == VERSION_CONTENT)
		past_lose(g->w, v.id == g->entry.version_id ? g->w->sequence + 1 : v.superseded);
	if ((rc = uncount(t, g, &v)) != 0)
		return rc;
	if (v.id == g->entry.version_id)
		return fall_back(t, g);
	/* What is shown stays; of a file that is not shown that is said again. */
	event = event_of(g, g->entry.live ? EVENT_FILE_METADATA_CHANGED : EVENT_FILE_DELETED, g->entry.version_id,
	    (uint64_t)g->entry.size);
	return feed_emit(t, &event);
}

/* ---- many ---- */

/* Expected refusals come before the first change, so that the others of the closure stand. */
int
object_delete_in(struct txn *t, struct target *g, struct object_delete *d)
{
	d->made_marker = d->was_marker = d->null_version = false;
	d->version_id = 0;
	if ((d->rc = object_judge(g, &d->expect)) != 0)
		return 0;
	if (d->version)
		return g->exists ? delete_version(t, g, d) : 0;
	if (g->w->versioning != VERSIONING_NEVER)
		return delete_with_marker(t, g, d);
	return g->exists ? delete_plain(t, g) : 0;
}

static int
delete_one(struct txn *t, struct object_delete *d)
{
	struct target g;
	int rc = object_aim(t, d->workspace, d->key, d->actor, &g);

	d->rc = 0;
	return rc ? rc : object_delete_in(t, &g, d);
}

struct object_deleting {
	struct object_delete *deletes;
	size_t count;
	struct commit_wait wait;
};

static int
run_delete(struct txn *t, void *arg)
{
	struct object_deleting *d = arg;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < d->count; i++)
		rc = delete_one(t, &d->deletes[i]);
	return rc;
}

/* Keys of one transaction: others need not wait long. */
#define PIECE 50

static struct commit
commit_of(struct object_deleting *d)
{
	return (struct commit) { .workspace = d->deletes->workspace, .run = run_delete, .arg = d, .frees = true,
		.large = d->count > 1 };
}

static int
delete_piece(struct store *store, struct object_delete *deletes, size_t count)
{
	struct object_deleting d = { .deletes = deletes, .count = count };
	struct commit commit = commit_of(&d);

	return commit_run(store, &commit);
}

/* Of a transaction's result, what is not a key's own. */
static int
result_of(int rc)
{
	return rc == ERR_CLOSED || rc == ERR_NOTFOUND ? rc : 0;
}

int
object_delete(struct store *store, struct object_delete *deletes, size_t count)
{
	int rc = 0, failed;

	for (size_t i = 0, n; i < count; i += n) {
		n = count - i < PIECE ? count - i : PIECE;
		if ((failed = delete_piece(store, deletes + i, n)) == 0)
			continue;
		/* One that can't be deleted must not keep the others. */
		for (size_t k = i; k < i + n; k++)
			if ((failed = n > 1 ? delete_piece(store, deletes + k, 1) : failed) != 0)
				deletes[k].rc = rc = failed;
	}
	return result_of(rc);
}

int
object_delete_begin(struct store *store, struct object_delete *delete, void (*done)(void *arg), void *arg,
    struct object_deleting **pending)
{
	struct object_deleting *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return ERR_NOMEM;
	*d = (struct object_deleting) { .deletes = delete, .count = 1, .wait = { .done = done, .arg = arg } };
	d->wait.commit = commit_of(d);
	*pending = d;
	if ((rc = commit_start(store, &d->wait)) != 0) {
		*pending = NULL;
		free(d);
	}
	return rc;
}

bool
object_delete_ready(struct object_deleting *d, int *rc)
{
	if (!commit_ready(&d->wait, rc))
		return false;
	if (*rc)
		d->deletes->rc = *rc;
	*rc = result_of(*rc);
	return true;
}

void
object_deleting_free(struct object_deleting *d)
{
	if (d)
		(void)commit_end(&d->wait);
	free(d);
}
