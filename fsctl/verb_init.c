#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "out.h"
#include "reply.h"
#include "say.h"
#include "spawn.h"
#include "verbs.h"

#define DOCUMENT_MAX 65536

/* All of it can be pasted into a shell: what is not for the shell is a comment. */
static int
print_text(struct ctl *ctl, const struct json *doc)
{
	const char *id = reply_str(doc, "accessKeyId", NULL), *secret = reply_str(doc, "secretAccessKey", NULL);
	const char *token = reply_str(doc, "token", NULL), *dir = reply_str(doc, "dataDir", ctl->dir);
	struct buf out = BUF_INIT(DOCUMENT_MAX);
	int status;

	if (!id || !secret || !token)
		return say_error(STATUS_FAILED, "init: fsd's output lacks credentials: is it of another version?");
	if (!ctl->quiet) {
		buf_addstr(&out, "# A store was created in ");
		say_plain(&out, dir);
		buf_addstr(&out, ".\n# These credentials of its administrator are shown only this once.\n");
	}
	buf_addf(&out, "export AWS_ACCESS_KEY_ID='%s'\nexport AWS_SECRET_ACCESS_KEY='%s'\n", id, secret);
	buf_addstr(&out, "export AWS_DEFAULT_REGION=us-east-1\n");
	buf_addf(&out, "export FSD_TOKEN='%s'\n", token);
	if (!ctl->quiet) {
		buf_addstr(&out, "# Next: start the daemon, and put a file into a bucket from another terminal.\n#   fsd --data ");
		args_quote(&out, dir);
		buf_addstr(&out, "\n#   aws --endpoint-url http://127.0.0.1:9000 s3 mb s3://photos\n"
				 "#   aws --endpoint-url http://127.0.0.1:9000 s3 cp README.md s3://photos/\n#   fsctl --data ");
		args_quote(&out, dir);
		buf_addstr(&out, " status\n");
	}
	status = out_write(&out);
	if (out.data)
		explicit_bzero(out.data, out.len);
	buf_release(&out);
	return status;
}

int
verb_init(struct ctl *ctl, const struct args *args)
{
	static const char *const arguments[] = { "--init", "--json", NULL };
	struct buf out = BUF_INIT(DOCUMENT_MAX);
	struct json *doc = NULL;
	char why[JSON_ERROR];
	int status;

	if (ctl->endpoint) {
		say_error(STATUS_USAGE, "init makes a store on this machine: --endpoint does not go with it");
		return verbs_usage(args->verb);
	}
	if ((status = ctl_find(ctl, true)) != STATUS_OK)
		return status;
	if ((status = spawn_run(ctl->dir, arguments, &out)) != STATUS_OK) {
		say_error(status, "init: no store was created in %s", ctl->dir);
		say_hint("fsd said why above; `fsctl --data DIR init` takes a folder that is empty or not there yet");
	} else if (buf_finish(&out) || !out.len || json_parse(out.data, out.len, why, &doc) != 0) {
		status = say_error(STATUS_FAILED, "init: fsd's output is not JSON: is it of another version?");
	} else {
		status = ctl->json ? out_document(doc) : print_text(ctl, doc);
	}
	json_free(doc);
	if (out.data)
		explicit_bzero(out.data, out.len);
	buf_release(&out);
	return status;
}
