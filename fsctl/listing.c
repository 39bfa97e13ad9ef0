#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "listing.h"
#include "out.h"
#include "reply.h"
#include "say.h"
#include "uri.h"

#define OUT_MAX ((size_t)1 << 30)
#define PAGE 1000

struct pages {
	struct json **docs;		/* own the items */
	size_t ndocs;
	const struct json **items;
	size_t n;
};

static void
release(struct pages *p)
{
	for (size_t i = 0; i < p->ndocs; i++)
		json_free(p->docs[i]);
	free(p->docs);
	free(p->items);
}

/* Takes `doc` over. */
static int
add_page(struct pages *p, struct json *doc, const struct listing *l)
{
	const struct json *array = reply_array(doc, l->name), **items;
	struct json **docs = reallocarray(p->docs, p->ndocs + 1, sizeof(*docs));

	if (!docs) {
		json_free(doc);
		return say_error(STATUS_FAILED, "out of memory for the listing");
	}
	p->docs = docs;
	p->docs[p->ndocs++] = doc;
	if (!array)
		return say_error(STATUS_FAILED, "the daemon's reply has no list of %s: is it of another version?", l->name);
	if (!(items = reallocarray(p->items, p->n + json_array_len(array) + 1, sizeof(*items))))
		return say_error(STATUS_FAILED, "out of memory for the listing");
	p->items = items;
	for (const struct json *item = json_first(array); item; item = json_next(item))
		if (!l->want || l->want(l->arg, item))
			p->items[p->n++] = item;
	return STATUS_OK;
}

static int
fetch(struct ctl *ctl, const struct buf *path, const struct listing *l, struct pages *pages)
{
	struct buf url = BUF_INIT(CTL_PATH);
	const char *next = NULL;
	int status;

	do {
		struct json *doc = NULL;

		buf_clear(&url);
		buf_addf(&url, "%s?limit=%d", path->data ? path->data : "", PAGE);
		if (next) {
			buf_addstr(&url, "&after=");
			uri_encode(&url, next, strlen(next), false);
		}
		if ((status = ctl_call(ctl, "GET", &url, NULL, &doc)) != STATUS_OK ||
		    (status = add_page(pages, doc, l)) != STATUS_OK)
			break;
		next = reply_str(doc, "next", NULL);
	} while (next && *next);
	buf_release(&url);
	return status;
}

static void
add_lines(const struct pages *pages, struct buf *out)
{
	struct json_out j;

	for (size_t i = 0; i < pages->n; i++) {
		json_out_init(&j, out, false);
		out_value(&j, pages->items[i]);
		buf_addch(out, '\n');
	}
}

static void
add_document(const struct pages *pages, const char *name, struct buf *out)
{
	struct json_out j;

	json_out_init(&j, out, true);
	json_object_begin(&j);
	json_key(&j, name);
	json_array_begin(&j);
	for (size_t i = 0; i < pages->n; i++)
		out_value(&j, pages->items[i]);
	json_array_end(&j);
	json_object_end(&j);
	buf_addch(out, '\n');
}

int
listing_print(struct ctl *ctl, const struct buf *path, const struct listing *l)
{
	struct pages pages = { 0 };
	struct buf out = BUF_INIT(OUT_MAX);
	int status;

	if ((status = fetch(ctl, path, l, &pages)) != STATUS_OK)
		goto out;
	if (ctl->json && l->lines) {
		add_lines(&pages, &out);
	} else if (ctl->json) {
		add_document(&pages, l->name, &out);
	} else if (pages.n) {
		table_rows(&out, l->columns, pages.items, pages.n);
	} else if (l->none && !ctl->quiet) {
		fprintf(stderr, "%s\n", l->none);
	}
	status = out_write(&out);
out:
	release(&pages);
	buf_release(&out);
	return status;
}

int
listing_one(struct ctl *ctl, const struct buf *path, const struct table_column *fields,
    void (*more)(struct buf *out, const struct json *doc))
{
	struct buf out = BUF_INIT(OUT_MAX);
	struct json *doc = NULL;
	int status = ctl_call(ctl, "GET", path, NULL, &doc);

	if (status == STATUS_OK && ctl->json) {
		status = out_document(doc);
	} else if (status == STATUS_OK) {
		table_fields(&out, fields, doc, 0);
		if (more)
			more(&out, doc);
		status = out_write(&out);
	}
	json_free(doc);
	buf_release(&out);
	return status;
}
