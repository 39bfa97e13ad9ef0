#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "listing.h"
#include "out.h"
#include "reply.h"
#include "say.h"
#include "verbs.h"

static const struct table_column columns[] = {
	{ "ACCESS KEY", "accessKeyId", CELL_TEXT }, { "DISABLED", "disabled", CELL_YES }, { "CREATED", "createdAt", CELL_TIME },
	{ NULL },
};

int
verb_key_create(struct ctl *ctl, const struct args *args)
{
	struct buf path = BUF_INIT(CTL_PATH);
	const char *id, *secret;
	struct json *doc = NULL;
	int status;

	ctl_path(&path, "users", args->operand[0], "keys", NULL);
	if ((status = ctl_call(ctl, "POST", &path, NULL, &doc)) != STATUS_OK)
		goto out;
	id = reply_str(doc, "accessKeyId", NULL);
	secret = reply_str(doc, "secretAccessKey", NULL);
	if (ctl->json) {
		status = out_document(doc);
	} else if (!id || !secret) {
		status = say_error(STATUS_FAILED, "the daemon's reply has no key: is it of another version?");
	} else {
		status = out_printf("export AWS_ACCESS_KEY_ID='%s'\nexport AWS_SECRET_ACCESS_KEY='%s'\n", id, secret);
		if (!ctl->quiet)
			fputs("The secret is shown only now.\n", stderr);
	}
out:
	json_free(doc);
	buf_release(&path);
	return status;
}

int
verb_key_list(struct ctl *ctl, const struct args *args)
{
	static const struct listing listing = { .name = "keys", .columns = columns, .none = "no access keys" };
	struct buf path = BUF_INIT(CTL_PATH);
	int status;

	ctl_path(&path, "users", args->operand[0], "keys", NULL);
	status = listing_print(ctl, &path, &listing);
	buf_release(&path);
	return status;
}

/* `body` NULL: deletes it. */
static int
change(struct ctl *ctl, const struct args *args, const char *body, const char *state)
{
	struct buf path = BUF_INIT(CTL_PATH), text = BUF_INIT(64);
	struct json *doc = NULL;
	int status;

	ctl_path(&path, "users", args->operand[0], "keys", args->operand[1], NULL);
	if (body)
		buf_addstr(&text, body);
	status = ctl_call(ctl, body ? "PATCH" : "DELETE", &path, body ? &text : NULL, &doc);
	if (status == STATUS_OK)
		status = ctl_done(ctl, doc, &(struct ctl_change) { "accessKeyId", args->operand[1], state, state });
	json_free(doc);
	buf_release(&path);
	buf_release(&text);
	return status;
}

int
verb_key_disable(struct ctl *ctl, const struct args *args)
{
	return change(ctl, args, "{\"disabled\":true}", "disabled");
}

int
verb_key_enable(struct ctl *ctl, const struct args *args)
{
	return change(ctl, args, "{\"disabled\":false}", "enabled");
}

int
verb_key_delete(struct ctl *ctl, const struct args *args)
{
	return change(ctl, args, NULL, "deleted");
}
