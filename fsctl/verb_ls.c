#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "human.h"
#include "listing.h"
#include "out.h"
#include "remote.h"
#include "reply.h"
#include "say.h"
#include "verbs.h"

#define OUT_MAX (64u << 20)
#define PAGE "1000"
#define FLUSH (64u << 10)

/* Of a tree: the daemon gives it folder by folder, people want each folder's content below it. */
struct row {
	char *path, *text;
};

struct view {
	struct ctl *ctl;
	bool detail, indent, direct;	/* direct: only what is in the folder itself, whose path is below */
	size_t skip;			/* bytes of the path that are not shown */
	struct buf out;
	struct row *rows;
	size_t nrows, room;
	int64_t files, folders, bytes;
};

/* ---- a line ---- */

static void
add_detail(struct view *v, const struct json *node, bool file)
{
	char time[HUMAN_TEXT] = "-", size[HUMAN_TEXT] = "-";
	const char *when = reply_str(node, "mtime", reply_str(node, "modifiedAt", NULL));

	if (file)
		human_size((uint64_t)reply_int(node, "sizeBytes", 0), size);
	if (file && when)
		human_time(when, time);
	buf_addf(&v->out, "%-5s  %10s  %-20s  %-20s  ", file ? reply_str(node, "mode", "-") : "-", size, time,
	    reply_str(node, file ? "versionId" : "id", "-"));
}

