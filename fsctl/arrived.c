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
	if (rc == 0)
		return STATUS_OK;
	return stop_asked() ? stop_asked() : tally_error(u->tally, STATUS_FAILED, u->local, "it can't be read: %s", err_text(rc));
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
