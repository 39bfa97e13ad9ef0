#ifndef VERSIONS_KIT_H
#define VERSIONS_KIT_H

#include "list.h"
#include "object_kit.h"

/* Emptying a bucket as clients do: list a page, delete what it names, go on behind it. */

struct page {
	struct { char key[16]; int64_t version; } of[8];
	int n;
};

static inline void
note(void *arg, const struct list_item *item)
{
	struct page *p = arg;

	snprintf(p->of[p->n].key, sizeof(p->of[0].key), "%.*s", (int)item->key.len, item->key.p);
	p->of[p->n++].version = item->null_version ? VERSION_NULL : item->version_id;
}

static inline void
empty_by_pages(unsigned max)
{
	struct list_query query = { .workspace = space.id, .prefix = SLICE(""), .versions = true, .max = max };
	struct list_end end = LIST_END_INIT;
	struct buf after = BUF_INIT(4096);
	struct page page;
	int rc;

	do {
		page.n = 0;
		if ((rc = list_objects(store, &query, note, &page, &end)) != 0)
			break;
		for (int i = 0; rc == 0 && i < page.n; i++)
			rc = obj_delete(page.of[i].key, page.of[i].version, NULL);
		buf_clear(&after);
		buf_add(&after, end.after.data, end.after.len);
		query.after = (struct slice) { after.data ? after.data : "", after.len };
		query.after_version = end.after_version;
	} while (rc == 0 && end.truncated);
	buf_release(&after);
	list_end_release(&end);
	CHECK_INT(0, rc);
	CHECK_INT(0, obj_number("SELECT count(*) FROM entry"));
}

#endif
