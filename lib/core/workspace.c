#include <stdio.h>
#include <string.h>

#include "cache.h"
#include "caches.h"
#include "commit.h"
#include "db.h"
#include "err.h"
#include "feed.h"
#include "id.h"
#include "idem.h"
#include "limits.h"
#include "perm.h"
#include "store_in.h"
#include "str.h"
#include "tbl_folder.h"
#include "tbl_principal.h"
#include "workspace.h"

#define REGION "us-east-1"	/* what clients take for granted where nothing is said */
#define PLAN "standard"

struct create {
	struct workspace_row *row;
	struct actor actor;
};

static int
run_create(struct txn *t, void *arg)
{
	struct create *create = arg;
	struct workspace_row *row = create->row;
	const struct folder_row root = { .id = row->root_folder_id, .workspace = row->id, .name = { "", 0 },
		.created_by = create->actor.principal, .created_at = t->now_us };
	struct principal_row owner;
	int rc;

	row->created_at = t->now_us;
	if ((rc = tbl_principal_get(t->db, row->owner_id, &owner)) != 0 ||
	    (rc = tbl_workspace_insert(t->db, row)) != 0 || (rc = tbl_folder_insert(t->db, &root)) != 0)
		return rc;
	return txn_auth_changed(t);
}

bool
workspace_display_name_valid(const char *name)
{
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return utf8_valid(name, strlen(name));
}

static bool
versioning_valid(int versioning)
{
	return versioning >= VERSIONING_NEVER && versioning <= VERSIONING_SUSPENDED;
}

int
workspace_create_once(struct store *store, struct workspace_row *row, struct actor actor, struct idem *idem)
{
	struct create create = { row, actor };
	const char *why;

	if (workspace_name_check(row->name, &why) != 0 || row->history_ms < 0 || row->quota_bytes > INT64_MAX ||
	    !versioning_valid(row->versioning) || !workspace_display_name_valid(row->display_name))
		return ERR_INVALID;
	row->id = id_new();
	row->root_folder_id = id_new();
	if (!row->display_name[0])
		snprintf(row->display_name, sizeof(row->display_name), "%s", row->name);
	if (!row->region[0])
		snprintf(row->region, sizeof(row->region), REGION);
	if (!row->plan[0])
		snprintf(row->plan, sizeof(row->plan), PLAN);
	row->chunk_min = CHUNK_MIN;
	row->chunk_avg = CHUNK_AVG;
	row->chunk_max = CHUNK_MAX;
	row->sequence = row->horizon = row->past_horizon = row->objects = row->bytes = row->noncurrent_bytes = row->history_bytes = 0;
	row->uploads = row->upload_bytes = 0;
	row->dirty = false;
	return idem_run(store, &(struct commit) { .run = run_create, .arg = &create }, idem);
}

int
workspace_create(struct store *store, struct workspace_row *row, struct actor actor)
{
	return workspace_create_once(store, row, actor, NULL);
}

int
workspace_admit(const struct workspace_row *w, int64_t bytes)
{
	return w->quota_bytes && bytes > 0 && workspace_used(w) + (uint64_t)bytes > w->quota_bytes ? ERR_QUOTA : 0;
}

int
workspace_find(struct store *store, const char *name, struct workspace_row *row)
{
	struct cache *cache = store->caches->workspaces;
	int64_t epoch = store_auth_epoch(store);
	size_t len = strnlen(name, LIMIT_BUCKET_NAME + 1);
	struct db_conn *c = NULL;
	int rc;

	if (len > LIMIT_BUCKET_NAME)
		return ERR_NOTFOUND;
	if ((rc = cache_get(cache, name, len, epoch, row)) != ERR_AGAIN)
		return rc;
	if ((rc = db_read_begin(store->db, &c)) == 0)
		rc = tbl_workspace_by_name(c, name, row);
	db_read_end(c);
	if (rc == 0 || rc == ERR_NOTFOUND)
		cache_put(cache, name, len, epoch, rc ? NULL : row);
	return rc;
}

