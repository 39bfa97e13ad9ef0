#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commit.h"
#include "db.h"
#include "digest.h"
#include "err.h"
#include "limits.h"
#include "refs.h"
#include "str.h"
#include "upload_in.h"

/* A part that is there and listed. */
struct piece {
	uint64_t size;
	struct checksum checksum;
	size_t at, len;		/* of its manifest in `manifests` */
};

struct pieces {
	struct piece *list;
	size_t count;
	struct buf manifests;
};

void
upload_joined_release(struct upload_joined *j)
{
	buf_release(&j->manifest);
	buf_release(&j->sizes);
}

int
upload_wrong(struct upload_complete *c, int wrong, unsigned part, const char *why)
{
	c->wrong = wrong;
	c->wrong_part = part;
	c->why = why;
	return ERR_INVALID;
}

int
upload_etag(const struct upload_complete *c, char etag[ETAG_TEXT])
{
	struct buf md5s = BUF_INIT(LIMIT_PARTS * MD5_SIZE);
	uint8_t md5[MD5_SIZE];
	char hex[2 * MD5_SIZE + 1];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->count; i++)
		if ((rc = hex_decode(c->parts[i].etag, strlen(c->parts[i].etag), md5, MD5_SIZE)) == 0)
			buf_add(&md5s, md5, MD5_SIZE);
	if (rc == 0 && (rc = buf_finish(&md5s)) == 0) {
		digest_md5(md5s.data, md5s.len, md5);
		hex_encode(md5, MD5_SIZE, hex);
		snprintf(etag, ETAG_TEXT, "%s-%zu", hex, c->count);
	}
	buf_release(&md5s);
	return rc;
}

/* ---- the list against what is there ---- */

static bool
same_checksum(const struct checksum *given, const struct checksum *there)
{
	return given->type == CHECKSUM_NONE || (there->type != CHECKSUM_NONE && given->kind == there->kind &&
	    given->len == there->len && !memcmp(given->value, there->value, given->len));
}

static int
compare(struct upload_complete *c, const struct upload_part *listed, const struct upload_part_row *there,
    struct checksum *checksum)
{
	int rc = checksum_decode(there->checksum.p, there->checksum.len, checksum);

	if (rc)
		return rc;
	if (!slice_is(there->etag, listed->etag))
		return upload_wrong(c, COMPLETE_NO_PART, listed->number, "The ETag of a part is not the one listed.");
	if (!same_checksum(&listed->checksum, checksum))
		return upload_wrong(c, COMPLETE_CHECKSUM, listed->number, "The checksum of a part is not the one listed.");
	return 0;
}

static int
check_order(struct upload_complete *c)
{
	if (c->count == 0)
		return upload_wrong(c, COMPLETE_NO_PART, 0, "No part is listed.");
	for (size_t i = 0; i < c->count; i++)
		if (c->parts[i].number == 0 || c->parts[i].number > LIMIT_PARTS ||
		    (i && c->parts[i].number <= c->parts[i - 1].number))
			return upload_wrong(c, COMPLETE_ORDER, c->parts[i].number, "Parts are not in ascending order.");
	return 0;
}

/* Looked at once all are known to be there: a small part is no error of its own where a later one was never sent. */
static int
check_sizes(struct upload_complete *c, const struct pieces *p)
{
	for (size_t i = 0; i + 1 < p->count; i++)
		if (p->list[i].size < LIMIT_PART_MIN)
			return upload_wrong(c, COMPLETE_TOO_SMALL, c->parts[i].number, "A part is smaller than 5 MiB.");
	return 0;
}

static void
keep(struct pieces *p, const struct upload_part_row *there, const struct checksum *checksum)
{
	p->list[p->count++] = (struct piece) { (uint64_t)there->size, *checksum, p->manifests.len, there->manifest.len };
	buf_add(&p->manifests, there->manifest.p, there->manifest.len);
}

/* Both are in order of numbers. What is there and not listed ends with the upload. */
static int
collect(struct txn *t, int64_t upload, struct upload_complete *c, struct pieces *p)
{
	struct db_row row = DB_ROW_INIT;
	struct upload_part_row there;
	struct checksum checksum;
	size_t i = 0;
	int rc = tbl_upload_part_scan(t->db, upload, 0, &row);

	while (rc == 0 && (rc = db_next(&row)) == 0) {
		tbl_upload_part_seen(&row, &there);
		if (i < c->count && (int64_t)c->parts[i].number < there.number)
			break;
		if (i == c->count || (int64_t)c->parts[i].number > there.number) {
			rc = refs_drop(t, 0, there.manifest.p, there.manifest.len);
			continue;
		}
		if ((rc = compare(c, &c->parts[i], &there, &checksum)) == 0)
			keep(p, &there, &checksum);
		i++;
	}
	db_row_release(&row);
	if (rc != 0 && rc != ERR_END)
		return rc;
	if (i < c->count)
		return upload_wrong(c, COMPLETE_NO_PART, c->parts[i].number, "A part that is listed is not there.");
	return buf_finish(&p->manifests);
}

