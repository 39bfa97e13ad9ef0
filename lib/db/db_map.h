#ifndef DB_MAP_H
#define DB_MAP_H

#include "db_sqlite.h"

/*
 * The database file, mapped once for all connections that read. SQLite maps it for each connection anew: 32 times the page
 * tables, which a look-up of a few scattered pages keeps fetching from memory, and 32 times the file in what the system
 * reports as resident.
 */
struct db_map;

/*
 * Maps the file for reading. Before SQLite opens it: closing another descriptor of a file drops the locks that the process holds on
 * it. ERR_NOMEM, ERR_IO where the system does not allow it; then each connection has a mapping of its own.
 */
int db_map_open(int dirfd, const char *name, struct db_map **map);
void db_map_close(struct db_map *map);	/* NULL is fine; after the connections that use it */

/* `conn`, just opened, finds its pages there from now on. */
void db_map_use(struct db_map *map, sqlite3 *conn);

#endif
