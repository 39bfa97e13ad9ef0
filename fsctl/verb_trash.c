#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "listing.h"
#include "out.h"
#include "remote.h"
#include "reply.h"
#include "say.h"
#include "str.h"
#include "verbs.h"

#define BODY_MAX (1u << 20)
#define OUT_MAX (256u << 20)
#define PAGE "1000"

static const struct table_column columns[] = { { "ID", "id", CELL_TEXT }, { "NAME", "name", CELL_TEXT },
	{ "SIZE", "sizeBytes", CELL_SIZE }, { "FILES", "files", CELL_COUNT }, { "DELETED", "deletedAt", CELL_TIME },
	{ "UNTIL", "expiresAt", CELL_TIME }, { NULL } };

static int
not_all(const struct remote *r)
{
	say_error(STATUS_NOT_AUTHORISED, "%s: the trash is shown to who has a role on all of %s", r->ctl->doing, r->name);
	say_hint("what was deleted below a folder of yours has its id in `fsctl changes %s --json`, and", r->name);
	say_hint("`fsctl trash restore %s ID` puts it back", r->name);
	return STATUS_NOT_AUTHORISED;
}

/* Page by page, as long as the trash may be; JSON as lines. */
int
verb_trash_list(struct ctl *ctl, const struct args *args)
{
	struct buf path = BUF_INIT(CTL_PATH), out = BUF_INIT(OUT_MAX);
	struct json *doc = NULL;
	char *after = NULL;
	bool more = true, any = false;
	struct remote r;
	int status = remote_open(ctl, args->operand[0], &r);

	if (status == STATUS_OK && !r.root)
		status = not_all(&r);
	while (status == STATUS_OK && more) {
		const struct json *list;
		const char *next;

		buf_clear(&path);
		buf_clear(&out);
		peer_path(&path, "trash", NULL);
		peer_param(&path, "workspaceId", r.id);
		peer_param(&path, "limit", PAGE);
		peer_param(&path, "after", after);
		if ((status = peer_call(r.peer, "GET", &path, NULL, &doc)) != STATUS_OK)
			break;
		list = reply_array(doc, "entries");
		for (const struct json *e = reply_first(list); e && ctl->json && status == STATUS_OK; e = json_next(e))
			status = out_line(e);
		if (!ctl->json && reply_first(list)) {
			any = true;
			table_array(&out, columns, list);
			status = out_write(&out);
		}
		free(after);
		next = reply_str(doc, "next", NULL);
		more = next != NULL && reply_first(list);
		after = next ? strdup(next) : NULL;
		json_free(doc);
		doc = NULL;
	}
	if (status == STATUS_OK && !any && !ctl->json && !ctl->quiet)
		say_hint("the trash is empty");
	free(after);
	buf_release(&path);
	buf_release(&out);
	remote_close(&r);
	return status;
}

/* To where it was, or to another place: `to` has the parent and the name. */
static int
send_restore(struct remote *r, const char *id, const char *parent, const char *name, struct json **doc)
{
	struct buf path = BUF_INIT(CTL_PATH), body = BUF_INIT(BODY_MAX);
	struct json_out j;
	int status;

	peer_path(&path, str_starts(id, "file_") ? "files" : "folders", id, ":undelete", NULL);
	json_out_init(&j, &body, false);
	json_object_begin(&j);
	if (parent)
		json_key_str(&j, "parentFolderId", parent);
	if (name && *name)
		json_key_str(&j, "name", name);
	json_object_end(&j);
	status = peer_call(r->peer, "POST", &path, &body, doc);
	buf_release(&path);
	buf_release(&body);
	return status;
}

int
verb_trash_restore(struct ctl *ctl, const struct args *args)
{
	const char *id = args->operand[1], *name = NULL;
	char *above = NULL, *parent = NULL;
	struct json *doc = NULL;
	struct remote r = { 0 };
	int status;

	if (!str_starts(id, "file_") && !str_starts(id, "fld_")) {
		say_error(STATUS_USAGE, "expected the id of something in the trash (file_… or fld_…), got \"%s\"", id);
		say_hint("`fsctl trash list %s` shows them", args->operand[0]);
		return STATUS_USAGE;
	}
	if ((status = remote_open(ctl, args->operand[0], &r)) != STATUS_OK)
		goto out;
	/* With a path it goes there: a slash at the end means into that folder, under its old name. */
	if (*r.path) {
		above = r.folder ? strdup(r.path) : remote_above(r.path);
		name = r.folder ? NULL : remote_base(r.path);
		if (!above)
			status = say_error(STATUS_FAILED, "out of memory");
		else
			status = remote_folder(&r, above, &parent);
	}
	if (status == STATUS_OK && (status = send_restore(&r, id, parent, name, &doc)) == STATUS_OK)
		status = ctl_done(ctl, doc, &(struct ctl_change) { "path", reply_str(doc, "path", id), "restored", "restored" });
out:
	json_free(doc);
	free(above);
	free(parent);
	remote_close(&r);
	return status;
}
