#include <string.h>

#include "db.h"
#include "err.h"
#include "limits.h"
#include "store_in.h"
#include "tbl_upload.h"
#include "upload.h"

/* ListMultipartUploads: a walk over the open uploads in order of key and id, with common prefixes rolled up. */
struct walk {
	const struct upload_list *q;
	void (*each)(void *arg, const struct upload_list_item *item);
	void *arg;
	unsigned shown;
	struct buf prefix;	/* the common prefix shown last */
	struct buf *next_key;
	int64_t *next_id;
};

/* The common prefix of a key, or nothing. */
static struct slice
common_prefix(const struct upload_list *q, struct slice key)
{
	const char *from = key.p + q->prefix.len, *at;
	size_t left = key.len - q->prefix.len;

	if (!q->delimiter.len || !(at = memmem(from, left, q->delimiter.p, q->delimiter.len)))
		return (struct slice) { NULL, 0 };
	return (struct slice) { key.p, (size_t)(at - key.p) + q->delimiter.len };
}

static void
remember(struct walk *w, struct slice key, int64_t id)
{
	buf_clear(w->next_key);
	buf_add(w->next_key, key.p, key.len);
	*w->next_id = id;
}

static bool
has_prefix(struct slice key, struct slice prefix)
{
	return key.len >= prefix.len && !memcmp(key.p, prefix.p, prefix.len);
}

/* Shows one upload, or its common prefix once. True when the page is full and something is left. */
static bool
show(struct walk *w, const struct upload_row *u)
{
	struct slice common = common_prefix(w->q, u->key), last = { w->prefix.data, w->prefix.len };

	if (common.p && last.len && !bytes_cmp(common.p, common.len, last.p, last.len))
		return false;
	if (w->shown == w->q->max)
		return true;
	if (common.p) {
		buf_clear(&w->prefix);
		buf_add(&w->prefix, common.p, common.len);
		w->each(w->arg, &(struct upload_list_item) { .key = common, .prefix = true });
		remember(w, common, 0);
	} else {
		w->each(w->arg, &(struct upload_list_item) { .key = u->key, .id = u->id, .created_us = u->created_at,
		    .created_by = u->created_by, .checksum_kind = (uint8_t)u->checksum_algorithm,
		    .checksum_type = (enum checksum_type)u->checksum_type });
		remember(w, u->key, u->id);
	}
	w->shown++;
	return false;
}

/* A key-marker that is a common prefix was shown as one: all below it is behind us. */
static void
start(struct walk *w)
{
	const struct upload_list *q = w->q;
	struct slice after = q->after_key;

	if (after.len > q->prefix.len && has_prefix(after, q->prefix) && q->delimiter.len && after.len >= q->delimiter.len &&
	    !memcmp(after.p + after.len - q->delimiter.len, q->delimiter.p, q->delimiter.len))
		buf_add(&w->prefix, after.p, after.len);
}

int
upload_list(struct store *store, const struct upload_list *query,
    void (*each)(void *arg, const struct upload_list_item *item), void *arg, bool *truncated, struct buf *next_key,
    int64_t *next_id)
{
	struct walk w = { .q = query, .each = each, .arg = arg, .next_key = next_key, .next_id = next_id,
		.prefix = BUF_INIT(LIMIT_KEY_STORED) };
	bool behind = bytes_cmp(query->after_key.p, query->after_key.len, query->prefix.p, query->prefix.len) >= 0;
	struct db_row row = DB_ROW_INIT;
	struct db_conn *db = NULL;
	struct upload_row u;
	bool full = false;
	int rc;

	start(&w);
	if ((rc = db_read_begin(store->db, &db)) != 0)
		goto out;
	/* Without an upload-id-marker, all uploads of the key-marker itself are behind. */
	rc = behind && query->after_key.len
	    ? tbl_upload_scan(db, query->workspace, query->after_key, query->after_id ? query->after_id : INT64_MAX, &row)
	    : tbl_upload_scan(db, query->workspace, query->prefix, 0, &row);
	while (rc == 0 && !full && (rc = db_next(&row)) == 0) {
		tbl_upload_seen(&row, &u);
		if (has_prefix(u.key, query->prefix))
			full = show(&w, &u);
		else if (bytes_cmp(u.key.p, u.key.len, query->prefix.p, query->prefix.len) > 0)
			break;
	}
	if (rc == ERR_END)
		rc = 0;
	*truncated = full;
	if (!full)
		remember(&w, (struct slice) { "", 0 }, 0);
	if (rc == 0 && (rc = buf_finish(&w.prefix)) == 0)
		rc = buf_finish(next_key);
	db_row_release(&row);
out:
	db_read_end(db);
	buf_release(&w.prefix);
	return rc;
}
