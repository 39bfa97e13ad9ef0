#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "err.h"
#include "limits.h"
#include "node.h"
#include "past_way.h"

#define DEPTH (LIMIT_DEPTH + 2)
#define SIZE_FIRST 64

void
past_ways_release(struct past_ways *ways)
{
	free(ways->table);
	buf_release(&ways->paths);
}

static struct past_way *
place(struct past_way *table, size_t size, int64_t folder)
{
	/* Fibonacci hashing; ids of one moment differ in their low bits */
	size_t i = (size_t)((uint64_t)folder * 0x9e3779b97f4a7c15u >> 20) & (size - 1);

	while (table[i].folder && table[i].folder != folder)
		i = (i + 1) & (size - 1);
	return &table[i];
}

static int
add(struct past_ways *ways, const struct past_way *way)
{
	size_t size = ways->size ? ways->size * 2 : SIZE_FIRST;
	struct past_way *grown;

	if (ways->used * 2 >= ways->size) {
		if (!(grown = calloc(size, sizeof(*grown))))
			return ERR_NOMEM;
		for (size_t i = 0; i < ways->size; i++)
			if (ways->table[i].folder)
				*place(grown, size, ways->table[i].folder) = ways->table[i];
		free(ways->table);
		ways->table = grown;
		ways->size = size;
	}
	*place(ways->table, ways->size, way->folder) = *way;
	ways->used++;
	return 0;
}

static const struct past_way *
known(const struct past_ways *ways, int64_t folder)
{
	const struct past_way *w = ways->size ? place(ways->table, ways->size, folder) : NULL;

	return w && w->folder ? w : NULL;
}

int
past_way_visible(struct past_ways *ways, int kind, int64_t node, bool *visible)
{
	const struct past_view *view = ways->view;

	*visible = true;
	if (ways->whole)
		return 0;
	return node_seen(ways->store, view->db, ways->who, kind == ENTRY_FILE ? NODE_FILE : NODE_FOLDER, node,
	    view->workspace, visible);
}

/* The way to a folder from that to its parent. */
static int
join(struct past_ways *ways, const struct past_way *parent, int64_t folder, struct slice name)
{
	struct past_way way = { .folder = folder, .reached = true, .under = parent->under || folder == ways->under,
		.path = ways->paths.len, .len = parent->len + name.len, .shown = parent->shown };
	bool above = parent->seen;
	size_t from = parent->path, len = parent->len;
	int rc;

	if (!buf_room(&ways->paths, len + name.len))
		return buf_finish(&ways->paths);
	if (len)
		buf_add(&ways->paths, ways->paths.data + from, len);
	buf_add(&ways->paths, name.p, name.len);
	if ((rc = buf_finish(&ways->paths)) != 0 ||
	    (rc = past_way_visible(ways, ENTRY_FOLDER, folder, &way.seen)) != 0)
		return rc;
	if (!above)
		way.shown = len;
	return add(ways, &way);
}

/* Where a folder was. */
static int
place_of(const struct past_view *view, int64_t folder, struct db_row *row, struct past_place *place)
{
	int rc = tbl_past_place_now(view->db, view->workspace, view->sequence, folder, row, place);

	if (rc == ERR_NOTFOUND && view->moved)
		rc = tbl_past_place_then(view->db, view->workspace, view->sequence, folder, row, place);
	return rc;
}

/* Folders that are climbed from, the lowest first. */
struct climb {
	int64_t folders[DEPTH];
	struct past_place places[DEPTH];
	struct db_row rows[DEPTH];	/* which hold their names */
	int n;
};

/* Up to the first folder whose way is known: *top. ERR_NOTFOUND: none leads to the root. */
static int
climb(struct past_ways *ways, int64_t folder, struct climb *c, int64_t *top)
{
	int rc = 0;

	while (rc == 0 && !known(ways, folder)) {
		if (c->n == DEPTH)
			return ERR_NOTFOUND;
		c->folders[c->n] = folder;
		c->rows[c->n] = (struct db_row)DB_ROW_INIT;
		rc = place_of(ways->view, folder, &c->rows[c->n], &c->places[c->n]);
		folder = rc ? folder : c->places[c->n].parent;
		c->n++;
	}
	*top = folder;
	return rc ? rc : known(ways, folder)->reached ? 0 : ERR_NOTFOUND;
}

static int
learn(struct past_ways *ways, const struct climb *c, int64_t top)
{
	struct past_way above;
	int rc = 0;

	for (int i = c->n; rc == 0 && i-- > 0; top = c->folders[i]) {
		above = *known(ways, top);
		rc = join(ways, &above, c->folders[i], c->places[i].name);
	}
	return rc;
}

static int
learn_lost(struct past_ways *ways, const struct climb *c)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < c->n; i++)
		rc = add(ways, &(struct past_way) { .folder = c->folders[i] });
	return rc;
}

static int
add_root(struct past_ways *ways)
{
	struct past_way root = { .folder = ways->view->root, .reached = true,
		.under = !ways->under || ways->under == ways->view->root };
	int rc = past_way_visible(ways, ENTRY_FOLDER, root.folder, &root.seen);

	return rc ? rc : add(ways, &root);
}

int
past_way_find(struct past_ways *ways, int64_t folder, const struct past_way **way)
{
	struct climb c = { .n = 0 };
	int64_t top;
	int rc;

	if ((*way = known(ways, folder)) != NULL)
		return 0;
	if (!ways->used && (rc = add_root(ways)) != 0)
		return rc;
	if ((rc = climb(ways, folder, &c, &top)) == 0)
		rc = learn(ways, &c, top);
	else if (rc == ERR_NOTFOUND)
		rc = learn_lost(ways, &c);
	while (c.n-- > 0)
		db_row_release(&c.rows[c.n]);
	*way = known(ways, folder);
	return rc;
}
