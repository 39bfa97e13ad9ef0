#include <string.h>

#include "arrived.h"
#include "digest.h"
#include "err.h"
#include "exit_status.h"
#include "reply.h"
#include "sending.h"
#include "stop.h"
#include "str.h"
#include "tally.h"

static int
unread(const struct sending *s, int rc)
{
	if (rc == 0 || stop_asked())
		return rc ? stop_asked() : STATUS_OK;
	return tally_error(s->u->tally, STATUS_FAILED, s->u->local, "it can't be read: %s", err_text(rc));
}

static int
compare_part(struct sending *s, const struct json *part, struct digest *d, bool *same)
{
	const struct sender *u = s->u;
	const char *etag = reply_str(part, "etag", "");
	char hex[2 * MD5_SIZE + 1];
	struct cut_range range;
	uint8_t hash[MD5_SIZE];
	uint64_t got = 0;
	int rc;

	*same = sending_place(s, (unsigned)reply_int(part, "partNumber", 0), &range.from, &range.len);
	if (!*same)
		return STATUS_OK;
	digest_reset(d);
	rc = cut_hash(u->fd, u->local, range, d, &got);
	digest_final(d, hash);
	hex_encode(hash, sizeof(hash), hex);
	*same = rc == 0 && got == range.len && !strcmp(hex, etag);
	return unread(s, rc);
}

int
arrived_compare(struct sending *s, bool *same)
{
	const struct json *part = reply_first(reply_array(s->doc, "parts"));
	struct digest *d = NULL;
	int status = STATUS_OK;

	*same = true;
	if (digest_new(DIGEST_MD5, &d) != 0)
		return tally_error(s->u->tally, STATUS_FAILED, s->u->local, "out of memory");
	for (; part && status == STATUS_OK && *same; part = json_next(part)) {
		status = compare_part(s, part, d, same);
		/* With a crew this is the thread that shows the progress. */
		if (s->crew)
			tally_tick(s->u->tally);
	}
	digest_free(d);
	return status;
}

/* With the hash that the server was told. */
static int
compare_whole(struct sending *s, bool *same)
{
	const struct sender *u = s->u;
	uint8_t hash[SHA256_SIZE];
	struct digest *d = NULL;
	uint64_t got = 0;
	int rc;

	if (digest_new(DIGEST_SHA256, &d) != 0)
		return tally_error(u->tally, STATUS_FAILED, u->local, "out of memory");
	rc = cut_hash(u->fd, u->local, CUT_ALL, d, &got);
	digest_final(d, hash);
	digest_free(d);
	*same = rc == 0 && got == s->cut.bytes && !memcmp(hash, s->cut.hash, sizeof(hash));
	return unread(s, rc);
}

static int
compare_parts(struct sending *s, bool *same)
{
	int http = 0, status = sending_ask(s, 0, &http);

	if (status != STATUS_OK)
		return tally_said(s->u->tally, status, s->u->path);
	if (http != 200)
		return tally_refused(s->u->tally, s->u->path, http, s->doc);
	return arrived_compare(s, same);
}

int
arrived_still(struct sending *s, bool *still)
{
	const struct sender *u = s->u;
	struct stat st = u->st;
	bool same = false;
	int status = STATUS_OK;

	*still = sender_is_untouched(u->fd, &st);
	if (*still || !sender_is_same(u->fd, &st))
		return STATUS_OK;
	status = s->is_cut ? compare_whole(s, &same) : compare_parts(s, &same);
	/* Of what was written to meanwhile some was read before. */
	*still = status == STATUS_OK && same && sender_is_same(u->fd, &st);
	return status;
}
