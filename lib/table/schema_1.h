#ifndef TABLE_SCHEMA_1_H
#define TABLE_SCHEMA_1_H

/*
 * Migration 1: all entities, also those that later work fills. Times are microseconds since 1970 UTC;
 * sequences, sizes and counts plain integers; names and hashes byte strings. Rows are lean and, where they can
 * be, in the order of their ids, which is the order of time, so that inserts append.
 *
 * Every id is unique in the store and the primary key alone; workspace_id stands beside it and is always
 * given by the statements, so that an engine that partitions by workspace may lead its keys with it. One b-tree
 * instead of two a table was measured to be worth it on the PUT path.
 */
static const char schema_1[] =
	/* One row. key_check: a known text sealed with the key file, which tells a wrong one. The epochs validate caches: authorisation (keys, tokens, grants, users) and structure (folder paths). */
	"CREATE TABLE store ("
	" one INTEGER PRIMARY KEY CHECK (one = 1), store_id BLOB NOT NULL, created_at INTEGER NOT NULL,"
	" auth_epoch INTEGER NOT NULL, structure_epoch INTEGER NOT NULL, key_check BLOB NOT NULL);"

	"CREATE TABLE principal ("
	" id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, admin INTEGER NOT NULL,"
	" may_create_buckets INTEGER NOT NULL, created_at INTEGER NOT NULL, disabled_at INTEGER);"
	"CREATE INDEX principal_admins ON principal (admin, id) WHERE admin = 1;"
	"CREATE TABLE access_key ("
	" key_id BLOB PRIMARY KEY, principal_id INTEGER NOT NULL, secret BLOB NOT NULL,"
	" created_at INTEGER NOT NULL, disabled_at INTEGER) WITHOUT ROWID;"
	"CREATE INDEX access_key_by_principal ON access_key (principal_id);"
	/* A token is stored as its SHA-256 only. */
	"CREATE TABLE token ("
	" token_hash BLOB PRIMARY KEY, id INTEGER NOT NULL UNIQUE, principal_id INTEGER NOT NULL,"
	" created_at INTEGER NOT NULL, expires_at INTEGER) WITHOUT ROWID;"
	"CREATE INDEX token_by_principal ON token (principal_id, id);"
	"CREATE INDEX token_by_expiry ON token (expires_at) WHERE expires_at IS NOT NULL;"

	"CREATE TABLE workspace ("
	" id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, display_name BLOB NOT NULL,"
	" owner_id INTEGER NOT NULL, region_home BLOB NOT NULL, quota_bytes INTEGER NOT NULL,"	/* 0: none */
	" plan BLOB NOT NULL, created_at INTEGER NOT NULL, root_folder_id INTEGER NOT NULL,"
	" history_ms INTEGER NOT NULL, versioning INTEGER NOT NULL,"	/* 0 never, 1 enabled, 2 suspended */
	" chunk_min INTEGER NOT NULL, chunk_avg INTEGER NOT NULL, chunk_max INTEGER NOT NULL,"
	/* the hot columns, written once a batch */
	" sequence INTEGER NOT NULL, horizon INTEGER NOT NULL,"		/* newest event; events at or below horizon are gone */
	" past_horizon INTEGER NOT NULL,"		/* what the tree was before it is lost in parts */
	" objects INTEGER NOT NULL, bytes INTEGER NOT NULL,"		/* current */
	" noncurrent_bytes INTEGER NOT NULL, history_bytes INTEGER NOT NULL,"
	" uploads INTEGER NOT NULL, upload_bytes INTEGER NOT NULL);"	/* open ones, and what their parts hold */
	"CREATE INDEX workspace_by_owner ON workspace (owner_id, name);"

	/*
	 * live counts the live files and the folders with live > 0 (or a marker) directly inside; it passes between 0
	 * and 1 upwards. The root's parent is 0, that of a folder in the trash -1. name keeps its trailing slash. height is at
	 * least the number of levels of folders below.
	 */
	"CREATE TABLE folder ("
	" id INTEGER PRIMARY KEY, workspace_id INTEGER NOT NULL, parent_id INTEGER NOT NULL, name BLOB NOT NULL,"
	" live INTEGER NOT NULL, entries INTEGER NOT NULL, height INTEGER NOT NULL, created_by INTEGER NOT NULL,"
	" created_at INTEGER NOT NULL, latest_sequence INTEGER NOT NULL);"
	/*
	 * Folders that were deleted as a whole, and where they were. What is below stays as it was and is not reached by
	 * any path; its current versions (objects, bytes) count as history. ending 1: it is being destroyed.
	 */
	"CREATE TABLE folder_trash ("
	" folder_id INTEGER PRIMARY KEY, workspace_id INTEGER NOT NULL, parent_id INTEGER NOT NULL, name BLOB NOT NULL,"
	" deleted_at INTEGER NOT NULL, deleted_by INTEGER NOT NULL, sequence INTEGER NOT NULL,"
	" objects INTEGER NOT NULL, bytes INTEGER NOT NULL, ending INTEGER NOT NULL);"
	"CREATE INDEX folder_trash_by_time ON folder_trash (workspace_id, deleted_at, folder_id);"

	/*
	 * The namespace. kind 1 file, 2 folder (name ends in "/"). live 1: shown, since the sequence born. A file's row
	 * repeats what a listing prints of its current version; it shows that since the sequence latest.
	 */
	"CREATE TABLE entry ("
	" workspace_id INTEGER NOT NULL, folder_id INTEGER NOT NULL, name BLOB NOT NULL,"
	" kind INTEGER NOT NULL, node_id INTEGER NOT NULL, live INTEGER NOT NULL, born INTEGER NOT NULL,"
	" latest INTEGER NOT NULL, version_id INTEGER NOT NULL, size_bytes INTEGER NOT NULL, etag BLOB NOT NULL, modified_at INTEGER NOT NULL,"
	" PRIMARY KEY (workspace_id, folder_id, name)) WITHOUT ROWID;"
	/* Where an entry was, for sequences from born to died - 1. */
	"CREATE TABLE entry_past ("
	" workspace_id INTEGER NOT NULL, folder_id INTEGER NOT NULL, name BLOB NOT NULL, died INTEGER NOT NULL,"
	" kind INTEGER NOT NULL, node_id INTEGER NOT NULL, born INTEGER NOT NULL, version_id INTEGER NOT NULL,"
	" PRIMARY KEY (workspace_id, folder_id, name, died, node_id)) WITHOUT ROWID;"
	"CREATE INDEX entry_past_by_died ON entry_past (workspace_id, died);"
	"CREATE INDEX entry_past_folder ON entry_past (workspace_id, node_id, died) WHERE kind = 2;"

	/*
	 * state 1 live, 2 deleted by marker (its entry stays), 3 in trash (no entry; folder and name are where it was). deleted_at: when it
	 * came to be in state 2 or 3; not of a marker that came first and hides nothing.
	 */
	"CREATE TABLE file ("
	" id INTEGER PRIMARY KEY, workspace_id INTEGER NOT NULL, folder_id INTEGER NOT NULL, name BLOB NOT NULL,"
	" state INTEGER NOT NULL, current_version_id INTEGER NOT NULL, latest_sequence INTEGER NOT NULL,"
	" created_by INTEGER NOT NULL, created_at INTEGER NOT NULL, deleted_at INTEGER, deleted_by INTEGER);"
	"CREATE INDEX file_in_trash ON file (workspace_id, deleted_at, id) WHERE state = 3;"
	"CREATE INDEX file_marked ON file (workspace_id, deleted_at, id) WHERE state = 2;"

	/*
	 * kind 1 content, 2 delete marker. keep 0 current, 1 noncurrent by S3 versioning, 2 history. null_version: shown to S3
	 * as version "null". manifest: codec/manifest.h. headers: core/meta.h. parts: sizes of multipart parts.
	 */
	"CREATE TABLE file_version ("
	" id INTEGER PRIMARY KEY, workspace_id INTEGER NOT NULL, file_id INTEGER NOT NULL, sequence INTEGER NOT NULL,"
	" base_version_id INTEGER, kind INTEGER NOT NULL, keep INTEGER NOT NULL, null_version INTEGER NOT NULL,"
	" size_bytes INTEGER NOT NULL, etag BLOB NOT NULL, content_hash BLOB, created_at INTEGER NOT NULL,"
	" created_by INTEGER NOT NULL, superseded_at INTEGER, superseded INTEGER,"	/* time, sequence */
	" manifest BLOB NOT NULL, headers BLOB NOT NULL, checksum BLOB, parts BLOB);"
	"CREATE INDEX file_version_old ON file_version (workspace_id, file_id, id) WHERE keep > 0;"
	"CREATE INDEX file_version_history ON file_version (workspace_id, superseded_at, id) WHERE keep = 2;"

	/* Contents whose hash is to be found out. */
	"CREATE INDEX file_version_unhashed ON file_version (id) WHERE content_hash IS NULL AND kind = 1 AND keep = 0;"

	/* A leaf counts its chunks from when it is made until gc ends it, some time after its last reference went (dead_at). */
	"CREATE TABLE leaf ("
	" id INTEGER PRIMARY KEY, refs INTEGER NOT NULL, dead_at INTEGER, chunks BLOB NOT NULL);"
	"CREATE INDEX leaf_dead ON leaf (dead_at, id) WHERE dead_at IS NOT NULL;"
	/*
	 * dead_at: when the last reference went (a tombstone); NULL while referenced. ref_state is told by it. origin: a workspace of
	 * which a version surely is this chunk alone, 0 if none is known: who may read it may be told that the chunk is there.
	 */
	"CREATE TABLE chunk ("
	" hash BLOB PRIMARY KEY, refs INTEGER NOT NULL, home INTEGER NOT NULL, place INTEGER NOT NULL,"
	" stored INTEGER NOT NULL, size_bytes INTEGER NOT NULL, generation INTEGER NOT NULL, dead_at INTEGER,"
	" origin INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX chunk_dead ON chunk (dead_at, hash) WHERE dead_at IS NOT NULL;"
	/* state 1 open, 2 sealed, 3 to be dropped. freed: bytes of chunks freed there. */
	"CREATE TABLE segment ("
	" home INTEGER PRIMARY KEY, state INTEGER NOT NULL, tail INTEGER NOT NULL, freed INTEGER NOT NULL);"

	/* kind 1 s3, 2 sync, 3 staging; status 1 open, 2 completed, 3 aborted. sync: core/transfer.c. Part 0: what it holds already. */
	"CREATE TABLE upload ("
	" id INTEGER PRIMARY KEY, workspace_id INTEGER NOT NULL, kind INTEGER NOT NULL, status INTEGER NOT NULL,"
	" object_key BLOB NOT NULL, file_id INTEGER NOT NULL, created_by INTEGER NOT NULL, created_at INTEGER NOT NULL,"
	" expires_at INTEGER NOT NULL, headers BLOB NOT NULL, checksum_algorithm INTEGER NOT NULL,"
	" checksum_type INTEGER NOT NULL, expected_parts INTEGER, idempotency_key BLOB,"
	" completed_parts BLOB, result_version_id INTEGER, sync BLOB);"
	"CREATE INDEX upload_open ON upload (workspace_id, object_key, id) WHERE status = 1 AND kind = 1;"
	"CREATE INDEX upload_of_workspace ON upload (workspace_id, id) WHERE status = 1;"
	"CREATE INDEX upload_by_expiry ON upload (expires_at);"
	"CREATE TABLE upload_part ("
	" upload_id INTEGER NOT NULL, part_number INTEGER NOT NULL, size_bytes INTEGER NOT NULL, etag BLOB NOT NULL,"
	" checksum BLOB, manifest BLOB NOT NULL, created_at INTEGER NOT NULL,"
	" PRIMARY KEY (upload_id, part_number)) WITHOUT ROWID;"

	/*
	 * resource_kind 1 workspace, 2 folder, 3 file; role 1 viewer, 2 editor, 3 owner; given: the sequence since which it is held, in
	 * whatever role; ending 1: the folder or file is gone
	 */
	"CREATE TABLE share_grant ("
	" resource_id INTEGER NOT NULL, principal_id INTEGER NOT NULL, workspace_id INTEGER NOT NULL,"
	" resource_kind INTEGER NOT NULL, role INTEGER NOT NULL, created_by INTEGER NOT NULL,"
	" created_at INTEGER NOT NULL, revoked_at INTEGER, given INTEGER NOT NULL, ending INTEGER NOT NULL,"
	" PRIMARY KEY (resource_id, principal_id)) WITHOUT ROWID;"
	"CREATE INDEX share_grant_by_principal ON share_grant (principal_id, workspace_id);"
	"CREATE INDEX share_grant_by_workspace ON share_grant (workspace_id, resource_id);"
	"CREATE INDEX share_grant_ending ON share_grant (workspace_id, resource_id) WHERE ending = 1;"
	/* Grants that were held from the sequence given to taken - 1, for as long as the feed has that. */
	"CREATE TABLE share_past ("
	" principal_id INTEGER NOT NULL, resource_id INTEGER NOT NULL, taken INTEGER NOT NULL,"
	" workspace_id INTEGER NOT NULL, given INTEGER NOT NULL,"
	" PRIMARY KEY (principal_id, resource_id, taken)) WITHOUT ROWID;"
	"CREATE INDEX share_past_by_taken ON share_past (workspace_id, taken);"

	/* ends_commit 1 on the last event of a commit */
	"CREATE TABLE change_event ("
	" workspace_id INTEGER NOT NULL, sequence INTEGER NOT NULL, event_type INTEGER NOT NULL,"
	" ends_commit INTEGER NOT NULL, node_kind INTEGER NOT NULL, resource_id INTEGER NOT NULL,"
	" parent_id INTEGER NOT NULL, name BLOB NOT NULL, version_id INTEGER, size_bytes INTEGER, content_hash BLOB,"
	" from_parent_id INTEGER, from_name BLOB, actor_id INTEGER NOT NULL, device_id INTEGER,"
	" occurred_at INTEGER NOT NULL, principal_id INTEGER, role INTEGER,"
	" PRIMARY KEY (workspace_id, sequence)) WITHOUT ROWID;"

	"CREATE TABLE device ("
	" id INTEGER PRIMARY KEY, principal_id INTEGER NOT NULL, name BLOB NOT NULL, created_at INTEGER NOT NULL,"
	" last_seen_at INTEGER NOT NULL);"
	"CREATE INDEX device_by_principal ON device (principal_id, id);"
	"CREATE TABLE device_cursor ("
	" device_id INTEGER NOT NULL, workspace_id INTEGER NOT NULL, last_sequence INTEGER NOT NULL,"
	" last_ack_at INTEGER NOT NULL, PRIMARY KEY (device_id, workspace_id)) WITHOUT ROWID;"
	"CREATE INDEX device_cursor_by_workspace ON device_cursor (workspace_id, last_sequence);"

	"CREATE TABLE idempotency ("
	" principal_id INTEGER NOT NULL, request_key BLOB NOT NULL, request_hash BLOB NOT NULL,"
	" status INTEGER NOT NULL, reply BLOB NOT NULL, expires_at INTEGER NOT NULL,"
	" PRIMARY KEY (principal_id, request_key)) WITHOUT ROWID;"
	"CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);"

	"CREATE TABLE job ("
	" id INTEGER PRIMARY KEY, kind BLOB NOT NULL, state INTEGER NOT NULL, resume_at BLOB,"
	" started_at INTEGER NOT NULL, ended_at INTEGER, report BLOB);";

#endif
