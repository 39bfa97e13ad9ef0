#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "digest.h"
#include "err.h"
#include "le.h"
#include "object_in.h"
#include "refs.h"
#include "store_in.h"
#include "tbl_file.h"
#include "transfer_in.h"
#include "upload_held.h"

/*
 * The end of a session that went well: its parts become a version in one transaction, judged there. A hash that was announced for several parts is
 * verified before, by reading them; the transaction then looks whether they are the same parts still. Where none was announced they are read too if
 * they can be what is there already, cut otherwise.
 */
#define REPEAT_US (24ll * 3600 * 1000000)	/* how long the same completion gets the same answer, at least */
#define READ_UNASKED (1ull << 30)	/* bytes that are read without a hash to verify, at most */
#define RESULT_SIZE 32	/* upload.completed_parts: sequence, before, conflict_of, unchanged; 8 bytes each */

struct completion {
	struct transfer_complete *c;
	struct transfer tr;
	bool verified;			/* `hash` is that of the parts that `list` is the digest of */
	uint8_t hash[SHA256_SIZE], list[SHA256_SIZE];
};

/* ---- where to, and what ---- */

static void
aim(const struct completion *m, struct transfer_place *p)
{
	const struct transfer_complete *c = m->c;
	const struct transfer *tr = &m->tr;

	p->workspace = tr->workspace;
	p->file = tr->new_version && !c->name && !c->parent ? tr->file_id : 0;
	p->folder = c->parent ? c->parent : tr->parent;
	p->beside = tr->new_version && !c->parent ? tr->file_id : 0;
	p->name = c->name ? SLICE(c->name) : (struct slice) { tr->name.data, tr->name.len };
}

static struct transfer_content
content_of(const struct transfer *tr, const struct transfer_gathering *parts)
{
	return (struct transfer_content) { .chunks = tr->part_size ? NULL : transfer_chunks(tr), .count = transfer_chunk_count(tr),
		.manifests = { parts->manifests.data, tr->part_size ? parts->manifests.len : 0 } };
}

/* ---- the hash, before the transaction ---- */

static int
hash_all(struct store *store, const struct transfer *tr, const struct transfer_gathering *g, struct digest *d)
{
	struct manifest m;
	struct slice s;
	size_t at = 0;
	int rc = 0;

	if (!tr->part_size)
		return transfer_hash_chunks(store, transfer_chunks(tr), transfer_chunk_count(tr), d);
	while (rc == 0 && at < g->manifests.len) {
		s = transfer_gathering_next(g, &at);
		if ((rc = manifest_decode(s.p, s.len, &m)) == 0)
			rc = transfer_hash_manifest(store, s, m.bytes, d);
	}
	return rc;
}

/* The version that is shown where this goes. ERR_NOTFOUND: none. */
static int
find_shown(struct db_conn *db, const struct completion *m, struct db_row *row, struct version_row *v)
{
	struct transfer_place p = TRANSFER_PLACE_INIT;
	struct node n = NODE_INIT;
	struct entry_row e;
	int64_t version;
	int rc;

	aim(m, &p);
	if (p.file) {
		rc = node_load(db, NODE_FILE, p.file, &n);
		version = n.version_id;
	} else {
		rc = tbl_entry_get(db, &(struct entry_at) { p.workspace, p.folder, p.name }, &e);
		version = rc ? 0 : e.version_id;
	}
	node_release(&n);
	return rc ? rc : tbl_version_get(db, p.workspace, version, row, v);
}

