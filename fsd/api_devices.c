#include <string.h>

#include "admin.h"
#include "api.h"
#include "api_calls.h"
#include "daemon.h"
#include "device.h"
#include "err.h"

/* Devices: /v1/devices. Each user sees and changes its own. */
#define CURSORS 100		/* workspaces shown of one device */

static int
no_such_device(struct request *req, int rc)
{
	return rc == ERR_NOTFOUND ? request_fail(req, rc, NULL, "There is no such device.") : rc;
}

static void
put_device(struct json_out *j, const struct device_row *d)
{
	admin_put_id(j, "deviceId", ID_DEVICE, d->id);
	json_key_str(j, "name", d->name);
	admin_put_time(j, "createdAt", d->created_at);
	admin_put_time(j, "lastSeenAt", d->last_seen_at);
}

/* ---- POST /v1/devices {name} ---- */

static int
render_made(void *arg, struct buf *reply)
{
	const struct device_make *make = arg;
	struct json_out j;

	json_out_init(&j, reply, false);
	json_object_begin(&j);
	put_device(&j, &make->device);
	json_object_end(&j);
	return buf_finish(reply);
}

static int
make(struct request *req, const struct json *body, struct idem *idem)
{
	struct device_make m = { .principal = req->who.who.id };
	int rc = admin_get_str(req, body, "name", &m.name);

	if (rc)
		return rc;
	if (!m.name || device_name_check(m.name) != 0)
		return request_fail(req, ERR_INVALID, "invalid_name",
		    "name: expected 1 to %d bytes without slashes and control characters.", DEVICE_NAME_MAX);
	idem->render = render_made;
	idem->arg = &m;
	idem->status = 201;
	rc = device_create(req->daemon->store, &m, idem);
	if (rc == ERR_TOOBIG)
		return api_fail(req, ERR_CONFLICT, 409, "too_many_devices", "A user has at most %d devices: delete one.",
		    DEVICE_LIMIT);
	return rc;
}

int
api_device_make(struct request *req)
{
	static const char *const fields[] = { "name", "clientMutationId", NULL };

	return api_idem_run(req, fields, make);
}

/* ---- GET /v1/devices ---- */

static int
put_cursors(struct request *req, struct json_out *j, int64_t device)
{
	struct device_cursor_row rows[CURSORS];
	unsigned n = 0;
	int rc = device_cursors(req->daemon->store, device, rows, CURSORS, &n);

	json_key(j, "cursors");
	json_array_begin(j);
	for (unsigned i = 0; rc == 0 && i < n; i++) {
		json_object_begin(j);
		admin_put_id(j, "workspaceId", ID_WORKSPACE, rows[i].workspace);
		json_key_int(j, "lastSequence", rows[i].last_sequence);
		admin_put_time(j, "lastAckAt", rows[i].last_ack_at);
		json_object_end(j);
	}
	json_array_end(j);
	return rc;
}

int
api_device_list(struct request *req)
{
	struct device_row rows[DEVICE_LIMIT];
	struct json_out j;
	unsigned n = 0;
	int rc;

	if ((rc = device_list(req->daemon->store, req->who.who.id, rows, DEVICE_LIMIT, &n)) != 0)
		return rc;
	admin_reply(req, 200, &j);
	json_object_begin(&j);
	json_key(&j, "devices");
	json_array_begin(&j);
	for (unsigned i = 0; rc == 0 && i < n; i++) {
		json_object_begin(&j);
		put_device(&j, &rows[i]);
		rc = put_cursors(req, &j, rows[i].id);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	return rc ? rc : buf_finish(&req->http->reply.body);
}

/* ---- DELETE /v1/devices/{id} ---- */

int
api_device_delete(struct request *req)
{
	struct idem idem = IDEM_INIT;
	int64_t id;
	int rc;

	idem.render = api_idem_nothing;
	idem.status = 204;
	if ((rc = api_path_id(req, 0, ID_DEVICE, &id)) == 0 && (rc = api_idem_begin(req, NULL, &idem)) == 0 && !idem.replayed)
		rc = no_such_device(req, device_delete(req->daemon->store, req->who.who.id, id, &idem));
	return api_idem_reply(req, rc, &idem);
}

/* ---- POST /v1/devices/{id}:ack {cursor} ---- */

static int
render_ack(void *arg, struct buf *reply)
{
	const struct cursor *c = arg;
	struct json_out j;

	json_out_init(&j, reply, false);
	json_object_begin(&j);
	admin_put_id(&j, "workspaceId", ID_WORKSPACE, c->workspace);
	json_key_int(&j, "lastSequence", c->sequence);
	json_object_end(&j);
	return buf_finish(reply);
}

static int
ack(struct request *req, const struct json *body, struct idem *idem)
{
	struct workspace_row row;
	const char *text = NULL;
	struct cursor c;
	int64_t id;
	int rc;

	if ((rc = api_path_id(req, 0, ID_DEVICE, &id)) != 0 || (rc = admin_get_str(req, body, "cursor", &text)) != 0)
		return rc;
	if (!text)
		return request_fail(req, ERR_INVALID, NULL, "cursor: missing.");
	if ((rc = api_read_cursor(req, text, &c)) != 0)
		return rc;
	/* An acknowledgement holds the log: only who may read it has a say in that. */
	if ((rc = api_workspace(req, c.workspace, ACTION_LIST, true, &row)) != 0)
		return rc;
	if (c.sequence > row.sequence)
		return request_fail(req, ERR_INVALID, "cursor_invalid", "The cursor is ahead of the workspace.");
	idem->render = render_ack;
	idem->arg = &c;
	idem->status = 200;
	return no_such_device(req, device_ack(req->daemon->store, req->who.who.id, id, c.workspace, c.sequence, idem));
}

int
api_device_ack(struct request *req)
{
	static const char *const fields[] = { "cursor", "clientMutationId", NULL };

	return api_idem_run(req, fields, ack);
}
