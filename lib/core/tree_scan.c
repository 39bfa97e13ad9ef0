#include <stdlib.h>

#include "err.h"
#include "tbl_entry.h"
#include "tree_scan.h"

void
tree_scan_release(struct tree_scan *s)
{
	free(s->list);
	buf_release(&s->names);
	s->list = NULL;
	s->n = s->size = 0;
}

static int
add(struct tree_scan *s, const struct tree_scanned *folder)
{
	struct tree_scanned *grown;
	size_t size = s->size ? 2 * s->size : 64;

	if (s->n == s->size) {
		if (!(grown = reallocarray(s->list, size, sizeof(*grown))))
			return ERR_NOMEM;
		s->list = grown;
		s->size = size;
	}
	s->list[s->n++] = *folder;
	return 0;
}

static int
see_folder(struct tree_scan *s, size_t parent, const struct entry_seen *e)
{
	struct tree_scanned f = { .folder = e->node_id, .parent = parent, .name = s->names.len, .len = e->name.len };

	f.foreign = s->list[parent].foreign || e->born > s->seen;
	f.unseen = f.foreign;
	buf_add(&s->names, e->name.p, e->name.len);
	return buf_finish(&s->names) ? buf_finish(&s->names) : add(s, &f);
}

static void
see_file(struct tree_scan *s, struct tree_scanned *f, const struct entry_seen *e)
{
	if (!e->live) {
		s->newest = e->modified_at > s->newest ? e->modified_at : s->newest;
		return;
	}
	f->objects++;
	f->bytes += e->size;
	if (e->name.len == 0)
		return;		/* a marker follows its folder */
	f->files++;
	if (f->foreign || e->born > s->seen || e->latest > s->seen) {
		f->unseen++;
		f->kept++;
	}
}

static int
scan_one(struct txn *t, int64_t workspace, bool hidden, struct tree_scan *s, size_t i)
{
	struct entry_at at = { workspace, s->list[i].folder, { "", 0 } };
	struct db_row row = DB_ROW_INIT;
	struct entry_seen e;
	int rc = tbl_entry_scan(t->db, &at, &row);

	while (rc == 0 && (rc = db_next(&row)) == 0) {
		tbl_entry_seen(&row, &e);
		if (e.kind == ENTRY_FILE)
			see_file(s, &s->list[i], &e);
		else if (e.live || hidden)
			rc = see_folder(s, i, &e);
	}
	db_row_release(&row);
	return rc == ERR_END ? 0 : rc;
}

int
tree_scan(struct txn *t, int64_t workspace, int64_t folder, bool hidden, struct tree_scan *s)
{
	int rc = add(s, &(struct tree_scanned) { .folder = folder });

	for (size_t i = 0; rc == 0 && i < s->n; i++)
		rc = scan_one(t, workspace, hidden, s, i);
	for (size_t i = s->n; rc == 0 && i-- > 1;) {
		struct tree_scanned *above = &s->list[s->list[i].parent], *f = &s->list[i];

		above->objects += f->objects;
		above->bytes += f->bytes;
		above->files += f->files;
		above->unseen += f->unseen;
		above->kept += f->kept;
	}
	return rc;
}
