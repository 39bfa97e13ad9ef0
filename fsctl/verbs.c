#include <stdio.h>
#include <string.h>

#include "exit_status.h"
#include "longrun.h"
#include "say.h"
#include "str.h"
#include "verbs.h"

#define WORKSPACE_OPTIONS (OPT(OWNER) | OPT(QUOTA) | OPT(HISTORY) | OPT(VERSIONING) | OPT(DISPLAY_NAME))

#define TRANSFER_OPTIONS (OPT(DRY_RUN) | OPT(BWLIMIT) | OPT(CONNECTIONS) | LONGRUN_OPTIONS)

const struct verb verbs_table[] = {
	{ "init", NULL, "", 0, 0, 0, "create a store and its first administrator",
		"Prints the administrator's access key, secret and token. They are shown only this once.\n"
		"Without --data the store is made in $FSD_DATA, else in ./data.",
		verb_init },
	{ "user", "create", "NAME", 1, 1, OPT(ADMIN) | OPT(MAY_CREATE), "add a user",
		"A new user has no rights, no keys and no tokens: `fsctl key create` and `fsctl grant add` come next.",
		verb_user_create },
	{ "user", "list", "", 0, 0, 0, "who there is", NULL, verb_user_list },
	{ "user", "show", "NAME", 1, 1, 0, "a user with keys, tokens and grants", NULL, verb_user_show },
	{ "user", "disable", "NAME", 1, 1, 0, "refuse a user's keys and tokens", NULL, verb_user_disable },
	{ "user", "enable", "NAME", 1, 1, 0, "take that back", NULL, verb_user_enable },
	{ "user", "delete", "NAME", 1, 1, 0, "remove a user with keys, tokens and grants",
		"Refused while the user owns workspaces, and for the last administrator.", verb_user_delete },
	{ "key", "create", "USER", 1, 1, 0, "make an S3 access key",
		"The secret is shown only now. The output can be pasted into a shell.", verb_key_create },
	{ "key", "list", "USER", 1, 1, 0, "a user's access keys", NULL, verb_key_list },
	{ "key", "disable", "USER KEY", 2, 2, 0, "refuse an access key", NULL, verb_key_disable },
	{ "key", "enable", "USER KEY", 2, 2, 0, "take that back", NULL, verb_key_enable },
	{ "key", "delete", "USER KEY", 2, 2, 0, "remove an access key", NULL, verb_key_delete },
	{ "token", "create", "USER", 1, 1, OPT(EXPIRES), "make a bearer token",
		"The token is shown only now. With --quiet it is printed alone: fsctl -q token create USER > FILE",
		verb_token_create },
	{ "token", "list", "USER", 1, 1, 0, "a user's tokens", NULL, verb_token_list },
	{ "token", "delete", "USER TOKEN", 2, 2, 0, "remove a token, by its id", NULL, verb_token_delete },
	{ "grant", "add", "WORKSPACE[/PATH] USER owner|editor|viewer", 3, 3, 0, "give a user a role",
		"PATH is a folder if it ends in \"/\" (it is made if it is not there), else a file. Roles are inherited by\n"
		"everything below. A role given before on the same place is replaced.",
		verb_grant_add },
	{ "grant", "list", "WORKSPACE[/PATH] [USER]", 1, 2, 0, "who was given what",
		"With PATH only what was given on it and below; it has to be there. What is in the trash gives no rights now,\n"
		"but will again when it is restored.", verb_grant_list },
	{ "grant", "remove", "WORKSPACE[/PATH] USER [ID]", 2, 3, 0, "take a role back",
		"With ID, as `grant list` shows it, also on what is in the trash.", verb_grant_remove },
	{ "workspace", "create", "NAME", 1, 1, WORKSPACE_OPTIONS, "add a workspace, which S3 calls a bucket", NULL,
		verb_workspace_create },
	{ "workspace", "list", "", 0, 0, 0, "all workspaces", NULL, verb_workspace_list },
	{ "workspace", "show", "NAME", 1, 1, 0, "one workspace", NULL, verb_workspace_show },
	{ "workspace", "set", "NAME", 1, 1, WORKSPACE_OPTIONS, "change what is given, leave the rest", NULL,
		verb_workspace_set },
	{ "workspace", "delete", "NAME", 1, 1, 0, "remove an empty workspace",
		"Asks nothing, and refuses one with anything in it.", verb_workspace_delete },
	{ "put", NULL, "FILE|DIR|-... WORKSPACE[/PATH]", 2, ARGS_MANY, OPT(RECURSIVE) | TRANSFER_OPTIONS, "send files",
		"To that name, or into it if it is a folder, ends in \"/\" or takes several; a folder's content becomes that of PATH.\n"
		"Of files that are there only what changed is sent. The same command again goes on where it was interrupted.",
		verb_put },
	{ "get", NULL, "WORKSPACE/PATH... LOCAL|-", 2, ARGS_MANY, OPT(RECURSIVE) | OPT(AT) | OPT(VERSION_ID) | TRANSFER_OPTIONS,
		"fetch files", "To that name, or into it if it is a folder, ends in \"/\" or takes several; a folder's content becomes that of LOCAL.\n"
		"Of files that are here only what changed is fetched. The same command again goes on where it was interrupted.",
		verb_get },
	{ "ls", NULL, "[WORKSPACE[/PATH]]", 0, 1, OPT(RECURSIVE) | OPT(LONG) | OPT(AT), "what is in a folder",
		"Without an operand: the workspaces. With --json a line an entry.", verb_ls },
	{ "tree", NULL, "WORKSPACE[/PATH]", 1, 1, OPT(LONG) | OPT(AT), "all that is in a folder, indented", NULL, verb_tree },
	{ "mv", NULL, "WORKSPACE/PATH WORKSPACE/PATH", 2, 2, OPT(DRY_RUN), "move or rename a file or a folder",
		"Into the second, if it is a folder or ends in \"/\"; else to that name. Folders above it are made.", verb_mv },
	{ "rm", NULL, "WORKSPACE/PATH...", 1, ARGS_MANY, OPT(RECURSIVE) | OPT(DRY_RUN), "to the trash",
		"`fsctl trash list` shows what is there, `fsctl trash restore` puts it back.", verb_rm },
	{ "share", "add", "WORKSPACE[/PATH] USER owner|editor|viewer", 3, 3, 0, "give a user a role",
		"As `grant add`, with the rights of who asks; PATH must be there. At most one's own role.", verb_share_add },
	{ "share", "list", "WORKSPACE[/PATH]", 1, 1, 0, "who has which role, and from where",
		"Who does not own it sees only the roles given to themselves.", verb_share_list },
	{ "share", "remove", "WORKSPACE[/PATH] USER", 2, 2, 0, "take a role back", NULL, verb_share_remove },
	{ "versions", "list", "WORKSPACE/PATH", 1, 1, 0, "a file's versions, newest first", NULL, verb_versions_list },
	{ "versions", "restore", "WORKSPACE/PATH ID", 2, 2, 0, "make a new version that equals an old one",
		"The versions between stay.", verb_versions_restore },
	{ "trash", "list", "WORKSPACE", 1, 1, 0, "what was deleted, newest first",
		"Takes a role on the whole workspace. With --json a line an entry.", verb_trash_list },
	{ "trash", "restore", "WORKSPACE[/PATH] ID", 2, 2, 0, "put something back",
		"To where it was; with PATH to that name, or into it if it ends in \"/\".", verb_trash_restore },
	{ "status", NULL, "", 0, 0, 0, "version, sizes, ratios, free space", NULL, verb_status },
	{ "gc", NULL, "", 0, 0, OPT(DRY_RUN) | OPT(GRACE) | LONGRUN_OPTIONS, "free what nothing refers to any more",
		"Runs in the daemon beside its other work. Ctrl-C stops it; what was done stays done.", verb_gc },
	{ "changes", NULL, "WORKSPACE", 1, 1, OPT(FROM) | OPT(FOLLOW), "the change feed, one event a line",
		"Over the socket all of it, as administrators see it; with --endpoint what the token's user may see.\n"
		"A sequence as --from is for administrators alone.", verb_changes },
	{ "check", NULL, "", 0, 0, OPT(QUICK) | LONGRUN_OPTIONS, "read every record and every reference; say what is wrong",
		"Exit code 4 when something is. Where no daemon can serve the store, it is checked without one.",
		verb_check },
	{ "version", NULL, "", 0, 0, 0, "of this program", NULL, verb_version },
	{ "help", NULL, "[VERB [ACTION]]", 0, 2, 0, "this list, or more about a verb", NULL, verb_help },
	{ NULL },
};

