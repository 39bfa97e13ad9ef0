#ifndef FSCTL_LISTING_H
#define FSCTL_LISTING_H

#include <stdbool.h>

#include "buf.h"
#include "json.h"
#include "table.h"

struct ctl;

/*
 * A listing of the daemon's, all pages of it, as a table or as {NAME: [items…]}, or with
 * `lines` as JSON a line an item.
 */
struct listing {
	const char *name;			/* the member that holds the items: "users" */
	const struct table_column *columns;
	bool lines;
	const char *none;			/* said to people where there is nothing; may be NULL */
	/* Which of them are shown; NULL: all. */
	bool (*want)(void *arg, const struct json *item);
	void *arg;
};

/*
 * One thing as fields, or as it is with --json; `more` (may be NULL) adds what people see
 * below them. An exit status.
 */
int listing_one(struct ctl *ctl, const struct buf *path, const struct table_column *fields,
    void (*more)(struct buf *out, const struct json *doc));
/* `path` without a query. An exit status. */
int listing_print(struct ctl *ctl, const struct buf *path, const struct listing *listing);

#endif
