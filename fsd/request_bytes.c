#include "daemon.h"
#include "reader.h"
#include "request.h"

/* Between a connection and the store: what bytes that come wait for, and bytes that go. */

void
request_wake(void *arg)
{
	struct request *req = arg;

	http_resume(req->http);
}

bool
request_cut(void *arg)
{
	struct request *req = arg;

	return http_cut(req->http);
}

static int
source_read(void *arg, uint64_t offset, void *bytes, size_t max, size_t *got)
{
	(void)offset;
	return reader_read(arg, bytes, max, got);
}

static void
source_free(void *arg)
{
	reader_free(arg);
}

int
request_send(struct request *req, const struct buf *manifest, uint64_t from, uint64_t len)
{
	struct reader *reader = NULL;
	int rc;

	if (!len)
		return 0;
	if ((rc = reader_new(req->daemon->store, manifest->data, manifest->len, from, len, &reader)) == 0)
		req->http->reply.source = (struct http_source) { .read = source_read, .free = source_free, .arg = reader,
			.size = len };
	return rc;
}