static size_t
depth(const char *path)
{
	size_t n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* The line in v->out, which is empty after. */
static int
keep_row(struct view *v, const char *path)
{
	struct row *more, row = { 0 };
	size_t len;

	if (v->nrows == v->room) {
		v->room = v->room ? 2 * v->room : 256;
		if (!(more = reallocarray(v->rows, v->room, sizeof(*more))))
			return say_error(STATUS_FAILED, "out of memory for the tree");
		v->rows = more;
	}
	if (!(row.path = strdup(path)) || buf_take(&v->out, &row.text, &len) != 0) {
		free(row.path);
		return say_error(STATUS_FAILED, "out of memory for the tree");
	}
	v->rows[v->nrows++] = row;
	return STATUS_OK;
}

/* By the bytes of the names, one folder after the other. */
static int
by_path(const void *a, const void *b)
{
	const unsigned char *x = (const unsigned char *)((const struct row *)a)->path;
	const unsigned char *y = (const unsigned char *)((const struct row *)b)->path;

	while (*x && *x == *y)
		x++, y++;
	return (*x == '/' ? 1 : *x ? *x + 1 : 0) - (*y == '/' ? 1 : *y ? *y + 1 : 0);
}

static int
print_rows(struct view *v)
{
	int status = STATUS_OK;

	if (v->nrows)
		qsort(v->rows, v->nrows, sizeof(*v->rows), by_path);
	for (size_t i = 0; i < v->nrows && status == STATUS_OK; i++) {
		buf_addstr(&v->out, v->rows[i].text);
		if (v->out.len < FLUSH && i + 1 < v->nrows)
			continue;
		status = out_write(&v->out);
		buf_clear(&v->out);
	}
	return status;
}

static void
release_rows(struct view *v)
{
	for (size_t i = 0; i < v->nrows; i++) {
		free(v->rows[i].path);
		free(v->rows[i].text);
	}
	free(v->rows);
	buf_release(&v->out);
}

static int
add_node(void *arg, const struct json *node)
{
	struct view *v = arg;
	const bool file = !strcmp(reply_str(node, "kind", "file"), "file");
	const char *path = reply_str(node, "path", "");
	struct json_out j;
	int status;

	path += strnlen(path, v->skip);
	if (!*path || (v->direct && strchr(path, '/')))
		return STATUS_OK;
	v->files += file;
	v->folders += !file;
	v->bytes += file ? reply_int(node, "sizeBytes", 0) : 0;
	if (v->ctl->json) {
		json_out_init(&j, &v->out, false);
		out_value(&j, node);
	} else {
		if (v->detail)
			add_detail(v, node, file);
		for (size_t n = v->indent ? 4 * depth(path) : 0; n > 0; n--)
			buf_addch(&v->out, ' ');
		say_plain(&v->out, v->indent || v->direct ? remote_base(path) : path);
		buf_addstr(&v->out, file ? "" : "/");
		if (!reply_bool(node, "syncable", true) && v->detail)
			buf_addf(&v->out, "  (not synced: %s)", reply_str(node, "reason", "its name"));
	}
	buf_addch(&v->out, '\n');
	if (v->indent && !v->ctl->json)
		return keep_row(v, path);
	if (v->out.len < FLUSH)
		return buf_finish(&v->out) ? out_write(&v->out) : STATUS_OK;
	status = out_write(&v->out);
	buf_clear(&v->out);
	return status;
}

/* ---- what is in a folder ---- */

static int
children(struct remote *r, const char *folder, struct view *v)
{
	struct buf path = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	char *after = NULL;
	bool more = true;
	int status = STATUS_OK;

	while (status == STATUS_OK && more) {
		const char *next;

		buf_clear(&path);
		peer_path(&path, "folders", folder, "children", NULL);
		peer_param(&path, "limit", PAGE);
		peer_param(&path, "after", after);
		if ((status = peer_call(r->peer, "GET", &path, NULL, &doc)) != STATUS_OK)
			break;
		for (const struct json *e = reply_first(reply_array(doc, "entries")); e && status == STATUS_OK; e = json_next(e))
			status = add_node(v, e);
		free(after);
		next = reply_str(doc, "next", NULL);
		more = next != NULL;
		after = next ? strdup(next) : NULL;
		if (more && !after)
			status = say_error(STATUS_FAILED, "out of memory");
		json_free(doc);
		doc = NULL;
	}
	free(after);
	buf_release(&path);
	return status;
}

/* Everything of a past tree: it knows no ids by path, so the path picks from all of it. */
struct past {
	struct view *view;
	const char *path;
	size_t len;
	bool found;
};

static int
add_past(void *arg, const struct json *node)
{
	struct past *p = arg;
	const char *path = reply_str(node, "path", "");

	if (p->len && (strncmp(path, p->path, p->len) != 0 || (path[p->len] && path[p->len] != '/')))
		return STATUS_OK;
	p->found = true;
	if (p->len && !path[p->len] && !strcmp(reply_str(node, "kind", ""), "file"))
		p->view->skip = (size_t)(remote_base(path) - path);
	return add_node(p->view, node);
}

static int
list_past(struct remote *r, const char *at, struct view *v)
{
	struct past past = { .view = v, .path = r->path, .len = strlen(r->path) };
	int status;

	v->skip = past.len ? past.len + 1 : 0;
	status = remote_tree(r, NULL, at, add_past, &past);
	if (status == STATUS_OK && past.len && !past.found)
		return say_error(STATUS_NOT_FOUND, "%s: there was nothing at \"%s\" then", r->ctl->doing, r->path);
	return status;
}

/* To whom only what is below is shared, that is shown. */
struct top {
	struct remote *r;
	struct view *view;
};

/* The list of what is shared has no sizes and times. */
static int
add_top(void *arg, const struct json *shared)
{
	struct top *top = arg;
	struct buf path = BUF_INIT(CTL_PATH);
	struct json *node = NULL;
	int status;

	if (!top->view->detail)
		return add_node(top->view, shared);
	peer_path(&path, !strcmp(reply_str(shared, "kind", ""), "file") ? "files" : "folders", reply_str(shared, "id", ""), NULL);
	if ((status = peer_call(top->r->peer, "GET", &path, NULL, &node)) == STATUS_OK)
		status = add_node(top->view, node);
	json_free(node);
	buf_release(&path);
	return status;
}

static int
list_now(struct remote *r, struct view *v)
{
	struct top top = { r, v };
	struct json *node = NULL;
	const char *path;
	int status = STATUS_OK;

	if (!*r->path && !r->root)
		return v->direct ? remote_shared(r, add_top, &top) : remote_tree(r, NULL, NULL, add_node, v);
	if ((status = remote_need(r, &node)) != STATUS_OK)
		return status;
	path = reply_str(node, "path", "");
	if (!strcmp(reply_str(node, "kind", ""), "file")) {
		v->skip = (size_t)(remote_base(path) - path);
		status = add_node(v, node);
	} else {
		v->skip = *path ? strlen(path) + 1 : 0;
		if (v->direct)
			status = children(r, reply_str(node, "id", ""), v);
		else
			status = remote_tree(r, reply_str(node, "id", ""), NULL, add_node, v);
	}
	json_free(node);
	return status;
}

/* Without an operand: the workspaces that the caller may see. Over the socket those are all. */
static int
list_workspaces(struct ctl *ctl)
{
	static const struct table_column columns[] = { { "NAME", "name", CELL_TEXT }, { "ROLE", "role", CELL_TEXT },
		{ "OWNER", "owner", CELL_TEXT }, { "SIZE", "bytes", CELL_SIZE }, { "QUOTA", "quotaBytes", CELL_LIMIT },
		{ "SEQUENCE", "sequence", CELL_COUNT }, { NULL } };
	const struct listing listing = { .name = "workspaces", .columns = columns, .lines = true,
		.none = ctl->endpoint ? "you have no workspaces, and nothing is shared with you" :
					"there are no workspaces; `fsctl workspace create NAME` makes one" };
	struct buf path = BUF_INIT(CTL_PATH);
	int status;

	if (ctl->endpoint)
		peer_path(&path, "workspaces", NULL);
	else
		ctl_path(&path, "workspaces", NULL);
	status = listing_print(ctl, &path, &listing);
	buf_release(&path);
	return status;
}

static int
list(struct ctl *ctl, const struct args *args, struct view *v)
{
	const char *at = args->given[OPT_AT];
	struct remote r;
	int status;

	status = remote_open(ctl, args->operand[0], &r);
	if (status == STATUS_OK)
		status = at ? list_past(&r, at, v) : list_now(&r, v);
	if (status == STATUS_OK && v->nrows)
		status = print_rows(v);
	else if (status == STATUS_OK)
		status = out_write(&v->out);
	remote_close(&r);
	return status;
}

int
verb_ls(struct ctl *ctl, const struct args *args)
{
	struct view v = { .ctl = ctl, .out = BUF_INIT(OUT_MAX), .detail = args->given[OPT_LONG] != NULL,
		.direct = args->given[OPT_RECURSIVE] == NULL };
	int status;

	if (!args->count)
		return list_workspaces(ctl);
	status = list(ctl, args, &v);
	release_rows(&v);
	return status;
}

int
verb_tree(struct ctl *ctl, const struct args *args)
{
	struct view v = { .ctl = ctl, .out = BUF_INIT(OUT_MAX), .detail = args->given[OPT_LONG] != NULL, .indent = true };
	char size[HUMAN_TEXT];
	int status = list(ctl, args, &v);

	release_rows(&v);
	if (status != STATUS_OK || ctl->json || ctl->quiet)
		return status;
	human_size((uint64_t)v.bytes, size);
	return out_printf("\n%lld folders, %lld files, %s\n", (long long)v.folders, (long long)v.files, size);
}
