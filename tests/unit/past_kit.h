#ifndef PAST_KIT_H
#define PAST_KIT_H

#include "feed.h"
#include "list.h"
#include "object_kit.h"
#include "past_tree.h"

/*
 * The tree as of a sequence, made of nothing but the feed's events up to there: what the past must show. A text with a line for each file
 * and folder: path, id, version, size.
 */
#define MODEL_NODES 4096
struct model_node {
	int64_t id, parent, version;
	uint64_t size;
	char name[64];
	bool folder, here;
};
struct model {
	struct model_node nodes[MODEL_NODES];
	int count;
};

static inline struct model_node *
model_find(struct model *m, int64_t id, bool add)
{
	for (int i = 0; i < m->count; i++)
		if (m->nodes[i].id == id)
			return &m->nodes[i];
	if (!add || m->count == MODEL_NODES)
		return NULL;
	m->nodes[m->count] = (struct model_node) { .id = id };
	return &m->nodes[m->count++];
}

static inline void
model_event(void *arg, const struct event *e, struct slice path)
{
	struct model_node *n;

	(void)path;
	if (e->type >= EVENT_SHARE_GRANTED || !(n = model_find(arg, e->node, true)))
		return;
	n->folder = e->folder;
	n->here = e->type != EVENT_FILE_DELETED && e->type != EVENT_FOLDER_DELETED;
	n->parent = e->parent;
	snprintf(n->name, sizeof(n->name), "%.*s", (int)e->name.len, e->name.p);
	if (!e->folder && n->here && e->version) {
		n->version = e->version;
		n->size = e->size;
	}
}

static inline int
model_replay(struct model *m, int64_t from, int64_t to)
{
	int64_t last = from;
	bool more = to > from;
	int rc = 0;

	while (rc == 0 && last < to)
		rc = feed_read(store, space.id, last, 1, model_event, m, &last, &more);
	return rc;
}

/* False: no way leads to the root. */
static inline bool
model_path(struct model *m, const struct model_node *n, char path[512])
{
	char below[512] = "";

	for (int depth = 0; n && depth < 64; depth++) {
		if (!n->here)
			return false;
		snprintf(path, 512, "%.63s%.440s", n->name, below);
		snprintf(below, sizeof(below), "%s", path);
		if (n->parent == space.root_folder_id)
			return true;
		n = model_find(m, n->parent, false);
	}
	return false;
}

static int
past_by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct lines {
	char *list[MODEL_NODES];
	int n;
};

static inline void
lines_add(struct lines *l, const char *path, int64_t id, int64_t version, uint64_t size)
{
	char line[640];

	snprintf(line, sizeof(line), "%s %lld %lld %llu", path, (long long)id, (long long)version,
	    (unsigned long long)size);
	if (l->n < MODEL_NODES)
		l->list[l->n++] = strdup(line);
}

/* Sorted, in one text; frees the lines. */
static inline void
lines_join(struct lines *l, struct buf *text)
{
	buf_clear(text);
	qsort(l->list, (size_t)l->n, sizeof(l->list[0]), past_by_line);
	for (int i = 0; i < l->n; i++) {
		buf_addf(text, "%s\n", l->list[i]);
		free(l->list[i]);
	}
	l->n = 0;
}

/* `keys`: as a listing shows it, files alone and markers too. */
static inline void
model_text(struct model *m, bool keys, struct buf *text)
{
	struct lines l = { .n = 0 };
	char path[512];
	size_t len;

	for (int i = 0; i < m->count; i++) {
		const struct model_node *n = &m->nodes[i];

		if ((keys ? n->folder : !n->folder && !n->name[0]) || !model_path(m, n, path))
			continue;
		len = strlen(path);
		if (n->folder)
			path[len - 1] = '\0';
		lines_add(&l, path, keys ? 0 : n->id, n->folder ? 0 : n->version, n->folder ? 0 : n->size);
	}
	lines_join(&l, text);
}

static inline void
past_node(void *arg, const struct node *n, struct slice path)
{
	char text[512];
	bool file = n->kind == NODE_FILE;

	snprintf(text, sizeof(text), "%.*s", (int)path.len, path.p);
	lines_add(arg, text, n->id, file ? n->version_id : 0, file ? n->size : 0);
}

