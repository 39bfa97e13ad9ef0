#include <stdio.h>
#include <string.h>

#include "db.h"
#include "err.h"
#include "log.h"
#include "migrate.h"
#include "schema_1.h"
#include "schema_2.h"

static const char version_table[] =
    "CREATE TABLE IF NOT EXISTS schema_version (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL);"
    "INSERT INTO schema_version VALUES (1, 0) ON CONFLICT (one) DO NOTHING;";

static const char version_get[] = "SELECT version FROM schema_version WHERE one = 1";
static const char version_set[] = "UPDATE schema_version SET version = $1 WHERE one = 1";

/* The text of migration N is at N - 1. */
static const char *const migrations[SCHEMA_VERSION] = { schema_1, schema_2 };

static int
version_read(struct db_conn *c, int64_t *version)
{
	struct db_row row = DB_ROW_INIT;
	int rc = db_one0(c, version_get, &row);

	if (rc == 0)
		*version = db_int(&row, 0);
	db_row_release(&row);
	return rc;
}

/* One step in a transaction of its own. */
static int
step(struct db_conn *c, int64_t to)
{
	int rc = db_begin(c);

	if (rc == 0)
		rc = db_script(c, migrations[to - 1]);
	if (rc == 0)
		rc = db_exec(c, version_set, DB_INT(to));
	if (rc == 0)
		rc = db_commit(c);
	if (rc)
		db_rollback(c);
	return rc;
}

int
migrate(struct db *db)
{
	struct db_conn *c = db_writer(db);
	int64_t version = 0;
	char copy[64];
	int rc;

	if ((rc = db_script(c, version_table)) != 0 || (rc = version_read(c, &version)) != 0)
		return rc;
	if (version > SCHEMA_VERSION) {
		log_error("the database has schema %lld, this program knows up to %d: use a newer fsd",
		    (long long)version, SCHEMA_VERSION);
		return ERR_VERSION;
	}
	if (version > 0 && version < SCHEMA_VERSION) {
		snprintf(copy, sizeof(copy), "meta.db.before-%d", SCHEMA_VERSION);
		if ((rc = db_backup(db, copy)) != 0)
			return rc;
	}
	while (rc == 0 && version < SCHEMA_VERSION)
		rc = step(c, ++version);
	return rc;
}
