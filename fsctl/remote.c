#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "limits.h"
#include "remote.h"
#include "reply.h"
#include "say.h"
#include "shares.h"
#include "str.h"

#define BODY_MAX (1u << 20)
#define PAGE "10000"
#define WORKSPACES "1000"	/* of one page */

static int
no_memory(void)
{
	return say_error(STATUS_FAILED, "out of memory");
}

/* ---- text ---- */

const char *
remote_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *
remote_above(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strndup(path, (size_t)(slash - path)) : strdup("");
}

char *
remote_join(const char *folder, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s%s%s", folder, *folder && *name ? "/" : "", name) < 0)
		return NULL;
	return path;
}

char *
remote_text(const struct remote *r, const char *path)
{
	return remote_join(r->name, path);
}

static int
split(struct remote *r, const char *operand)
{
	const char *slash = strchrnul(operand, '/');
	size_t len;

	if (slash == operand)
		return say_error(STATUS_USAGE, "expected WORKSPACE or WORKSPACE/path, got \"%s\"", operand);
	free(r->path);
	r->path = strdup(*slash ? slash + strspn(slash, "/") : "");
	if (!r->path)
		return no_memory();
	len = strlen(r->path);
	r->folder = !len || r->path[len - 1] == '/';
	while (len && r->path[len - 1] == '/')
		r->path[--len] = '\0';
	if (r->name && strlen(r->name) == (size_t)(slash - operand) && !strncmp(r->name, operand, (size_t)(slash - operand)))
		return STATUS_OK;
	json_free(r->doc);
	r->doc = NULL;
	shares_free(r->shares);
	r->shares = NULL;
	free(r->name);
	return (r->name = strndup(operand, (size_t)(slash - operand))) ? STATUS_OK : no_memory();
}

/* ---- the workspace ---- */

/* *doc is NULL if it is not there for the caller. */
static int
get(struct remote *r, const struct buf *path, struct json **doc)
{
	int http = 0, status = peer_try(r->peer, "GET", path, NULL, &http, doc);

	if (status == STATUS_OK && http != 404 && http != 403)
		status = ctl_explain(r->ctl, http, *doc);
	if (status != STATUS_OK || http != 200) {
		json_free(*doc);
		*doc = NULL;
	}
	return status;
}

static void
take_workspace(struct remote *r, const struct json *w)
{
	const struct json *cut = reply_get(w, "chunking");

	r->id = reply_str(w, "workspaceId", NULL);
	r->root = reply_str(w, "rootFolderId", NULL);
	r->min = (uint32_t)reply_int(cut, "min", CHUNK_MIN);
	r->avg = (uint32_t)reply_int(cut, "avg", CHUNK_AVG);
	r->max = (uint32_t)reply_int(cut, "max", CHUNK_MAX);
}

/* Takes the place of r->doc. */
static int
get_doc(struct remote *r, const struct buf *path)
{
	struct json *doc = NULL;
	int status = get(r, path, &doc);

	json_free(r->doc);
	r->doc = doc;
	return status;
}

/* Among the caller's own and those that are shared with it. */
static int
find_listed(struct remote *r)
{
	struct buf path = BUF_INIT(CTL_PATH);
	const char *next = NULL;
	int status;

	do {
		buf_clear(&path);
		peer_path(&path, "workspaces", NULL);
		peer_param(&path, "limit", WORKSPACES);
		peer_param(&path, "after", next);
		status = get_doc(r, &path);
		for (const struct json *w = reply_first(reply_array(r->doc, "workspaces")); w && !r->id; w = json_next(w))
			if (!strcmp(reply_str(w, "name", ""), r->name))
				take_workspace(r, w);
		next = reply_str(r->doc, "next", NULL);
	} while (status == STATUS_OK && !r->id && next);
	buf_release(&path);
	return status;
}

