#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "err.h"
#include "ingest.h"
#include "le.h"
#include "refs.h"
#include "store_in.h"
#include "transfer_in.h"
#include "upload.h"
#include "upload_held.h"

/*
 * upload.sync of a session, little-endian:
 *
 *	 0   1  format, 1
 *	 1   1  flags
 *	 4   4  bytes of a part, 0: by chunks
 *	 8   8  bytes of the file
 *	16   8  parent folder
 *	24   8  base version
 *	32   8  device
 *	40  32  SHA-256 that was announced, or zeros
 *
 * Part 0 of a session by chunks: the list of chunks (id, length u32) as its checksum, and as its manifest references to those that were
 * there when it began.
 */
enum { FLAG_HASH = 1, FLAG_RENAME = 2, FLAG_VERSION = 4 };

void
transfer_release(struct transfer *tr)
{
	buf_release(&tr->name);
	buf_release(&tr->chunks);
	buf_release(&tr->headers);
}

void
transfer_encode(const struct transfer *tr, uint8_t sync[TRANSFER_SYNC_SIZE])
{
	memset(sync, 0, TRANSFER_SYNC_SIZE);
	sync[0] = 1;
	sync[1] = (uint8_t)((tr->has_hash ? FLAG_HASH : 0) | (tr->rename ? FLAG_RENAME : 0) |
			    (tr->new_version ? FLAG_VERSION : 0));
	le_put32(sync + 4, tr->part_size);
	le_put64(sync + 8, tr->size);
	le_put64(sync + 16, (uint64_t)tr->parent);
	le_put64(sync + 24, (uint64_t)tr->base);
	le_put64(sync + 32, (uint64_t)tr->device);
	if (tr->has_hash)
		memcpy(sync + 40, tr->hash, 32);
}

static int
decode_chunks(const struct upload_part_row *p, struct buf *chunks)
{
	struct manifest_chunk c;

	if (p->checksum.len % TRANSFER_ENTRY_SIZE)
		return ERR_CORRUPT;
	for (size_t at = 0; at < p->checksum.len; at += TRANSFER_ENTRY_SIZE) {
		memcpy(c.id, p->checksum.p + at, 32);
		c.bytes = le_get32(p->checksum.p + at + 32);
		buf_add(chunks, &c, sizeof(c));
	}
	return buf_finish(chunks);
}

unsigned
transfer_count_parts(const struct transfer *tr)
{
	if (!tr->part_size)
		return (unsigned)transfer_chunk_count(tr);
	return (unsigned)((tr->size + tr->part_size - 1) / tr->part_size);
}

int
transfer_read(struct db_conn *db, const struct upload_row *u, struct transfer *tr)
{
	const uint8_t *s = (const uint8_t *)u->sync.p;
	struct db_row row = DB_ROW_INIT;
	struct upload_part_row p;
	int rc = 0;

	if (u->sync.len != TRANSFER_SYNC_SIZE || s[0] != 1)
		return ERR_CORRUPT;
	buf_clear(&tr->name);
	buf_clear(&tr->chunks);
	buf_clear(&tr->headers);
	buf_add(&tr->name, u->key.p, u->key.len);
	buf_add(&tr->headers, u->headers.p, u->headers.len);
	tr->id = u->id;
	tr->workspace = u->workspace;
	tr->file_id = u->file_id;
	tr->principal = u->created_by;
	tr->created_us = u->created_at;
	tr->expires_us = u->expires_at;
	tr->completed = u->status == UPLOAD_COMPLETED;
	tr->has_hash = s[1] & FLAG_HASH;
	tr->rename = s[1] & FLAG_RENAME;
	tr->new_version = s[1] & FLAG_VERSION;
	tr->part_size = le_get32(s + 4);
	tr->size = le_get64(s + 8);
	tr->parent = (int64_t)le_get64(s + 16);
	tr->base = (int64_t)le_get64(s + 24);
	tr->device = (int64_t)le_get64(s + 32);
	memcpy(tr->hash, s + 40, 32);
	if (!tr->part_size && (rc = tbl_upload_part_get(db, u->id, 0, &row, &p)) == 0)
		rc = decode_chunks(&p, &tr->chunks);
	db_row_release(&row);
	tr->parts = transfer_count_parts(tr);
	if ((rc == 0 || rc == ERR_NOTFOUND) && (rc = buf_finish(&tr->name)) == 0)
		rc = buf_finish(&tr->headers);
	return rc;
}

/* ---- look-up ---- */

