#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "db_log.h"

/*
 * Bytes that were written: the file's from `at` on. They go to the file before anything but more bytes behind them is asked of it. If that
 * fails, who asked hears of it, and they stay here: a transaction may go on without the statement that failed. Only a failed commit ends
 * it; its bytes are dropped, so that they can't get into the file later and be taken for a commit after a crash.
 */
#define GATHER (120 << 10)	/* SQLite's own files take less than 128 KiB at once */

struct gathered {
	const sqlite3_io_methods *plain;	/* of SQLite's own file, whose place is before this one's pointer */
	sqlite3_io_methods methods;		/* the same, but for what is here */
	sqlite3_int64 at;
	int len;
	uint8_t bytes[GATHER];
};

static sqlite3_vfs *plain;
static sqlite3_vfs vfs;

static struct gathered **
place_of(sqlite3_file *file)
{
	return (struct gathered **)(void *)((char *)file + plain->szOsFile);
}

static struct gathered *
gathered(sqlite3_file *file)
{
	return *place_of(file);
}

static int
write_out(sqlite3_file *file)
{
	struct gathered *g = gathered(file);
	int rc = g->len ? g->plain->xWrite(file, g->bytes, g->len, g->at) : SQLITE_OK;

	if (rc == SQLITE_OK)
		g->len = 0;
	return rc;
}

static int
log_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
	struct gathered *g = gathered(file);
	int rc;

	if (g->len && (at != g->at + g->len || len > GATHER - g->len) && (rc = write_out(file)) != SQLITE_OK)
		return rc;
	assert(len <= GATHER);
	if (!g->len)
		g->at = at;
	memcpy(g->bytes + g->len, bytes, (size_t)len);
	g->len += len;
	return SQLITE_OK;
}

static int
log_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 at)
{
	int rc = write_out(file);

	return rc ? rc : gathered(file)->plain->xRead(file, bytes, len, at);
}

static int
log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct gathered *g = gathered(file);
	int rc;

	if (g->len && size <= g->at)
		g->len = 0;
	rc = write_out(file);
	return rc ? rc : g->plain->xTruncate(file, size);
}

static int
log_sync(sqlite3_file *file, int flags)
{
	struct gathered *g = gathered(file);
	int rc = write_out(file);

	g->len = 0;
	return rc ? rc : g->plain->xSync(file, flags);
}

static int
log_size(sqlite3_file *file, sqlite3_int64 *size)
{
	int rc = write_out(file);

	return rc ? rc : gathered(file)->plain->xFileSize(file, size);
}

/* What is not written yet was not committed. */
static int
log_close(sqlite3_file *file)
{
	struct gathered *g = gathered(file);
	int rc = g->plain->xClose(file);

	free(g);
	return rc;
}

static int
open_any(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *out)
{
	struct gathered *g;
	int rc = plain->xOpen(plain, name, file, flags, out);

	(void)self;
	/* Without memory it is written as ever. */
	if (rc != SQLITE_OK || !(flags & SQLITE_OPEN_WAL) || !(g = malloc(sizeof(*g))))
		return rc;
	g->plain = file->pMethods;
	g->methods = *file->pMethods;
	g->methods.xClose = log_close;
	g->methods.xRead = log_read;
	g->methods.xWrite = log_write;
	g->methods.xTruncate = log_truncate;
	g->methods.xSync = log_sync;
	g->methods.xFileSize = log_size;
	g->len = 0;
	*place_of(file) = g;
	file->pMethods = &g->methods;
	return SQLITE_OK;
}

void
db_log_setup(const char *name)
{
	if (!(plain = sqlite3_vfs_find(name)))
		return;
	vfs = *plain;
	vfs.zName = DB_LOG_VFS;
	vfs.szOsFile = plain->szOsFile + (int)sizeof(struct gathered *);
	vfs.xOpen = open_any;
	assert(plain->szOsFile % (int)sizeof(struct gathered *) == 0);
	sqlite3_vfs_register(&vfs, 0);
}
