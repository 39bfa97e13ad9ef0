#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "id.h"
#include "object_in.h"
#include "tbl_file.h"
#include "workspace.h"

/* The entry of a place that was located. */
static int
aim(struct txn *t, struct target *g)
{
	int rc;

	g->at = (struct entry_at) { g->w->id, g->place.folder, g->place.name };
	if (g->place.found < g->place.path.len)
		return 0;
	rc = tbl_entry_get(t->db, &g->at, &g->entry);
	g->exists = rc == 0;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

int
object_aim(struct txn *t, int64_t workspace, struct slice key, struct actor actor, struct target *g)
{
	int rc;

	*g = (struct target) { .key = key, .actor = actor };
	if ((rc = txn_workspace(t, workspace, &g->w)) != 0 ||
	    (rc = namespace_locate(t, g->w, key, &g->place)) != 0)
		return rc;
	return aim(t, g);
}

int
object_aim_in(struct txn *t, int64_t workspace, int64_t folder, struct slice key, struct actor actor, struct target *g)
{
	int rc;

	*g = (struct target) { .key = key, .actor = actor };
	if ((rc = txn_workspace(t, workspace, &g->w)) != 0 ||
	    (rc = namespace_locate_in(t, workspace, folder, key, &g->place)) != 0)
		return rc;
	return aim(t, g);
}

int
object_judge(const struct target *g, const struct expectation *expect)
{
	bool live = g->exists && g->entry.live;

	switch (expect->kind) {
	case EXPECT_ABSENT:
		return live ? ERR_PRECONDITION : 0;
	case EXPECT_ETAG:
		if (!live)
			return ERR_NOTFOUND;
		return !strcmp(expect->etag, "*") || !strcmp(expect->etag, g->entry.etag) ? 0 : ERR_PRECONDITION;
	case EXPECT_VERSION:
		if (!live)
			return ERR_NOTFOUND;
		return expect->version_id == g->entry.version_id ? 0 : ERR_PRECONDITION;
	default:
		return 0;
	}
}

/*
 * What the workspace would count, at most, if the target's current version is replaced by one of `size` bytes. With
 * versioning, also when it is suspended, the current one may stay as a noncurrent version.
 */
static uint64_t
sum_after(const struct target *g, uint64_t size)
{
	uint64_t sum = workspace_used(g->w);

	if (g->exists && g->entry.live && g->w->versioning == VERSIONING_NEVER)
		sum -= (uint64_t)g->entry.size;
	return sum + size;
}

int
object_admit(const struct target *g, uint64_t size)
{
	uint64_t now = workspace_used(g->w), then = sum_after(g, size);

	/* Whoever is over it already, since it was lowered, may still replace content by less. */
	return g->w->quota_bytes && then > g->w->quota_bytes && then > now ? ERR_QUOTA : 0;
}

static int
write_version(struct txn *t, const struct target *g, const struct object_new *new, int64_t sequence, bool null_version,
    int64_t base, int64_t *id)
{
	struct buf checksum = BUF_INIT(256);
	struct version_row v = {
		.id = id_new(), .workspace = g->w->id, .file_id = g->entry.node_id, .sequence = sequence, .base_id = base,
		.kind = VERSION_CONTENT, .keep = KEEP_CURRENT, .null_version = null_version, .size = (int64_t)new->size,
		.created_at = t->now_us, .created_by = g->actor.principal, .manifest = new->manifest,
		.headers = new->headers, .parts = new->parts, .has_hash = new->hash != NULL,
	};
	int rc;

	snprintf(v.etag, sizeof(v.etag), "%s", new->etag);
	if (new->hash)
		memcpy(v.hash, new->hash, 32);
	checksum_encode(new->checksum, &checksum);
	v.checksum = (struct slice) { checksum.data, checksum.len };
	if ((rc = buf_finish(&checksum)) == 0)
		rc = tbl_version_insert(t->db, &v);
	buf_release(&checksum);
	*id = v.id;
	return rc;
}

/* The file's and the entry's row with the new version. `anew`: the key had no entry. */
static int
write_names(struct txn *t, struct target *g, const struct object_new *new, int64_t version, int64_t sequence, bool anew)
{
	struct entry_row *e = &g->entry;
	bool was_live = e->live;
	int rc;

	e->live = true;
	e->latest = sequence;
	e->version_id = version;
	e->size = (int64_t)new->size;
	e->modified_at = t->now_us;
	snprintf(e->etag, sizeof(e->etag), "%s", new->etag);
	if (!was_live)
		e->born = sequence;
	if (!anew) {
		rc = tbl_file_update(t->db, g->w->id, e->node_id, FILE_LIVE, version, sequence);
		return rc ? rc : tbl_entry_update(t->db, &g->at, e);
	}
	if ((rc = tbl_file_insert(t->db, &(struct file_row) { .id = e->node_id, .workspace = g->w->id,
		 .folder_id = g->at.folder, .name = g->at.name, .state = FILE_LIVE, .version_id = version,
		 .sequence = sequence, .created_by = g->actor.principal, .created_at = t->now_us })) != 0)
		return rc;
	return tbl_entry_insert(t->db, &g->at, e);
}

static int
tell(struct txn *t, const struct target *g, const struct object_new *new, int64_t version, enum event_type type)
{
	struct event event = { .workspace = g->w->id, .type = type, .ends_commit = !new->goes_on,
		.node = g->entry.node_id, .parent = g->at.folder, .name = g->at.name, .version = version, .size = new->size,
		.has_hash = new->hash != NULL, .actor = g->actor.principal, .device = g->actor.device };

	if (new->hash)
		memcpy(event.content_hash, new->hash, 32);
	return feed_emit(t, &event);
}

int
object_commit(struct txn *t, struct target *g, const struct object_new *new, struct object_info *info)
{
	bool anew = !g->exists, was_live = g->exists && g->entry.live, null_version = false;
	int64_t sequence, version, base = was_live ? g->entry.version_id : 0;
	struct workspace_row *w = g->w;
	int rc;

	if (!was_live && (rc = namespace_enter(t, w, &g->place, anew, true, g->actor)) != 0)
		return rc;
	g->at.folder = g->place.folder;
	sequence = w->sequence + 1;	/* of the last event, which tells of the version */
	if ((rc = object_supersede(t, g, sequence, &null_version)) != 0)
		return rc;
	if (anew)
		g->entry = (struct entry_row) { .kind = ENTRY_FILE, .node_id = new->file_id ? new->file_id : id_new() };
	if ((rc = write_version(t, g, new, sequence, null_version, base, &version)) != 0 ||
	    (rc = write_names(t, g, new, version, sequence, anew)) != 0 ||
	    (rc = tell(t, g, new, version, new->event ? new->event : anew ? EVENT_FILE_CREATED :
		 was_live ? EVENT_FILE_VERSION_COMMITTED : EVENT_FILE_RESTORED)) != 0)
		return rc;
	assert(w->sequence == sequence);
	w->objects++;
	w->bytes += (int64_t)new->size;
	w->dirty = true;
	if (info) {
		info->workspace = w->id;
		info->file_id = g->entry.node_id;
		info->version_id = version;
		info->sequence = sequence;
		info->null_version = null_version;
		info->versioned = w->versioning != VERSIONING_NEVER;
		info->size = new->size;
		info->modified_us = t->now_us;
		snprintf(info->etag, sizeof(info->etag), "%s", new->etag);
	}
	return 0;
}
