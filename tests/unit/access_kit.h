#ifndef ACCESS_KIT_H
#define ACCESS_KIT_H

#include <stdint.h>

#include "err.h"
#include "ingest.h"
#include "object.h"
#include "perm.h"
#include "principal.h"
#include "store.h"
#include "test.h"
#include "workspace.h"

/* A new store in the running test's folder, opened for speed. */
static struct store_credentials kit_admin;

static inline int
kit_reopen(struct store **store)
{
	struct store_settings settings = STORE_SETTINGS_DEFAULT;

	settings.relaxed = true;
	settings.reserve_bytes = 0;
	settings.reserve_percent = 0;
	return store_open(test_tmpdir(), &settings, store);
}

static inline int
kit_open(struct store **store)
{
	int rc = store_create(test_tmpdir(), &kit_admin);

	return rc ? rc : kit_reopen(store);
}

static inline int
kit_workspace(struct store *store, const char *name, int64_t owner, int64_t history_ms, struct workspace_row *row)
{
	*row = (struct workspace_row) { .owner_id = owner, .history_ms = history_ms };
	snprintf(row->name, sizeof(row->name), "%s", name);
	return workspace_create(store, row, (struct actor) { .principal = owner });
}

static inline int
kit_put(struct store *store, int64_t workspace, const char *key, const char *text, int64_t actor)
{
	struct ingest_options options = { .size = strlen(text), .md5 = true, .sha256 = true };
	struct buf headers = BUF_INIT(64);
	struct ingest_result result = { 0 };
	struct ingest *in = NULL;
	struct object_put put = { .workspace = workspace, .key = SLICE(key), .bytes = &result, .has_hash = true,
		.headers = &headers, .actor = { .principal = actor } };
	size_t used;
	int rc;

	if ((rc = ingest_new(store, &options, &in)) == 0 &&
	    (rc = ingest_write(in, text, strlen(text), &used)) == 0 && (rc = ingest_finish(in, &result)) == 0) {
		hex_encode(result.md5, 16, put.etag);
		memcpy(put.content_hash, result.sha256, 32);
		rc = object_put(store, &put, NULL);
	}
	ingest_free(in);
	return rc;
}

static inline int
kit_delete(struct store *store, int64_t workspace, const char *key, int64_t actor)
{
	struct object_delete del = { .workspace = workspace, .key = SLICE(key), .actor = { .principal = actor } };
	int rc = object_delete(store, &del, 1);

	return rc ? rc : del.rc;
}

#endif
