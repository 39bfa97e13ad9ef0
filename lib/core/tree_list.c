#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "err.h"
#include "fold.h"
#include "store_in.h"
#include "tbl_entry.h"
#include "tbl_node.h"
#include "tbl_workspace.h"
#include "tree.h"
#include "twin.h"

/* The children of a folder: the page is read first, then the names of the whole folder go by for collisions. */
#define COLLISIONS 16			/* told of one name */

struct child {
	enum node_kind kind;
	int64_t id;
	size_t name, len;		/* in page.names, as stored */
	uint64_t folded;
	struct tree_sibling collides[COLLISIONS];
	unsigned ncollides;
};

struct page {
	struct tree_children *q;
	struct db_conn *db;
	struct child *list;
	unsigned n;
	bool more;
	struct buf names;
	unsigned *slots;		/* open hashing by what names fold to: index + 1 */
	size_t mask;
};

/* Without a folder's slash. */
static struct slice
plain(struct slice name)
{
	if (name.len && name.p[name.len - 1] == '/')
		name.len--;
	return name;
}

static struct slice
name_of(const struct page *p, const struct child *c)
{
	return (struct slice) { p->names.data + c->name, c->len };
}

static int
add_child(struct page *p, const struct entry_seen *e)
{
	struct child *c = &p->list[p->n];
	struct slice name = plain(e->name);

	if (p->n == p->q->limit) {
		p->more = true;
		return ERR_END;
	}
	*c = (struct child) { .kind = e->kind == ENTRY_FOLDER ? NODE_FOLDER : NODE_FILE, .id = e->node_id,
		.name = p->names.len, .len = e->name.len };
	p->n++;
	buf_add(&p->names, e->name.p, e->name.len);
	return buf_finish(&p->names) ? buf_finish(&p->names) : fold_name(name.p, name.len, &c->folded);
}

/* What the page shows. Names at or behind the later of the prefix and the least string above `after`. */
static int
read_page(struct page *p)
{
	struct tree_children *q = p->q;
	struct entry_at at = { q->workspace, q->folder, q->prefix };
	struct buf from = BUF_INIT(LIMIT_KEY_STORED);
	struct db_row row = DB_ROW_INIT;
	struct entry_seen e;
	int rc;

	if (q->after.len) {
		buf_add(&from, q->after.p, q->after.len);
		buf_addch(&from, '\0');
		if (bytes_cmp(from.data, from.len, q->prefix.p, q->prefix.len) > 0)
			at.name = (struct slice) { from.data, from.len };
	}
	rc = buf_finish(&from) ? buf_finish(&from) : tbl_entry_scan(p->db, &at, &row);
	while (rc == 0 && (rc = db_next(&row)) == 0) {
		tbl_entry_seen(&row, &e);
		if (e.name.len < q->prefix.len || memcmp(e.name.p, q->prefix.p, q->prefix.len) != 0)
			break;
		if (e.live && e.name.len)
			rc = add_child(p, &e);
	}
	db_row_release(&row);
	buf_release(&from);
	return rc == ERR_END ? 0 : rc;
}

static int
index_page(struct page *p)
{
	for (p->mask = 16; p->mask < 2 * (size_t)p->n; p->mask *= 2)
		;
	if (!(p->slots = calloc(p->mask, sizeof(*p->slots))))
		return ERR_NOMEM;
	p->mask--;
	for (unsigned i = 0; i < p->n; i++) {
		size_t at = p->list[i].folded & p->mask;

		while (p->slots[at])
			at = (at + 1) & p->mask;
		p->slots[at] = i + 1;
	}
	return 0;
}

/* All of the page that this name of the folder collides with. */
static int
see_sibling(struct page *p, const struct entry_seen *e)
{
	struct slice name = plain(e->name);
	uint64_t folded;
	int rc = fold_name(name.p, name.len, &folded);

	for (size_t at = folded & p->mask; rc == 0 && p->slots[at]; at = (at + 1) & p->mask) {
		struct child *c = &p->list[p->slots[at] - 1];
		struct slice other = plain(name_of(p, c));

		if (c->folded == folded && c->id != e->node_id && c->ncollides < COLLISIONS &&
		    bytes_cmp(name.p, name.len, other.p, other.len) != 0)
			c->collides[c->ncollides++] = (struct tree_sibling) {
				e->kind == ENTRY_FOLDER ? NODE_FOLDER : NODE_FILE, e->node_id };
	}
	return rc;
}

static int
find_collisions(struct page *p)
{
	struct entry_at at = { p->q->workspace, p->q->folder, { "", 0 } };
	struct db_row row = DB_ROW_INIT;
	struct entry_seen e;
	int rc;

	if ((rc = index_page(p)) != 0)
		return rc;
	rc = tbl_entry_scan(p->db, &at, &row);
	while (rc == 0 && (rc = db_next(&row)) == 0) {
		tbl_entry_seen(&row, &e);
		if (e.live && e.name.len)
			rc = see_sibling(p, &e);
	}
	db_row_release(&row);
	return rc == ERR_END ? 0 : rc;
}

static int
give_page(struct page *p, void (*each)(void *arg, const struct tree_child *child), void *arg)
{
	struct node node = NODE_INIT;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < p->n; i++) {
		struct child *c = &p->list[i];
		struct tree_child child = { .node = &node, .collides = c->collides, .ncollides = c->ncollides };

		if ((rc = node_load(p->db, c->kind, c->id, &node)) == 0 &&
		    (rc = twin_shown(p->db, &(struct entry_at) { p->q->workspace, p->q->folder, name_of(p, c) }, &node.twin)) == 0)
			each(arg, &child);
	}
	node_release(&node);
	return rc == ERR_NOTFOUND ? ERR_CORRUPT : rc;
}

static int
list_children(struct page *p, void (*each)(void *arg, const struct tree_child *child), void *arg)
{
	struct tree_children *q = p->q;
	struct node folder = NODE_INIT;
	struct db_row row = DB_ROW_INIT;
	struct workspace_row w;
	struct node_row f;
	int rc;

	if ((rc = tbl_workspace_get(p->db, q->workspace, &w)) != 0 ||
	    (rc = node_load(p->db, NODE_FOLDER, q->folder, &folder)) != 0 ||
	    (rc = node_locate(p->db, &folder)) != 0 || (rc = tbl_node_folder(p->db, q->folder, &row, &f)) != 0 ||
	    (rc = folder.workspace == q->workspace ? read_page(p) : ERR_NOTFOUND) != 0 ||
	    (f.entries <= TREE_FOLD && p->n && (rc = find_collisions(p)) != 0) ||
	    (rc = give_page(p, each, arg)) != 0)
		goto out;
	q->sequence = w.sequence;
	if (p->more)
		buf_add(&q->next, name_of(p, &p->list[p->n - 1]).p, p->list[p->n - 1].len);
	rc = buf_finish(&q->next);
out:
	db_row_release(&row);
	node_release(&folder);
	return rc;
}

int
tree_children(struct store *store, struct tree_children *q, void (*each)(void *arg, const struct tree_child *child),
    void *arg)
{
	struct page p = { .q = q, .names = BUF_INIT(1u << 30), .list = calloc(q->limit ? q->limit : 1, sizeof(*p.list)) };
	int rc = p.list ? db_read_begin(store->db, &p.db) : ERR_NOMEM;

	buf_clear(&q->next);
	if (rc == 0)
		rc = list_children(&p, each, arg);
	db_read_end(p.db);
	free(p.list);
	free(p.slots);
	buf_release(&p.names);
	return rc;
}
