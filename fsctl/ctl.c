#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "ctl.h"
#include "err.h"
#include "exit_status.h"
#include "fio.h"
#include "out.h"
#include "reply.h"
#include "say.h"
#include "spawn.h"
#include "stop.h"
#include "uri.h"
#include "verbs.h"

#define HERE "./data"
#define VERSION_FILE "VERSION"
#define TOKEN_MAX 4096

void
ctl_init(struct ctl *ctl, const struct args *args)
{
	size_t len = 0;

	*ctl = (struct ctl) { .dirfd = -1, .args = args };
	ctl->data = args->given[OPT_DATA];
	ctl->endpoint = args->given[OPT_ENDPOINT];
	ctl->token_file = args->given[OPT_TOKEN_FILE];
	ctl->json = args->given[OPT_JSON] != NULL;
	ctl->quiet = args->given[OPT_QUIET] != NULL;
	if (!args->verb)
		return;
	len = (size_t)snprintf(ctl->doing, sizeof(ctl->doing), "%s%s%s", args->verb->name, args->verb->action ? " " : "",
	    args->verb->action ? args->verb->action : "");
	for (int i = 0; i < args->count && len < sizeof(ctl->doing); i++)
		len += (size_t)snprintf(ctl->doing + len, sizeof(ctl->doing) - len, " %s", args->operand[i]);
}

void
ctl_close(struct ctl *ctl)
{
	client_free(ctl->client);
	ctl->client = NULL;
	fio_close(&ctl->dirfd);
}

/* ---- the store ---- */

static bool
holds_store(const char *dir)
{
	struct stat st;
	char *path = NULL;
	bool is;

	if (asprintf(&path, "%s/%s", dir, VERSION_FILE) < 0)
		return false;
	is = stat(path, &st) == 0;
	free(path);
	return is;
}

static int
nothing_named(void)
{
	say_error(STATUS_USAGE, "which store? Neither --data nor $FSD_DATA says, and there is none in %s", HERE);
	say_hint("`fsctl --data DIR ...` names one, `fsctl --data DIR init` creates one,");
	say_hint("`fsctl --endpoint URL --token-file F ...` asks a daemon elsewhere");
	return STATUS_USAGE;
}

