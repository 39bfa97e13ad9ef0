#include <string.h>

#include "db.h"
#include "err.h"
#include "store_in.h"
#include "sweep.h"
#include "tbl_workspace.h"

#define PAGE 16

int
sweep_workspaces(struct store *store, const struct sweep *sweep, unsigned *n)
{
	char after[LIMIT_BUCKET_NAME + 1] = "";
	struct workspace_row rows[PAGE];
	struct db_conn *db = NULL;
	unsigned count;
	int rc;

	*n = 0;
	do {
		if ((rc = db_read_begin(store->db, &db)) != 0)
			return rc;
		rc = tbl_workspace_list(db, after, rows, PAGE, &count);
		db_read_end(db);
		for (unsigned i = 0; rc == 0 && i < count && *n < sweep->max; i++) {
			if ((rc = sweep->each(store, &rows[i], sweep, n)) == ERR_NOTFOUND)
				rc = 0;
			memcpy(after, rows[i].name, sizeof(after));
		}
	} while (rc == 0 && count == PAGE && *n < sweep->max);
	return rc;
}
