#include "db.h"
#include "err.h"
#include "feed_path.h"
#include "limits.h"
#include "tbl_folder.h"
#include "tbl_grant.h"
#include "tbl_workspace.h"

void
feed_paths_init(struct feed_paths *paths)
{
	for (size_t i = 0; i < FEED_PATHS; i++)
		paths->list[i] = (struct feed_path) { .path = BUF_INIT(LIMIT_KEY_STORED * 2) };
}

void
feed_paths_release(struct feed_paths *paths)
{
	for (size_t i = 0; i < FEED_PATHS; i++)
		buf_release(&paths->list[i].path);
}

static int
granted(const struct feed_paths *paths, int64_t folder, bool *yes)
{
	int role, rc = tbl_grant_role(paths->db, paths->w->id, folder, paths->who, &role);

	*yes = rc == 0;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* The way from a folder up, the lowest first. */
struct climb {
	struct db_row rows[LIMIT_DEPTH + 2];
	struct slice names[LIMIT_DEPTH + 2];	/* of the rows */
	unsigned n;
	unsigned top;		/* how many lead to the topmost that is shared */
	bool self;		/* the lowest is shared by itself */
	bool flat;		/* and never had a folder in it */
	int64_t end;		/* the last parent: FOLDER_NO_PARENT where the root was reached */
};

static int
climb(const struct feed_paths *paths, int64_t folder, struct climb *c)
{
	struct folder_row f;
	bool yes;
	int rc = 0;

	for (; rc == 0 && folder > 0 && c->n <= LIMIT_DEPTH; folder = f.parent_id) {
		if (!paths->whole && (rc = granted(paths, folder, &yes)) == 0 && yes) {
			c->self |= c->n == 0;
			c->top = c->n + 1;
		}
		c->rows[c->n] = (struct db_row)DB_ROW_INIT;
		if (rc || (rc = tbl_folder_get(paths->db, paths->w->id, folder, &c->rows[c->n], &f)) != 0)
			break;
		c->flat |= c->n == 0 && !f.height;
		c->names[c->n++] = f.name;
	}
	c->end = folder;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int
find(const struct feed_paths *paths, int64_t folder, struct feed_path *p)
{
	struct climb c = { .n = 0 };
	int rc = climb(paths, folder, &c);

	p->flat = c.flat;
	p->reached = c.end == FOLDER_NO_PARENT;
	if (!p->reached)
		c.top = 0;
	else if (paths->whole)
		c.top = c.n;
	p->seen = paths->whole || c.top > 0 || (!p->reached && c.self);
	buf_clear(&p->path);
	for (unsigned i = c.top; rc == 0 && i-- > 0;)
		buf_add(&p->path, c.names[i].p, c.names[i].len);
	while (c.n-- > 0)
		db_row_release(&c.rows[c.n]);
	p->folder = rc ? 0 : folder;
	return rc ? rc : buf_finish(&p->path);
}

int
feed_path_find(struct feed_paths *paths, int64_t folder, const struct feed_path **path)
{
	/* Fibonacci hashing; ids of one moment differ in their low bits */
	struct feed_path *p = &paths->list[((uint64_t)folder * 0x9e3779b97f4a7c15u) >> 58];

	*path = p;
	if (folder > 0 && p->folder == folder)
		return 0;
	if (folder > 0)
		return find(paths, folder, p);
	buf_clear(&p->path);
	p->folder = 0;
	p->seen = paths->whole;
	p->reached = true;
	p->flat = true;
	return 0;
}