int
ctl_find(struct ctl *ctl, bool fresh)
{
	const char *env = getenv("FSD_DATA");
	struct stat st;

	ctl->dir = ctl->data ? ctl->data : env && *env ? env : fresh || holds_store(HERE) ? HERE : NULL;
	if (!ctl->dir || !*ctl->dir)
		return nothing_named();
	if (fresh)
		return STATUS_OK;
	fio_close(&ctl->dirfd);
	if ((ctl->dirfd = open(ctl->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
	    fstatat(ctl->dirfd, VERSION_FILE, &st, 0) != 0) {
		if (errno == EACCES) {
			say_error(STATUS_NOT_AUTHORISED, "%s: permission denied", ctl->dir);
			say_hint("root and its owner may; others use --endpoint URL --token-file F");
			return STATUS_NOT_AUTHORISED;
		}
		say_error(STATUS_NOT_FOUND, "there is no store in %s%s%s", ctl->dir, errno == ENOENT ? "" : ": ",
		    errno == ENOENT ? "" : strerror(errno));
		say_hint("`fsctl --data %s init` creates one", ctl->dir);
		return STATUS_NOT_FOUND;
	}
	return STATUS_OK;
}

/* ---- the way to the daemon ---- */

static int
connect_to(const struct client_options *options, struct client **client)
{
	int rc = client_new(options, client);

	if (rc == ERR_INVALID)
		return say_error(STATUS_USAGE, "--endpoint: expected a URL like http://127.0.0.1:9000, got \"%s\"", options->url);
	return rc ? say_error(STATUS_FAILED, "the connection: %s", err_text(rc)) : STATUS_OK;
}

static int
read_token(const char *file, char **token)
{
	size_t len;
	int rc;

	if (!file) {
		const char *env = getenv("FSD_TOKEN");

		if (!env || !*env) {
			say_error(STATUS_USAGE, "--endpoint needs a token");
			say_hint("--token-file F names the file that holds it; `fsctl -q token create USER > F` makes one");
			return STATUS_USAGE;
		}
		return (*token = strdup(env)) ? STATUS_OK : say_error(STATUS_FAILED, "out of memory");
	}
	if ((rc = fio_read_file(AT_FDCWD, file, TOKEN_MAX, token, &len)) != 0)
		return say_error(STATUS_USAGE, "--token-file %s: %s", file, err_text(rc));
	len = strspn(*token, " \t\r\n");
	memmove(*token, *token + len, strlen(*token + len) + 1);
	(*token)[strcspn(*token, " \t\r\n")] = '\0';
	return **token ? STATUS_OK : say_error(STATUS_USAGE, "--token-file %s: there is no token in it", file);
}

static int
open_endpoint(struct ctl *ctl)
{
	char *token = NULL;
	int status = read_token(ctl->token_file, &token);

	if (status == STATUS_OK)
		status = connect_to(&(struct client_options) { .url = ctl->endpoint, .token = token, .stop = stop_asked },
		    &ctl->client);
	if (token)
		explicit_bzero(token, strlen(token));
	free(token);
	return status;
}

int
ctl_open(struct ctl *ctl)
{
	char socket[SPAWN_PATH];
	int status;

	if (ctl->client)
		return STATUS_OK;
	if (ctl->endpoint)
		return open_endpoint(ctl);
	if ((status = ctl_find(ctl, false)) != STATUS_OK || (status = spawn_serve(ctl->dir, ctl->dirfd, &ctl->lockwait)) != STATUS_OK)
		return status;
	spawn_socket(ctl->dirfd, socket);
	return connect_to(&(struct client_options) { .socket = socket, .stop = stop_asked }, &ctl->client);
}

void
ctl_path(struct buf *path, ...)
{
	const char *part;
	va_list parts;

	buf_addstr(path, "/v1/admin");
	va_start(parts, path);
	while ((part = va_arg(parts, const char *)) != NULL) {
		buf_addch(path, '/');
		uri_encode(path, part, strlen(part), false);
	}
	va_end(parts);
}

int
ctl_broken(const struct ctl *ctl, int rc, const char *why, const char *next)
{
	say_error(STATUS_FAILED, "%s: %s: %s", ctl->doing, ctl->endpoint ? ctl->endpoint : ctl->dir, *why ? why : err_text(rc));
	if (rc == ERR_CLOSED || rc == ERR_TIMEOUT) {
		if (ctl->endpoint)
			say_hint("does fsd run there, and does it speak %s? If so: %s",
			    !strncmp(ctl->endpoint, "https", 5) ? "https" : "http", next);
		else
			say_hint("fsd ended or did not answer; its log says why. Then: %s", next);
		return STATUS_TEMPORARY;
	}
	if (rc == ERR_INVALID)
		say_hint("is it fsd that answers there?");
	return STATUS_FAILED;
}

int
ctl_try(struct ctl *ctl, const char *method, const struct buf *path, const struct buf *body, unsigned seconds,
    int *http, struct json **doc)
{
	int status, rc;

	*doc = NULL;
	if (buf_finish(path) || (body && buf_finish(body)))
		return say_error(STATUS_USAGE, "%s: an argument is too long", ctl->doing);
	if ((status = ctl_open(ctl)) != STATUS_OK)
		return status;
	rc = client_call(ctl->client, method, path->data, body, seconds, http, doc);
	if (rc == 0)
		return STATUS_OK;
	if (rc == ERR_END && stop_asked())
		return stop_asked();
	if (ctl->calm && (rc == ERR_CLOSED || rc == ERR_TIMEOUT))
		return STATUS_TEMPORARY;
	return ctl_broken(ctl, rc, client_error(ctl->client), "what was asked for may have happened; look first");
}

/* ---- its answers ---- */

int
ctl_http(const struct json *result)
{
	static const struct {
		const char *code;
		int http;
	} table[] = { { "access_denied", 403 }, { "not_found", 404 }, { "quota_exceeded", 507 }, { "insufficient_storage", 507 },
		{ "unavailable", 503 }, { "invalid_request", 400 }, { "invalid_name", 400 } };
	const char *code = reply_str(reply_get(result, "error"), "code", "");

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(code, table[i].code))
			return table[i].http;
	return 409;
}

static enum exit_status
status_of(int http, const char *code)
{
	if (!strcmp(code, "quota_exceeded") || !strcmp(code, "too_many_uploads"))
		return STATUS_NO_SPACE;
	switch (http) {
	case 400:
	case 405:
	case 422:
		return STATUS_USAGE;
	case 401:
	case 403:
		return STATUS_NOT_AUTHORISED;
	case 404:
		return STATUS_NOT_FOUND;
	case 413:
	case 507:
		return STATUS_NO_SPACE;
	case 429:
	case 502:
	case 503:
	case 504:
		return STATUS_TEMPORARY;
	default:
		return STATUS_FAILED;
	}
}

/* Of the verbs of files: everybody's rights count. */
static void
hint_for_files(const struct args *args, enum exit_status status, const char *code)
{
	const char *verb = args->verb->name;

	if (status == STATUS_NOT_AUTHORISED)
		say_hint("`fsctl share list WORKSPACE/PATH` shows your role there; its owner can give you another");
	else if (status == STATUS_NOT_FOUND && !strcmp(verb, "trash"))
		say_hint("`fsctl trash list WORKSPACE` shows what can be put back");
	else if (status == STATUS_NOT_FOUND && (!strcmp(verb, "versions") || args->given[OPT_VERSION_ID]))
		say_hint("`fsctl versions list WORKSPACE/PATH` shows a file's versions, `fsctl ls` the files");
	else if (status == STATUS_NOT_FOUND && !strcmp(verb, "share"))
		say_hint("`fsctl ls WORKSPACE/PATH` shows what is in a folder; the name of a user has to be exact");
	else if (status == STATUS_NOT_FOUND)
		say_hint("`fsctl ls` shows the workspaces, `fsctl ls WORKSPACE/PATH` what is in a folder");
	else if (!strcmp(code, "version_conflict"))
		say_hint("another was faster: look at what is there, and do it again");
	else if (!strcmp(code, "already_exists"))
		say_hint("give another name, or move away what is there: `fsctl mv`, `fsctl rm`");
}

static void
hint_for_administration(const struct verb *v, enum exit_status status)
{
	if (status == STATUS_NOT_AUTHORISED)
		say_hint("administration takes the token of an administrator, or the store itself: `fsctl --data DIR ...`");
	else if (status == STATUS_NOT_FOUND && (!strcmp(v->name, "workspace") || !strcmp(v->name, "grant")))
		say_hint("`fsctl workspace list` and `fsctl user list` show what there is");
	else if (status == STATUS_NOT_FOUND && !strcmp(v->name, "user"))
		say_hint("`fsctl user list` shows who there is");
	else if (status == STATUS_NOT_FOUND && v->action)
		say_hint("`fsctl user list` and `fsctl %s list USER` show what there is", v->name);
}

static void
hint_for(const struct ctl *ctl, enum exit_status status, int http, const char *code, const char *request)
{
	const struct verb *v = ctl->args->verb;

	if (http == 401)
		say_hint("the token is wrong, expired or disabled; `fsctl --data DIR -q token create USER > F` makes another");
	else if (!strcmp(code, "quota_exceeded"))
		say_hint("delete something, or have an administrator raise it: `fsctl workspace set NAME --quota SIZE`");
	else if (http == 507)
		say_hint("the disk is below its reserve: delete something and run `fsctl gc`, or add space");
	else if (status == STATUS_TEMPORARY)
		say_hint("try again in a moment");
	else if (status == STATUS_USAGE)
		say_hint("`fsctl help %s%s%s` says more", v->name, v->action ? " " : "", v->action ? v->action : "");
	else if (http == 500)
		say_hint("fsd's log has more%s%s", *request ? " about request " : "", request);
	else if (verbs_of_files(v))
		hint_for_files(ctl->args, status, code);
	else
		hint_for_administration(v, status);
}

void
ctl_hint(const struct ctl *ctl, int http, const struct json *doc)
{
	const struct json *error = reply_get(doc, "error");
	const char *code = reply_str(error, "code", "");

	hint_for(ctl, status_of(http, code), http, code, reply_str(error, "requestId", ""));
}

int
ctl_status(int http, const struct json *doc)
{
	if (http >= 200 && http < 300)
		return STATUS_OK;
	return (int)status_of(http, reply_str(reply_get(doc, "error"), "code", ""));
}

int
ctl_explain(struct ctl *ctl, int http, const struct json *doc)
{
	const char *message = reply_str(reply_get(doc, "error"), "message", NULL);
	int status = ctl_status(http, doc);

	if (status == STATUS_OK)
		return STATUS_OK;
	if (message)
		say_error(status, "%s: %s", ctl->doing, message);
	else
		say_error(status, "%s: HTTP status %d; is it fsd that answers there?", ctl->doing, http);
	ctl_hint(ctl, http, doc);
	return status;
}

int
ctl_call(struct ctl *ctl, const char *method, const struct buf *path, const struct buf *body, struct json **doc)
{
	struct json *reply = NULL;
	int http = 0, status;

	status = ctl_try(ctl, method, path, body, CTL_SECONDS, &http, &reply);
	if (status == STATUS_OK)
		status = ctl_explain(ctl, http, reply);
	if (status == STATUS_OK && doc && !reply && (!strcmp(method, "GET") || !strcmp(method, "POST")))
		status = say_error(STATUS_FAILED, "%s: the daemon's reply is empty: is it of another version?", ctl->doing);
	if (status == STATUS_OK && doc)
		*doc = reply;
	else
		json_free(reply);
	return status;
}

int
ctl_done(struct ctl *ctl, const struct json *doc, const struct ctl_change *change)
{
	struct buf out = BUF_INIT(65536);
	struct json_out j;
	int status;

	if (ctl->json && doc)
		return out_document(doc);
	if (ctl->json) {
		json_out_init(&j, &out, true);
		json_object_begin(&j);
		json_key_str(&j, change->key, change->value);
		json_key_bool(&j, change->state, true);
		json_object_end(&j);
		buf_addch(&out, '\n');
	} else if (!ctl->quiet) {
		say_plain(&out, change->value);
		buf_addf(&out, ": %s\n", change->text);
	}
	status = out_write(&out);
	buf_release(&out);
	return status;
}
