#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "listing.h"
#include "remote.h"
#include "reply.h"
#include "say.h"
#include "verbs.h"

#define BODY_MAX (1u << 20)

/* The file that an operand names, and the path of one of its calls. */
static int
open_file(struct ctl *ctl, const char *operand, struct remote *r, struct json **node)
{
	int status;

	if ((status = remote_open(ctl, operand, r)) != STATUS_OK || (status = remote_need(r, node)) != STATUS_OK)
		return status;
	if (strcmp(reply_str(*node, "kind", ""), "file") != 0)
		return say_error(STATUS_USAGE, "%s is a folder: versions are of files", operand);
	return STATUS_OK;
}

int
verb_versions_list(struct ctl *ctl, const struct args *args)
{
	static const struct table_column columns[] = { { "VERSION", "versionId", CELL_TEXT }, { "CREATED", "createdAt", CELL_TIME },
		{ "SIZE", "sizeBytes", CELL_SIZE }, { "BY", "createdBy", CELL_TEXT }, { "KEPT AS", "keep", CELL_TEXT },
		{ "DELETED", "deleteMarker", CELL_YES }, { NULL } };
	const struct listing listing = { .name = "versions", .columns = columns };
	struct buf path = BUF_INIT(CTL_PATH);
	struct json *node = NULL;
	struct remote r;
	int status = open_file(ctl, args->operand[0], &r, &node);

	peer_path(&path, "files", reply_str(node, "id", ""), "versions", NULL);
	if (status == STATUS_OK)
		status = listing_print(ctl, &path, &listing);
	json_free(node);
	buf_release(&path);
	remote_close(&r);
	return status;
}

/* The new version equals the old one; those between stay. */
int
verb_versions_restore(struct ctl *ctl, const struct args *args)
{
	const char *version = args->operand[1];
	struct buf path = BUF_INIT(CTL_PATH), body = BUF_INIT(BODY_MAX);
	struct json *node = NULL, *doc = NULL;
	struct json_out j;
	struct remote r;
	int status = open_file(ctl, args->operand[0], &r, &node);

	if (status != STATUS_OK)
		goto out;
	json_out_init(&j, &body, false);
	json_object_begin(&j);
	json_key_str(&j, "versionId", version);
	json_key_str(&j, "baseVersionId", reply_str(node, "versionId", NULL));
	json_object_end(&j);
	peer_path(&path, "files", reply_str(node, "id", ""), ":restore", NULL);
	if ((status = peer_call(r.peer, "POST", &path, &body, &doc)) == STATUS_OK)
		status = ctl_done(ctl, doc, &(struct ctl_change) { "path", args->operand[0], "restored",
		    reply_bool(doc, "unchanged", false) ? "is that already" : "restored" });
out:
	json_free(node);
	json_free(doc);
	buf_release(&path);
	buf_release(&body);
	remote_close(&r);
	return status;
}
