#ifndef TABLE_MIGRATE_H
#define TABLE_MIGRATE_H

#include <stdint.h>

struct db;

/*
 * Schema changes are numbered. A new database gets all of them; an old one is brought up to date after a copy of it was
 * made beside it ("meta.db.before-N"); one from the future is refused with ERR_VERSION and left alone.
 * Run once, before the committer starts.
 */
#define SCHEMA_VERSION 2
int migrate(struct db *db);

#endif
