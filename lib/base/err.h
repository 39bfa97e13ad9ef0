#ifndef BASE_ERR_H
#define BASE_ERR_H

/*
 * Every way a function of this project can fail. 0 is success; the codes are negative and closed: a new
 * one is added here, with its text in err.c, and nowhere else. The code steers, the log explains: an
 * unexpected failure (IO, CORRUPT, NOMEM, INTERNAL) is logged once where it is found, an expected one never.
 */
enum err {
	ERR_NOMEM = -1,		/* out of memory */
	ERR_IO = -2,		/* the system refused a read, a write or a flush */
	ERR_CORRUPT = -3,	/* stored bytes are not what was written */
	ERR_NOTFOUND = -4,	/* no such thing */
	ERR_EXISTS = -5,	/* it is there already */
	ERR_INVALID = -6,	/* malformed or out of range: the caller's mistake */
	ERR_TOOBIG = -7,	/* over a limit of limits.h */
	ERR_RANGE = -8,		/* a byte range that the object does not have */
	ERR_DENIED = -9,	/* known, but may not */
	ERR_AUTH = -10,		/* not known, or not who they say: wrong signature, wrong token */
	ERR_EXPIRED = -11,	/* was valid once: token, presigned URL, cursor, session */
	ERR_SKEW = -12,		/* the request's time is too far from ours */
	ERR_DIGEST = -13,	/* the bytes are not those that were announced */
	ERR_TRUNCATED = -14,	/* the input ended early */
	ERR_PRECONDITION = -15,	/* If-Match and its kin: the condition does not hold */
	ERR_UNMODIFIED = -16,	/* If-None-Match, If-Modified-Since on a read: 304 */
	ERR_CONFLICT = -17,	/* another change came first; or two states that cannot go together */
	ERR_NOTEMPTY = -18,	/* still has something in it */
	ERR_QUOTA = -19,	/* the workspace is full */
	ERR_SPACE = -20,	/* the disk is below its reserve */
	ERR_LOCKED = -21,	/* another process owns it */
	ERR_BUSY = -22,		/* too much at once: try later */
	ERR_AGAIN = -23,	/* nothing happened yet: wait and call again */
	ERR_TIMEOUT = -24,	/* waited as long as was allowed */
	ERR_VERSION = -25,	/* a format of another version */
	ERR_UNSUPPORTED = -26,	/* known, but not built */
	ERR_CLOSED = -27,	/* shutting down, or the other end is gone */
	ERR_END = -28,		/* nothing more: the end of an iteration */
	ERR_USAGE = -29,	/* command line or configuration */
	ERR_INTERNAL = -30,	/* a bug of ours that was noticed in time */
	ERR_TOOMANY = -31,	/* there are as many of them as there may be */
};

/* The name of a code as a short English text ("not found"). Static; never NULL, also for unknown codes. */
const char *err_text(int code);

#endif
