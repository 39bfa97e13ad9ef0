#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "api_calls.h"
#include "api_uploads.h"
#include "daemon.h"
#include "digest.h"
#include "err.h"
#include "ingest.h"
#include "le.h"

/*
 * POST /v1/chunks?workspaceId= (or ?folderId=, for those who may write to a folder alone): many small contents in one request, each with its length in
 * front (4 bytes, little-endian). They wait for a commit-batch.
 */
#define PACK_MAX (16u << 20)
#define PACK_CHUNKS 1024

struct pack {
	struct ingest *ingest;
	int64_t workspace;
	uint8_t head[4];
	unsigned headed;		/* bytes of it that are there */
	uint32_t left;			/* of the running chunk */
	unsigned count;
	uint32_t longest;		/* of the workspace's chunks */
	uint64_t total;
	struct ingest_result result;
	struct transfer_stage stage;
};

static int
find_workspace(struct request *req, struct workspace_row *w)
{
	struct node n = NODE_INIT;
	int64_t id;
	int rc;

	if (!uri_value(&req->uri, "folderId"))
		return api_query_workspace(req, ACTION_WRITE, false, w);
	if ((rc = api_query_id(req, "folderId", ID_FOLDER, &id)) == 0 &&
	    (rc = api_node(req, ACTION_WRITE, NODE_FOLDER, id, &n)) == 0)
		rc = workspace_get(req->daemon->store, n.workspace, w);
	node_release(&n);
	return rc;
}

int
api_stage_start(struct request *req)
{
	struct ingest_options in = { .size = UINT64_MAX, .pieces = true, .leaves = true, .wake = request_wake, .arg = req };
	struct workspace_row w;
	struct pack *p;
	int rc;

	if ((rc = find_workspace(req, &w)) != 0)
		return rc;
	if (req->http->content_length != UINT64_MAX && req->http->content_length > PACK_MAX)
		return request_fail(req, ERR_TOOBIG, NULL, "At most %u bytes.", PACK_MAX);
	if (!(p = req->op = calloc(1, sizeof(*p))))
		return ERR_NOMEM;
	p->workspace = w.id;
	p->longest = w.chunk_max;
	in.chunk_min = w.chunk_min;
	in.chunk_avg = w.chunk_avg;
	in.chunk_max = w.chunk_max;
	return ingest_new(req->daemon->store, &in, &p->ingest);
}

/* The length in front of a chunk. */
static int
begin_chunk(struct request *req, struct pack *p, const uint8_t *bytes, size_t len, size_t *used)
{
	while (p->headed < sizeof(p->head) && *used < len)
		p->head[p->headed++] = bytes[(*used)++];
	if (p->headed < sizeof(p->head))
		return 0;
	p->left = le_get32(p->head);
	if (p->left == 0 || p->left > p->longest)
		return request_fail(req, ERR_INVALID, NULL, "Chunk %u: its length is not from 1 to %u.", p->count, p->longest);
	p->total += p->left + sizeof(p->head);
	if (p->count++ == PACK_CHUNKS || p->total > PACK_MAX)
		return request_fail(req, ERR_TOOBIG, NULL, "At most %u chunks and %u bytes.", PACK_CHUNKS, PACK_MAX);
	return 0;
}

static int
take(struct pack *p, const uint8_t *bytes, size_t len, size_t *used)
{
	size_t n = 0;
	int rc = ingest_write(p->ingest, bytes + *used, len - *used < p->left ? len - *used : p->left, &n);

	*used += n;
	p->left -= (uint32_t)n;
	if (rc || p->left)
		return rc;
	p->headed = 0;
	return ingest_cut(p->ingest);
}

int
api_stage_write(struct request *req, const void *bytes, size_t len, size_t *used)
{
	struct pack *p = req->op;
	int rc = 0;

	*used = 0;
	while (rc == 0 && *used < len)
		rc = p->left ? take(p, bytes, len, used) : begin_chunk(req, p, bytes, len, used);
	return rc;
}

static int
render(void *arg, struct buf *reply)
{
	const struct pack *p = arg;
	char hex[2 * SHA256_SIZE + 1];
	struct json_out j;

	json_out_init(&j, reply, false);
	json_object_begin(&j);
	admin_put_id(&j, "stagingId", ID_UPLOAD, p->stage.id);
	json_key(&j, "chunks");
	json_array_begin(&j);
	for (size_t i = 0; i < p->result.count; i++) {
		hex_encode(p->result.chunks[i].id, SHA256_SIZE, hex);
		json_object_begin(&j);
		json_key_str(&j, "hash", hex);
		json_key_uint(&j, "length", p->result.chunks[i].length);
		json_object_end(&j);
	}
	json_array_end(&j);
	admin_put_time(&j, "expiresAt", p->stage.expires_us);
	json_object_end(&j);
	return buf_finish(reply);
}

/* What stands for the body: the chunks' names in their order. */
static int
sum_of(const struct pack *p, uint8_t sum[SHA256_SIZE])
{
	struct digest *d = NULL;
	int rc = digest_new(DIGEST_SHA256, &d);

	if (rc)
		return rc;
	for (size_t i = 0; i < p->result.count; i++)
		digest_update(d, p->result.chunks[i].id, sizeof(p->result.chunks[i].id));
	digest_final(d, sum);
	digest_free(d);
	return 0;
}

int
api_stage_finish(struct request *req)
{
	struct pack *p = req->op;
	struct idem idem = IDEM_INIT;
	uint8_t sum[SHA256_SIZE];
	int rc;

	if (p->left || p->headed)
		return request_fail(req, ERR_TRUNCATED, NULL, "The body ended early.");
	if (!p->count)
		return request_fail(req, ERR_INVALID, NULL, "There is no chunk in the body.");
	idem.render = render;
	idem.arg = p;
	idem.status = 200;
	p->stage.workspace = p->workspace;
	p->stage.principal = req->who.who.id;
	p->stage.bytes = &p->result;
	if ((rc = ingest_finish(p->ingest, &p->result)) == 0 && (rc = sum_of(p, sum)) == 0 &&
	    (rc = api_idem_begin_streamed(req, sum, &idem)) == 0 && !idem.replayed)
		rc = transfer_stage(req->daemon->store, &p->stage, &idem);
	return api_idem_reply(req, rc, &idem);
}

void
api_stage_release(struct request *req)
{
	struct pack *p = req->op;

	ingest_free(p->ingest);
	free(p);
	req->op = NULL;
}
