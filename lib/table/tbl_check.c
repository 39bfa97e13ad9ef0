#include "err.h"
#include "tbl_check.h"

/* Each selects workspace, id, what is stored, what it should be. */
static const struct {
	const char *sql;
	struct check_rule rule;
} rules[] = {
	/* ---- sums of workspaces ---- */
	{ "SELECT id, id, objects, n FROM (SELECT w.id, w.objects,"
	  " (SELECT count(*) FROM entry e WHERE e.workspace_id = w.id AND e.kind = 1 AND e.live = 1) -"
	  " (SELECT coalesce(sum(t.objects), 0) FROM folder_trash t WHERE t.workspace_id = w.id) AS n"
	  " FROM workspace w) AS s WHERE objects <> n",
	    { "workspace's count of objects", ID_WORKSPACE, true } },
	{ "SELECT id, id, bytes, n FROM (SELECT w.id, w.bytes, (SELECT coalesce(sum(e.size_bytes), 0) FROM entry e"
	  " WHERE e.workspace_id = w.id AND e.kind = 1 AND e.live = 1) -"
	  " (SELECT coalesce(sum(t.bytes), 0) FROM folder_trash t WHERE t.workspace_id = w.id) AS n"
	  " FROM workspace w) AS s WHERE bytes <> n",
	    { "workspace's sum of bytes", ID_WORKSPACE, true } },
	{ "SELECT id, id, noncurrent_bytes, n FROM (SELECT w.id, w.noncurrent_bytes,"
	  " (SELECT coalesce(sum(v.size_bytes), 0) FROM file_version v"
	  " WHERE v.workspace_id = w.id AND v.keep > 0 AND v.keep = 1) AS n FROM workspace w) AS s"
	  " WHERE noncurrent_bytes <> n",
	    { "workspace's sum of noncurrent bytes", ID_WORKSPACE, true } },
	{ "SELECT id, id, history_bytes, n FROM (SELECT w.id, w.history_bytes,"
	  " (SELECT coalesce(sum(v.size_bytes), 0) FROM file_version v"
	  " WHERE v.workspace_id = w.id AND v.keep > 0 AND v.keep = 2) +"
	  " (SELECT coalesce(sum(t.bytes), 0) FROM folder_trash t WHERE t.workspace_id = w.id) AS n"
	  " FROM workspace w) AS s WHERE history_bytes <> n",
	    { "workspace's sum of history bytes", ID_WORKSPACE, true } },
	{ "SELECT id, id, uploads, n FROM (SELECT w.id, w.uploads, (SELECT count(*) FROM upload u"
	  " WHERE u.workspace_id = w.id AND u.status = 1) AS n FROM workspace w) AS s WHERE uploads <> n",
	    { "workspace's count of open uploads", ID_WORKSPACE, true } },
	{ "SELECT id, id, upload_bytes, n FROM (SELECT w.id, w.upload_bytes, (SELECT coalesce(sum(p.size_bytes), 0)"
	  " FROM upload u JOIN upload_part p ON p.upload_id = u.id WHERE u.workspace_id = w.id AND u.status = 1) AS n"
	  " FROM workspace w) AS s WHERE upload_bytes <> n",
	    { "workspace's sum of what open uploads hold", ID_WORKSPACE, true } },
	{ "SELECT w.id, w.id, 0, 0 FROM workspace w WHERE NOT EXISTS (SELECT 1 FROM folder d"
	  " WHERE d.id = w.root_folder_id AND d.workspace_id = w.id AND d.parent_id = 0)",
	    { "workspace without its root folder", ID_WORKSPACE, false } },

	/* What a workspace may be told it has, it has. */
	{ "SELECT k.workspace_id, k.workspace_id, 0, 0 FROM chunk_known k WHERE NOT EXISTS (SELECT 1 FROM chunk c"
	  " WHERE c.hash = k.hash AND c.refs > 0)",
	    { "chunk that is not there is said to be known to workspace", ID_WORKSPACE, false } },

	/* ---- folders ---- */
	{ "SELECT workspace_id, id, live, n FROM (SELECT d.workspace_id, d.id, d.live, (SELECT count(*) FROM entry e"
	  " WHERE e.workspace_id = d.workspace_id AND e.folder_id = d.id AND e.live = 1) AS n FROM folder d) AS s"
	  " WHERE live <> n",
	    { "folder's count of shown entries", ID_FOLDER, true } },
	{ "SELECT workspace_id, id, entries, n FROM (SELECT d.workspace_id, d.id, d.entries, (SELECT count(*) FROM entry e"
	  " WHERE e.workspace_id = d.workspace_id AND e.folder_id = d.id) AS n FROM folder d) AS s WHERE entries <> n",
	    { "folder's count of entries", ID_FOLDER, true } },
	{ "SELECT d.workspace_id, d.id, 0, 0 FROM folder d WHERE d.parent_id > 0 AND NOT EXISTS (SELECT 1 FROM entry e"
	  " WHERE e.workspace_id = d.workspace_id AND e.folder_id = d.parent_id AND e.name = d.name AND e.kind = 2"
	  " AND e.node_id = d.id)",
	    { "folder without an entry", ID_FOLDER, false } },
	{ "SELECT d.workspace_id, d.id, 0, 0 FROM folder d WHERE d.parent_id = 0 AND NOT EXISTS (SELECT 1 FROM workspace w"
	  " WHERE w.id = d.workspace_id AND w.root_folder_id = d.id)",
	    { "root folder without a workspace", ID_FOLDER, false } },

	{ "SELECT d.workspace_id, d.id, 0, 0 FROM folder d WHERE d.parent_id < 0 AND NOT EXISTS (SELECT 1 FROM folder_trash t"
	  " WHERE t.folder_id = d.id AND t.workspace_id = d.workspace_id)",
	    { "folder that is neither in another nor in the trash", ID_FOLDER, false } },
	{ "SELECT t.workspace_id, t.folder_id, 0, 0 FROM folder_trash t WHERE NOT EXISTS (SELECT 1 FROM folder d"
	  " WHERE d.id = t.folder_id AND d.workspace_id = t.workspace_id AND d.parent_id = -1)",
	    { "folder in the trash that is not there or has a place:", ID_FOLDER, false } },
	{ "SELECT d.workspace_id, d.id, d.height, p.height FROM folder d JOIN folder p ON p.id = d.parent_id"
	  " WHERE p.height <= d.height",
	    { "folder whose height is not under its parent's", ID_FOLDER, true } },

	/* ---- entries, files, versions ---- */
	{ "SELECT e.workspace_id, e.node_id, 0, 0 FROM entry e WHERE NOT EXISTS (SELECT 1 FROM folder d"
	  " WHERE d.id = e.folder_id AND d.workspace_id = e.workspace_id)",
	    { "entry in a folder that is not there, of node", ID_KINDS_, false } },
	{ "SELECT e.workspace_id, e.node_id, 0, 0 FROM entry e WHERE e.kind = 2 AND NOT EXISTS (SELECT 1 FROM folder d"
	  " WHERE d.id = e.node_id AND d.workspace_id = e.workspace_id AND d.parent_id = e.folder_id AND d.name = e.name"
	  " AND CASE WHEN d.live > 0 THEN 1 ELSE 0 END = e.live)",
	    { "entry that does not agree with its folder", ID_FOLDER, false } },
	{ "SELECT e.workspace_id, e.node_id, 0, 0 FROM entry e WHERE e.kind = 1 AND NOT EXISTS (SELECT 1 FROM file f"
	  " WHERE f.id = e.node_id AND f.workspace_id = e.workspace_id AND f.folder_id = e.folder_id AND f.name = e.name"
	  " AND f.current_version_id = e.version_id AND f.state = CASE WHEN e.live = 1 THEN 1 ELSE 2 END)",
	    { "entry that does not agree with its file", ID_FILE, false } },
	{ "SELECT e.workspace_id, e.version_id, 0, 0 FROM entry e WHERE e.kind = 1 AND NOT EXISTS (SELECT 1 FROM file_version v"
	  " WHERE v.id = e.version_id AND v.workspace_id = e.workspace_id AND v.file_id = e.node_id AND v.keep = 0"
	  " AND v.size_bytes = e.size_bytes AND v.etag = e.etag"
	  " AND v.kind = CASE WHEN e.live = 1 THEN 1 ELSE 2 END)",
	    { "entry whose version is gone or another's:", ID_VERSION, false } },
	{ "SELECT e.workspace_id, e.node_id, e.latest, w.sequence FROM entry e JOIN workspace w ON w.id = e.workspace_id"
	  " WHERE e.born > e.latest OR e.latest > w.sequence",
	    { "sequences that are out of order in the entry of node", ID_KINDS_, true } },
	{ "SELECT e.workspace_id, e.node_id, e.latest, v.sequence FROM entry e JOIN file_version v ON v.id = e.version_id"
	  " WHERE e.kind = 1 AND v.sequence > e.latest",
	    { "entry that is older than what it shows, of file", ID_FILE, true } },
	{ "SELECT p.workspace_id, p.node_id, p.died, p.born FROM entry_past p WHERE p.born >= p.died"
	  " OR NOT EXISTS (SELECT 1 FROM workspace w WHERE w.id = p.workspace_id AND p.died <= w.sequence)",
	    { "past entry outside of its time, of node", ID_KINDS_, true } },
	{ "SELECT id, id, past_horizon, sequence FROM workspace WHERE past_horizon > sequence",
	    { "horizon of the past that lies in the future, of workspace", ID_WORKSPACE, true } },
	{ "SELECT f.workspace_id, f.id, 0, 0 FROM file f WHERE f.state < 3 AND NOT EXISTS (SELECT 1 FROM entry e"
	  " WHERE e.workspace_id = f.workspace_id AND e.folder_id = f.folder_id AND e.name = f.name AND e.kind = 1"
	  " AND e.node_id = f.id)",
	    { "file without an entry", ID_FILE, false } },
	{ "SELECT f.workspace_id, f.id, 0, 0 FROM file f WHERE NOT EXISTS (SELECT 1 FROM workspace w"
	  " WHERE w.id = f.workspace_id)",
	    { "file without a workspace", ID_FILE, false } },
	{ "SELECT v.workspace_id, v.id, 0, 0 FROM file_version v WHERE NOT EXISTS (SELECT 1 FROM file f"
	  " WHERE f.id = v.file_id AND f.workspace_id = v.workspace_id)",
	    { "version without a file", ID_VERSION, false } },
	{ "SELECT v.workspace_id, v.id, 0, 0 FROM file_version v WHERE v.keep = 0 AND EXISTS (SELECT 1 FROM file f"
	  " WHERE f.id = v.file_id AND f.workspace_id = v.workspace_id"
	  " AND (f.current_version_id <> v.id OR f.state = 3))",
	    { "version that is called current and is not", ID_VERSION, false } },

	/* ---- the feed ---- */
	{ "SELECT id, id, n, sequence - horizon FROM (SELECT w.id, w.sequence, w.horizon, (SELECT count(*) FROM change_event e"
	  " WHERE e.workspace_id = w.id AND e.sequence > w.horizon AND e.sequence <= w.sequence) AS n"
	  " FROM workspace w) AS s WHERE n <> sequence - horizon",
	    { "events between horizon and sequence of workspace", ID_WORKSPACE, true } },
	{ "SELECT e.workspace_id, e.sequence, 0, 0 FROM change_event e, workspace w WHERE w.id = e.workspace_id"
	  " AND e.sequence > w.horizon + 1 AND NOT EXISTS (SELECT 1 FROM change_event b"
	  " WHERE b.workspace_id = e.workspace_id AND b.sequence = e.sequence - 1)",
	    { "gap in the feed before event", ID_KINDS_, false } },
	{ "SELECT e.workspace_id, e.sequence, e.sequence, w.sequence FROM workspace w, change_event e"
	  " WHERE e.workspace_id = w.id AND e.sequence > w.sequence",
	    { "event behind its workspace's sequence:", ID_KINDS_, true } },
	{ "SELECT w.id, w.id, 0, 0 FROM workspace w, change_event e WHERE e.workspace_id = w.id"
	  " AND e.sequence = w.sequence AND e.ends_commit = 0",
	    { "feed that ends inside a commit, of workspace", ID_WORKSPACE, false } },
	{ "SELECT e.workspace_id, e.sequence, 0, 0 FROM change_event e WHERE NOT EXISTS (SELECT 1 FROM workspace w"
	  " WHERE w.id = e.workspace_id)",
	    { "event without a workspace:", ID_KINDS_, false } },

	/* ---- leaves and uploads ---- */
	{ "SELECT 0, l.id, 0, 0 FROM leaf l WHERE CASE WHEN l.refs = 0 THEN 1 ELSE 0 END"
	  " <> CASE WHEN l.dead_at IS NULL THEN 0 ELSE 1 END",
	    { "count of references and time of death that don't agree, of leaf", ID_KINDS_, false } },
	{ "SELECT 0, p.upload_id, 0, 0 FROM upload_part p WHERE NOT EXISTS (SELECT 1 FROM upload u WHERE u.id = p.upload_id)",
	    { "part without an upload:", ID_UPLOAD, false } },
	{ "SELECT u.workspace_id, u.id, 0, 0 FROM upload u WHERE u.status = 1 AND NOT EXISTS (SELECT 1 FROM workspace w"
	  " WHERE w.id = u.workspace_id)",
	    { "open upload without a workspace:", ID_UPLOAD, false } },

	/* ---- access ---- */
	{ "SELECT 0, k.principal_id, 0, 0 FROM access_key k WHERE NOT EXISTS (SELECT 1 FROM principal p"
	  " WHERE p.id = k.principal_id)",
	    { "access key of a user that is not there:", ID_USER, false } },
	{ "SELECT 0, k.id, 0, 0 FROM token k WHERE NOT EXISTS (SELECT 1 FROM principal p WHERE p.id = k.principal_id)",
	    { "token of a user that is not there:", ID_TOKEN, false } },
	{ "SELECT g.workspace_id, g.principal_id, 0, 0 FROM share_grant g WHERE NOT EXISTS (SELECT 1 FROM principal p"
	  " WHERE p.id = g.principal_id)",
	    { "grant to a user that is not there:", ID_USER, false } },
	{ "SELECT g.workspace_id, g.resource_id, 0, 0 FROM share_grant g WHERE NOT EXISTS (SELECT 1 FROM workspace w"
	  " WHERE w.id = g.workspace_id)",
	    { "grant without a workspace, on", ID_KINDS_, false } },
};

