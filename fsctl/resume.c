#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "digest.h"
#include "fio.h"
#include "json.h"
#include "reply.h"
#include "resume.h"
#include "str.h"

#define FILE_MAX 65536
#define SECONDS (8 * 86400)	/* sessions live for 7 days after their last byte */
#define NAME (2 * SHA256_SIZE + 1 + 5)
#define TRIES 10		/* of having a file that others remove meanwhile */

struct resume {
	int dir, fd;		/* fd: of the file, locked where that can be done */
	char name[NAME];
	char *place;
	struct json *doc;	/* what is in it; NULL: nothing */
};

static int
enter(int from, const char *name, bool make)
{
	int fd;

	if (make)
		(void)mkdirat(from, name, 0700);
	fd = openat(from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (from != AT_FDCWD)
		close(from);
	return fd;
}

/* The folder, or -1. */
static int
open_folder(bool make)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int fd;

	if (state && *state == '/') {
		fd = enter(AT_FDCWD, state, make);
	} else {
		if (!home || *home != '/' || (fd = enter(AT_FDCWD, home, false)) < 0 || (fd = enter(fd, ".local", make)) < 0)
			return -1;
		fd = enter(fd, "state", make);
	}
	if (fd < 0 || (fd = enter(fd, "fsctl", make)) < 0)
		return -1;
	return enter(fd, "uploads", make);
}

static void
name_of(const char *place, char name[NAME])
{
	uint8_t hash[SHA256_SIZE];

	digest_sha256(place, strlen(place), hash);
	hex_encode(hash, sizeof(hash), name);
	memcpy(name + 2 * SHA256_SIZE, ".json", 6);
}

/* ---- whose it is ---- */

/* Whether nobody else has the file. Where nothing can be locked (an NFS without a lock daemon) that is taken for granted. */
static bool
lock_file(int dir, const char *name, int flags, int *fd)
{
	int rc;

	if ((*fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600)) < 0)
		return false;
	while ((rc = flock(*fd, LOCK_EX | LOCK_NB)) != 0 && errno == EINTR)
		;
	if (!rc || errno != EWOULDBLOCK)
		return true;
	fio_close(fd);
	return false;
}

/* Who had it may have removed it between our opening and our locking it: that lock is of nothing. */
static bool
lock(struct resume *r)
{
	struct stat held, there;

	for (int i = 0; i < TRIES; i++) {
		if (!lock_file(r->dir, r->name, O_CREAT, &r->fd))
			return false;
		if (fstat(r->fd, &held) == 0 && fstatat(r->dir, r->name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		    held.st_ino == there.st_ino && held.st_dev == there.st_dev)
			return true;
		fio_close(&r->fd);
	}
	return false;
}

static void
load(struct resume *r)
{
	const char *id;
	char *bytes = NULL;
	size_t len;

	if (fio_read_file(r->dir, r->name, FILE_MAX, &bytes, &len) == 0)
		(void)json_parse(bytes, len, NULL, &r->doc);
	free(bytes);
	id = reply_str(r->doc, "uploadSessionId", NULL);
	if (id && strlen(id) < RESUME_ID && reply_str(r->doc, "of", NULL))
		return;
	json_free(r->doc);
	r->doc = NULL;
}

struct resume *
resume_take(const char *place)
{
	struct resume *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->fd = -1;
	r->dir = open_folder(true);
	r->place = strdup(place);
	name_of(place, r->name);
	if (r->dir >= 0 && r->place && lock(r)) {
		load(r);
		return r;
	}
	resume_free(r);
	return NULL;
}

void
resume_free(struct resume *r)
{
	if (!r)
		return;
	if (r->fd >= 0 && !r->doc)
		(void)fio_unlink(r->dir, r->name);
	fio_close(&r->fd);
	fio_close(&r->dir);
	json_free(r->doc);
	free(r->place);
	free(r);
}

/* Those whose sessions are over. */
static void
sweep(int dir)
{
	int copy = dup(dir), fd;
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	struct stat st;

	if (!d && copy >= 0)
		close(copy);
	if (d)
		rewinddir(d);
	while (d && (e = readdir(d)) != NULL) {
		if (*e->d_name == '.' || fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
		    st.st_mtime >= time(NULL) - SECONDS || !lock_file(dir, e->d_name, 0, &fd))
			continue;
		(void)fio_unlink(dir, e->d_name);
		fio_close(&fd);
	}
	if (d)
		closedir(d);
}

/* ---- what is in it ---- */

const char *
resume_session(const struct resume *r)
{
	return r ? reply_str(r->doc, "uploadSessionId", NULL) : NULL;
}

bool
resume_is_of(const struct resume *r, const char *of)
{
	const char *kept = r ? reply_str(r->doc, "of", NULL) : NULL;

	return kept && !strcmp(kept, of);
}

bool
resume_keep(struct resume *r, const char *session, const char *of)
{
	struct buf text = BUF_INIT(FILE_MAX);
	struct json_out j;

	if (!r)
		return false;
	resume_forget(r);
	json_out_init(&j, &text, false);
	json_object_begin(&j);
	json_key_str(&j, "uploadSessionId", session);
	json_key(&j, "place");
	json_bytes(&j, r->place, strlen(r->place));
	json_key_str(&j, "of", of);
	json_object_end(&j);
	buf_addch(&text, '\n');
	/* In place, as another file's lock would be another one: half a file is no session. */
	if (buf_finish(&text) == 0 && fio_pwrite(r->fd, r->name, text.data, text.len, 0) == 0)
		load(r);
	buf_release(&text);
	sweep(r->dir);
	return r->doc != NULL;
}

void
resume_forget(struct resume *r)
{
	if (!r)
		return;
	(void)fio_truncate(r->fd, r->name, 0);
	json_free(r->doc);
	r->doc = NULL;
}
