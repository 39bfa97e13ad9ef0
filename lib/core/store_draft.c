#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "fio.h"
#include "log.h"
#include "store_draft.h"
#include "store_files.h"

#define DRAFT_PATH 320

/* What becomes the store, in the order in which it is linked. */
static const char *const published[] = { STORE_KEY_FILE, STORE_DB_FILE, STORE_VERSION_FILE };
#define PUBLISHED (sizeof(published) / sizeof(published[0]))

/* What opening the draft makes beside it. */
static const char *const scaffold[] = { STORE_DB_FILE "-wal", STORE_DB_FILE "-shm", STORE_DB_FILE "-journal",
	STORE_LOCK_FILE, "ballast" };

static const char *
in_draft(char path[DRAFT_PATH], const char *name)
{
	snprintf(path, DRAFT_PATH, "%s/%s", STORE_DRAFT_DIR, name);
	return path;
}

bool
store_draft_there(int dirfd)
{
	return faccessat(dirfd, STORE_DRAFT_DIR, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int
store_draft_begin(int dirfd)
{
	return store_draft_there(dirfd) ? ERR_EXISTS : fio_mkdir(dirfd, STORE_DRAFT_DIR, 0700);
}

static int
sync_file(int dirfd, const char *name, int flags)
{
	int fd, rc = fio_open(dirfd, name, flags | O_NOFOLLOW, 0, &fd);

	if (rc)
		return rc;
	rc = fio_sync(fd, name);
	fio_close(&fd);
	return rc;
}

int
store_draft_publish(int dirfd)
{
	char path[DRAFT_PATH];
	int rc;

	/* What the engine kept apart would be lost. */
	if (faccessat(dirfd, in_draft(path, STORE_DB_FILE "-wal"), F_OK, 0) == 0) {
		log_error("%s: its last commits are not in %s", path, STORE_DB_FILE);
		return ERR_IO;
	}
	if ((rc = sync_file(dirfd, in_draft(path, STORE_DB_FILE), O_RDONLY)) != 0 ||
	    (rc = sync_file(dirfd, STORE_DRAFT_DIR, O_RDONLY | O_DIRECTORY)) != 0)
		return rc;
	for (size_t i = 0; i < PUBLISHED; i++) {
		/* The one that says that the others are there is durable after them. */
		if ((i == PUBLISHED - 1 && (rc = fio_sync_dir(dirfd, STORE_DRAFT_DIR)) != 0) ||
		    (rc = fio_link(dirfd, in_draft(path, published[i]), published[i])) != 0)
			return rc;
	}
	return fio_sync_dir(dirfd, STORE_DRAFT_DIR);
}

/* ---- taking back ---- */

static bool
same_file(int dirfd, const char *a, const char *b)
{
	struct stat x, y;

	return fstatat(dirfd, a, &x, AT_SYMLINK_NOFOLLOW) == 0 && fstatat(dirfd, b, &y, AT_SYMLINK_NOFOLLOW) == 0 &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static bool
is_ours(const char *name)
{
	for (size_t i = 0; i < PUBLISHED; i++) {
		size_t len = strlen(published[i]);

		/* NAME, or what fio_write_file() had not finished: NAME.<16 hex digits>.tmp */
		if (!strncmp(name, published[i], len) && (!name[len] || (name[len] == '.' &&
		    strspn(name + len + 1, "0123456789abcdef") == 16 && !strcmp(name + len + 17, ".tmp"))))
			return true;
	}
	for (size_t i = 0; i < sizeof(scaffold) / sizeof(scaffold[0]); i++)
		if (!strcmp(name, scaffold[i]))
			return true;
	return false;
}

/* Removes what is ours in the draft. */
static int
clear_files(int dirfd)
{
	char path[DRAFT_PATH];
	struct dirent *e;
	int rc, fd;
	DIR *d;

	if ((rc = fio_open(dirfd, STORE_DRAFT_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd)) != 0)
		return rc;
	if (!(d = fdopendir(fd))) {
		fio_close(&fd);
		return log_errno(ERR_IO, "read %s", STORE_DRAFT_DIR);
	}
	while (rc == 0 && (e = readdir(d)))
		if (is_ours(e->d_name))
			rc = fio_unlink(dirfd, in_draft(path, e->d_name));
		else if (!strcmp(e->d_name, "segments"))
			rc = fio_rmdir(dirfd, in_draft(path, e->d_name));
	closedir(d);
	return rc;
}

int
store_draft_clear(int dirfd, const char *dir)
{
	char path[DRAFT_PATH];
	int rc = 0;

	if (!store_draft_there(dirfd))
		return 0;
	if (faccessat(dirfd, STORE_VERSION_FILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		for (size_t i = 0; rc == 0 && i < PUBLISHED; i++)
			if (same_file(dirfd, in_draft(path, published[i]), published[i]))
				rc = fio_unlink(dirfd, published[i]);
	/* Before what proves that they were ours goes. */
	if (rc == 0 && (rc = fio_sync_dir(dirfd, dir)) == 0 && (rc = clear_files(dirfd)) == 0)
		rc = fio_rmdir(dirfd, STORE_DRAFT_DIR);
	if (rc == 0)
		return fio_sync_dir(dirfd, dir);
	if (rc == ERR_EXISTS)
		rc = ERR_NOTEMPTY;
	log_error("%s/%s, which an interrupted `fsctl init` left, can't be removed: %s", dir, STORE_DRAFT_DIR,
	    rc == ERR_NOTEMPTY ? "it holds something that is not init's: move that away" : err_text(rc));
	return rc;
}
