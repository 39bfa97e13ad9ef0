#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "listing.h"
#include "remote.h"
#include "reply.h"
#include "say.h"
#include "str.h"
#include "uri.h"
#include "verbs.h"

static const struct table_column columns[] = {
	{ "PATH", "path", CELL_TEXT }, { "USER", "user", CELL_TEXT }, { "ROLE", "role", CELL_TEXT },
	{ "IN TRASH", "inTrash", CELL_YES }, { "GRANTED", "createdAt", CELL_TIME }, { "ID", "id", CELL_TEXT }, { NULL },
};

/*
 * WORKSPACE[/PATH] as the path of its grants; *inside points at PATH in the operand, ""
 * for the workspace itself.
 */
static int
grants_of(const char *operand, struct buf *path, const char **inside)
{
	const char *slash = strchrnul(operand, '/');
	char *workspace;

	if (slash == operand)
		return say_error(STATUS_USAGE, "expected WORKSPACE or WORKSPACE/PATH, got \"%s\"", operand);
	if (!(workspace = strndup(operand, (size_t)(slash - operand))))
		return say_error(STATUS_FAILED, "out of memory");
	ctl_path(path, "workspaces", workspace, "grants", NULL);
	free(workspace);
	*inside = *slash ? slash + 1 : slash;
	return STATUS_OK;
}

int
verb_grant_add(struct ctl *ctl, const struct args *args)
{
	struct buf path = BUF_INIT(CTL_PATH), body = BUF_INIT(1 << 20);
	const char *inside, *role = args->operand[2];
	struct json *doc = NULL;
	struct json_out j;
	int status;

	if (strcmp(role, "owner") != 0 && strcmp(role, "editor") != 0 && strcmp(role, "viewer") != 0)
		return say_error(STATUS_USAGE, "expected the role owner, editor or viewer, got \"%s\"", role);
	if ((status = grants_of(args->operand[0], &path, &inside)) != STATUS_OK)
		goto out;
	json_out_init(&j, &body, false);
	json_object_begin(&j);
	json_key_str(&j, "path", inside);
	json_key_str(&j, "user", args->operand[1]);
	json_key_str(&j, "role", role);
	json_object_end(&j);
	status = ctl_call(ctl, "POST", &path, &body, &doc);
	if (status == STATUS_OK)
		status = ctl_done(ctl, doc, &(struct ctl_change) { "user", args->operand[1], "granted", role });
out:
	json_free(doc);
	buf_release(&path);
	buf_release(&body);
	return status;
}

struct wanted {
	const char *inside, *user;
};

static bool
is_wanted(void *arg, const struct json *item)
{
	const struct wanted *w = arg;
	const char *path = reply_str(item, "path", ""), *user = reply_str(item, "user", "");

	if (w->user && strcmp(user, w->user) != 0)
		return false;
	return !*w->inside || !strcmp(path, w->inside) || (str_ends(w->inside, "/") && str_starts(path, w->inside));
}

/* PATH as grants name what is there: that of a folder ends in a slash. To be freed. */
static int
name_of(struct ctl *ctl, const char *operand, const char *inside, char **name)
{
	struct json *node = NULL;
	struct remote r = { 0 };
	int status = remote_open(ctl, operand, &r);

	if (status == STATUS_OK)
		status = remote_find(&r, inside, &node);
	if (status == STATUS_OK && !node) {
		status = say_error(STATUS_NOT_FOUND, "%s: there is nothing at \"%s\"", ctl->doing, inside);
		say_hint("`fsctl ls -r %s` shows what there is; what is in the trash is in the list of the workspace", r.name);
	} else if (status == STATUS_OK &&
	    asprintf(name, "%s%s", reply_str(node, "path", ""), !strcmp(reply_str(node, "kind", ""), "file") ? "" : "/") < 0) {
		*name = NULL;
		status = say_error(STATUS_FAILED, "out of memory");
	}
	json_free(node);
	remote_close(&r);
	return status;
}

int
verb_grant_list(struct ctl *ctl, const struct args *args)
{
	struct wanted wanted = { "", args->operand[1] };
	const struct listing listing = { .name = "grants", .columns = columns, .none = "no grants", .want = is_wanted,
		.arg = &wanted };
	struct buf path = BUF_INIT(CTL_PATH);
	char *name = NULL;
	int status;

	if ((status = grants_of(args->operand[0], &path, &wanted.inside)) == STATUS_OK && *wanted.inside &&
	    (status = name_of(ctl, args->operand[0], wanted.inside, &name)) == STATUS_OK)
		wanted.inside = name;
	if (status == STATUS_OK)
		status = listing_print(ctl, &path, &listing);
	free(name);
	buf_release(&path);
	return status;
}

int
verb_grant_remove(struct ctl *ctl, const struct args *args)
{
	struct buf path = BUF_INIT(CTL_PATH);
	const char *inside, *id = args->operand[2];
	int status;

	if ((status = grants_of(args->operand[0], &path, &inside)) != STATUS_OK)
		goto out;
	if (id && *inside) {
		status = say_error(STATUS_USAGE, "%s: give PATH or ID, not both", ctl->doing);
		goto out;
	}
	buf_addstr(&path, id ? "?id=" : "?path=");
	uri_encode(&path, id ? id : inside, strlen(id ? id : inside), false);
	buf_addstr(&path, "&user=");
	uri_encode(&path, args->operand[1], strlen(args->operand[1]), false);
	status = ctl_call(ctl, "DELETE", &path, NULL, NULL);
	if (status == STATUS_OK)
		status = ctl_done(ctl, NULL, &(struct ctl_change) { "user", args->operand[1], "removed", "removed" });
out:
	buf_release(&path);
	return status;
}