/* Whether the parts can be what is shown, and nothing but their bytes tells: it has their size, other chunks, and a hash that is known. */
static int
is_doubtful(struct db_conn *db, const struct completion *m, const struct transfer_gathering *g, bool *yes)
{
	const struct transfer_content content = content_of(&m->tr, g);
	struct db_row row = DB_ROW_INIT;
	struct version_row v;
	bool same;
	int rc = find_shown(db, m, &row, &v);

	*yes = false;
	if (rc == 0 && v.has_hash && (uint64_t)v.size == m->tr.size && (rc = transfer_same(db, &content, v.manifest, &same)) == 0)
		*yes = !same;
	db_row_release(&row);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* Fails only for a hash that was announced: one that nobody asked for may be out of reach, as where bytes are damaged. */
static int
verify_parts(struct store *store, struct completion *m, const struct transfer_gathering *g)
{
	struct digest *d = NULL;
	int rc = digest_new(DIGEST_SHA256, &d);

	if (rc == 0 && (rc = hash_all(store, &m->tr, g, d)) == 0) {
		digest_final(d, m->hash);
		digest_final(g->list, m->list);
		m->verified = true;
		if (m->tr.has_hash && memcmp(m->hash, m->tr.hash, sizeof(m->hash)) != 0)
			rc = ERR_DIGEST;
	}
	digest_free(d);
	return m->tr.has_hash ? rc : 0;
}

/* Only where several parts or chunks hide it: that of one is known. */
static int
verify(struct store *store, struct completion *m)
{
	struct transfer_gathering g = { .manifests = BUF_INIT(1) };
	bool wanted = m->tr.has_hash;
	struct db_conn *db = NULL;
	int rc;

	m->verified = false;
	if (m->tr.completed || m->tr.parts < 2 || (!wanted && m->tr.size > READ_UNASKED))
		return 0;
	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	if ((rc = transfer_gather(db, &m->tr, m->c, &g)) == 0 && !wanted)
		rc = is_doubtful(db, m, &g, &wanted);
	db_read_end(db);
	if (rc == 0 && wanted)
		rc = verify_parts(store, m, &g);
	transfer_gathering_release(&g);
	return rc;
}

/* ---- in the transaction ---- */

/* The SHA-256 of the whole, if it is known. ERR_DIGEST: not what was announced. ERR_AGAIN: other parts than were verified. */
static int
whole_hash(const struct completion *m, struct transfer_gathering *g, const uint8_t **hash)
{
	const struct transfer *tr = &m->tr;
	uint8_t list[SHA256_SIZE];

	*hash = NULL;
	if (tr->parts == 0)
		digest_sha256("", 0, g->sha256);
	else if (tr->parts == 1 && !tr->part_size)
		memcpy(g->sha256, transfer_chunks(tr)->id, sizeof(g->sha256));
	if (tr->parts < 2) {
		*hash = g->sha256;
		return tr->has_hash && memcmp(g->sha256, tr->hash, sizeof(tr->hash)) != 0 ? ERR_DIGEST : 0;
	}
	if (!tr->has_hash && !m->verified)
		return 0;
	digest_final(g->list, list);
	if (!m->verified || memcmp(list, m->list, sizeof(list)) != 0)
		return tr->has_hash ? ERR_AGAIN : 0;
	*hash = m->hash;
	return 0;
}

static void
make_etag(const struct transfer *tr, struct transfer_gathering *g, const uint8_t *hash, char etag[ETAG_TEXT])
{
	uint8_t sum[SHA256_SIZE];
	char hex[2 * MD5_SIZE + 1];

	if (tr->part_size && tr->parts == 1) {
		memcpy(etag, g->etag, ETAG_TEXT);
		return;
	}
	if (tr->part_size && tr->parts > 1) {
		digest_final(g->md5s, sum);
		hex_encode(sum, MD5_SIZE, hex);
		snprintf(etag, ETAG_TEXT, "%s-%u", hex, tr->parts);
		return;
	}
	transfer_etag(hash, transfer_chunks(tr), transfer_chunk_count(tr), etag);
}

/* The references of the parts become the version's. */
static int
take_over(struct txn *t, const struct transfer *tr, const struct transfer_gathering *g, struct buf *manifest)
{
	const void **manifests = calloc(tr->parts ? tr->parts : 1, sizeof(*manifests));
	size_t *lens = calloc(tr->parts ? tr->parts : 1, sizeof(*lens)), n = 0;
	struct manifest m;
	struct slice s;
	int rc = manifests && lens ? 0 : ERR_NOMEM;

	for (size_t at = 0; rc == 0 && at < g->manifests.len; n++) {
		s = transfer_gathering_next(g, &at);
		manifests[n] = s.p;
		lens[n] = s.len;
	}
	if (rc == 0 && n == 1 && (rc = manifest_decode(manifests[0], lens[0], &m)) == 0 && m.kind == MANIFEST_INLINE) {
		/* Now it is the workspace's. */
		buf_add(manifest, manifests[0], lens[0]);
		if ((rc = refs_drop(t, 0, manifests[0], lens[0])) == 0)
			rc = refs_take(t, tr->workspace, manifests[0], lens[0]);
	} else if (rc == 0) {
		rc = refs_join(manifests, lens, n, manifest);
	}
	free(manifests);
	free(lens);
	return rc ? rc : buf_finish(manifest);
}

static int
drop_parts(struct txn *t, const struct transfer *tr)
{
	struct db_row row = DB_ROW_INIT;
	struct upload_part_row p;
	int rc = tbl_upload_part_scan(t->db, tr->id, -1, &row);

	while (rc == 0 && (rc = db_next(&row)) == 0) {
		tbl_upload_part_seen(&row, &p);
		rc = refs_drop(t, 0, p.manifest.p, p.manifest.len);
	}
	db_row_release(&row);
	return rc == ERR_END ? 0 : rc;
}

static int
make_manifest(struct txn *t, const struct transfer *tr, const struct transfer_gathering *g, struct buf *manifest)
{
	size_t at;
	int rc;

	if (tr->part_size)
		return take_over(t, tr, g, manifest);
	if ((rc = refs_of_chunks(t, tr->workspace, transfer_chunks(tr), transfer_chunk_count(tr), manifest, &at)) != 0)
		return rc == ERR_NOTFOUND ? ERR_CORRUPT : rc;	/* the session held them */
	return drop_parts(t, tr);
}

static int
find_place(struct txn *t, struct completion *m, const struct transfer_gathering *parts, const uint8_t *hash, struct transfer_place *p)
{
	struct transfer_complete *c = m->c;
	struct transfer *tr = &m->tr;
	int rc;

	aim(m, p);
	p->base = c->has_base ? c->base : c->name ? 0 : tr->base;
	p->rename = c->rename || tr->rename;
	p->label = c->label;
	p->who = c->who;
	p->actor = (struct actor) { c->who->id, c->device ? c->device : tr->device };
	p->size = tr->size;
	p->hash = hash;
	p->content = content_of(tr, parts);
	rc = transfer_place_find(t, p);
	c->conflict_of = p->conflict_of;
	c->current = p->current;
	memcpy(c->conflict_name, p->conflict_name, sizeof(c->conflict_name));
	return rc;
}

/* ---- the result ---- */

static int
note_result(struct txn *t, struct completion *m, int64_t version)
{
	struct transfer_complete *c = m->c;
	uint8_t result[RESULT_SIZE];

	le_put64(result, (uint64_t)c->sequence);
	le_put64(result + 8, (uint64_t)c->before);
	le_put64(result + 16, (uint64_t)c->conflict_of);
	le_put64(result + 24, c->unchanged);
	return tbl_upload_complete(t->db, m->tr.id, (struct slice) { (const char *)result, sizeof(result) }, version,
	    c->node.id, t->now_us + REPEAT_US);
}

/* The hash of the version that was made: the file can show another by now. */
static int
repeat_hash(struct txn *t, const struct upload_row *u, struct node *n)
{
	struct db_row row = DB_ROW_INIT;
	struct version_row v;
	int rc = tbl_version_get(t->db, u->workspace, u->result_version, &row, &v);

	n->has_hash = rc == 0 && v.has_hash;
	if (n->has_hash)
		memcpy(n->content_hash, v.hash, sizeof(n->content_hash));
	db_row_release(&row);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* What it was answered; where the file has gone meanwhile, as far as that is known. */
static int
repeat(struct txn *t, struct completion *m, const struct upload_row *u)
{
	struct transfer_complete *c = m->c;
	const char *r = u->completed_parts.p;
	int rc;

	if (u->completed_parts.len != RESULT_SIZE)
		return ERR_CORRUPT;
	c->repeated = true;
	c->sequence = (int64_t)le_get64(r);
	c->before = (int64_t)le_get64(r + 8);
	c->conflict_of = (int64_t)le_get64(r + 16);
	c->unchanged = le_get64(r + 24) != 0;
	if ((rc = node_load(t->db, NODE_FILE, u->file_id, &c->node)) == ERR_NOTFOUND) {
		c->node.kind = NODE_FILE;
		c->node.id = u->file_id;
		c->node.workspace = u->workspace;
		rc = 0;
	}
	c->node.version_id = u->result_version;
	return rc ? rc : repeat_hash(t, u, &c->node);
}

static int
keep_as_it_is(struct txn *t, struct completion *m, const struct target *g)
{
	struct transfer_complete *c = m->c;
	int rc;

	c->unchanged = true;
	c->before = c->sequence = g->w->sequence;
	if ((rc = drop_parts(t, &m->tr)) != 0 || (rc = tbl_upload_parts_delete(t->db, m->tr.id)) != 0 ||
	    (rc = node_load(t->db, NODE_FILE, g->entry.node_id, &c->node)) != 0)
		return rc;
	return note_result(t, m, g->entry.version_id);
}

/* An id that was reserved is taken once; that of a file in the trash stays with it. */
static int64_t
id_for(struct txn *t, const struct completion *m)
{
	int state;

	if (m->c->conflict_of || tbl_file_state(t->db, m->tr.workspace, m->tr.file_id, &state) != ERR_NOTFOUND)
		return 0;
	return m->tr.file_id;
}

static int
commit_version(struct txn *t, struct completion *m, struct transfer_place *p, struct transfer_gathering *parts)
{
	static const struct checksum none = { CHECKSUM_NONE };
	struct object_info info = OBJECT_INFO_INIT;
	struct buf manifest = BUF_INIT(64 << 20);
	struct transfer_complete *c = m->c;
	struct transfer *tr = &m->tr;
	struct workspace_row *w;
	char etag[ETAG_TEXT];
	int rc;

	if ((rc = txn_workspace(t, tr->workspace, &w)) != 0)
		return rc;
	c->before = w->sequence;
	make_etag(tr, parts, p->hash, etag);
	if ((rc = transfer_place_revive(t, p)) == 0 && (rc = make_manifest(t, tr, parts, &manifest)) == 0 &&
	    (rc = transfer_place_commit(t, p, &(struct object_new) { .size = tr->size, .etag = etag, .hash = p->hash,
		 .checksum = &none, .headers = { tr->headers.data ? tr->headers.data : "", tr->headers.len },
		 .manifest = { manifest.data, manifest.len }, .file_id = id_for(t, m) }, &info)) == 0 &&
	    (rc = tbl_upload_parts_delete(t->db, tr->id)) == 0)
		rc = node_load(t->db, NODE_FILE, info.file_id, &c->node);
	c->sequence = info.sequence;
	buf_release(&manifest);
	object_info_release(&info);
	return rc ? rc : note_result(t, m, c->node.version_id);
}

static int
complete(struct txn *t, struct completion *m)
{
	struct transfer_gathering parts = { .manifests = BUF_INIT(1) };
	struct transfer_place p = TRANSFER_PLACE_INIT;
	struct workspace_row *w;
	const uint8_t *hash;
	int rc;

	if ((rc = transfer_gather(t->db, &m->tr, m->c, &parts)) == 0 && (rc = whole_hash(m, &parts, &hash)) == 0 &&
	    (rc = txn_workspace(t, m->tr.workspace, &w)) == 0 && (rc = upload_held_end(t, w, m->tr.id)) == 0 &&
	    (rc = find_place(t, m, &parts, hash, &p)) == 0)
		rc = p.same ? keep_as_it_is(t, m, &p.target) : commit_version(t, m, &p, &parts);
	transfer_place_release(&p);
	transfer_gathering_release(&parts);
	return rc;
}

static int
run_complete(struct txn *t, void *arg)
{
	struct completion *m = arg;
	struct transfer_complete *c = m->c;
	struct db_row row = DB_ROW_INIT;
	struct upload_row u;
	int rc;

	c->repeated = c->unchanged = false;
	c->current = 0;
	rc = tbl_upload_get(t->db, m->tr.workspace, c->id, &row, &u);
	if (rc == 0 && (u.kind != UPLOAD_SYNC || u.status == UPLOAD_ABORTED))
		rc = ERR_NOTFOUND;
	if (rc == 0 && u.status == UPLOAD_COMPLETED)
		rc = repeat(t, m, &u);
	else if (rc == 0 && (rc = transfer_read(t->db, &u, &m->tr)) == 0)
		rc = complete(t, m);
	db_row_release(&row);
	return rc;
}

/* How often the parts may be sent anew while they are verified. */
#define TRIES 3

int
transfer_complete(struct store *store, struct transfer_complete *c, struct idem *idem)
{
	struct completion m = { .c = c, .tr = TRANSFER_INIT };
	int rc = ERR_AGAIN;

	for (int i = 0; rc == ERR_AGAIN && i < TRIES; i++)
		if ((rc = transfer_get(store, c->id, c->who->id, &m.tr)) == 0 && (rc = verify(store, &m)) == 0)
			rc = idem_run(store, &(struct commit) { .workspace = m.tr.workspace, .run = run_complete, .arg = &m,
			    .large = true }, idem);
	transfer_release(&m.tr);
	return rc == ERR_AGAIN ? ERR_BUSY : rc;
}