bool
verbs_of_files(const struct verb *v)
{
	static const char *const names[] = { "put", "get", "ls", "tree", "mv", "rm", "share", "versions", "trash", "changes", NULL };
	const char *const *name = names;

	while (*name && strcmp(*name, v->name) != 0)
		name++;
	return *name != NULL;
}

void
verbs_synopsis(struct buf *out, const struct verb *v)
{
	buf_addf(out, "fsctl %s", v->name);
	if (v->action)
		buf_addf(out, " %s", v->action);
	if (*v->operands)
		buf_addf(out, " %s", v->operands);
	for (int i = OPT_ADMIN; i < OPTIONS; i++)
		if (v->options & 1u << i)
			buf_addf(out, args_options[i].value ? " [--%s %s]" : " [--%s]", args_options[i].name,
			    args_options[i].value);
}

int
verbs_usage(const struct verb *v)
{
	struct buf line = BUF_INIT(4096);

	verbs_synopsis(&line, v);
	if (buf_finish(&line) == 0)
		say_hint("usage: %s", line.data);
	buf_release(&line);
	return STATUS_USAGE;
}

/* The nearest of the verbs, or of a verb's actions. */
static const char *
nearest(const char *word, const char *verb)
{
	/* Where half of a short word or more is another, another is meant. */
	const int half = ((int)strlen(word) + 1) / 2;
	const char *best = NULL;
	int least = half < 3 ? half : 3;

	for (const struct verb *v = verbs_table; v->name; v++) {
		const char *name = verb ? v->action : v->name;
		int d;

		if ((verb && strcmp(v->name, verb) != 0) || !name || (d = str_distance(word, name)) >= least)
			continue;
		least = d;
		best = name;
	}
	return best;
}

