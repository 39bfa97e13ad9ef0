#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
#include "store_draft.h"
#include "store_files.h"
#include "tbl_store.h"

static int
check_no_store(int dirfd, const char *dir)
{
	if (faccessat(dirfd, STORE_VERSION_FILE, F_OK, 0) != 0)
		return 0;
	log_error("%s: there is a store already", dir);
	return ERR_EXISTS;
}

/* An empty lock is what a creation that failed leaves. */
static bool
may_stay(int dirfd, const char *name)
{
	struct stat st;

	return name[0] == '.' || !strcmp(name, "dev.env") || !strcmp(name, "lost+found") ||
	       (!strcmp(name, STORE_LOCK_FILE) && fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && st.st_size == 0);
}

/* Only an empty folder becomes a store; hidden files and dev.env may be there. */
static int
check_empty(int dirfd, const char *dir)
{
	struct dirent *e;
	int rc = 0, fd;
	DIR *d;

	if ((rc = fio_open(dirfd, ".", O_RDONLY | O_DIRECTORY, 0, &fd)) != 0)
		return rc;
	if (!(d = fdopendir(fd))) {
		fio_close(&fd);
		return log_errno(ERR_IO, "read %s", dir);
	}
	while (rc == 0 && (e = readdir(d)))
		if (!may_stay(dirfd, e->d_name)) {
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

/* A whole store, with its administrator, in the draft's folder. */
static int
build(int dirfd, const char *draft, struct store_credentials *admin)
{
	uint8_t key[32] = { 0 };
	int rc, fd = -1;

	if ((rc = fio_open(dirfd, STORE_DRAFT_DIR, O_RDONLY | O_DIRECTORY, 0, &fd)) == 0 &&
	    (rc = store_files_key(fd, key)) == 0 && (rc = fill_database(fd, draft, key)) == 0 &&
	    (rc = store_files_version(fd)) == 0)
		rc = first_administrator(draft, admin);
	explicit_bzero(key, sizeof(key));
	fio_close(&fd);
	return rc;
}

/* With the lock held; what an earlier creation left goes first. */
static int
create(int dirfd, const char *dir, struct store_credentials *admin)
{
	char *draft = NULL;
	int rc;

	if ((rc = check_no_store(dirfd, dir)) != 0 || (rc = store_draft_clear(dirfd, dir)) != 0 ||
	    (rc = check_empty(dirfd, dir)) != 0 || (rc = store_draft_begin(dirfd)) != 0)
		return rc;
	if (asprintf(&draft, "%s/%s", dir, STORE_DRAFT_DIR) < 0)
		return ERR_NOMEM;
	if ((rc = build(dirfd, draft, admin)) == 0)
		rc = store_draft_publish(dirfd);
	free(draft);
	/* Should that fail now, the store is there all the same, and its next opening sees to it. */
	if (store_draft_clear(dirfd, dir) != 0)
		log_warn("%s: %s could not be removed", dir, STORE_DRAFT_DIR);
	return rc;
}

int
store_create(const char *dir, struct store_credentials *admin)
{
	int rc, dirfd = -1, lockfd = -1;

	if ((rc = fio_mkdir(AT_FDCWD, dir, 0700)) != 0 ||
	    (rc = fio_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, &dirfd)) != 0)
		return rc == ERR_NOTFOUND ? log_errno(rc, "%s: the folder above does not exist", dir) : rc;
	/* What is refused gets no lock of ours. */
	if ((rc = check_no_store(dirfd, dir)) != 0 ||
	    (!store_draft_there(dirfd) && (rc = check_empty(dirfd, dir)) != 0))
		goto out;
	if ((rc = store_files_writable(dirfd, dir)) != 0)
		goto out;
	if ((rc = fio_lock(dirfd, STORE_LOCK_FILE, &lockfd)) == ERR_LOCKED)
		log_error("%s: another process is creating a store there", dir);
	if (rc == 0)
		rc = create(dirfd, dir, admin);
out:
	fio_close(&lockfd);
	fio_close(&dirfd);
	return rc;
}
