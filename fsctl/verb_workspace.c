#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "limits.h"
#include "listing.h"
#include "out.h"
#include "say.h"
#include "str.h"
#include "table.h"
#include "verbs.h"

#define BODY_MAX 65536

static const struct table_column list_columns[] = {
	{ "NAME", "name", CELL_TEXT }, { "OWNER", "owner", CELL_TEXT }, { "OBJECTS", "objects", CELL_COUNT },
	{ "SIZE", "bytes", CELL_SIZE }, { "QUOTA", "quotaBytes", CELL_LIMIT }, { "VERSIONING", "versioning", CELL_TEXT },
	{ "CREATED", "createdAt", CELL_TIME }, { NULL },
};
static const struct table_column show_columns[] = {
	{ "name", "name", CELL_TEXT }, { "display name", "displayName", CELL_TEXT }, { "id", "workspaceId", CELL_TEXT },
	{ "root folder", "rootFolderId", CELL_TEXT }, { "owner", "owner", CELL_TEXT }, { "objects", "objects", CELL_COUNT },
	{ "size", "bytes", CELL_SIZE }, { "noncurrent versions", "noncurrentBytes", CELL_SIZE },
	{ "open uploads", "uploadBytes", CELL_SIZE }, { "history and trash", "historyBytes", CELL_SIZE },
	{ "quota", "quotaBytes", CELL_LIMIT },
	{ "history is kept", "historyMs", CELL_MS }, { "versioning", "versioning", CELL_TEXT },
	{ "changes", "sequence", CELL_COUNT }, { "created", "createdAt", CELL_TIME }, { NULL },
};

/* The settings that were given, as members. An exit status. */
static int
add_settings(const struct args *args, struct json_out *j)
{
	const char *name = args->given[OPT_DISPLAY_NAME];
	int64_t quota = -1, history = -1;
	int status;

	if ((status = args_size(args, OPT_QUOTA, &quota)) != STATUS_OK ||
	    (status = args_duration(args, OPT_HISTORY, &history)) != STATUS_OK)
		return status;
	if (history > LIMIT_HISTORY_MS)
		return say_error(STATUS_USAGE, "--history: expected at most 100y, got \"%s\"", args->given[OPT_HISTORY]);
	if (name && !utf8_valid(name, strlen(name)))
		return say_error(STATUS_USAGE, "--display-name: expected UTF-8, got \"%s\"", name);
	if (args->given[OPT_OWNER])
		json_key_str(j, "owner", args->given[OPT_OWNER]);
	if (quota >= 0)
		json_key_int(j, "quotaBytes", quota);
	if (history >= 0)
		json_key_int(j, "historyMs", history);
	if (args->given[OPT_VERSIONING])
		json_key_str(j, "versioning", args->given[OPT_VERSIONING]);
	if (name)
		json_key_str(j, "displayName", name);
	return STATUS_OK;
}

/* People see the whole workspace, scripts too. */
static int
print_workspace(struct ctl *ctl, const struct json *doc)
{
	struct buf out = BUF_INIT(BODY_MAX);
	int status;

	if (ctl->json)
		return out_document(doc);
	table_fields(&out, show_columns, doc, 0);
	status = out_write(&out);
	buf_release(&out);
	return status;
}

static int
send_settings(struct ctl *ctl, const struct args *args, const char *method, const char *create)
{
	struct buf path = BUF_INIT(CTL_PATH), body = BUF_INIT(BODY_MAX);
	struct json *doc = NULL;
	struct json_out j;
	int status;

	ctl_path(&path, "workspaces", create ? NULL : args->operand[0], NULL);
	json_out_init(&j, &body, false);
	json_object_begin(&j);
	if (create)
		json_key_str(&j, "name", create);
	status = add_settings(args, &j);
	json_object_end(&j);
	if (status == STATUS_OK)
		status = ctl_call(ctl, method, &path, &body, &doc);
	if (status == STATUS_OK && (ctl->json || !ctl->quiet))
		status = print_workspace(ctl, doc);
	json_free(doc);
	buf_release(&path);
	buf_release(&body);
	return status;
}

int
verb_workspace_create(struct ctl *ctl, const struct args *args)
{
	return send_settings(ctl, args, "POST", args->operand[0]);
}

int
verb_workspace_set(struct ctl *ctl, const struct args *args)
{
	if (!args->given[OPT_OWNER] && !args->given[OPT_QUOTA] && !args->given[OPT_HISTORY] && !args->given[OPT_VERSIONING] &&
	    !args->given[OPT_DISPLAY_NAME]) {
		say_error(STATUS_USAGE, "workspace set: nothing to set was given");
		return verbs_usage(args->verb);
	}
	return send_settings(ctl, args, "PATCH", NULL);
}

int
verb_workspace_list(struct ctl *ctl, const struct args *args)
{
	static const struct listing listing = { .name = "workspaces", .columns = list_columns,
		.none = "there are no workspaces; `fsctl workspace create NAME` or `aws s3 mb` makes one" };
	struct buf path = BUF_INIT(CTL_PATH);
	int status;

	(void)args;
	ctl_path(&path, "workspaces", NULL);
	status = listing_print(ctl, &path, &listing);
	buf_release(&path);
	return status;
}

int
verb_workspace_show(struct ctl *ctl, const struct args *args)
{
	struct buf path = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	int status;

	ctl_path(&path, "workspaces", args->operand[0], NULL);
	status = ctl_call(ctl, "GET", &path, NULL, &doc);
	if (status == STATUS_OK)
		status = print_workspace(ctl, doc);
	json_free(doc);
	buf_release(&path);
	return status;
}

int
verb_workspace_delete(struct ctl *ctl, const struct args *args)
{
	struct buf path = BUF_INIT(CTL_PATH);
	int status;

	ctl_path(&path, "workspaces", args->operand[0], NULL);
	status = ctl_call(ctl, "DELETE", &path, NULL, NULL);
	if (status == STATUS_OK)
		status = ctl_done(ctl, NULL, &(struct ctl_change) { "name", args->operand[0], "deleted", "deleted" });
	buf_release(&path);
	return status;
}
