#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "out.h"
#include "remote.h"
#include "reply.h"
#include "say.h"
#include "str.h"
#include "table.h"
#include "uri.h"
#include "verbs.h"

#define BODY_MAX (1u << 20)
#define OUT_MAX (16u << 20)

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
	} else if ((status = remote_need(r, r->path, &node)) == STATUS_OK) {
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

static int
grants(struct ctl *ctl, const char *operand, struct remote *r, struct buf *path, struct json **doc)
{
	int status = open_thing(ctl, operand, r, path);

	if (status != STATUS_OK)
		return status;
	buf_addstr(path, "/grants");
	return peer_call(r->peer, "GET", path, NULL, doc);
}

int
verb_share_list(struct ctl *ctl, const struct args *args)
{
	struct buf path = BUF_INIT(CTL_PATH), out = BUF_INIT(OUT_MAX);
	struct json *doc = NULL;
	struct remote r = { 0 };
	int status = grants(ctl, args->operand[0], &r, &path, &doc);

	if (status == STATUS_OK && ctl->json) {
		status = out_document(doc);
	} else if (status == STATUS_OK) {
		table_array(&out, columns, reply_array(doc, "grants"));
		status = out_write(&out);
	}
	json_free(doc);
	buf_release(&path);
	buf_release(&out);
	remote_close(&r);
	return status;
}

/* Grants are taken back by the user's id: the list knows who that is. */
int
verb_share_remove(struct ctl *ctl, const struct args *args)
{
	const char *user = args->operand[1], *id = NULL;
	struct buf path = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	struct remote r = { 0 };
	int status = grants(ctl, args->operand[0], &r, &path, &doc);

	for (const struct json *g = reply_first(reply_array(doc, "grants")); g; g = json_next(g))
		if (!reply_bool(g, "inherited", false) && !strcmp(reply_str(g, "principalName", ""), user))
			id = reply_str(g, "principalId", NULL);
	if (status == STATUS_OK && !id) {
		status = say_error(STATUS_NOT_FOUND, "%s: %s was given no role on this itself", ctl->doing, user);
		say_hint("`fsctl share list %s` shows who has one, and from where", args->operand[0]);
	}
	if (status == STATUS_OK) {
		buf_addch(&path, '/');
		uri_encode(&path, id, strlen(id), false);
		status = peer_call(r.peer, "DELETE", &path, NULL, NULL);
	}
	if (status == STATUS_OK)
		status = ctl_done(ctl, NULL, &(struct ctl_change) { "user", user, "removed", "removed" });
	json_free(doc);
	buf_release(&path);
	remote_close(&r);
	return status;
}
