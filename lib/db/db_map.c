#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "db_map.h"
#include "err.h"
#include "fio.h"
#include "log.h"

/*
 * Addresses, not memory; what lies behind them is read with a system call a page. The file may grow into them. It never shrinks while
 * it is open: nothing here vacuums, and a page that the log does not have is in the file.
 */
#define MAP_BYTES ((size_t)64 << 30)

struct db_map {
	uint8_t *bytes;
	_Atomic(sqlite3_int64) size;		/* the file has so many at least */
	const sqlite3_io_methods *plain;	/* SQLite's own */
	sqlite3_io_methods methods;		/* the same, but for fetching a page */
};

static struct db_map *
map_of(const sqlite3_file *file)
{
	return (struct db_map *)(void *)((char *)(uintptr_t)file->pMethods - offsetof(struct db_map, methods));
}

/* https://www.sqlite.org/c3ref/io_methods.html: NULL in *page asks for a read instead. */
static int
map_fetch(sqlite3_file *file, sqlite3_int64 at, int len, void **page)
{
	struct db_map *map = map_of(file);
	sqlite3_int64 end = at + len, size;
	int rc;

	*page = NULL;
	if (end > (sqlite3_int64)MAP_BYTES)
		return SQLITE_OK;
	if (end > atomic_load_explicit(&map->size, memory_order_relaxed)) {
		if ((rc = map->plain->xFileSize(file, &size)) != SQLITE_OK || end > size)
			return rc;
		atomic_store_explicit(&map->size, size, memory_order_relaxed);
	}
	*page = map->bytes + at;
	return SQLITE_OK;
}

static int
map_unfetch(sqlite3_file *file, sqlite3_int64 at, void *page)
{
	(void)file;
	(void)at;
	(void)page;
	return SQLITE_OK;
}

int
db_map_open(int dirfd, const char *name, struct db_map **result)
{
	struct db_map *map;
	int fd = -1, rc;

	if (!(map = calloc(1, sizeof(*map))))
		return ERR_NOMEM;
	if ((rc = fio_open(dirfd, name, O_RDWR, 0, &fd)) != 0) {
		free(map);
		return rc;
	}
	map->bytes = mmap(NULL, MAP_BYTES, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
	rc = map->bytes == MAP_FAILED ? log_errno(ERR_NOMEM, "mmap of %s", name) : 0;
	fio_close(&fd);
	if (rc) {
		free(map);
		return rc;
	}
	*result = map;
	return 0;
}

void
db_map_close(struct db_map *map)
{
	if (!map)
		return;
	munmap(map->bytes, MAP_BYTES);
	free(map);
}

void
db_map_use(struct db_map *map, sqlite3 *conn)
{
	sqlite3_file *file = NULL;

	sqlite3_file_control(conn, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (!file || !file->pMethods || file->pMethods->iVersion < 3)
		return;
	if (!map->plain) {
		map->plain = file->pMethods;
		map->methods = *file->pMethods;
		map->methods.xFetch = map_fetch;
		map->methods.xUnfetch = map_unfetch;
	}
	assert(map->plain == file->pMethods);
	file->pMethods = &map->methods;
}
