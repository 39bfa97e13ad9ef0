#ifndef BENCH_LOAD_WALK_H
#define BENCH_LOAD_WALK_H

#include "load_mode.h"

/*
 * The mode `walk`: a list of the JSON API page by page, each connection for itself, and again from the beginning when it is through, if
 * not `--once`. `--target` is the first page, `--next MEMBER=PARAM` where a reply says what comes next and how to ask for it.
 */
#define WALK_TAIL 4096		/* bytes at the end of a reply that hold what isn't in the list */

/* The text of the last member of that name, if it is a string. */
static bool
walk_member(const struct buf *text, const char *name, size_t len, char *out, size_t size)
{
	size_t from = text->len > WALK_TAIL ? text->len - WALK_TAIL : 0;
	const char *end = text->data + text->len, *found = NULL, *p = text->data + from;
	char wanted[80];
	size_t n = (size_t)snprintf(wanted, sizeof(wanted), "\"%.*s\":\"", (int)len, name);

	while ((p = memmem(p, (size_t)(end - p), wanted, n)))
		found = p += n;
	if (!found || !(p = memchr(found, '"', (size_t)(end - found))) || (size_t)(p - found) >= size)
		return false;
	memcpy(out, found, (size_t)(p - found));
	out[p - found] = '\0';
	return true;
}

static bool
walk_more(const struct buf *text)
{
	size_t from = text->len > WALK_TAIL ? text->len - WALK_TAIL : 0;

	return !memmem(text->data + from, text->len - from, "\"hasMore\":false", 15);
}

static bool
mode_walk_next(struct conn *c)
{
	const struct options *o = c->w->o;
	const char *query = strchr(o->target, '?'), *param = strchr(o->next, '=') + 1;
	size_t path = query ? (size_t)(query - o->target) : strlen(o->target);
	char text[KEY_MAX_], target[HEAD_MAX / 2], header[512];
	uint64_t n;

	if ((o->once && c->through) || !mode_claim(c->w, &n))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)path, o->target);
	if (c->token)
		snprintf(target, sizeof(target), "%s&%s=%s", query ? query + 1 : "", param, c->token);
	else
		snprintf(target, sizeof(target), "%s", query ? query + 1 : "");
	snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", o->bearer);
	mode_head(c, "GET", text, target, SIGN_UNSIGNED, header, 0, false);
	return true;
}

/* Entries and events have no objects inside: all braces but the first begin one. */
static bool
mode_walk_done(struct conn *c)
{
	const struct options *o = c->w->o;
	const struct buf *text = &c->text;
	char token[1200], escaped[3600];
	uint64_t items = 0;

	if (buf_finish(text) != 0 || !text->len)
		return false;
	for (const char *p = text->data; (p = memchr(p, '{', (size_t)(text->data + text->len - p))); p++)
		items++;
	c->w->sum.items += items - 1;
	free(c->token);
	c->token = NULL;
	c->through = !walk_more(text) || !walk_member(text, o->next, strcspn(o->next, "="), token, sizeof(token));
	if (c->through)
		return true;
	c->token = mode_escape(token, escaped, sizeof(escaped)) ? strdup(escaped) : NULL;
	return c->token != NULL;
}

#endif
