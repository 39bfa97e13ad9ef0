#ifndef OBJECT_KIT_H
#define OBJECT_KIT_H

#include "access_kit.h"
#include "db.h"
#include "feed.h"
#include "gc.h"
#include "store_in.h"

/* The store of the running test and a workspace in it. */
static struct store *store;
static struct workspace_row space;

static inline int
obj_versioning(int versioning)
{
	struct workspace_set set = WORKSPACE_SET_NONE;

	set.versioning = versioning;
	return workspace_set(store, space.id, &set, (struct actor) { 1, 0 });
}

static inline int
obj_open(int64_t history_ms, int versioning)
{
	struct principal admin;
	int rc;

	if ((rc = kit_open(&store)) != 0 || (rc = principal_find(store, "admin", &admin)) != 0 ||
	    (rc = kit_workspace(store, "space", admin.id, history_ms, &space)) != 0)
		return rc;
	return versioning ? obj_versioning(versioning) : 0;
}

static inline int
obj_quota(int64_t bytes)
{
	struct workspace_set set = WORKSPACE_SET_NONE;

	set.quota_bytes = bytes;
	return workspace_set(store, space.id, &set, (struct actor) { 1, 0 });
}

static inline void
obj_close(void)
{
	store_close(store);
	store = NULL;
}

struct obj_text {		/* contents; small ones are one chunk */
	bool part;		/* of several */
	struct ingest *in;
	struct ingest_result result;
};

static inline int
obj_ingest(struct obj_text *o, const char *text)
{
	struct ingest_options options = { .size = strlen(text), .md5 = true, .sha256 = true, .leaves = o->part,
		.chunk_min = CHUNK_MIN, .chunk_avg = CHUNK_AVG, .chunk_max = CHUNK_MAX };
	size_t left = strlen(text), used;
	int rc = ingest_new(store, &options, &o->in);

	for (; rc == 0 && left; text += used, left -= used)
		rc = ingest_write(o->in, text, left, &used);
	return rc ? rc : ingest_finish(o->in, &o->result);
}

static inline int
obj_put_if(const char *key, const char *text, struct expectation expect, struct object_info *info)
{
	struct obj_text o = { 0 };
	struct buf headers = BUF_INIT(64);
	struct object_put put = { .workspace = space.id, .key = SLICE(key), .bytes = &o.result, .has_hash = true,
		.headers = &headers, .expect = expect, .actor = { .principal = 1 } };
	int rc;

	meta_add(&headers, "content-type", 12, "text/plain", 10);
	if ((rc = obj_ingest(&o, text)) == 0) {
		hex_encode(o.result.md5, 16, put.etag);
		memcpy(put.content_hash, o.result.sha256, 32);
		rc = object_put(store, &put, info);
	}
	ingest_free(o.in);
	buf_release(&headers);
	return rc;
}

static inline int
obj_put(const char *key, const char *text, struct object_info *info)
{
	return obj_put_if(key, text, (struct expectation) { EXPECT_ANY }, info);
}

/* The text that a key (or a version of it) shows, "" for nothing; the code in *rc. */
static inline const char *
obj_text(const char *key, int64_t version, int *rc)
{
	static char text[4096];
	struct object_info info = OBJECT_INFO_INIT;
	size_t len = sizeof(text) - 1;

	text[0] = '\0';
	if ((*rc = object_find_small(store, space.id, SLICE(key), version, &info, text, &len)) == 0)
		text[len] = '\0';
	object_info_release(&info);
	return text;
}

static inline int
obj_delete(const char *key, int64_t version, struct object_delete *result)
{
	struct object_delete d = { .workspace = space.id, .key = SLICE(key), .version = version, .actor = { 1, 0 } };
	int rc = object_delete(store, &d, 1);

	if (result)
		*result = d;
	return rc ? rc : d.rc;
}