/* An administrator sees the others by name. */
static int
find_named(struct remote *r)
{
	struct buf path = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	int status;

	ctl_path(&path, "workspaces", r->name, NULL);
	if ((status = get_doc(r, &path)) != STATUS_OK)
		goto out;
	take_workspace(r, r->doc);
	if (!r->id)
		goto out;
	buf_clear(&path);
	peer_path(&path, "workspaces", r->id, NULL);
	if ((status = get(r, &path, &doc)) == STATUS_OK && doc) {
		json_free(r->doc);
		take_workspace(r, r->doc = doc);
	}
out:
	buf_release(&path);
	return status;
}

static int
find_workspace(struct remote *r)
{
	int status;

	r->id = NULL;
	if ((status = find_listed(r)) == STATUS_OK && !r->id)
		status = find_named(r);
	if (status == STATUS_OK && !r->id) {
		say_error(STATUS_NOT_FOUND, "%s: there is no workspace \"%s\"", r->ctl->doing, r->name);
		say_hint("`fsctl ls` shows those that you may see");
		status = STATUS_NOT_FOUND;
	}
	return status;
}

int
remote_open(struct ctl *ctl, const char *operand, struct remote *r)
{
	int status;

	*r = (struct remote) { .ctl = ctl };
	if ((status = split(r, operand)) != STATUS_OK || (status = peer_new(ctl, &r->peer)) != STATUS_OK)
		return status;
	return find_workspace(r);
}

int
remote_move(struct remote *r, const char *operand)
{
	int status = split(r, operand);

	return status == STATUS_OK && !r->doc ? find_workspace(r) : status;
}

void
remote_close(struct remote *r)
{
	peer_free(r->peer);
	json_free(r->doc);
	shares_free(r->shares);
	free(r->name);
	free(r->path);
	*r = (struct remote) { 0 };
}

/* ---- what is in it ---- */

int
remote_shared(struct remote *r, int (*each)(void *arg, const struct json *node), void *arg)
{
	struct buf path = BUF_INIT(CTL_PATH);
	int status;

	peer_path(&path, "workspaces", r->id, NULL);
	status = peer_list(r->peer, &path, &(struct peer_list) { "shared", "sharedNext", each, arg });
	buf_release(&path);
	return status;
}

static int
not_all(const struct remote *r)
{
	say_error(STATUS_NOT_AUTHORISED, "%s: you may see only what is shared with you in %s", r->ctl->doing, r->name);
	say_hint("`fsctl ls %s` shows what that is", r->name);
	return STATUS_NOT_AUTHORISED;
}

/* Where there is no root: *done if the path was by id, and *node is what it leads to. */
static int
look_shared(struct remote *r, const char *at, bool must, bool *done, struct json **node)
{
	int status = shares_look(&r->shares, r, at, done, node);

	if (status != STATUS_OK || !*done || *node || !must)
		return status;
	say_error(STATUS_NOT_FOUND, "%s: there is nothing at \"%s\"", r->ctl->doing, at);
	say_hint("`fsctl ls %s/%.*s` shows what is in it", r->name, (int)strcspn(at, "/"), at);
	return STATUS_NOT_FOUND;
}

static int
look(struct remote *r, const char *at, bool must, struct json **node)
{
	struct buf path = BUF_INIT(4 * CTL_PATH);
	struct json *doc = NULL;
	int http = 0, status;
	bool done = false;

	*node = NULL;
	if (!*at && !r->root)
		return must ? not_all(r) : STATUS_OK;
	if (!r->root && ((status = look_shared(r, at, must, &done, node)) != STATUS_OK || done))
		return status;
	if (!*at)
		peer_path(&path, "folders", r->root, NULL);
	else
		peer_path(&path, "lookup", NULL), peer_param(&path, "workspaceId", r->id), peer_param(&path, "path", at);
	status = peer_try(r->peer, "GET", &path, NULL, &http, &doc);
	if (status == STATUS_OK && (must || http != 404))
		status = ctl_explain(r->ctl, http, doc);
	*node = status == STATUS_OK && http < 300 ? doc : NULL;
	if (!*node)
		json_free(doc);
	buf_release(&path);
	return status;
}

