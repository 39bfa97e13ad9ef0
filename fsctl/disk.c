#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"
#include "exit_status.h"
#include "limits.h"
#include "say.h"
#include "sender.h"
#include "stop.h"
#include "tally.h"

struct walk {
	struct tally *tally;
	struct disk *disk;
};

/* Of one folder, in order. */
struct names {
	char **all;
	size_t n, room;
};

static int
no_memory(void)
{
	return say_error(STATUS_FAILED, "out of memory");
}

static char *
join(const char *folder, const char *name)
{
	const size_t len = strlen(folder);
	char *path;

	return asprintf(&path, "%s%s%s", folder, len && folder[len - 1] != '/' ? "/" : "", name) < 0 ? NULL : path;
}

/* Takes `local` and `path`, which may be NULL. */
static int
add(struct disk *d, long above, char *local, char *path, const struct stat *st)
{
	const size_t room = d->room ? 2 * d->room : 1024;
	struct disk_entry *more = d->n < d->room ? d->entries : reallocarray(d->entries, room, sizeof(*more));

	if (more && d->n == d->room)
		d->entries = more, d->room = room;
	if (!more || !local || !path) {
		free(local);
		free(path);
		return no_memory();
	}
	d->entries[d->n++] = (struct disk_entry) { .local = local, .path = path, .above = above, .st = *st };
	return STATUS_OK;
}

/* ---- the names in a folder ---- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
add_name(struct names *names, const char *name)
{
	const size_t room = names->room ? 2 * names->room : 64;
	char **more;

	if (names->n == names->room) {
		if (!(more = reallocarray(names->all, room, sizeof(*more))))
			return false;
		names->all = more;
		names->room = room;
	}
	return (names->all[names->n] = strdup(name)) != NULL && ++names->n;
}

static void
free_names(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->all[i]);
	free(names->all);
}

/* 0 at the folder's end; what came before an error (errno) is there all the same. */
static int
read_names(DIR *dir, struct names *names)
{
	const struct dirent *e;
	int error = 0;

	while (!error) {
		/* NULL is the end, or a failure. */
		errno = 0;
		if (!(e = readdir(dir))) {
			error = errno;
			break;
		}
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && !add_name(names, e->d_name))
			error = ENOMEM;
	}
	if (names->n)
		qsort(names->all, names->n, sizeof(*names->all), by_name);
	return error;
}

/* ---- the walk ---- */

static int take(struct walk *w, int dir, const char *name, long above, unsigned depth);

/* All that is in the folder that entry `self` is, and `fd`, which is closed. */
static int
take_all(struct walk *w, int fd, long self, unsigned depth)
{
	const char *local = w->disk->entries[self].local;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct names names = { 0 };
	int error, status = STATUS_OK;

	if (!dir) {
		tally_error(w->tally, STATUS_FAILED, local, "it can't be read: %m");
		if (fd >= 0)
			close(fd);
		return STATUS_OK;
	}
	if ((error = read_names(dir, &names)) != 0)
		tally_error(w->tally, STATUS_FAILED, local, "it can't be read to its end: %s", strerror(error));
	for (size_t i = 0; i < names.n && status == STATUS_OK; i++)
		status = stop_asked() ? stop_asked() : take(w, fd, names.all[i], self, depth);
	free_names(&names);
	closedir(dir);
	return status;
}

/* What is wrong with one that was found; NULL: nothing. */
static const char *
reason(const char *name, unsigned depth)
{
	const char *why = sender_name_reason(name);

	return why || depth <= LIMIT_DEPTH ? why : "it lies too deep";
}

static void
skip(struct tally *t, const char *local, const struct stat *st)
{
	const char *why = S_ISLNK(st->st_mode) ? "a symbolic link" : "neither a file nor a folder";

	tally_item(t, &(struct tally_item) { .action = "skip", .from = local, .why = why });
}

static int
take(struct walk *w, int dir, const char *name, long above, unsigned depth)
{
	char *local = join(w->disk->entries[above].local, name);
	const char *why = reason(name, depth);
	const long self = (long)w->disk->n;
	struct stat st;
	int status = local ? STATUS_OK : no_memory();

	if (status != STATUS_OK)
		return status;
	if (why) {
		tally_error(w->tally, STATUS_FAILED, local, "%s", why);
	} else if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		tally_error(w->tally, STATUS_FAILED, local, "it can't be read: %m");
	} else if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
		skip(w->tally, local, &st);
	} else {
		status = add(w->disk, above, local, join(w->disk->entries[above].path, name), &st);
		local = NULL;
		if (status == STATUS_OK && S_ISDIR(st.st_mode))
			status = take_all(w, openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), self, depth + 1);
	}
	free(local);
	return status;
}

int
disk_folder(struct tally *tally, const char *folder, struct disk *disk)
{
	struct walk w = { .tally = tally, .disk = disk };
	size_t len = strlen(folder);
	struct stat st;
	char *local;
	int status;

	while (len > 1 && folder[len - 1] == '/')
		len--;
	/* The one that was named may be a link. */
	if (stat(folder, &st) != 0)
		return say_error(STATUS_FAILED, "%s: it can't be read: %s", folder, strerror(errno));
	local = strndup(folder, len);
	if ((status = add(disk, -1, local, strdup(""), &st)) != STATUS_OK)
		return status;
	return take_all(&w, open(local, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, 1);
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
