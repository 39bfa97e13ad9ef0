#include <stdio.h>

#include "ctl.h"
#include "exit_status.h"
#include "listing.h"
#include "out.h"
#include "reply.h"
#include "say.h"
#include "verbs.h"

static const struct table_column columns[] = {
	{ "TOKEN", "tokenId", CELL_TEXT }, { "CREATED", "createdAt", CELL_TIME }, { "EXPIRES", "expiresAt", CELL_TIME }, { NULL },
};

static int
print_token(struct ctl *ctl, const struct json *doc)
{
	const char *token = reply_str(doc, "token", NULL);
	int status;

	if (ctl->json)
		return out_document(doc);
	if (!token)
		return say_error(STATUS_FAILED, "the daemon's reply has no token: is it of another version?");
	if (ctl->quiet)
		return out_printf("%s\n", token);
	status = out_printf("export FSD_TOKEN='%s'\n", token);
	fprintf(stderr, "It is shown only now. Its id is %s.\n", reply_str(doc, "tokenId", "-"));
	return status;
}

int
verb_token_create(struct ctl *ctl, const struct args *args)
{
	struct buf path = BUF_INIT(CTL_PATH), body = BUF_INIT(128);
	struct json *doc = NULL;
	int64_t expires = 0;
	int status;

	if ((status = args_duration(args, OPT_EXPIRES, &expires)) != STATUS_OK)
		return status;
	ctl_path(&path, "users", args->operand[0], "tokens", NULL);
	buf_addf(&body, "{\"expiresMs\":%lld}", (long long)expires);
	status = ctl_call(ctl, "POST", &path, &body, &doc);
	if (status == STATUS_OK)
		status = print_token(ctl, doc);
	json_free(doc);
	buf_release(&path);
	buf_release(&body);
	return status;
}

int
verb_token_list(struct ctl *ctl, const struct args *args)
{
	static const struct listing listing = { .name = "tokens", .columns = columns, .none = "no tokens" };
	struct buf path = BUF_INIT(CTL_PATH);
	int status;

	ctl_path(&path, "users", args->operand[0], "tokens", NULL);
	status = listing_print(ctl, &path, &listing);
	buf_release(&path);
	return status;
}

int
verb_token_delete(struct ctl *ctl, const struct args *args)
{
	struct buf path = BUF_INIT(CTL_PATH);
	int status;

	ctl_path(&path, "users", args->operand[0], "tokens", args->operand[1], NULL);
	status = ctl_call(ctl, "DELETE", &path, NULL, NULL);
	if (status == STATUS_OK)
		status = ctl_done(ctl, NULL, &(struct ctl_change) { "tokenId", args->operand[1], "deleted", "deleted" });
	buf_release(&path);
	return status;
}
