#include <string.h>

#include "admin.h"
#include "api.h"
#include "daemon.h"
#include "digest.h"
#include "err.h"

static int
find_key(struct request *req, const struct json *body, struct slice *key)
{
	const char *header = http_header(req->http, "idempotency-key"), *member = NULL;
	int rc = body ? admin_get_str(req, body, "clientMutationId", &member) : 0;

	if (rc)
		return rc;
	if (header && member && strcmp(header, member) != 0)
		return request_fail(req, ERR_INVALID, NULL, "Idempotency-Key and clientMutationId differ.");
	*key = (struct slice) { "", 0 };
	if (header || member)
		*key = SLICE(header ? header : member);
	if ((header || member) && (!key->len || key->len > IDEM_KEY_MAX))
		return request_fail(req, ERR_INVALID, NULL, "%s: expected 1 to %d bytes.",
		    header ? "Idempotency-Key" : "clientMutationId", IDEM_KEY_MAX);
	return 0;
}

/* Lengths stand before the pieces, so that none can be taken for another. */
static int
hash_request(const struct request *req, struct slice body, uint8_t hash[SHA256_SIZE])
{
	const struct http_request *http = req->http;
	uint64_t lens[2] = { strlen(http->method), strlen(http->target) };
	struct digest *d = NULL;

	if (digest_new(DIGEST_SHA256, &d) != 0)
		return ERR_NOMEM;
	digest_update(d, lens, sizeof(lens));
	digest_update(d, http->method, lens[0]);
	digest_update(d, http->target, lens[1]);
	digest_update(d, body.p, body.len);
	digest_final(d, hash);
	digest_free(d);
	return 0;
}

static int
begin(struct request *req, const struct json *body, struct slice bytes, struct idem *idem)
{
	int rc;

	idem->principal = req->who.who.id;
	if ((rc = find_key(req, body, &idem->key)) != 0 || !idem->key.len)
		return rc;
	if ((rc = hash_request(req, bytes, idem->hash)) != 0)
		return rc;
	rc = idem_begin(req->daemon->store, idem);
	if (rc == ERR_BUSY)
		return api_fail(req, rc, 409, "idempotency_running", "A request with this key is being worked on: ask again.");
	if (rc == ERR_CONFLICT)
		return api_fail(req, rc, 422, "idempotency_mismatch", "This key was used for another request.");
	return rc;
}

int
api_idem_begin(struct request *req, const struct json *body, struct idem *idem)
{
	const struct buf *b = &req->http->body;

	return begin(req, body, (struct slice) { b->data ? b->data : "", b->len }, idem);
}

int
api_idem_begin_streamed(struct request *req, const uint8_t sum[32], struct idem *idem)
{
	return begin(req, NULL, (struct slice) { (const char *)sum, 32 }, idem);
}

int
api_idem_reply(struct request *req, int rc, struct idem *idem)
{
	struct buf *body = &req->http->reply.body;

	if (rc == 0) {
		admin_reply_head(req, idem->status);
		if (idem->replayed)
			http_reply_header(&req->http->reply, "Idempotency-Replayed", "true");
		buf_clear(body);
		buf_add(body, idem->reply.data, idem->reply.len);
		rc = buf_finish(body);
	}
	idem_end(req->daemon->store, idem);
	return rc;
}

int
api_idem_run(struct request *req, const char *const *fields,
    int (*run)(struct request *req, const struct json *body, struct idem *idem))
{
	struct idem idem = IDEM_INIT;
	struct json *body = NULL;
	int rc;

	if ((rc = admin_body(req, fields, &body)) == 0 && (rc = api_idem_begin(req, body, &idem)) == 0 && !idem.replayed)
		rc = run(req, body, &idem);
	rc = api_idem_reply(req, rc, &idem);
	json_free(body);
	return rc;
}

int
api_idem_nothing(void *arg, struct buf *reply)
{
	(void)arg;
	(void)reply;
	return 0;
}