int
tbl_check_rule(struct db_conn *c, unsigned number, struct db_row *row, struct check_rule *rule)
{
	if (number >= sizeof(rules) / sizeof(rules[0]))
		return ERR_NOTFOUND;
	*rule = rules[number].rule;
	return db_query0(c, rules[number].sql, row);
}

void
tbl_check_broken(const struct db_row *row, struct check_broken *broken)
{
	*broken = (struct check_broken) { db_int(row, 0), db_int(row, 1), db_int(row, 2), db_int(row, 3) };
}

static const char versions[] = "SELECT id, 0, size_bytes, kind, manifest, parts FROM file_version ORDER BY id";

int
tbl_check_versions(struct db_conn *c, struct db_row *row)
{
	return db_query0(c, versions, row);
}

static const char parts[] = "SELECT upload_id, part_number, size_bytes, 1, manifest, NULL FROM upload_part"
			    " ORDER BY upload_id, part_number";

int
tbl_check_parts(struct db_conn *c, struct db_row *row)
{
	return db_query0(c, parts, row);
}

void
tbl_check_content(const struct db_row *row, struct check_content *content)
{
	content->id = db_int(row, 0);
	content->number = db_int(row, 1);
	content->size = db_int(row, 2);
	content->marker = db_int(row, 3) == 2;
	content->manifest.p = db_bytes(row, 4, &content->manifest.len);
	content->parts.p = db_bytes(row, 5, &content->parts.len);
}

static const char counts_of[] = "SELECT (SELECT count(*) FROM workspace), (SELECT count(*) FROM entry),"
				" (SELECT count(*) FROM change_event), (SELECT count(*) FROM upload)";

int
tbl_check_counts(struct db_conn *c, struct check_counts *counts)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one0(c, counts_of, &row);

	if (rc == 0)
		*counts = (struct check_counts) { db_int(&row, 0), db_int(&row, 1), db_int(&row, 2), db_int(&row, 3) };
	db_row_release(&row);
	return rc;
}
