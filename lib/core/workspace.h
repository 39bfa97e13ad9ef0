#ifndef CORE_WORKSPACE_H
#define CORE_WORKSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "object.h"
#include "tbl_workspace.h"

/*
 * Workspaces, which S3 calls buckets. Names obey the bucket rules (3 to 63 of a-z 0-9 . -, no IP address, not
 * starting with xn-- and the like), are unique in the store, and are not reserved: v1, l, metrics, healthz, readyz, favicon.ico, console, static, or
 * containing "--at-".
 */
struct store;
struct idem;

/* 0, or ERR_INVALID with a static English reason. */
int workspace_name_check(const char *name, const char **why);
/* UTF-8 without control characters. */
bool workspace_display_name_valid(const char *name);

/* Row to make: name, display_name ("" for the name), owner_id, quota_bytes, history_ms, versioning. The rest is filled; `row` is the result. ERR_EXISTS. */
int workspace_create(struct store *store, struct workspace_row *row, struct actor actor);
/* The *_once() keep their reply (idem.h; may be NULL). */
int workspace_create_once(struct store *store, struct workspace_row *row, struct actor actor, struct idem *idem);

/* By name, from a cache that every change of a workspace's settings, creation or deletion ends. Hot columns are not current in it. */
int workspace_find(struct store *store, const char *name, struct workspace_row *row);
int workspace_get(struct store *store, int64_t id, struct workspace_row *row);	/* current, from the database */
int workspace_list(struct store *store, const char *after, struct workspace_row *rows, unsigned max, unsigned *n);

/* What counts in the quota: current versions, noncurrent ones, and what open uploads hold. History and trash don't. */
static inline uint64_t
workspace_used(const struct workspace_row *w)
{
	return (uint64_t)(w->bytes + w->noncurrent_bytes + w->upload_bytes);
}

/* Whether the quota lets it grow by so many bytes. ERR_QUOTA; not where nothing is added, however full it is. */
int workspace_admit(const struct workspace_row *w, int64_t bytes);

/* Only what is >= 0 (or not NULL) changes. */
struct workspace_set {
	int64_t quota_bytes, history_ms;
	int versioning;
	const char *display_name;
	int64_t owner_id;
	struct workspace_row *row;	/* result, may be NULL: as it is then; for render too */
};
#define WORKSPACE_SET_NONE { -1, -1, -1, NULL, -1 }
int workspace_set(struct store *store, int64_t id, const struct workspace_set *set, struct actor actor);
int workspace_set_once(struct store *store, int64_t id, const struct workspace_set *set, struct actor actor,
    struct idem *idem);

/*
 * ERR_NOTEMPTY while a live object, a noncurrent version, a delete marker or (AWS) nothing else is in it; open uploads are aborted with it,
 * trash and history end with it.
 */
int workspace_delete(struct store *store, int64_t id, struct actor actor);
int workspace_delete_once(struct store *store, int64_t id, struct actor actor, struct idem *idem);

#endif
