#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "api_calls.h"
#include "api_uploads.h"
#include "clock.h"
#include "daemon.h"
#include "err.h"
#include "ingest.h"
#include "le.h"
#include "ticket.h"

/*
 * PUT of one part by its short-lived URL. The ticket names session, part, who started it and the end of its time; the right to write is asked for again when
 * it is used, and once more when the body has come. Little-endian numbers of 8 bytes.
 */
#define TICKET_SIZE 32

struct part {
	struct transfer tr;
	struct principal who;
	struct ingest *ingest;
	unsigned number;
	uint64_t size, got;
};

void
api_part_put_url(struct request *req, struct json_out *j, const struct transfer *tr, unsigned number)
{
	struct buf ticket = BUF_INIT(TICKET_TEXT);
	uint8_t said[TICKET_SIZE];
	char id[ID_TEXT], path[128];

	le_put64(said, (uint64_t)tr->id);
	le_put64(said + 8, number);
	le_put64(said + 16, (uint64_t)tr->principal);
	le_put64(said + 24, (uint64_t)(clock_wall_us() + PART_TICKET_US));
	ticket_write(req->daemon->store, TICKET_PART, said, sizeof(said), &ticket);
	id_format(ID_UPLOAD, tr->id, id);
	snprintf(path, sizeof(path), "/v1/uploads/%s/parts/%u", id, number);
	api_put_url(req, j, "url", path, &ticket);
	buf_release(&ticket);
}

static int
refuse(struct request *req)
{
	return api_fail(req, ERR_AUTH, 403, "ticket_invalid", "The URL is not one that this server gave.");
}

static int
read_ticket(struct request *req, int64_t *id, unsigned *number, int64_t *principal)
{
	const char *text = uri_value(&req->uri, "ticket");
	uint8_t said[TICKET_PAYLOAD];
	uint64_t in_path = 0;
	int64_t in_id = 0;
	size_t len;

	if (!text || ticket_read(req->daemon->store, TICKET_PART, text, said, &len) != 0 || len != TICKET_SIZE)
		return refuse(req);
	*id = (int64_t)le_get64(said);
	*number = (unsigned)le_get64(said + 8);
	*principal = (int64_t)le_get64(said + 16);
	if (api_path_id(req, 0, ID_UPLOAD, &in_id) != 0 || in_id != *id ||
	    parse_u64(req->params[1].p, req->params[1].len, &in_path) != 0 || in_path != *number)
		return refuse(req);
	if ((int64_t)le_get64(said + 24) < clock_wall_us())
		return api_fail(req, ERR_EXPIRED, 403, "ticket_expired", "The URL's time is over: ask for the upload's targets again.");
	return 0;
}

static int
permit(struct request *req, struct part *p, int64_t principal)
{
	int rc = principal_get(req->daemon->store, principal, &p->who);

	if (rc == ERR_NOTFOUND || (rc == 0 && p->who.disabled_us))
		return refuse(req);
	return rc ? rc : api_upload_permit(req, &p->who, &p->tr);
}

static int
begin(struct request *req, struct part *p)
{
	const struct manifest_chunk *chunk = NULL;
	struct ingest_options in = { .md5 = true, .sha256 = true, .wake = request_wake, .cut = request_cut, .arg = req };
	struct workspace_row w;
	int rc;

	if (p->tr.completed || transfer_part(&p->tr, p->number, &p->size, &chunk) != 0)
		return request_fail(req, ERR_NOTFOUND, NULL, "There is no such upload, or it is over.");
	if (req->http->content_length == UINT64_MAX)
		return request_fail(req, ERR_INVALID, NULL, "A part takes a Content-Length.");
	if (req->http->content_length != p->size)
		return request_fail(req, ERR_INVALID, NULL, "Part %u has %llu bytes.", p->number, (unsigned long long)p->size);
	if ((rc = workspace_get(req->daemon->store, p->tr.workspace, &w)) != 0)
		return rc;
	in.size = p->size;
	in.whole = chunk != NULL;
	in.leaves = !chunk && p->tr.parts > 1;
	in.chunk_min = w.chunk_min;
	in.chunk_avg = w.chunk_avg;
	in.chunk_max = w.chunk_max;
	return ingest_new(req->daemon->store, &in, &p->ingest);
}

int
api_part_start(struct request *req)
{
	struct part *p;
	int64_t id, principal;
	unsigned number;
	int rc;

	if ((rc = read_ticket(req, &id, &number, &principal)) != 0)
		return rc;
	if (!(p = req->op = calloc(1, sizeof(*p))))
		return ERR_NOMEM;
	p->tr = (struct transfer)TRANSFER_INIT;
	p->number = number;
	rc = transfer_get(req->daemon->store, id, principal, &p->tr);
	if (rc == ERR_NOTFOUND)
		return request_fail(req, rc, NULL, "There is no such upload, or it is over.");
	if (rc || (rc = permit(req, p, principal)) != 0)
		return rc;
	return begin(req, p);
}

int
api_part_write(struct request *req, const void *bytes, size_t len, size_t *used)
{
	struct part *p = req->op;
	int rc = ingest_write(p->ingest, bytes, len, used);

	p->got += *used;
	return rc;
}

static void
reply_part(struct request *req, const struct part *p, const struct ingest_result *result)
{
	char md5[2 * MD5_SIZE + 1], sha256[2 * SHA256_SIZE + 1];
	struct json_out j;

	hex_encode(result->md5, MD5_SIZE, md5);
	hex_encode(result->sha256, SHA256_SIZE, sha256);
	admin_reply(req, 200, &j);
	json_object_begin(&j);
	json_key_uint(&j, "partNumber", p->number);
	json_key_uint(&j, "sizeBytes", p->size);
	json_key_str(&j, "etag", md5);
	json_key_str(&j, "sha256", sha256);
	json_object_end(&j);
}

int
api_part_finish(struct request *req)
{
	struct store *store = req->daemon->store;
	struct part *p = req->op;
	struct ingest_result result;
	int rc;

	if (p->got != p->size)
		return request_fail(req, ERR_TRUNCATED, NULL, "The body ended early.");
	if ((rc = permit(req, p, p->who.id)) != 0 || (rc = ingest_finish(p->ingest, &result)) != 0)
		return rc;
	rc = transfer_put_part(store, &p->tr, p->number, &result);
	if (rc == ERR_DIGEST)
		return api_fail(req, rc, 400, "checksum_mismatch", "The bytes are not those of the chunk that was listed.");
	if (rc == ERR_NOTFOUND)
		return request_fail(req, rc, NULL, "There is no such upload, or it is over.");
	if (rc == 0)
		reply_part(req, p, &result);
	return rc;
}

void
api_part_release(struct request *req)
{
	struct part *p = req->op;

	ingest_free(p->ingest);
	transfer_release(&p->tr);
	free(p);
	req->op = NULL;
}