int
remote_find(struct remote *r, const char *path, struct json **node)
{
	return look(r, path, false, node);
}

int
remote_need(struct remote *r, struct json **node)
{
	char *folder = NULL;
	int status;

	/* Where a file and a folder have one name, the slash tells which is meant. */
	if (r->folder && *r->path && asprintf(&folder, "%s/", r->path) < 0)
		return no_memory();
	status = look(r, folder ? folder : r->path, true, node);
	free(folder);
	return status;
}

static int
make_folder(struct remote *r, const char *parent, const char *at, char **id)
{
	struct buf path = BUF_INIT(CTL_PATH), body = BUF_INIT(BODY_MAX);
	struct json *doc = NULL;
	struct json_out j;
	int http = 0, status;

	peer_path(&path, "folders", NULL);
	json_out_init(&j, &body, false);
	json_object_begin(&j);
	json_key_str(&j, "workspaceId", r->id);
	json_key_str(&j, "parentFolderId", parent);
	json_key_str(&j, "name", remote_base(at));
	json_object_end(&j);
	status = peer_try(r->peer, "POST", &path, &body, &http, &doc);
	/* We have just seen that it is no folder. */
	if (status == STATUS_OK && http == 409)
		status = say_error(STATUS_FAILED, "%s: %s/%s is a file, and no folder", r->ctl->doing, r->name, at);
	else if (status == STATUS_OK)
		status = ctl_explain(r->ctl, http, doc);
	if (status == STATUS_OK && !(*id = strdup(reply_str(doc, "id", ""))))
		status = no_memory();
	json_free(doc);
	buf_release(&path);
	buf_release(&body);
	return status;
}

int
remote_folder(struct remote *r, const char *path, char **id)
{
	char *text = NULL, *above = NULL, *parent = NULL;
	struct json *node = NULL;
	int status = STATUS_FAILED;

	*id = NULL;
	if ((*path && asprintf(&text, "%s/", path) < 0) || !(above = remote_above(path))) {
		status = no_memory();
		goto out;
	}
	if ((status = remote_find(r, text ? text : "", &node)) != STATUS_OK)
		goto out;
	if (node)
		*id = strdup(reply_str(node, "id", ""));
	else if (*path && (status = remote_folder(r, above, &parent)) == STATUS_OK)
		status = make_folder(r, parent, path, id);
	else if (!*path)
		status = not_all(r);
	if (status == STATUS_OK && !*id)
		status = no_memory();
out:
	json_free(node);
	free(text);
	free(above);
	free(parent);
	return status;
}

int
remote_tree(struct remote *r, const char *folder, const char *at, int (*each)(void *arg, const struct json *node), void *arg)
{
	struct buf path = BUF_INIT(4 * CTL_PATH);
	struct json *doc = NULL;
	char *page = NULL;
	bool more = true;
	int status = STATUS_OK;

	while (status == STATUS_OK && more) {
		const char *next;

		buf_clear(&path);
		peer_path(&path, "tree", NULL);
		peer_param(&path, "workspaceId", r->id);
		peer_param(&path, "limit", PAGE);
		peer_param(&path, "at", page ? NULL : at);
		peer_param(&path, "folderId", page ? NULL : folder);
		peer_param(&path, "page", page);
		if ((status = peer_call(r->peer, "GET", &path, NULL, &doc)) != STATUS_OK)
			break;
		for (const struct json *e = reply_first(reply_array(doc, "entries")); e && status == STATUS_OK; e = json_next(e))
			status = each(arg, e);
		free(page);
		next = reply_str(doc, "nextPage", NULL);
		more = next != NULL;
		page = next ? strdup(next) : NULL;
		if (more && !page)
			status = no_memory();
		json_free(doc);
		doc = NULL;
	}
	free(page);
	buf_release(&path);
	return status;
}