int
workspace_get(struct store *store, int64_t id, struct workspace_row *row)
{
	struct db_conn *c = NULL;
	int rc;

	if ((rc = db_read_begin(store->db, &c)) == 0)
		rc = tbl_workspace_get(c, id, row);
	db_read_end(c);
	return rc;
}

int
workspace_list(struct store *store, const char *after, struct workspace_row *rows, unsigned max, unsigned *n)
{
	struct db_conn *c = NULL;
	int rc;

	if ((rc = db_read_begin(store->db, &c)) == 0)
		rc = tbl_workspace_list(c, after, rows, max, n);
	db_read_end(c);
	return rc;
}

struct change {
	int64_t id;
	const struct workspace_set *set;
	struct actor actor;
};

static int
tell_role(struct txn *t, const struct change *ch, const struct workspace_row *row, enum event_type type,
    int64_t principal)
{
	struct event event = {
		.workspace = row->id,
		.type = type,
		.ends_commit = type == EVENT_SHARE_GRANTED,
		.folder = true,
		.node = row->root_folder_id,
		.name = { "", 0 },
		.actor = ch->actor.principal,
		.device = ch->actor.device,
		.occurred_us = t->now_us,
		.principal = principal,
		.role = type == EVENT_SHARE_GRANTED ? ROLE_OWNER : ROLE_NONE,
	};

	return feed_emit(t, &event);
}

/* Ownership is a role on everything, so the feed hears of it like of a grant. */
static int
set_owner(struct txn *t, const struct change *ch, struct workspace_row *row)
{
	struct principal_row owner;
	int64_t before = row->owner_id;
	int rc;

	if (before == ch->set->owner_id)
		return 0;
	if ((rc = tbl_principal_get(t->db, ch->set->owner_id, &owner)) != 0)
		return rc;
	row->owner_id = owner.id;
	row->dirty = true;
	/* At once: whether somebody owns a workspace is asked of the table, also later in this batch. */
	if ((rc = tbl_workspace_update(t->db, row)) != 0)
		return rc;
	if ((rc = tell_role(t, ch, row, EVENT_SHARE_REVOKED, before)) != 0)
		return rc;
	return tell_role(t, ch, row, EVENT_SHARE_GRANTED, owner.id);
}

static int
run_set(struct txn *t, void *arg)
{
	const struct change *ch = arg;
	const struct workspace_set *set = ch->set;
	struct workspace_row *row;
	int rc;

	if ((rc = txn_workspace(t, ch->id, &row)) != 0)
		return rc;
	/* Versioning once enabled can only be suspended (AWS). */
	if (set->versioning == VERSIONING_NEVER && row->versioning != VERSIONING_NEVER)
		return ERR_CONFLICT;
	if (set->quota_bytes >= 0)
		row->quota_bytes = (uint64_t)set->quota_bytes;
	if (set->history_ms >= 0)
		row->history_ms = set->history_ms;
	if (set->versioning >= 0)
		row->versioning = set->versioning;
	if (set->display_name)
		snprintf(row->display_name, sizeof(row->display_name), "%s", set->display_name);
	row->dirty = true;
	if (set->owner_id >= 0 && (rc = set_owner(t, ch, row)) != 0)
		return rc;
	if (set->row)
		*set->row = *row;
	return txn_auth_changed(t);
}

int
workspace_set_once(struct store *store, int64_t id, const struct workspace_set *set, struct actor actor,
    struct idem *idem)
{
	struct change change = { id, set, actor };

	if (set->versioning >= 0 && !versioning_valid(set->versioning))
		return ERR_INVALID;
	if (set->display_name && (strlen(set->display_name) >= sizeof(((struct workspace_row *)0)->display_name) ||
	    !*set->display_name || !workspace_display_name_valid(set->display_name)))
		return ERR_INVALID;
	return idem_run(store, &(struct commit) { .workspace = id, .run = run_set, .arg = &change }, idem);
}

int
workspace_set(struct store *store, int64_t id, const struct workspace_set *set, struct actor actor)
{
	return workspace_set_once(store, id, set, actor, NULL);
}
