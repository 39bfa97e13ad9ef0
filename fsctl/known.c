#include <stdlib.h>
#include <string.h>

#include "exit_status.h"
#include "known.h"
#include "reply.h"
#include "say.h"

static bool
copy(char **to, const char *from)
{
	return !from || (*to = strdup(from)) != NULL;
}

int
known_add(struct known *k, const struct json *node, size_t skip)
{
	const char *path = reply_str(node, "path", "");
	const char *why = NULL;
	struct known_node *more, new = { 0 };
	bool ok;

	if (k->n == k->room) {
		k->room = k->room ? 2 * k->room : 1024;
		if (!(more = reallocarray(k->nodes, k->room, sizeof(*more))))
			return say_error(STATUS_FAILED, "out of memory");
		k->nodes = more;
	}
	new.folder = !strcmp(reply_str(node, "kind", ""), "folder");
	if (!reply_bool(node, "syncable", true))
		why = reply_str(node, "reason", "sync can't carry its name");
	new.size = (uint64_t)reply_int(node, "sizeBytes", 0);
	ok = copy(&new.path, path + strnlen(path, skip)) && copy(&new.id, reply_str(node, "id", NULL)) &&
	    copy(&new.version, reply_str(node, "versionId", NULL)) && copy(&new.hash, reply_str(node, "contentHash", NULL)) &&
	    copy(&new.mtime, reply_str(node, "mtime", NULL)) && copy(&new.mode, reply_str(node, "mode", NULL)) &&
	    copy(&new.unsynced, why);
	k->nodes[k->n++] = new;
	return ok ? STATUS_OK : say_error(STATUS_FAILED, "out of memory");
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct known_node *)a)->path, ((const struct known_node *)b)->path);
}

void
known_sort(struct known *k)
{
	if (k->n)
		qsort(k->nodes, k->n, sizeof(*k->nodes), by_path);
}

static int
compare(const void *path, const void *node)
{
	return strcmp(path, ((const struct known_node *)node)->path);
}

const struct known_node *
known_find(const struct known *k, const char *path)
{
	return k->n ? bsearch(path, k->nodes, k->n, sizeof(*k->nodes), compare) : NULL;
}

void
known_release(struct known *k)
{
	for (size_t i = 0; i < k->n; i++) {
		free(k->nodes[i].path);
		free(k->nodes[i].id);
		free(k->nodes[i].version);
		free(k->nodes[i].hash);
		free(k->nodes[i].mtime);
		free(k->nodes[i].mode);
		free(k->nodes[i].unsynced);
	}
	free(k->nodes);
	*k = (struct known) { 0 };
}
