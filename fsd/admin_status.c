#include <unistd.h>

#include "admin.h"
#include "clock.h"
#include "daemon.h"
#include "err.h"
#include "store.h"
#include "watch.h"

static double
ratio(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 1;
}

int
admin_status(struct request *req)
{
	const struct daemon *d = req->daemon;
	struct store_status s;
	struct json_out j;
	int rc;

	if ((rc = store_status(d->store, &s)) != 0)
		return rc;
	admin_reply(req, 200, &j);
	json_object_begin(&j);
	json_key_str(&j, "version", FSD_VERSION);
	json_key_int(&j, "pid", getpid());
	json_key_int(&j, "uptimeSeconds", (clock_wall_us() - d->started_us) / 1000000);
	json_key_bool(&j, "socketOnly", d->socket_only);
	json_key_str(&j, "engine", s.engine);
	json_key_int(&j, "workspaces", s.workspaces);
	json_key_int(&j, "objects", s.objects);
	json_key_uint(&j, "logicalBytes", s.logical_bytes);
	json_key_uint(&j, "chunkBytes", s.chunk_bytes);
	json_key_uint(&j, "storedBytes", s.stored_bytes);
	json_key_double(&j, "dedupRatio", ratio(s.logical_bytes, s.chunk_bytes));
	json_key_double(&j, "compressionRatio", ratio(s.chunk_bytes, s.stored_bytes));
	json_key_int(&j, "chunks", s.chunks);
	json_key_int(&j, "deadChunks", s.dead_chunks);
	json_key_int(&j, "segments", s.segments);
	json_key_uint(&j, "segmentBytes", s.segment_bytes);
	json_key_uint(&j, "freeBytes", s.free_bytes);
	json_key_uint(&j, "totalBytes", s.total_bytes);
	json_key_bool(&j, "lowSpace", s.low);
	json_key_int(&j, "openUploads", s.open_uploads);
	json_key_uint(&j, "uploadMemoryBytes", s.pool_in_use);
	json_key_uint(&j, "watchers", watch_count(d->hub));
	json_key_int(&j, "commits", s.commits);
	json_key_int(&j, "batches", s.batches);
	json_object_end(&j);
	return 0;
}

/* Another daemon asks for the store. Only over the socket: who can reach that may end us anyway. */
int
admin_yield(struct request *req)
{
	struct json_out j;

	if (!req->http->local)
		return request_fail(req, ERR_DENIED, NULL, "Only over the Unix socket.");
	if (!req->daemon->socket_only)
		return request_fail(req, ERR_CONFLICT, NULL, "This daemon serves for good: it does not give its store away.");
	admin_reply(req, 202, &j);
	json_object_begin(&j);
	json_key_bool(&j, "yields", true);
	json_object_end(&j);
	req->http->reply.close = true;
	daemon_stop(req->daemon);
	return 0;
}
