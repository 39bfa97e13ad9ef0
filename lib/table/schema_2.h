#ifndef TABLE_SCHEMA_2_H
#define TABLE_SCHEMA_2_H

/*
 * Migration 2: workspaces beside a chunk's `origin` of which a version surely is this chunk alone. The origin is the first that was known,
 * which is all there is of most chunks. With only that one known, what a workspace is told of its own contents would tell whether
 * another one had them before.
 */
static const char schema_2[] =
	"CREATE TABLE chunk_known ("
	" hash BLOB NOT NULL, workspace_id INTEGER NOT NULL, PRIMARY KEY (hash, workspace_id)) WITHOUT ROWID;";

#endif