int
transfer_get(struct store *store, int64_t id, int64_t principal, struct transfer *tr)
{
	struct db_row row = DB_ROW_INIT;
	struct db_conn *db = NULL;
	struct upload_row u;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = tbl_upload_by_id(db, id, &row, &u);
	if (rc == 0 && (u.kind != UPLOAD_SYNC || u.status == UPLOAD_ABORTED || (principal && u.created_by != principal)))
		rc = ERR_NOTFOUND;
	if (rc == 0)
		rc = transfer_read(db, &u, tr);
	db_row_release(&row);
	db_read_end(db);
	return rc;
}

int
transfer_part(const struct transfer *tr, unsigned number, uint64_t *size, const struct manifest_chunk **chunk)
{
	uint64_t from = (uint64_t)tr->part_size * (number - 1);

	if (number == 0 || number > tr->parts)
		return ERR_INVALID;
	*chunk = tr->part_size ? NULL : &transfer_chunks(tr)[number - 1];
	if (*chunk)
		*size = (*chunk)->bytes;
	else
		*size = tr->size - from < tr->part_size ? tr->size - from : tr->part_size;
	return 0;
}

/* What part 0 holds. */
static int
held_set(struct db_conn *db, const struct transfer *tr, struct transfer_set *set)
{
	struct db_row row = DB_ROW_INIT;
	struct upload_part_row p;
	int rc = tr->part_size ? ERR_NOTFOUND : tbl_upload_part_get(db, tr->id, 0, &row, &p);

	if (rc == 0)
		rc = transfer_set_add(set, db, p.manifest.p, p.manifest.len);
	db_row_release(&row);
	transfer_set_sort(set);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

int
transfer_walk(struct db_conn *db, const struct transfer *tr, unsigned after,
    bool (*each)(void *arg, unsigned number, const struct upload_part_row *p, bool held), void *arg)
{
	struct transfer_set held = TRANSFER_SET_INIT;
	const struct manifest_chunk *c = transfer_chunks(tr);
	struct db_row row = DB_ROW_INIT;
	struct upload_part_row p;
	bool there, goes_on = true;
	int rc, next;

	if ((rc = held_set(db, tr, &held)) == 0 && (rc = next = tbl_upload_part_scan(db, tr->id, after, &row)) == 0) {
		if ((next = db_next(&row)) == 0)
			tbl_upload_part_seen(&row, &p);
		for (unsigned i = after + 1; goes_on && i <= tr->parts && (next == 0 || next == ERR_END); i++) {
			there = next == 0 && p.number == i;
			goes_on = each(arg, i, there ? &p : NULL, !there && c && transfer_set_has(&held, c[i - 1].id));
			if (there && (next = db_next(&row)) == 0)
				tbl_upload_part_seen(&row, &p);
		}
		rc = next == ERR_END ? 0 : next;
	}
	db_row_release(&row);
	buf_release(&held.ids);
	return rc;
}

struct listing {
	struct transfer_part *parts;
	unsigned *numbers;
	unsigned max, n;
};

static bool
list_there(void *arg, unsigned number, const struct upload_part_row *p, bool held)
{
	struct listing *l = arg;
	struct transfer_part *part = &l->parts[l->n];

	if (!p && !held)
		return true;
	*part = (struct transfer_part) { .number = number };
	if (p) {
		part->size = (uint64_t)p->size;
		snprintf(part->etag, sizeof(part->etag), "%.*s", (int)p->etag.len, p->etag.p);
	}
	return ++l->n < l->max;
}

static bool
list_missing(void *arg, unsigned number, const struct upload_part_row *p, bool held)
{
	struct listing *l = arg;

	if (!p && !held)
		l->numbers[l->n++] = number;
	return l->n < l->max;
}

static int
walk_now(struct store *store, const struct transfer *tr, unsigned after,
    bool (*each)(void *arg, unsigned number, const struct upload_part_row *p, bool held), void *arg)
{
	struct db_conn *db = NULL;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = transfer_walk(db, tr, after, each, arg);
	db_read_end(db);
	return rc;
}

int
transfer_parts(struct store *store, const struct transfer *tr, unsigned after, struct transfer_part *parts,
    unsigned max, unsigned *n)
{
	struct listing l = { .parts = parts, .max = max };
	int rc = walk_now(store, tr, after, list_there, &l);

	*n = l.n;
	return rc;
}

int
transfer_missing(struct store *store, const struct transfer *tr, unsigned after, unsigned *numbers, unsigned max,
    unsigned *n)
{
	struct listing l = { .numbers = numbers, .max = max };
	int rc = walk_now(store, tr, after, list_missing, &l);

	*n = l.n;
	return rc;
}

/* ---- parts ---- */

struct part_in {
	const struct transfer *tr;
	unsigned number;
	const struct ingest_result *bytes;
};

static int
drop_part(struct txn *t, int64_t upload, unsigned number)
{
	struct db_row row = DB_ROW_INIT;
	struct upload_part_row old;
	int rc = tbl_upload_part_get(t->db, upload, number, &row, &old);

	if (rc == 0)
		rc = refs_drop(t, 0, old.manifest.p, old.manifest.len);
	db_row_release(&row);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int
still_open(struct txn *t, const struct transfer *tr)
{
	struct db_row row = DB_ROW_INIT;
	struct upload_row u;
	int rc = tbl_upload_get(t->db, tr->workspace, tr->id, &row, &u);

	if (rc == 0 && (u.kind != UPLOAD_SYNC || u.status != UPLOAD_OPEN))
		rc = ERR_NOTFOUND;
	db_row_release(&row);
	return rc;
}

static int
run_part(struct txn *t, void *arg)
{
	struct buf manifest = BUF_INIT(64 << 20), checksum = BUF_INIT(64);
	struct part_in *in = arg;
	const struct ingest_result *b = in->bytes;
	struct checksum sum = { CHECKSUM_FULL, DIGEST_SHA256, SHA256_SIZE };
	struct workspace_row *w;
	char etag[ETAG_TEXT];
	int rc;

	memcpy(sum.value, b->sha256, SHA256_SIZE);
	checksum_encode(&sum, &checksum);
	hex_encode(b->md5, MD5_SIZE, etag);
	if ((rc = txn_workspace(t, in->tr->workspace, &w)) == 0 && (rc = still_open(t, in->tr)) == 0 &&
	    (rc = upload_held_part(t, w, in->tr->id, in->number, (int64_t)b->size)) == 0 &&
	    (rc = refs_commit(t, 0, b, &manifest)) == 0 && (rc = buf_finish(&checksum)) == 0 &&
	    (rc = drop_part(t, in->tr->id, in->number)) == 0 &&
	    (rc = tbl_upload_part_put(t->db, in->tr->id, &(struct upload_part_row) {
		 .number = in->number, .size = (int64_t)b->size, .created_at = t->now_us, .etag = SLICE(etag),
		 .checksum = { checksum.data, checksum.len }, .manifest = { manifest.data, manifest.len } })) == 0)
		rc = tbl_upload_touch(t->db, in->tr->id, t->now_us + t->store->settings.upload_expiry_ms * 1000);
	buf_release(&manifest);
	buf_release(&checksum);
	return rc;
}

int
transfer_put_part(struct store *store, const struct transfer *tr, unsigned number, const struct ingest_result *bytes)
{
	struct part_in in = { tr, number, bytes };
	const struct manifest_chunk *chunk;
	uint64_t size;
	int rc = transfer_part(tr, number, &size, &chunk);

	if (rc == 0 && (bytes->size != size ||
	    (chunk && (bytes->count != 1 || memcmp(bytes->chunks->id, chunk->id, 32) != 0))))
		rc = ERR_DIGEST;
	return rc ? rc : commit_run(store, &(struct commit) { .workspace = tr->workspace, .run = run_part, .arg = &in });
}

/* ---- the end of one that is not wanted ---- */

static int
run_abort(struct txn *t, void *arg)
{
	const struct transfer *tr = arg;
	struct workspace_row *w;
	int rc = still_open(t, tr);

	/* Over at once: expiry takes its parts apart in bounded pieces. */
	if (rc == 0 && (rc = txn_workspace(t, tr->workspace, &w)) == 0 && (rc = upload_held_end(t, w, tr->id)) == 0 &&
	    (rc = tbl_upload_status(t->db, tr->id, UPLOAD_ABORTED)) == 0)
		rc = tbl_upload_touch(t->db, tr->id, 0);
	return rc;
}

int
transfer_abort(struct store *store, int64_t id, int64_t principal, struct idem *idem)
{
	struct transfer tr = TRANSFER_INIT;
	unsigned n;
	int rc;

	if ((rc = transfer_get(store, id, principal, &tr)) == 0 &&
	    (rc = idem_run(store, &(struct commit) { .workspace = tr.workspace, .run = run_abort, .arg = &tr,
		 .frees = true }, idem)) == 0)
		rc = upload_expire(store, clock_wall_us(), 1, &n);
	transfer_release(&tr);
	return rc;
}
