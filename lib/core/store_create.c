#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aead.h"
#include "clock.h"
#include "db.h"
#include "err.h"
#include "fio.h"
#include "id.h"
#include "log.h"
#include "migrate.h"
#include "principal.h"
#include "store.h"
#include "store_files.h"
#include "tbl_store.h"

/* What creation makes; on failure all of it goes again. */
static const char *const made[] = { STORE_VERSION_FILE, STORE_KEY_FILE, STORE_DB_FILE, STORE_DB_FILE "-wal",
	STORE_DB_FILE "-shm", STORE_LOCK_FILE, "ballast" };

/* Only an empty folder becomes a store; hidden files and dev.env may be there. */
static int
check_empty(int dirfd, const char *dir)
{
	struct dirent *e;
	int rc = 0, fd;
	DIR *d;

	if (faccessat(dirfd, STORE_VERSION_FILE, F_OK, 0) == 0) {
		log_error("%s: there is a store already", dir);
		return ERR_EXISTS;
	}
	if ((rc = fio_open(dirfd, ".", O_RDONLY | O_DIRECTORY, 0, &fd)) != 0)
		return rc;
	if (!(d = fdopendir(fd))) {
		fio_close(&fd);
		return log_errno(ERR_IO, "read %s", dir);
	}
	while (rc == 0 && (e = readdir(d)))
		if (e->d_name[0] != '.' && strcmp(e->d_name, "dev.env") && strcmp(e->d_name, "lost+found")) {
			log_error("%s is not empty (there is \"%s\"): give an empty folder", dir, e->d_name);
			rc = ERR_NOTEMPTY;
		}
	closedir(d);
	return rc;
}

static int
fill_database(int dirfd, const char *dir, const uint8_t key[32])
{
	uint8_t check[AEAD_SEALED_SIZE(sizeof(STORE_KEY_CHECK) - 1)], id[16];
	struct db *db = NULL;
	struct db_conn *c;
	int rc;

	random_bytes(id, sizeof(id));
	if ((rc = aead_seal(key, NULL, 0, STORE_KEY_CHECK, strlen(STORE_KEY_CHECK), check)) != 0 ||
	    (rc = db_open(&(struct db_options) { .dirfd = dirfd, .dir = dir, .name = STORE_DB_FILE, .create = true,
		 .readers = 1 }, &db)) != 0 ||
	    (rc = migrate(db)) != 0)
		goto out;
	c = db_writer(db);
	if ((rc = db_begin(c)) == 0 && (rc = tbl_store_insert(c, id, clock_wall_us(), check, sizeof(check))) == 0)
		rc = db_commit(c);
	if (rc)
		db_rollback(c);
out:
	db_close(db);
	return rc;
}

static int
first_administrator(const char *dir, struct store_credentials *admin)
{
	struct store_settings settings = STORE_SETTINGS_DEFAULT;
	struct access_key access;
	struct principal who;
	struct store *store = NULL;
	struct token token;
	int rc;

	settings.reserve_bytes = settings.reserve_percent = 0;	/* these few rows always have room */
	if ((rc = store_open(dir, &settings, &store)) == 0 &&
	    (rc = principal_create(store, "admin", true, true, &who)) == 0 &&
	    (rc = key_create(store, who.id, &access, admin->secret_access_key)) == 0)
		rc = token_create(store, who.id, 0, &token, admin->token);
	if (rc == 0)
		snprintf(admin->access_key_id, sizeof(admin->access_key_id), "%s", access.id);
	store_close(store);
	return rc;
}

static void
unmake(int dirfd)
{
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		fio_unlink(dirfd, made[i]);
	unlinkat(dirfd, "segments", AT_REMOVEDIR);
}

int
store_create(const char *dir, struct store_credentials *admin)
{
	uint8_t key[32] = { 0 };
	int rc, dirfd = -1;

	if ((rc = fio_mkdir(AT_FDCWD, dir, 0700)) != 0 ||
	    (rc = fio_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, &dirfd)) != 0)
		return rc == ERR_NOTFOUND ? log_errno(rc, "%s: the folder above does not exist", dir) : rc;
	if ((rc = check_empty(dirfd, dir)) != 0)
		goto out;
	/* The key file is made exclusively: of two who create at once, one stops here and removes nothing. */
	if ((rc = store_files_key(dirfd, key)) != 0)
		goto out;
	if ((rc = fill_database(dirfd, dir, key)) != 0 || (rc = store_files_version(dirfd)) != 0 ||
	    (rc = first_administrator(dir, admin)) != 0)
		unmake(dirfd);
out:
	explicit_bzero(key, sizeof(key));
	fio_close(&dirfd);
	return rc;
}
