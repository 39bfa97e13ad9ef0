#include <string.h>

#include "err.h"
#include "twin.h"

struct slice
twin_name(struct slice name, char room[TWIN_ROOM])
{
	if (name.len && name.p[name.len - 1] == '/')
		return (struct slice) { name.p, name.len - 1 };
	if (!name.len || name.len > LIMIT_KEY)
		return (struct slice) { "", 0 };
	memcpy(room, name.p, name.len);
	room[name.len] = '/';
	return (struct slice) { room, name.len + 1 };
}

int
twin_get(struct db_conn *db, const struct entry_at *at, struct entry_row *row)
{
	struct entry_at other = *at;
	char room[TWIN_ROOM];
	int rc;

	other.name = twin_name(at->name, room);
	rc = other.name.len ? tbl_entry_get(db, &other, row) : ERR_NOTFOUND;
	return rc == 0 && !row->live ? ERR_NOTFOUND : rc;
}

int
twin_shown(struct db_conn *db, const struct entry_at *at, bool *yes)
{
	struct entry_row e;
	int rc = twin_get(db, at, &e);

	if (rc == 0)
		rc = tbl_entry_get(db, at, &e);
	*yes = rc == 0 && e.live;
	return rc == ERR_NOTFOUND ? 0 : rc;
}
