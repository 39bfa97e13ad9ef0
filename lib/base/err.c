#include <stddef.h>

#include "err.h"

static const char *const texts[] = {
	[0] = "success",
	[-ERR_NOMEM] = "out of memory",
	[-ERR_IO] = "input/output error",
	[-ERR_CORRUPT] = "stored bytes are corrupt",
	[-ERR_NOTFOUND] = "not found",
	[-ERR_EXISTS] = "exists already",
	[-ERR_INVALID] = "invalid",
	[-ERR_TOOBIG] = "too big",
	[-ERR_RANGE] = "range not satisfiable",
	[-ERR_DENIED] = "permission denied",
	[-ERR_AUTH] = "authentication failed",
	[-ERR_EXPIRED] = "expired",
	[-ERR_SKEW] = "clocks differ too much",
	[-ERR_DIGEST] = "checksum does not match",
	[-ERR_TRUNCATED] = "ends too early",
	[-ERR_PRECONDITION] = "precondition failed",
	[-ERR_UNMODIFIED] = "not modified",
	[-ERR_CONFLICT] = "conflict",
	[-ERR_NOTEMPTY] = "not empty",
	[-ERR_QUOTA] = "quota exceeded",
	[-ERR_SPACE] = "no space left",
	[-ERR_LOCKED] = "locked by another process",
	[-ERR_BUSY] = "busy",
	[-ERR_AGAIN] = "try again",
	[-ERR_TIMEOUT] = "timed out",
	[-ERR_VERSION] = "of another format version",
	[-ERR_UNSUPPORTED] = "not supported",
	[-ERR_CLOSED] = "closed",
	[-ERR_END] = "no more",
	[-ERR_USAGE] = "wrong usage",
	[-ERR_INTERNAL] = "internal error",
	[-ERR_TOOMANY] = "too many of them",
};

const char *
err_text(int code)
{
	const int count = (int)(sizeof(texts) / sizeof(texts[0]));

	if (code > 0 || code <= -count || !texts[-code])
		return "unknown error";
	return texts[-code];
}
