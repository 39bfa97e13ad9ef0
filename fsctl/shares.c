#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "peer.h"
#include "remote.h"
#include "reply.h"
#include "say.h"
#include "shares.h"
#include "str.h"

#define PAGE "1000"
#define TOLD 10		/* of those that have one name */

struct share {
	char *id, *name, *role;
	bool folder;
};

struct shares {
	struct share *list;
	size_t n, room;
};

static int
no_memory(void)
{
	return say_error(STATUS_FAILED, "out of memory");
}

/* ---- all of them ---- */

void
shares_free(struct shares *s)
{
	for (size_t i = 0; s && i < s->n; i++) {
		free(s->list[i].id);
		free(s->list[i].name);
		free(s->list[i].role);
	}
	if (s)
		free(s->list);
	free(s);
}

/* What lies in another that is shared is found there. */
static int
add(void *arg, const struct json *node)
{
	struct shares *s = arg;
	const char *path = reply_str(node, "path", "");
	struct share *more, *new;

	if (strchr(path, '/'))
		return STATUS_OK;
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 16;
		if (!(more = reallocarray(s->list, s->room, sizeof(*more))))
			return no_memory();
		s->list = more;
	}
	new = &s->list[s->n++];
	*new = (struct share) { strdup(reply_str(node, "id", "")), strdup(path), strdup(reply_str(node, "role", "")),
		!strcmp(reply_str(node, "kind", ""), "folder") };
	return new->id && new->name && new->role ? STATUS_OK : no_memory();
}

static int
learn(struct shares **shares, struct remote *r)
{
	int status;

	if (*shares)
		return STATUS_OK;
	if (!(*shares = calloc(1, sizeof(**shares))))
		return no_memory();
	if ((status = remote_shared(r, add, *shares)) != STATUS_OK) {
		shares_free(*shares);
		*shares = NULL;
	}
	return status;
}

static bool
is(const char *text, const char *first, size_t len)
{
	return strlen(text) == len && !memcmp(text, first, len);
}

/* ---- by name ---- */

static unsigned
count(const struct shares *s, const char *name, size_t len, bool folders)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->list[i].folder == folders && is(s->list[i].name, name, len);
	return n;
}

/* A slash means folders alone. */
static bool
is_meant(const struct share *share, const char *name, size_t len, bool slash)
{
	return (share->folder || !slash) && is(share->name, name, len);
}

/*
 * The daemon prefers a file where no slash asks for a folder: of one of each kind that
 * says which, of more of them it would hit the file by chance.
 */
static int
check_name(const struct shares *s, const struct remote *r, const char *name, size_t len, bool slash)
{
	const unsigned folders = count(s, name, len, true), files = slash ? 0 : count(s, name, len, false);
	unsigned told = 0;

	if (folders < 2 && files < 2)
		return STATUS_OK;
	say_error(STATUS_USAGE, "%s: %u %s that are shared with you are called \"%.*s\"", r->ctl->doing, folders + files,
	    !files ? "folders" : !folders ? "files" : "folders and files", (int)len, name);
	for (size_t i = 0; i < s->n && told < TOLD; i++)
		if (is_meant(&s->list[i], name, len, slash) && ++told)
			say_hint("%s/%s%s is one of them; you are its %s", r->name, s->list[i].id, s->list[i].folder ? "/" : "", s->list[i].role);
	say_hint("type the id in place of the name; `fsctl ls -l %s/ID` shows more", r->name);
	return STATUS_USAGE;
}

/* ---- by id ---- */

/* The entry of that name in a folder, by its pages: those of names that begin with it. */
static int
child(struct remote *r, const char *folder, const char *name, size_t len, bool need_folder, struct json **node)
{
	struct buf path = BUF_INIT(CTL_PATH), want = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	const char *next = NULL, *id = NULL;
	bool file = false;
	int status;

	buf_add(&want, name, len);
	do {
		buf_clear(&path);
		peer_path(&path, "folders", folder, "children", NULL);
		peer_param(&path, "limit", PAGE);
		peer_param(&path, "prefix", want.data);
		peer_param(&path, "after", next);
		json_free(doc);
		doc = NULL;
		status = buf_finish(&want) ? no_memory() : peer_call(r->peer, "GET", &path, NULL, &doc);
		for (const struct json *e = reply_first(reply_array(doc, "entries")); e && !file && status == STATUS_OK; e = json_next(e)) {
			const bool is_file = !strcmp(reply_str(e, "kind", ""), "file");

			if (!is(reply_str(e, "name", ""), name, len) || (is_file && need_folder))
				continue;
			id = reply_str(e, "id", "");
			file = is_file;
			json_free(*node);
			*node = NULL;
			buf_clear(&path);
			peer_path(&path, file ? "files" : "folders", id, NULL);
			status = peer_call(r->peer, "GET", &path, NULL, node);
		}
		next = reply_str(doc, "next", NULL);
	} while (status == STATUS_OK && !file && !(*node && need_folder) && next);
	json_free(doc);
	buf_release(&path);
	buf_release(&want);
	return status;
}

/* `rest` below a folder, name after name. Takes *node over and gives what is there, or NULL. */
static int
descend(struct remote *r, const char *rest, struct json **node)
{
	int status = STATUS_OK;

	while (status == STATUS_OK && *node && *rest) {
		const char *slash = strchrnul(rest, '/');
		struct json *below = NULL;

		status = child(r, reply_str(*node, "id", ""), rest, (size_t)(slash - rest), *slash == '/', &below);
		json_free(*node);
		*node = below;
		rest = *slash ? slash + 1 : slash;
	}
	return status;
}

static int
look_by_id(struct remote *r, const struct share *share, const char *rest, bool slash, struct json **node)
{
	struct buf path = BUF_INIT(CTL_PATH);
	int status = STATUS_OK;

	if (share->folder || !slash) {
		peer_path(&path, share->folder ? "folders" : "files", share->id, NULL);
		if ((status = peer_call(r->peer, "GET", &path, NULL, node)) == STATUS_OK)
			status = descend(r, rest, node);
	}
	buf_release(&path);
	return status;
}

int
shares_look(struct shares **shares, struct remote *r, const char *path, bool *by_id, struct json **node)
{
	const char *slash = strchrnul(path, '/');
	const size_t len = (size_t)(slash - path);
	int status = learn(shares, r);

	*by_id = false;
	*node = NULL;
	for (size_t i = 0; status == STATUS_OK && i < (*shares)->n; i++)
		if (is((*shares)->list[i].id, path, len)) {
			*by_id = true;
			return look_by_id(r, &(*shares)->list[i], *slash ? slash + 1 : slash, *slash == '/', node);
		}
	return status == STATUS_OK ? check_name(*shares, r, path, len, *slash == '/') : status;
}
