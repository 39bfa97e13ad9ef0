#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"
#include "exit_status.h"
#include "limits.h"
#include "say.h"
#include "sender.h"
#include "stop.h"
#include "tally.h"

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int
add(struct disk *w, const FTSENT *e, size_t skip)
{
	struct disk_entry *more, new = { .st = *e->fts_statp };
	const char *path = e->fts_path + skip;

	if (w->n == w->room) {
		w->room = w->room ? 2 * w->room : 1024;
		if (!(more = reallocarray(w->entries, w->room, sizeof(*more))))
			return say_error(STATUS_FAILED, "out of memory");
		w->entries = more;
	}
	new.above = e->fts_level ? e->fts_parent->fts_number : -1;
	new.local = strdup(e->fts_path);
	new.path = strdup(e->fts_level ? path + (*path == '/') : "");
	w->entries[w->n++] = new;
	return new.local && new.path ? STATUS_OK : say_error(STATUS_FAILED, "out of memory");
}

static void
skip(struct tally *t, const FTSENT *e)
{
	const char *why = e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE ? "a symbolic link" : "neither a file nor a folder";

	tally_item(t, &(struct tally_item) { .action = "skip", .from = e->fts_path, .why = why });
}

static int
take(struct tally *t, FTS *fts, FTSENT *e, size_t len, struct disk *w)
{
	const char *why = e->fts_level && e->fts_info != FTS_DP ? sender_name_reason(e->fts_name) : NULL;

	if (!why && e->fts_level > LIMIT_DEPTH)
		why = "it lies too deep";
	if (why) {
		tally_error(t, STATUS_FAILED, e->fts_path, "%s", why);
		(void)fts_set(fts, e, FTS_SKIP);
		return STATUS_OK;
	}
	switch (e->fts_info) {
	case FTS_D:
		e->fts_number = (long)w->n;
		return add(w, e, len);
	case FTS_F:
		return add(w, e, len);
	case FTS_DP:
		return STATUS_OK;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		tally_error(t, STATUS_FAILED, e->fts_path, "it can't be read: %s", strerror(e->fts_errno));
		return STATUS_OK;
	default:
		skip(t, e);
		return STATUS_OK;
	}
}

int
disk_folder(struct tally *tally, const char *folder, struct disk *walk)
{
	char *name = strdup(folder), *roots[2] = { name, NULL };
	size_t len = strlen(folder);
	int status = STATUS_OK;
	FTSENT *e;
	FTS *fts;

	while (name && len > 1 && name[len - 1] == '/')
		name[--len] = '\0';
	/* The one that was named may be a link. */
	fts = name ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, by_name) : NULL;
	if (!fts) {
		free(name);
		return say_error(STATUS_FAILED, "%s: it can't be read", folder);
	}
	while (status == STATUS_OK) {
		errno = 0;
		if (!(e = fts_read(fts)))
			break;
		status = stop_asked() ? stop_asked() : take(tally, fts, e, len, walk);
	}
	/* NULL is the end, or a failure. */
	if (status == STATUS_OK && errno)
		status = say_error(STATUS_FAILED, "%s: it can't be read to its end: %s", folder, strerror(errno));
	(void)fts_close(fts);
	free(name);
	return status;
}

void
disk_release(struct disk *walk)
{
	for (size_t i = 0; i < walk->n; i++) {
		free(walk->entries[i].local);
		free(walk->entries[i].path);
	}
	free(walk->entries);
	*walk = (struct disk) { 0 };
}
