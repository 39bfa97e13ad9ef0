#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "commit.h"
#include "db.h"
#include "device.h"
#include "err.h"
#include "id.h"
#include "idem.h"
#include "store_in.h"

struct change {
	int64_t principal, id, workspace, sequence;
};

int
device_name_check(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > DEVICE_NAME_MAX || !utf8_valid(name, len))
		return ERR_INVALID;
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '/')
			return ERR_INVALID;
	return 0;
}

static int
run_create(struct txn *t, void *arg)
{
	struct device_make *make = arg;
	struct device_row rows[DEVICE_LIMIT];
	unsigned n;
	int rc;

	if ((rc = tbl_device_list(t->db, make->principal, rows, DEVICE_LIMIT, &n)) != 0)
		return rc;
	if (n == DEVICE_LIMIT)
		return ERR_TOOBIG;
	make->device = (struct device_row) { .id = id_new(), .principal = make->principal, .created_at = t->now_us,
		.last_seen_at = t->now_us };
	snprintf(make->device.name, sizeof(make->device.name), "%s", make->name);
	return tbl_device_insert(t->db, &make->device);
}

int
device_create(struct store *store, struct device_make *make, struct idem *idem)
{
	if (device_name_check(make->name) != 0)
		return ERR_INVALID;
	return idem_run(store, &(struct commit) { .run = run_create, .arg = make }, idem);
}

int
device_list(struct store *store, int64_t principal, struct device_row *rows, unsigned max, unsigned *n)
{
	struct db_conn *db = NULL;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = tbl_device_list(db, principal, rows, max, n);
	db_read_end(db);
	return rc;
}

int
device_cursors(struct store *store, int64_t device, struct device_cursor_row *rows, unsigned max, unsigned *n)
{
	struct db_conn *db = NULL;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = tbl_device_cursors(db, device, rows, max, n);
	db_read_end(db);
	return rc;
}

int
device_get(struct store *store, int64_t principal, int64_t id, struct device_row *device)
{
	struct db_conn *db = NULL;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = tbl_device_get(db, principal, id, device);
	db_read_end(db);
	return rc;
}

static int
run_delete(struct txn *t, void *arg)
{
	const struct change *c = arg;

	return tbl_device_delete(t->db, c->principal, c->id);
}

int
device_delete(struct store *store, int64_t principal, int64_t id, struct idem *idem)
{
	struct change c = { .principal = principal, .id = id };

	return idem_run(store, &(struct commit) { .run = run_delete, .arg = &c, .frees = true }, idem);
}

static int
run_ack(struct txn *t, void *arg)
{
	const struct change *c = arg;
	struct device_row device;
	int rc;

	if ((rc = tbl_device_get(t->db, c->principal, c->id, &device)) != 0 ||
	    (rc = tbl_device_seen(t->db, c->id, t->now_us)) != 0)
		return rc;
	return tbl_device_ack(t->db, c->id, c->workspace, c->sequence, t->now_us);
}

int
device_ack(struct store *store, int64_t principal, int64_t id, int64_t workspace, int64_t sequence, struct idem *idem)
{
	struct change c = { principal, id, workspace, sequence };

	return idem_run(store, &(struct commit) { .run = run_ack, .arg = &c, .frees = true }, idem);
}

static int
run_asks(struct txn *t, void *arg)
{
	const struct change *c = arg;
	int rc = tbl_device_seen(t->db, c->id, t->now_us);

	return rc ? rc : tbl_device_asked(t->db, c->id, c->workspace, t->now_us);
}

int
device_asks(struct store *store, int64_t principal, int64_t id, int64_t workspace)
{
	struct change c = { .principal = principal, .id = id, .workspace = workspace };
	int64_t before = clock_wall_us() - DEVICE_SEEN_US;
	struct device_cursor_row cursor = { 0 };
	struct db_conn *db = NULL;
	struct device_row device;
	bool due;
	int rc;

	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	if ((rc = tbl_device_get(db, principal, id, &device)) == 0) {
		rc = tbl_device_cursor(db, id, workspace, &cursor);
		due = device.last_seen_at < before || (rc == 0 && cursor.last_ack_at < before);
		rc = rc == ERR_NOTFOUND ? 0 : rc;
	}
	db_read_end(db);
	if (rc || !due)
		return rc;
	rc = commit_run(store, &(struct commit) { .run = run_asks, .arg = &c, .frees = true });
	return rc == ERR_SPACE ? 0 : rc;	/* who only reads is not kept from it */
}

struct slice
device_label(struct store *store, const struct principal *who, int64_t device, char *text, size_t size)
{
	struct device_row row;

	if (device && device_get(store, who->id, device, &row) == 0)
		snprintf(text, size, "%s", row.name);
	else
		snprintf(text, size, "%s", who->name);
	return SLICE(text);
}
