#include "commit.h"
#include "db.h"
#include "err.h"
#include "limits.h"
#include "tbl_upload.h"
#include "upload_held.h"
#include "workspace.h"

static void
count(struct workspace_row *w, int uploads, int64_t bytes)
{
	w->uploads += uploads;
	w->upload_bytes += bytes;
	w->dirty = true;
}

/* Who owns the workspace always has room; of others it matters only when the half is taken. */
static int
check_share(struct txn *t, const struct workspace_row *w, int64_t principal)
{
	int64_t n = 0;
	int rc = 0;

	if (w->uploads >= LIMIT_UPLOADS_EACH && principal != w->owner_id)
		rc = tbl_upload_count(t->db, w->id, principal, &n);
	return rc ? rc : n >= LIMIT_UPLOADS_EACH ? ERR_TOOMANY : 0;
}

int
upload_held_open(struct txn *t, struct workspace_row *w, const struct upload_row *u)
{
	int rc = w->uploads >= LIMIT_UPLOADS ? ERR_TOOMANY : check_share(t, w, u->created_by);

	if (rc)
		return rc;
	count(w, 1, 0);
	return tbl_upload_insert(t->db, u);
}

static int
size_of(struct txn *t, int64_t upload, int64_t number, int64_t *size)
{
	struct db_row row = DB_ROW_INIT;
	struct upload_part_row p;
	int rc = tbl_upload_part_get(t->db, upload, number, &row, &p);

	*size = rc ? 0 : p.size;
	db_row_release(&row);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

int
upload_held_part(struct txn *t, struct workspace_row *w, int64_t upload, int64_t number, int64_t size)
{
	int64_t before;
	int rc = size_of(t, upload, number, &before);

	if (rc == 0 && (rc = workspace_admit(w, size - before)) == 0)
		count(w, 0, size - before);
	return rc;
}

int
upload_held_end(struct txn *t, struct workspace_row *w, int64_t upload)
{
	int64_t bytes;
	int rc = tbl_upload_bytes(t->db, upload, &bytes);

	if (rc == 0)
		count(w, -1, -bytes);
	return rc;
}

int
upload_held_again(struct txn *t, struct workspace_row *w, int64_t upload)
{
	int64_t bytes;
	int rc = tbl_upload_bytes(t->db, upload, &bytes);

	if (rc == 0 && (rc = workspace_admit(w, bytes)) == 0)
		count(w, 1, bytes);
	return rc;
}