/* ---- what the whole has ---- */

/*
 * Composite: the digest of the parts' digests. Full object: the parts' CRCs combined.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
static int
combine(const struct upload_row *u, struct upload_complete *c, const struct pieces *p, struct checksum *whole)
{
	enum digest_kind kind = (enum digest_kind)u->checksum_algorithm;
	struct buf values = BUF_INIT(LIMIT_PARTS * DIGEST_MAX);
	int rc = 0;

	*whole = (struct checksum) { (enum checksum_type)u->checksum_type, (uint8_t)kind, (uint8_t)digest_size(kind) };
	for (size_t i = 0; rc == 0 && i < p->count; i++) {
		const struct checksum *part = &p->list[i].checksum;

		if (part->type == CHECKSUM_NONE || part->kind != kind || part->len != whole->len)
			rc = upload_wrong(c, COMPLETE_CHECKSUM, c->parts[i].number, "A part has no checksum of the upload's kind.");
		else if (whole->type == CHECKSUM_COMPOSITE)
			buf_add(&values, part->value, part->len);
		else if (i == 0)
			memcpy(whole->value, part->value, part->len);
		else
			digest_join(kind, whole->value, part->value, p->list[i].size, whole->value);
	}
	if (rc == 0 && whole->type == CHECKSUM_COMPOSITE && (rc = buf_finish(&values)) == 0) {
		whole->parts = (uint16_t)p->count;
		digest_once(kind, values.data, values.len, whole->value);
	}
	buf_release(&values);
	return rc;
}

/* An upload for which no checksum was asked could only have one of the whole. */
static bool
same_type(const struct upload_row *u, const struct upload_complete *c)
{
	return c->checksum_type == CHECKSUM_NONE ||
	    (int)c->checksum_type == (u->checksum_type == CHECKSUM_NONE ? CHECKSUM_FULL : u->checksum_type);
}

static int
check_whole(const struct upload_row *u, struct upload_complete *c, const struct pieces *p, struct upload_joined *j)
{
	int rc;

	for (size_t i = 0; i < p->count; i++) {
		j->size += p->list[i].size;
		buf_addle(&j->sizes, p->list[i].size, 8);
	}
	if (j->size > LIMIT_OBJECT)
		return ERR_TOOBIG;
	if (c->object_size != UINT64_MAX && c->object_size != j->size)
		return upload_wrong(c, COMPLETE_OK, 0, "The provided object size does not match the sum of the parts.");
	if (!same_type(u, c))
		return upload_wrong(c, COMPLETE_OK, 0, "The checksum type is not that of the upload.");
	if (u->checksum_type != CHECKSUM_NONE && (rc = combine(u, c, p, &j->checksum)) != 0)
		return rc;
	if (!same_checksum(&c->checksum, &j->checksum))
		return upload_wrong(c, COMPLETE_CHECKSUM, 0, "The checksum of the whole object is not the one announced.");
	return buf_finish(&j->sizes);
}

/* There is a piece at least: check_order() and collect() have refused the rest. */
static int
join_manifests(const struct pieces *p, struct buf *joined)
{
	const void **manifests;
	size_t *lens;
	int rc = ERR_NOMEM;

	assert(p->count > 0);
	manifests = calloc(p->count, sizeof(*manifests));
	lens = calloc(p->count, sizeof(*lens));
	if (manifests && lens) {
		for (size_t i = 0; i < p->count; i++) {
			manifests[i] = p->manifests.data + p->list[i].at;
			lens[i] = p->list[i].len;
		}
		rc = refs_join(manifests, lens, p->count, joined);
	}
	free(manifests);
	free(lens);
	return rc;
}

int
upload_join(struct txn *t, const struct upload_row *u, struct upload_complete *c, struct upload_joined *j)
{
	struct pieces p = { .manifests = BUF_INIT(256 << 20) };
	int rc;

	buf_clear(&j->manifest);
	buf_clear(&j->sizes);
	j->size = 0;
	j->checksum = (struct checksum) { CHECKSUM_NONE };
	if ((rc = check_order(c)) != 0)
		return rc;
	if (!(p.list = calloc(c->count, sizeof(*p.list))))
		return ERR_NOMEM;
	if ((rc = collect(t, u->id, c, &p)) == 0 && (rc = check_sizes(c, &p)) == 0 &&
	    (rc = check_whole(u, c, &p, j)) == 0 && (rc = upload_etag(c, j->etag)) == 0)
		rc = join_manifests(&p, &j->manifest);
	free(p.list);
	buf_release(&p.manifests);
	return rc;
}