/* What past_tree() shows to the administrator, in pages of `max`. */
static inline int
past_text(int64_t sequence, unsigned max, struct buf *text)
{
	struct principal admin = { .id = 1, .admin = true };
	struct past_tree_query q = { .workspace = space.id, .who = &admin, .when = { .sequence = sequence }, .max = max };
	struct past_tree_end end = PAST_TREE_END_INIT;
	struct buf name = BUF_INIT(65536);
	struct lines l = { .n = 0 };
	int rc;

	do {
		if ((rc = past_tree(store, &q, past_node, &l, &end)) != 0)
			break;
		buf_clear(&name);
		buf_add(&name, end.name.data, end.name.len);
		q.folder = end.folder;
		q.name = (struct slice) { name.data ? name.data : "", name.len };
	} while (end.more);
	lines_join(&l, text);
	buf_release(&name);
	past_tree_end_release(&end);
	return rc;
}

static inline void
past_item(void *arg, const struct list_item *item)
{
	char key[512];

	snprintf(key, sizeof(key), "%.*s", (int)item->key.len, item->key.p);
	lines_add(arg, key, 0, item->version_id, item->size);
}

static inline int
past_keys(int64_t sequence, unsigned max, struct buf *text)
{
	struct list_query q = { .workspace = space.id, .prefix = SLICE(""), .delimiter = SLICE(""), .after = SLICE(""),
		.past = true, .sequence = sequence, .max = max };
	struct list_end end = LIST_END_INIT;
	struct buf after = BUF_INIT(65536);
	struct lines l = { .n = 0 };
	int rc;

	do {
		if ((rc = list_objects(store, &q, past_item, &l, &end)) != 0)
			break;
		buf_clear(&after);
		buf_add(&after, end.after.data, end.after.len);
		q.after = (struct slice) { after.data ? after.data : "", after.len };
		q.after_prefix = end.after_prefix;
	} while (end.truncated);
	lines_join(&l, text);
	buf_release(&after);
	list_end_release(&end);
	return rc;
}

/* What the key shows at a sequence, "" for nothing; the code in *rc. */
static inline int64_t
past_version_of(const char *key, int64_t sequence, int *rc)
{
	struct object_info info = OBJECT_INFO_INIT;
	int64_t version = 0;

	if ((*rc = past_find(store, space.id, sequence, SLICE(key), 0, &info)) == 0)
		version = info.version_id;
	object_info_release(&info);
	return version;
}

static inline bool
past_same(const char *what, int64_t sequence, const struct buf *want, const struct buf *got)
{
	const char *w = want->data ? want->data : "", *g = got->data ? got->data : "";
	size_t at = 0, line = 0;

	if (want->len == got->len && !memcmp(w, g, want->len))
		return true;
	for (; at < want->len && at < got->len && w[at] == g[at]; at++)
		line = w[at] == '\n' ? at + 1 : line;
	fprintf(stderr, "# %s at %lld: wanted \"%.*s\", got \"%.*s\"\n", what, (long long)sequence,
	    line < want->len ? (int)strcspn(w + line, "\n") : 0, w + line,
	    line < got->len ? (int)strcspn(g + line, "\n") : 0, g + line);
	return false;
}

/* Every sequence from `from` (and the horizon) on: tree, keys and each file by its key. Returns how many trees were wrong. */
static inline int
past_compare(int64_t from, int64_t *compared)
{
	struct model *m = calloc(1, sizeof(*m));
	struct buf want = BUF_INIT(1 << 24), got = BUF_INIT(1 << 24);
	struct workspace_row w;
	int wrong = 0, rc = workspace_get(store, space.id, &w);
	char path[512];

	for (int64_t s = 0; rc == 0 && wrong < 3 && s <= w.sequence; s++) {
		rc = model_replay(m, s ? s - 1 : 0, s);
		if (rc || s < w.past_horizon || s < from)
			continue;
		++*compared;
		model_text(m, false, &want);
		if ((rc = past_text(s, (unsigned)(1 + s % 7), &got)) != 0 || !past_same("tree", s, &want, &got))
			wrong++;
		model_text(m, true, &want);
		if (rc || (rc = past_keys(s, (unsigned)(1 + s % 5), &got)) != 0 || !past_same("keys", s, &want, &got))
			wrong++;
		for (int i = 0; rc == 0 && i < m->count; i++) {
			const struct model_node *n = &m->nodes[i];
			int found;

			if (n->folder || !model_path(m, n, path))
				continue;
			if (past_version_of(path, s, &found) != n->version) {
				fprintf(stderr, "# %s at %lld: not version %lld, %d\n", path, (long long)s,
				    (long long)n->version, found);
				wrong++;
			}
		}
	}
	free(m);
	buf_release(&want);
	buf_release(&got);
	return rc ? rc : wrong;
}

#endif
