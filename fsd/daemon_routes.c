#include "admin.h"
#include "limits.h"
#include "route.h"

#define JSON LIMIT_JSON_BODY
#define PAGE "after limit"	/* of each list, also of those that are always one page: fsctl asks all of them alike */
#define ADMIN(method_, path_, query_, name_, handler) \
	{ .method = (method_), .level = LEVEL_NONE, .path = "/v1/admin/" path_, .query = (query_), .name = (name_), \
		.action = ACTION_ADMIN_, .body_max = JSON, .run = (handler) }
#define PUBLIC(method_, path_, name_, handler) \
	{ .method = (method_), .level = LEVEL_NONE, .path = (path_), .name = (name_), .action = ACTION_PUBLIC_, \
		.run = (handler) }

const struct route daemon_routes[] = {
	PUBLIC("GET", "/healthz", "Healthz", health_live),
	PUBLIC("HEAD", "/healthz", "Healthz", health_live),
	PUBLIC("GET", "/readyz", "Readyz", health_ready),
	PUBLIC("HEAD", "/readyz", "Readyz", health_ready),
	{ .method = "GET", .level = LEVEL_NONE, .path = "/metrics", .name = "Metrics", .action = ACTION_METRICS_,
		.run = health_metrics },

	ADMIN("GET", "status", "", "AdminStatus", admin_status),
	ADMIN("POST", "yield", "", "AdminYield", admin_yield),

	ADMIN("GET", "users", PAGE, "AdminListUsers", admin_user_list),
	ADMIN("POST", "users", "", "AdminCreateUser", admin_user_create),
	ADMIN("GET", "users/{name}", "", "AdminShowUser", admin_user_show),
	ADMIN("PATCH", "users/{name}", "", "AdminChangeUser", admin_user_change),
	ADMIN("DELETE", "users/{name}", "", "AdminDeleteUser", admin_user_delete),

	ADMIN("GET", "users/{name}/keys", PAGE, "AdminListKeys", admin_key_list),
	ADMIN("POST", "users/{name}/keys", "", "AdminCreateKey", admin_key_create),
	ADMIN("PATCH", "users/{name}/keys/{id}", "", "AdminChangeKey", admin_key_change),
	ADMIN("DELETE", "users/{name}/keys/{id}", "", "AdminDeleteKey", admin_key_delete),

	ADMIN("GET", "users/{name}/tokens", PAGE, "AdminListTokens", admin_token_list),
	ADMIN("POST", "users/{name}/tokens", "", "AdminCreateToken", admin_token_create),
	ADMIN("DELETE", "users/{name}/tokens/{id}", "", "AdminDeleteToken", admin_token_delete),

	ADMIN("GET", "workspaces", PAGE, "AdminListWorkspaces", admin_workspace_list),
	ADMIN("POST", "workspaces", "", "AdminCreateWorkspace", admin_workspace_create),
	ADMIN("GET", "workspaces/{name}", "", "AdminShowWorkspace", admin_workspace_show),
	ADMIN("PATCH", "workspaces/{name}", "", "AdminChangeWorkspace", admin_workspace_change),
	ADMIN("DELETE", "workspaces/{name}", "", "AdminDeleteWorkspace", admin_workspace_delete),

	ADMIN("GET", "workspaces/{name}/grants", PAGE, "AdminListGrants", admin_grant_list),
	ADMIN("POST", "workspaces/{name}/grants", "", "AdminAddGrant", admin_grant_add),
	ADMIN("DELETE", "workspaces/{name}/grants", "id path user", "AdminRemoveGrant", admin_grant_remove),

	{ .method = "GET", .level = LEVEL_NONE, .path = "/v1/admin/workspaces/{name}/changes",
		.query = "cursor wait limit", .name = "AdminChanges", .action = ACTION_ADMIN_, .run = admin_changes,
		.release = admin_changes_release },

	ADMIN("POST", "jobs", "", "AdminStartJob", admin_job_start),
	{ .method = "GET", .level = LEVEL_NONE, .path = "/v1/admin/jobs/{id}", .query = "after wait", .name = "AdminShowJob",
		.action = ACTION_ADMIN_, .run = admin_job_show, .release = admin_job_release },
	ADMIN("DELETE", "jobs/{id}", "", "AdminCancelJob", admin_job_cancel),

	{ .name = NULL },
};
