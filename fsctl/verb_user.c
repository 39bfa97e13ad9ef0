#include "ctl.h"
#include "exit_status.h"
#include "listing.h"
#include "reply.h"
#include "table.h"
#include "verbs.h"

static const struct table_column list_columns[] = {
	{ "NAME", "name", CELL_TEXT }, { "ADMIN", "admin", CELL_YES }, { "MAY CREATE BUCKETS", "mayCreateBuckets", CELL_YES },
	{ "DISABLED", "disabled", CELL_YES }, { "CREATED", "createdAt", CELL_TIME }, { NULL },
};
static const struct table_column show_columns[] = {
	{ "name", "name", CELL_TEXT }, { "id", "userId", CELL_TEXT }, { "administrator", "admin", CELL_TEXT },
	{ "may create buckets", "mayCreateBuckets", CELL_TEXT }, { "disabled", "disabled", CELL_TEXT },
	{ "created", "createdAt", CELL_TIME }, { NULL },
};
static const struct table_column key_columns[] = {
	{ "ACCESS KEY", "accessKeyId", CELL_TEXT }, { "DISABLED", "disabled", CELL_YES }, { "CREATED", "createdAt", CELL_TIME },
	{ NULL },
};
static const struct table_column token_columns[] = {
	{ "TOKEN", "tokenId", CELL_TEXT }, { "CREATED", "createdAt", CELL_TIME }, { "EXPIRES", "expiresAt", CELL_TIME }, { NULL },
};
static const struct table_column grant_columns[] = {
	{ "WORKSPACE", "workspace", CELL_TEXT }, { "PATH", "path", CELL_TEXT }, { "ROLE", "role", CELL_TEXT }, { NULL },
};

int
verb_user_create(struct ctl *ctl, const struct args *args)
{
	struct buf path = BUF_INIT(CTL_PATH), body = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	struct json_out j;
	int status;

	ctl_path(&path, "users", NULL);
	json_out_init(&j, &body, false);
	json_object_begin(&j);
	json_key_str(&j, "name", args->operand[0]);
	json_key_bool(&j, "admin", args->given[OPT_ADMIN] != NULL);
	json_key_bool(&j, "mayCreateBuckets", args->given[OPT_MAY_CREATE] != NULL);
	json_object_end(&j);
	status = ctl_call(ctl, "POST", &path, &body, &doc);
	if (status == STATUS_OK)
		status = ctl_done(ctl, doc, &(struct ctl_change) { "name", args->operand[0], "created", "created" });
	json_free(doc);
	buf_release(&path);
	buf_release(&body);
	return status;
}

int
verb_user_list(struct ctl *ctl, const struct args *args)
{
	static const struct listing listing = { .name = "users", .columns = list_columns, .none = "there are no users" };
	struct buf path = BUF_INIT(CTL_PATH);
	int status;

	(void)args;
	ctl_path(&path, "users", NULL);
	status = listing_print(ctl, &path, &listing);
	buf_release(&path);
	return status;
}

static void
add_part(struct buf *out, const struct table_column *columns, const struct json *doc, const char *name)
{
	const struct json *array = reply_array(doc, name);

	if (!reply_first(array))
		return;
	buf_addch(out, '\n');
	table_array(out, columns, array);
}

static void
add_parts(struct buf *out, const struct json *doc)
{
	add_part(out, key_columns, doc, "keys");
	add_part(out, token_columns, doc, "tokens");
	add_part(out, grant_columns, doc, "grants");
}

int
verb_user_show(struct ctl *ctl, const struct args *args)
{
	struct buf path = BUF_INIT(CTL_PATH);
	int status;

	ctl_path(&path, "users", args->operand[0], NULL);
	status = listing_one(ctl, &path, show_columns, add_parts);
	buf_release(&path);
	return status;
}

static int
set_disabled(struct ctl *ctl, const struct args *args, bool disabled)
{
	struct buf path = BUF_INIT(CTL_PATH), body = BUF_INIT(64);
	struct json *doc = NULL;
	const char *word = disabled ? "disabled" : "enabled";
	int status;

	ctl_path(&path, "users", args->operand[0], NULL);
	buf_addf(&body, "{\"disabled\":%s}", disabled ? "true" : "false");
	status = ctl_call(ctl, "PATCH", &path, &body, &doc);
	if (status == STATUS_OK)
		status = ctl_done(ctl, doc, &(struct ctl_change) { "name", args->operand[0], word, word });
	json_free(doc);
	buf_release(&path);
	buf_release(&body);
	return status;
}

int
verb_user_disable(struct ctl *ctl, const struct args *args)
{
	return set_disabled(ctl, args, true);
}

int
verb_user_enable(struct ctl *ctl, const struct args *args)
{
	return set_disabled(ctl, args, false);
}

int
verb_user_delete(struct ctl *ctl, const struct args *args)
{
	struct buf path = BUF_INIT(CTL_PATH);
	int status;

	ctl_path(&path, "users", args->operand[0], NULL);
	status = ctl_call(ctl, "DELETE", &path, NULL, NULL);
	if (status == STATUS_OK)
		status = ctl_done(ctl, NULL, &(struct ctl_change) { "name", args->operand[0], "deleted", "deleted" });
	buf_release(&path);
	return status;
}
