#include "err.h"
#include "object_in.h"
#include "planted.h"
#include "refs.h"

/* Copies by reference. */

struct copying {
	const struct object_copy *copy;
	struct object_info *info;
	struct target target;
};

/* The source is read in the transaction: a version that was destroyed meanwhile has no references to give. */
static int
copy_version(struct txn *t, struct copying *c, const struct version_row *from)
{
	const struct object_copy *copy = c->copy;
	struct checksum checksum = copy->checksum;
	struct slice headers = from->headers;
	int rc;

	if (from->kind != VERSION_CONTENT)
		return ERR_INVALID;
	if (!copy->has_checksum &&
	    (rc = checksum_decode(from->checksum.p, from->checksum.len, &checksum)) != 0)
		return rc;
	if (copy->headers)
		headers = (struct slice) { copy->headers->data, copy->headers->len };
	if ((rc = object_admit(&c->target, (uint64_t)from->size)) != 0 ||
	    (rc = PLANTED("copy") ? 0 : refs_take(t, copy->workspace, from->manifest.p, from->manifest.len)) != 0)
		return rc;
	return object_commit(t, &c->target, &(struct object_new) {
		.size = (uint64_t)from->size, .etag = from->etag, .hash = from->has_hash ? from->hash : NULL,
		.checksum = &checksum, .headers = headers, .manifest = from->manifest, .parts = from->parts }, c->info);
}

static int
run_copy(struct txn *t, void *arg)
{
	struct copying *c = arg;
	const struct object_copy *copy = c->copy;
	struct db_row row = DB_ROW_INIT;
	struct version_row from;
	int rc;

	if ((rc = object_aim(t, copy->workspace, copy->key, copy->actor, &c->target)) != 0 ||
	    (rc = object_judge(&c->target, &copy->expect)) != 0)
		return rc;
	rc = tbl_version_get(t->db, copy->from->workspace, copy->from->version_id, &row, &from);
	if (rc == 0)
		rc = copy_version(t, c, &from);
	db_row_release(&row);
	return rc;
}

int
object_copy(struct store *store, const struct object_copy *copy, struct object_info *info)
{
	struct copying c = { .copy = copy, .info = info };
	int rc;

	if ((rc = namespace_key_check(copy->key)) != 0)
		return rc;
	rc = commit_run(store, &(struct commit) { .workspace = copy->workspace, .run = run_copy, .arg = &c });
	if (rc == 0)
		namespace_learn(store, copy->workspace, &c.target.place);
	return rc;
}