static int
no_such_verb(const char *word)
{
	const char *meant = nearest(word, NULL);

	say_error(STATUS_USAGE, "there is no verb \"%s\"", word);
	if (meant)
		say_hint("did you mean `fsctl %s`?", meant);
	else
		say_hint("`fsctl help` lists what there is");
	return STATUS_USAGE;
}

static int
no_such_action(const char *verb, const char *word)
{
	const char *meant = word ? nearest(word, verb) : NULL;
	struct buf all = BUF_INIT(4096);

	for (const struct verb *v = verbs_table; v->name; v++)
		if (!strcmp(v->name, verb))
			buf_addf(&all, "%s%s", all.len ? ", " : "", v->action);
	if (word)
		say_error(STATUS_USAGE, "%s: there is no \"%s\"", verb, word);
	else
		say_error(STATUS_USAGE, "%s: say what to do", verb);
	if (meant)
		say_hint("did you mean `fsctl %s %s`?", verb, meant);
	say_hint("there are: %s", all.data ? all.data : "");
	buf_release(&all);
	return STATUS_USAGE;
}

int
verbs_find(const char *const *words, int n, const struct verb **verb, int *used)
{
	bool known = false;

	if (n == 0) {
		say_error(STATUS_USAGE, "say what to do");
		say_hint("`fsctl help` lists what there is");
		return STATUS_USAGE;
	}
	for (const struct verb *v = verbs_table; v->name; v++) {
		if (strcmp(v->name, words[0]) != 0)
			continue;
		known = true;
		if (v->action && (n < 2 || strcmp(v->action, words[1]) != 0))
			continue;
		*verb = v;
		*used = v->action ? 2 : 1;
		return STATUS_OK;
	}
	return known ? no_such_action(words[0], n > 1 ? words[1] : NULL) : no_such_verb(words[0]);
}
