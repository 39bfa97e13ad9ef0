#include "api.h"
#include "api_calls.h"
#include "limits.h"
#include "route.h"

/* The calls of the JSON API. A path's first match wins, so what is literal stands before what is a parameter. */
#define CALL(method_, path_, query_, name_, handler) \
	{ .method = (method_), .level = LEVEL_NONE, .path = "/v1/" path_, .query = (query_), .name = (name_), \
		.action = ACTION_NONE_, .body_max = LIMIT_JSON_BODY, .run = (handler) }

const struct route api_routes[] = {
	{ .method = "GET", .level = LEVEL_NONE, .path = "/v1/openapi.json", .query = "", .name = "GetOpenApi",
		.action = ACTION_PUBLIC_, .run = api_openapi },

	CALL("GET", "workspaces", "limit after", "ListWorkspaces", api_workspace_list),
	CALL("POST", "workspaces", "", "CreateWorkspace", api_workspace_create),
	CALL("POST", "workspaces/{id}:share", "", "ShareWorkspace", api_workspace_share),
	CALL("GET", "workspaces/{id}", "after minSequence", "GetWorkspace", api_workspace_show),
	CALL("PATCH", "workspaces/{id}", "", "ChangeWorkspace", api_workspace_change),
	CALL("DELETE", "workspaces/{id}", "", "DeleteWorkspace", api_workspace_delete),
	CALL("GET", "workspaces/{id}/grants", "limit after minSequence", "ListWorkspaceGrants", api_workspace_grants),
	CALL("DELETE", "workspaces/{id}/grants/{principal}", "", "RevokeWorkspace", api_workspace_revoke),
	CALL("POST", "folders/{id}:share", "", "ShareFolder", api_folder_share),
	CALL("GET", "folders/{id}/grants", "limit after minSequence", "ListFolderGrants", api_folder_grants),
	CALL("DELETE", "folders/{id}/grants/{principal}", "", "RevokeFolder", api_folder_revoke),
	CALL("POST", "files/{id}:share", "", "ShareFile", api_file_share),
	CALL("GET", "files/{id}/grants", "limit after minSequence", "ListFileGrants", api_file_grants),
	CALL("DELETE", "files/{id}/grants/{principal}", "", "RevokeFile", api_file_revoke),

	CALL("GET", "lookup", "workspaceId path minSequence", "Lookup", api_lookup),
	CALL("GET", "tree", "workspaceId at folderId limit page minSequence", "GetTree", api_tree),

	CALL("POST", "files:start-upload", "", "StartUpload", api_upload_start),
	CALL("POST", "files:complete-upload", "", "CompleteUpload", api_upload_complete),
	CALL("GET", "uploads/{id}", "from", "ShowUpload", api_upload_show),
	CALL("DELETE", "uploads/{id}", "", "AbortUpload", api_upload_abort),
	CALL("GET", "files/{id}/download", "version minSequence", "Download", api_download),
	CALL("GET", "files/{id}/manifest", "version from limit minSequence", "GetManifest", api_manifest),
	CALL("GET", "chunks/{hash}", "fileId version", "GetChunk", api_chunk),
	CALL("POST", "files:commit-batch", "", "CommitBatch", api_batch),
	{ .method = "POST", .level = LEVEL_NONE, .path = "/v1/chunks", .query = "workspaceId folderId",
		.name = "StageChunks", .action = ACTION_NONE_,
		.start = api_stage_start, .write = api_stage_write, .run = api_stage_finish, .release = api_stage_release },
	/* Who has the ticket in the URL may, as long as who got it may. */
	{ .method = "PUT", .level = LEVEL_NONE, .path = "/v1/uploads/{id}/parts/{number}", .query = "ticket", .name = "PutPart",
		.action = ACTION_PUBLIC_, .start = api_part_start, .write = api_part_write, .run = api_part_finish,
		.release = api_part_release },
	{ .method = "GET", .level = LEVEL_NONE, .path = "/v1/content/{id}", .query = "ticket", .name = "GetContent",
		.action = ACTION_PUBLIC_, .run = api_content },

	CALL("POST", "folders", "", "MakeFolder", api_folder_make),
	CALL("POST", "folders/{id}:undelete", "", "UndeleteFolder", api_folder_undelete),
	CALL("GET", "folders/{id}", "minSequence", "GetFolder", api_folder_show),
	CALL("PATCH", "folders/{id}", "", "ChangeFolder", api_folder_change),
	CALL("DELETE", "folders/{id}", "baseSequence recursive", "DeleteFolder", api_folder_delete),
	CALL("GET", "folders/{id}/children", "limit after prefix minSequence", "ListChildren", api_folder_children),
	CALL("POST", "files/{id}:undelete", "", "UndeleteFile", api_file_undelete),
	CALL("POST", "files/{id}:restore", "", "RestoreVersion", api_file_restore),
	CALL("GET", "files/{id}", "minSequence", "GetFile", api_file_show),
	CALL("PATCH", "files/{id}", "", "ChangeFile", api_file_change),
	CALL("DELETE", "files/{id}", "baseVersionId", "DeleteFile", api_file_delete),
	CALL("GET", "files/{id}/versions", "limit after minSequence", "ListFileVersions", api_file_versions),
	CALL("GET", "trash", "workspaceId limit after minSequence", "ListTrash", api_trash),

	{ .method = "GET", .level = LEVEL_NONE, .path = "/v1/changes", .name = "GetChanges", .action = ACTION_NONE_,
		.query = "cursor workspaceId folderId limit wait deviceId minSequence", .run = api_changes, .release = api_changes_release },
	{ .method = "GET", .level = LEVEL_NONE, .path = "/v1/events", .query = "", .name = "GetEvents", .action = ACTION_NONE_,
		.run = api_events, .release = api_events_release },
	CALL("POST", "devices", "", "MakeDevice", api_device_make),
	CALL("GET", "devices", "", "ListDevices", api_device_list),
	CALL("POST", "devices/{id}:ack", "", "AckDevice", api_device_ack),
	CALL("DELETE", "devices/{id}", "", "DeleteDevice", api_device_delete),

	{ .name = NULL },
};
