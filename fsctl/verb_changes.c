#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "exit_status.h"
#include "human.h"
#include "out.h"
#include "peer.h"
#include "remote.h"
#include "reply.h"
#include "say.h"
#include "stop.h"
#include "verbs.h"

#define PAGE 1000
#define WAIT_S 30
#define OUT_MAX (64u << 20)
#define TRIES 30		/* a second each, while a daemon is restarted */

/* Fixed widths, since the lines that follow are not known. */
static void
add_line(struct buf *out, const struct json *event)
{
	char time[HUMAN_TEXT], size[HUMAN_TEXT] = "-";
	const char *type = reply_str(event, "eventType", ""), *path = reply_str(event, "path", "");
	const char *from = reply_str(event, "fromName", ""), *role = reply_str(event, "role", "");

	human_time(reply_str(event, "occurredAt", ""), time);
	if (reply_str(event, "versionId", NULL))
		human_size((uint64_t)reply_int(event, "sizeBytes", 0), size);
	buf_addf(out, "%-20s  %8lld  ", time, (long long)reply_int(event, "sequence", 0));
	say_plain(out, type);
	for (size_t n = strlen(type); n < 23; n++)
		buf_addch(out, ' ');
	buf_addf(out, "  %10s  ", size);
	say_plain(out, path);
	if (!*path || (!strcmp(reply_str(event, "kind", ""), "folder") && path[strlen(path) - 1] != '/'))
		buf_addch(out, '/');
	if (*from) {
		buf_addstr(out, "  (was ");
		say_plain(out, from);
		buf_addch(out, ')');
	}
	if (*role) {
		buf_addstr(out, "  ");
		say_plain(out, role);
	}
	buf_addch(out, '\n');
}

/*
 * The administrator's feed has names of its own for some of what every feed says: one
 * event looks the same in both.
 */
static const char *
name_of(const char *name)
{
	static const char *const names[][2] = { { "parentId", "parentFolderId" }, { "fromParentId", "fromParentFolderId" },
		{ "userId", "principalId" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i][0]))
			return names[i][1];
	return name;
}

static void
add_text(struct json_out *j, const char *name, const char *text, bool folder)
{
	const size_t len = strlen(text);
	char hash[80];

	if (!strcmp(name, "contentHash") && !strchr(text, ':') && len < 72) {
		snprintf(hash, sizeof(hash), "sha256:%s", text);
		json_str(j, hash);
	} else {
		json_bytes(j, text, folder && len && !strcmp(name, "path") && text[len - 1] == '/' ? len - 1 : len);
	}
}

static void
add_json(struct buf *out, const struct json *event)
{
	const bool folder = !strcmp(reply_str(event, "kind", ""), "folder");
	struct json_out j;

	json_out_init(&j, out, false);
	json_object_begin(&j);
	for (const struct json *m = json_first(event); m; m = json_next(m)) {
		const char *text;

		json_key(&j, name_of(json_name(m)));
		if (json_as_str(m, &text) == 0)
			add_text(&j, json_name(m), text, folder);
		else
			out_value(&j, m);
	}
	json_object_end(&j);
	buf_addch(out, '\n');
}

static int
print_page(const struct ctl *ctl, const struct json *doc)
{
	struct buf out = BUF_INIT(OUT_MAX);
	int status;

	for (const struct json *e = reply_first(reply_array(doc, "changes")); e; e = json_next(e))
		if (ctl->json)
			add_json(&out, e);
		else
			add_line(&out, e);
	status = out.len || buf_finish(&out) ? out_write(&out) : STATUS_OK;
	buf_release(&out);
	return status;
}

/*
 * Over the socket the administrator's feed, with all that there is; over the network
 * (`id`) what the caller may see.
 */
static int
page_path(const struct args *args, const char *id, const char *cursor, unsigned wait, struct buf *path)
{
	buf_clear(path);
	if (id)
		peer_path(path, "changes", NULL);
	else
		ctl_path(path, "workspaces", args->operand[0], "changes", NULL);
	peer_param(path, "cursor", cursor);
	peer_param(path, "workspaceId", id);
	buf_addf(path, "&limit=%d", PAGE);
	if (wait)
		buf_addf(path, "&wait=%u", wait);
	return buf_finish(path);
}

/* One page, however often the daemon goes and comes while we follow. */
static int
fetch(struct ctl *ctl, const struct buf *path, bool follow, struct json **doc)
{
	const struct timespec second = { .tv_sec = 1 };
	int http = 0, status;

	for (int i = 0;; i++) {
		ctl->calm = follow && i < TRIES;
		status = ctl_try(ctl, "GET", path, NULL, WAIT_S + CTL_SECONDS, &http, doc);
		if (stop_asked())
			return stop_asked();
		if ((status == STATUS_OK && http != 503) || !ctl->calm || (status != STATUS_OK && status != STATUS_TEMPORARY))
			break;
		json_free(*doc);
		*doc = NULL;
		ctl_close(ctl);
		(void)nanosleep(&second, NULL);
	}
	if (status != STATUS_OK)
		return status;
	status = ctl_explain(ctl, http, *doc);
	if (http == 410)
		say_hint("`fsctl changes %s` shows what the feed still has, from its beginning", ctl->args->operand[0]);
	return status;
}

/* The whole feed, page by page; with --follow without an end. */
static int
read_feed(struct ctl *ctl, const struct args *args, const char *id, bool follow)
{
	const char *from = args->given[OPT_FROM] ? args->given[OPT_FROM] : "begin", *next;
	struct buf path = BUF_INIT(CTL_PATH);
	char *cursor = strdup(from);
	bool more = true;
	int status = cursor ? STATUS_OK : say_error(STATUS_FAILED, "out of memory");

	while (status == STATUS_OK && (more || follow)) {
		struct json *doc = NULL;

		if (page_path(args, id, cursor, follow && !more ? WAIT_S : 0, &path) != 0)
			status = say_error(STATUS_USAGE, "--from: the cursor is too long");
		if (status == STATUS_OK && (status = fetch(ctl, &path, follow, &doc)) == STATUS_OK)
			status = print_page(ctl, doc);
		if (status == STATUS_OK) {
			free(cursor);
			next = reply_str(doc, "nextCursor", NULL);
			cursor = next ? strdup(next) : NULL;
			more = reply_bool(doc, "hasMore", false);
			if (!cursor)
				status = say_error(STATUS_FAILED, "the daemon's reply has no cursor: is it of another version?");
		}
		json_free(doc);
	}
	free(cursor);
	buf_release(&path);
	return status;
}

int
verb_changes(struct ctl *ctl, const struct args *args)
{
	const bool follow = args->given[OPT_FOLLOW] != NULL;
	struct remote r = { 0 };
	int status;

	if ((status = ctl_open(ctl)) != STATUS_OK)
		return status;
	stop_setup();
	if (ctl->endpoint && (status = remote_open(ctl, args->operand[0], &r)) == STATUS_OK && *r.path)
		status = say_error(STATUS_USAGE, "expected a workspace, got \"%s\"", args->operand[0]);
	if (follow)
		stop_watch_output();
	if (status == STATUS_OK)
		status = read_feed(ctl, args, r.id, follow);
	remote_close(&r);
	return status;
}
