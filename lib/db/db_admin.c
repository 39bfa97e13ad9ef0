#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "db_sqlite.h"
#include "err.h"
#include "fio.h"
#include "log.h"

#define BACKUP_STEP 1024	/* pages at a time: bounds what SQLite holds of the copy in memory */
#define SQL_MAX 65536

int
db_script(struct db_conn *conn, const char *sql)
{
	int rc;

	if (conn->lost)
		return conn->lost;
	if ((rc = sqlite3_exec(conn->handle, sql, NULL, NULL, NULL)) != SQLITE_OK)
		return db_conn_error(conn, rc, sql);
	return 0;
}

int
db_explain(struct db_conn *conn, const char *sql, struct buf *plan)
{
	struct buf text = BUF_INIT(SQL_MAX);
	sqlite3_stmt *stmt = NULL;
	int rc, code;

	buf_addstr(&text, "EXPLAIN QUERY PLAN ");
	buf_addstr(&text, sql);
	if ((code = buf_finish(&text)) != 0)
		goto out;
	rc = sqlite3_prepare_v2(conn->handle, text.data, -1, &stmt, NULL);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		if ((rc = sqlite3_step(stmt)) != SQLITE_ROW)
			break;
		buf_addstr(plan, (const char *)sqlite3_column_text(stmt, 3));
		buf_addch(plan, '\n');
	}
	code = rc == SQLITE_DONE ? buf_finish(plan) : db_conn_error(conn, rc, sql);
out:
	sqlite3_finalize(stmt);
	buf_release(&text);
	return code;
}

/* A reading connection of its own that meets what the disk can't read as an error, not as a signal. */
static int
open_unmapped(struct db *db, struct db_conn **conn)
{
	int rc = db_conn_open(db, false, false, db->reader_cache, conn);

	if (rc == 0 && sqlite3_exec((*conn)->handle, "PRAGMA mmap_size=0", NULL, NULL, NULL) != SQLITE_OK) {
		db_conn_close(*conn);
		*conn = NULL;
		rc = ERR_IO;
	}
	return rc;
}

int
db_verify(struct db *db, void (*bad)(void *arg, const char *text), void *arg)
{
	static const char sql[] = "PRAGMA integrity_check(1000)";
	struct db_conn *conn = NULL;
	sqlite3_stmt *stmt = NULL;
	int rc, code;

	if ((code = open_unmapped(db, &conn)) != 0)
		return code;
	rc = sqlite3_prepare_v2(conn->handle, sql, -1, &stmt, NULL);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		const char *text;

		if ((rc = sqlite3_step(stmt)) != SQLITE_ROW)
			break;
		text = (const char *)sqlite3_column_text(stmt, 0);
		if (text && !strcmp(text, "ok"))
			continue;
		bad(arg, text ? text : "out of memory");
		code = ERR_CORRUPT;
	}
	if (rc != SQLITE_DONE) {
		bad(arg, sqlite3_errmsg(conn->handle));
		code = db_conn_error(conn, rc, sql);
	}
	sqlite3_finalize(stmt);
	db_conn_close(conn);
	return code;
}

/* Copies the snapshot that `from` stands on into the empty file `path`, unflushed. */
static int
copy_pages(struct db_conn *from, const char *path)
{
	struct db_conn to = { NULL };
	sqlite3_backup *backup;
	int rc, code = 0;

	rc = sqlite3_open_v2(path, &to.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (!to.handle)
		return ERR_NOMEM;
	if (rc == SQLITE_OK)	/* a half-made copy is thrown away, so nothing needs to be undone or flushed in it */
		rc = sqlite3_exec(to.handle, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL, NULL);
	if (rc == SQLITE_OK && (backup = sqlite3_backup_init(to.handle, "main", from->handle, "main"))) {
		while ((rc = sqlite3_backup_step(backup, BACKUP_STEP)) == SQLITE_OK)
			;
		sqlite3_backup_finish(backup);
	} else if (rc == SQLITE_OK) {
		rc = sqlite3_errcode(to.handle);
	}
	if (rc != SQLITE_DONE)
		code = db_conn_error(&to, rc, path);
	if (sqlite3_close(to.handle) != SQLITE_OK && !code)
		code = ERR_INTERNAL;
	return code;
}

static int
flush_file(int dirfd, const char *name)
{
	int fd = -1, rc;

	if ((rc = fio_open(dirfd, name, O_RDWR, 0, &fd)) == 0)
		rc = fio_sync(fd, name);
	fio_close(&fd);
	return rc;
}

/* Makes the empty file `name` in the data directory and tells its path. */
static int
new_file(struct db *db, const char *name, char path[static 512])
{
	const char *slash = strrchr(db->path, '/');
	int fd = -1, rc, len;

	len = snprintf(path, 512, "%.*s/%s", (int)(slash - db->path), db->path, name);
	if (len < 0 || len >= 512)
		return ERR_TOOBIG;
	if ((rc = fio_unlink(db->dirfd, name)) != 0 && rc != ERR_NOTFOUND)
		return rc;
	rc = fio_open(db->dirfd, name, O_RDWR | O_CREAT | O_EXCL, 0600, &fd);
	fio_close(&fd);
	return rc;
}

int
db_backup(struct db *db, const char *name)
{
	struct db_conn *conn = NULL;
	struct stat st;
	char temp[256], path[512];
	int rc, len;

	if (!fstatat(db->dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return ERR_EXISTS;
	len = snprintf(temp, sizeof(temp), "%s.new", name);
	if (len < 0 || (size_t)len >= sizeof(temp))
		return ERR_TOOBIG;
	if ((rc = new_file(db, temp, path)) != 0)
		return rc;
	if ((rc = open_unmapped(db, &conn)) != 0)
		goto out;
	/* One snapshot for the whole copy: without it SQLite starts over after every commit. */
	if ((rc = db_conn_own(conn, DB_OWN_BEGIN)) != 0 || (rc = db_conn_own(conn, DB_OWN_TOUCH)) != 0 ||
	    (rc = copy_pages(conn, path)) != 0 || (rc = flush_file(db->dirfd, temp)) != 0 ||
	    (rc = fio_rename(db->dirfd, temp, name)) != 0)
		goto out;
	rc = fio_sync_dir(db->dirfd, name);
out:
	db_conn_close(conn);
	if (rc)
		fio_unlink(db->dirfd, temp);
	return rc;
}
