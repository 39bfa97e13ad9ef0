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

#define BODY_MAX (1u << 20)
#define PAGE "1000"

static const struct table_column columns[] = { { "USER", "principalName", CELL_TEXT }, { "ROLE", "role", CELL_TEXT },
	{ "GIVEN ON", "resourceId", CELL_TEXT }, { "FROM ABOVE", "inherited", CELL_YES }, { "SINCE", "createdAt", CELL_TIME }, { NULL } };

/* What the operand names as "/v1/KIND/ID". */
static int
open_thing(struct ctl *ctl, const char *operand, struct remote *r, struct buf *path)
{
	struct json *node = NULL;
	int status = remote_open(ctl, operand, r);

	if (status != STATUS_OK)
		return status;
	if (!*r->path) {
		peer_path(path, "workspaces", r->id, NULL);
	} else if ((status = remote_need(r, &node)) == STATUS_OK) {
		peer_path(path, !strcmp(reply_str(node, "kind", ""), "file") ? "files" : "folders", reply_str(node, "id", ""), NULL);
	}
	json_free(node);
	return status;
}

int
verb_share_add(struct ctl *ctl, const struct args *args)
{
	const char *user = args->operand[1], *role = args->operand[2];
	struct buf path = BUF_INIT(CTL_PATH), body = BUF_INIT(BODY_MAX);
	struct json *doc = NULL;
	struct json_out j;
	struct remote r = { 0 };
	int status;

	if (strcmp(role, "owner") != 0 && strcmp(role, "editor") != 0 && strcmp(role, "viewer") != 0)
		return say_error(STATUS_USAGE, "expected the role owner, editor or viewer, got \"%s\"", role);
	json_out_init(&j, &body, false);
	json_object_begin(&j);
	json_key_str(&j, "principalName", user);
	json_key_str(&j, "role", role);
	json_object_end(&j);
	if ((status = open_thing(ctl, args->operand[0], &r, &path)) == STATUS_OK) {
		buf_addstr(&path, ":share");
		status = peer_call(r.peer, "POST", &path, &body, &doc);
	}
	if (status == STATUS_OK)
		status = ctl_done(ctl, doc, &(struct ctl_change) { "user", user, "granted", role });
	json_free(doc);
	buf_release(&path);
	buf_release(&body);
	remote_close(&r);
	return status;
}

int
verb_share_list(struct ctl *ctl, const struct args *args)
{
	const struct listing listing = { .name = "grants", .columns = columns,
		.none = "no roles that you may see; whom the workspace belongs to needs none" };
	struct buf path = BUF_INIT(CTL_PATH);
	struct remote r = { 0 };
	int status = open_thing(ctl, args->operand[0], &r, &path);

	if (status == STATUS_OK) {
		buf_addstr(&path, "/grants");
		status = listing_print(ctl, &path, &listing);
	}
	buf_release(&path);
	remote_close(&r);
	return status;
}

struct wanted_grant {
	const char *user;
	char *id;
};

static int
take_grant(void *arg, const struct json *grant)
{
	struct wanted_grant *w = arg;

	if (reply_bool(grant, "inherited", false) || strcmp(reply_str(grant, "principalName", ""), w->user) != 0)
		return STATUS_OK;
	w->id = strdup(reply_str(grant, "principalId", ""));
	return w->id ? PEER_ENOUGH : say_error(STATUS_FAILED, "out of memory");
}

/*
 * Grants are taken back by the user's id: the list of those on `thing` knows who that is.
 * *id is NULL if the user has none; to be freed.
 */
static int
find_grant(struct remote *r, const struct buf *thing, const char *user, char **id)
{
	struct wanted_grant wanted = { .user = user };
	struct buf path = BUF_INIT(CTL_PATH);
	int status;

	buf_add(&path, thing->data, thing->len);
	peer_param(&path, "limit", PAGE);
	status = peer_list(r->peer, &path, &(struct peer_list) { "grants", "next", take_grant, &wanted });
	*id = wanted.id;
	buf_release(&path);
	return status;
}

int
verb_share_remove(struct ctl *ctl, const struct args *args)
{
	const char *user = args->operand[1];
	struct buf path = BUF_INIT(CTL_PATH);
	struct remote r = { 0 };
	char *id = NULL;
	int status;

	if ((status = open_thing(ctl, args->operand[0], &r, &path)) != STATUS_OK)
		goto out;
	buf_addstr(&path, "/grants");
	if ((status = find_grant(&r, &path, user, &id)) != STATUS_OK)
		goto out;
	if (!id) {
		status = say_error(STATUS_NOT_FOUND, "%s: %s was given no role on this itself", ctl->doing, user);
		say_hint("`fsctl share list %s` shows who has one, and from where", args->operand[0]);
		goto out;
	}
	buf_addch(&path, '/');
	uri_encode(&path, id, strlen(id), false);
	if ((status = peer_call(r.peer, "DELETE", &path, NULL, NULL)) == STATUS_OK)
		status = ctl_done(ctl, NULL, &(struct ctl_change) { "user", user, "removed", "removed" });
out:
	free(id);
	buf_release(&path);
	remote_close(&r);
	return status;
}
