#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
name_of(const char *key, char name[NAME])
{
	uint8_t hash[SHA256_SIZE];

	digest_sha256(key, strlen(key), hash);
	hex_encode(hash, sizeof(hash), name);
	memcpy(name + 2 * SHA256_SIZE, ".json", 6);
}

int
resume_find(const char *key, char session[RESUME_ID])
{
	char name[NAME], *bytes = NULL;
	struct json *doc = NULL;
	const char *id = NULL;
	size_t len;
	int dir = open_folder(false), found = 0;

	if (dir < 0)
		return 0;
	name_of(key, name);
	if (fio_read_file(dir, name, FILE_MAX, &bytes, &len) == 0 && json_parse(bytes, len, NULL, &doc) == 0)
		id = reply_str(doc, "uploadSessionId", NULL);
	if (id && strlen(id) < RESUME_ID) {
		strcpy(session, id);
		found = 1;
	}
	json_free(doc);
	free(bytes);
	close(dir);
	return found;
}

/* Those whose sessions are over. */
static void
sweep(int dir)
{
	int copy = dup(dir);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	struct stat st;

	if (!d && copy >= 0)
		close(copy);
	while (d && (e = readdir(d)) != NULL)
		if (*e->d_name != '.' && fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		    st.st_mtime < time(NULL) - SECONDS)
			(void)fio_unlink(dir, e->d_name);
	if (d)
		closedir(d);
}

void
resume_keep(const char *key, const char *session)
{
	struct buf text = BUF_INIT(FILE_MAX);
	struct json_out j;
	char name[NAME];
	int dir = open_folder(true);

	if (dir < 0)
		return;
	sweep(dir);
	name_of(key, name);
	json_out_init(&j, &text, false);
	json_object_begin(&j);
	json_key_str(&j, "uploadSessionId", session);
	json_key_str(&j, "of", key);
	json_object_end(&j);
	buf_addch(&text, '\n');
	if (buf_finish(&text) == 0)
		(void)fio_write_file(dir, name, text.data, text.len, 0600, false);
	buf_release(&text);
	close(dir);
}

void
resume_forget(const char *key)
{
	char name[NAME];
	int dir = open_folder(false);

	if (dir < 0)
		return;
	name_of(key, name);
	(void)fio_unlink(dir, name);
	close(dir);
}
