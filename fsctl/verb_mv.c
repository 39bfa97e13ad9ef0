#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "out.h"
#include "remote.h"
#include "reply.h"
#include "say.h"
#include "verbs.h"

#define BODY_MAX (1u << 20)

/* A line for each thing that was done, or with --dry-run would be: it can be run again. */
static int
tell(struct ctl *ctl, const char *verb, const char *from, const char *to, const struct json *doc, bool dry)
{
	struct buf out = BUF_INIT(4 * BODY_MAX);
	struct json_out j;
	int status;

	if (ctl->json) {
		json_out_init(&j, &out, false);
		json_object_begin(&j);
		json_key_str(&j, "type", "item");
		json_key_str(&j, "action", verb);
		/* Where it is now is among what the daemon says of it. */
		json_key_str(&j, to ? "from" : "path", from);
		if (to)
			json_key_str(&j, "to", to);
		if (dry)
			json_key_bool(&j, "dryRun", true);
		if (doc)
			out_members(&j, doc);
		json_object_end(&j);
		buf_addch(&out, '\n');
	} else if (!ctl->quiet || dry) {
		buf_addf(&out, "%s ", verb);
		args_quote(&out, from);
		if (to) {
			buf_addch(&out, ' ');
			args_quote(&out, to);
		}
		buf_addch(&out, '\n');
	}
	status = out_write(&out);
	buf_release(&out);
	return status;
}

static bool
is_file(const struct json *node)
{
	return !strcmp(reply_str(node, "kind", ""), "file");
}

/* ---- mv ---- */

struct move {
	struct json *node;	/* what is moved */
	char *parent;		/* the id of the folder it goes to */
	char *path;		/* and where it is after */
	const char *name;
};

/*
 * Into a folder that is there or is meant (a slash at the end), else to the new name;
 * folders above it are made.
 */
static int
aim(struct remote *r, struct move *m, bool dry)
{
	struct json *there = NULL;
	char *above = NULL;
	bool into = r->folder;
	int status = remote_find(r, r->path, &there);

	if (status != STATUS_OK)
		goto out;
	if (there && !is_file(there) && strcmp(reply_str(there, "id", ""), reply_str(m->node, "id", "")) != 0)
		into = true;
	m->path = into ? remote_join(r->path, reply_str(m->node, "name", "")) : strdup(r->path);
	above = m->path ? remote_above(m->path) : NULL;
	if (!above) {
		status = say_error(STATUS_FAILED, "out of memory");
		goto out;
	}
	m->name = remote_base(m->path);
	if (!dry)
		status = remote_folder(r, above, &m->parent);
out:
	json_free(there);
	free(above);
	return status;
}

static int
send_move(struct remote *r, const struct move *m, struct json **doc)
{
	struct buf path = BUF_INIT(CTL_PATH), body = BUF_INIT(BODY_MAX);
	struct json_out j;
	int status;

	peer_path(&path, is_file(m->node) ? "files" : "folders", reply_str(m->node, "id", ""), NULL);
	json_out_init(&j, &body, false);
	json_object_begin(&j);
	json_key_str(&j, "parentFolderId", m->parent);
	json_key_str(&j, "name", m->name);
	json_object_end(&j);
	status = peer_call(r->peer, "PATCH", &path, &body, doc);
	buf_release(&path);
	buf_release(&body);
	return status;
}

int
verb_mv(struct ctl *ctl, const struct args *args)
{
	const bool dry = args->given[OPT_DRY_RUN] != NULL;
	struct move m = { 0 };
	struct remote r;
	struct json *doc = NULL;
	char *id = NULL, *to = NULL;
	int status;

	if ((status = remote_open(ctl, args->operand[0], &r)) != STATUS_OK ||
	    (status = remote_need(&r, &m.node)) != STATUS_OK)
		goto out;
	if (!(id = strdup(r.id))) {
		status = say_error(STATUS_FAILED, "out of memory");
		goto out;
	}
	if ((status = remote_move(&r, args->operand[1])) != STATUS_OK)
		goto out;
	if (strcmp(id, r.id) != 0) {
		status = say_error(STATUS_USAGE, "%s: a move stays in its workspace; get and put copy", ctl->doing);
		goto out;
	}
	if ((status = aim(&r, &m, dry)) != STATUS_OK || (!dry && (status = send_move(&r, &m, &doc)) != STATUS_OK))
		goto out;
	to = remote_text(&r, m.path);
	status = tell(ctl, "mv", args->operand[0], to, doc, dry);
out:
	json_free(m.node);
	json_free(doc);
	free(m.parent);
	free(m.path);
	free(id);
	free(to);
	remote_close(&r);
	return status;
}

/* ---- rm ---- */

static int
remove_one(struct remote *r, const char *operand, bool recursive, bool dry)
{
	struct json *node = NULL, *doc = NULL;
	struct buf path = BUF_INIT(CTL_PATH);
	const char *id;
	bool file;
	int status;

	if (!*r->path)
		return say_error(STATUS_USAGE, "%s is a workspace; `fsctl workspace delete` removes one", operand);
	if ((status = remote_need(r, &node)) != STATUS_OK)
		goto out;
	id = reply_str(node, "id", "");
	file = is_file(node);
	if (!file && !recursive) {
		status = say_error(STATUS_USAGE, "%s is a folder; rm -r removes it with all that is in it", operand);
		goto out;
	}
	peer_path(&path, file ? "files" : "folders", id, NULL);
	/* What came since we looked stays. */
	if (file)
		peer_param(&path, "baseVersionId", reply_str(node, "versionId", NULL));
	if (dry || (status = peer_call(r->peer, "DELETE", &path, NULL, &doc)) == STATUS_OK)
		status = tell(r->ctl, file ? "rm" : "rm -r", operand, NULL, doc, dry);
out:
	json_free(node);
	json_free(doc);
	buf_release(&path);
	return status;
}

int
verb_rm(struct ctl *ctl, const struct args *args)
{
	const bool dry = args->given[OPT_DRY_RUN] != NULL, recursive = args->given[OPT_RECURSIVE] != NULL;
	struct remote r;
	int failed = 0, first = STATUS_OK, status = remote_open(ctl, args->operand[0], &r);

	for (int i = 0; i < args->count && status < STATUS_SIGNAL; i++) {
		if (i)
			status = r.peer ? remote_move(&r, args->operand[i]) : remote_open(ctl, args->operand[i], &r);
		snprintf(ctl->doing, sizeof(ctl->doing), "rm %s", args->operand[i]);
		if (status == STATUS_OK)
			status = remove_one(&r, args->operand[i], recursive, dry);
		if (status != STATUS_OK && !failed++)
			first = status;
	}
	remote_close(&r);
	if (status >= STATUS_SIGNAL)
		return status;
	return failed && failed < args->count ? STATUS_SOME_FAILED : first;
}