/* A number from the database. */
static inline int64_t
obj_number(const char *sql)
{
	struct db_row row = DB_ROW_INIT;
	struct db_conn *db = NULL;
	int64_t n = -1;

	if (db_read_begin(store->db, &db) == 0 && db_one0(db, sql, &row) == 0)
		n = db_int(&row, 0);
	db_row_release(&row);
	db_read_end(db);
	return n;
}

/* A pass of garbage collection without a grace period: what are tombstones only is gone then. */
static inline int
obj_collect(void)
{
	struct gc_report report;

	return gc_run(store, false, 0, NULL, NULL, &report);
}

/* What must hold of a store with one workspace after any operations. Each statement counts what breaks its rule. */
static const char *const obj_rules[][2] = {
	{ "a folder's entries are counted",
	    "SELECT count(*) FROM folder f WHERE f.entries <> (SELECT count(*) FROM entry e WHERE e.folder_id = f.id)" },
	{ "a folder's shown entries are counted",
	    "SELECT count(*) FROM folder f WHERE f.live <> (SELECT count(*) FROM entry e WHERE e.folder_id = f.id AND e.live = 1)" },
	{ "a folder is shown if anything in it is",
	    "SELECT count(*) FROM entry e JOIN folder f ON f.id = e.node_id WHERE e.kind = 2 AND e.live <> (f.live > 0)" },
	{ "no folder but the root is empty",
	    "SELECT count(*) FROM folder WHERE parent_id > 0 AND entries = 0" },
	{ "a folder has an entry in its parent",
	    "SELECT count(*) FROM folder f WHERE f.parent_id > 0 AND NOT EXISTS (SELECT 1 FROM entry e"
	    " WHERE e.folder_id = f.parent_id AND e.name = f.name AND e.node_id = f.id AND e.kind = 2)" },
	{ "a folder without a place is in the trash",
	    "SELECT count(*) FROM folder f LEFT JOIN folder_trash t ON t.folder_id = f.id"
	    " WHERE (f.parent_id = -1) <> (t.folder_id IS NOT NULL)" },
	{ "the trash holds folders",
	    "SELECT count(*) FROM folder_trash t WHERE NOT EXISTS (SELECT 1 FROM folder f WHERE f.id = t.folder_id)" },
	{ "a folder is higher than those in it",
	    "SELECT count(*) FROM folder f JOIN folder p ON p.id = f.parent_id WHERE p.height <= f.height" },
	{ "a folder in the trash counts its files and their bytes",
	    "WITH RECURSIVE below (top, id) AS (SELECT folder_id, folder_id FROM folder_trash UNION ALL"
	    " SELECT b.top, f.id FROM below b JOIN folder f ON f.parent_id = b.id),"
	    " sums AS (SELECT b.top, count(e.node_id) AS n, coalesce(sum(e.size_bytes), 0) AS bytes FROM below b"
	    " LEFT JOIN entry e ON e.folder_id = b.id AND e.kind = 1 AND e.live = 1 GROUP BY b.top)"
	    " SELECT count(*) FROM folder_trash t JOIN sums s ON s.top = t.folder_id"
	    " WHERE t.objects <> s.n OR t.bytes <> s.bytes" },
	{ "an entry has a folder or file, and is in a folder",
	    "SELECT count(*) FROM entry e WHERE NOT EXISTS (SELECT 1 FROM folder f WHERE f.id = e.folder_id) OR NOT EXISTS"
	    " (SELECT 1 FROM folder f WHERE f.id = e.node_id UNION ALL SELECT 1 FROM file f WHERE f.id = e.node_id)" },
	{ "a file's entry repeats its current version",
	    "SELECT count(*) FROM entry e LEFT JOIN file f ON f.id = e.node_id LEFT JOIN file_version v ON v.id = e.version_id"
	    " WHERE e.kind = 1 AND NOT coalesce(f.current_version_id = e.version_id AND v.keep = 0 AND v.file_id = f.id"
	    " AND v.size_bytes = e.size_bytes AND v.etag = e.etag AND v.created_at = e.modified_at"
	    " AND e.live = (v.kind = 1) AND f.state = 2 - e.live, 0)" },
	{ "a file has an entry or is in the trash with a version",
	    "SELECT count(*) FROM file f WHERE CASE f.state WHEN 3 THEN"
	    " NOT EXISTS (SELECT 1 FROM file_version v WHERE v.file_id = f.id AND v.keep = 2) ELSE"
	    " NOT EXISTS (SELECT 1 FROM entry e WHERE e.node_id = f.id AND e.folder_id = f.folder_id AND e.name = f.name) END" },
	{ "a version has a file", "SELECT count(*) FROM file_version v WHERE NOT EXISTS (SELECT 1 FROM file f WHERE f.id = v.file_id)" },
	{ "one current version a shown file", "SELECT count(*) FROM file f WHERE f.state < 3 AND"
	    " (SELECT count(*) FROM file_version v WHERE v.file_id = f.id AND v.keep = 0) <> 1" },
	{ "one null version a file", "SELECT count(*) FROM file f WHERE"
	    " (SELECT count(*) FROM file_version v WHERE v.file_id = f.id AND v.keep < 2 AND v.null_version = 1) > 1" },
	{ "objects are counted",
	    "SELECT count(*) FROM workspace w WHERE w.objects <> (SELECT count(*) FROM entry e WHERE e.kind = 1 AND e.live = 1)"
	    " - (SELECT coalesce(sum(objects), 0) FROM folder_trash)" },
	{ "bytes are summed", "SELECT count(*) FROM workspace w WHERE w.bytes <> (SELECT coalesce(sum(size_bytes), 0)"
	    " FROM file_version v WHERE v.keep = 0) - (SELECT coalesce(sum(bytes), 0) FROM folder_trash)" },
	{ "noncurrent bytes are summed", "SELECT count(*) FROM workspace w WHERE w.noncurrent_bytes <>"
	    " (SELECT coalesce(sum(size_bytes), 0) FROM file_version v WHERE v.keep = 1)" },
	{ "history is summed", "SELECT count(*) FROM workspace w WHERE w.history_bytes <>"
	    " (SELECT coalesce(sum(size_bytes), 0) FROM file_version v WHERE v.keep = 2)"
	    " + (SELECT coalesce(sum(bytes), 0) FROM folder_trash)" },
	{ "open uploads are counted", "SELECT count(*) FROM workspace w WHERE w.uploads <>"
	    " (SELECT count(*) FROM upload WHERE status = 1)" },
	{ "what open uploads hold is summed", "SELECT count(*) FROM workspace w WHERE w.upload_bytes <>"
	    " (SELECT coalesce(sum(size_bytes), 0) FROM upload_part WHERE upload_id IN (SELECT id FROM upload WHERE status = 1))" },
	{ "the feed has no gap", "SELECT count(*) FROM workspace w WHERE w.sequence - w.horizon <>"
	    " (SELECT count(*) FROM change_event WHERE sequence <= w.sequence AND sequence > w.horizon)" },
	{ "the feed ends with a commit", "SELECT count(*) FROM workspace w JOIN change_event c ON c.sequence = w.sequence"
	    " WHERE c.ends_commit = 0" },
	{ "small chunks are counted by their versions", "SELECT (SELECT coalesce(sum(refs), 0) FROM chunk) -"
	    " (SELECT count(*) FROM file_version WHERE size_bytes > 0)" },
};

/* The first rule that does not hold, or NULL. */
static inline const char *
obj_broken(void)
{
	for (size_t i = 0; i < sizeof(obj_rules) / sizeof(obj_rules[0]); i++)
		if (obj_number(obj_rules[i][1]) != 0)
			return obj_rules[i][0];
	return NULL;
}
#define CHECK_SOUND() CHECK_STR("sound", obj_broken() ? obj_broken() : "sound")

#endif
