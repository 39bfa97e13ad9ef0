#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "fio.h"
#include "id.h"
#include "log.h"
#include "store_files.h"

int
store_files_present(int dirfd, const char *dir)
{
	if (faccessat(dirfd, STORE_VERSION_FILE, F_OK, 0) == 0)
		return 0;
	log_error("%s: no store there: create one with `fsctl --data %s init`", dir, dir);
	return ERR_NOTFOUND;
}

int
store_files_writable(int dirfd, const char *dir)
{
	if (faccessat(dirfd, ".", W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	if (errno == EROFS)
		log_error("%s can't be written to: its file system is mounted read-only; the lock, the database and the segments"
			  " are written there also by those who only read: mount it read-write, or start on a copy", dir);
	else if (errno == EACCES)
		log_error("%s can't be written to by user %u: start fsd as the folder's owner, or as root, which becomes"
			  " its owner", dir, (unsigned)geteuid());
	else
		(void)log_errno(ERR_IO, "%s can't be written to", dir);
	return ERR_IO;
}

static int
check_version(int dirfd, const char *dir)
{
	char *text = NULL;
	size_t len;
	int rc = fio_read_file(dirfd, STORE_VERSION_FILE, 256, &text, &len);

	if (rc == 0 && strcmp(text, STORE_VERSION_TEXT)) {
		text[strcspn(text, "\n")] = '\0';
		log_error("%s: the store says \"%s\", this program reads \"fsd store 1\": use the fsd that wrote it",
		    dir, text);
		rc = ERR_VERSION;
	}
	free(text);
	return rc;
}

static int
read_key(int dirfd, const char *dir, uint8_t key[32])
{
	struct stat st;
	char *bytes = NULL;
	size_t len = 0;
	int rc;

	if (fstatat(dirfd, STORE_KEY_FILE, &st, AT_SYMLINK_NOFOLLOW)) {
		log_error("%s/%s is missing: without it no secret can be read; put the right one back", dir,
		    STORE_KEY_FILE);
		return ERR_AUTH;
	}
	if (st.st_mode & 077) {
		log_error("%s/%s may be read by others (mode %03o): `chmod 600` it", dir, STORE_KEY_FILE,
		    (unsigned)st.st_mode & 0777);
		return ERR_AUTH;
	}
	if ((rc = fio_read_file(dirfd, STORE_KEY_FILE, 64, &bytes, &len)) == 0 && len == 32)
		memcpy(key, bytes, 32);
	else
		rc = ERR_AUTH;
	if (rc)
		log_error("%s/%s is not a key file (32 bytes): put the right one back", dir, STORE_KEY_FILE);
	if (bytes)
		explicit_bzero(bytes, len);
	free(bytes);
	return rc;
}

int
store_files_check(int dirfd, const char *dir, uint8_t key[32])
{
	int rc = check_version(dirfd, dir);
	struct stat st;

	if (rc == 0 && fstat(dirfd, &st) == 0 && (st.st_mode & 022))
		log_warn("%s may be written by others (mode %03o): `chmod 700` it", dir, (unsigned)st.st_mode & 0777);
	return rc ? rc : read_key(dirfd, dir, key);
}

int
store_files_key(int dirfd, uint8_t key[32])
{
	random_bytes(key, 32);
	return fio_write_file(dirfd, STORE_KEY_FILE, key, 32, 0600, true);
}

int
store_files_version(int dirfd)
{
	return fio_write_file(dirfd, STORE_VERSION_FILE, STORE_VERSION_TEXT, strlen(STORE_VERSION_TEXT), 0644, true);
}
