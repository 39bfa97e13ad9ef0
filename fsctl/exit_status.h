#ifndef FSCTL_EXIT_STATUS_H
#define FSCTL_EXIT_STATUS_H

#include <stdbool.h>

/*
 * What fsctl ends with. A function that returns an "exit status" has said on standard
 * error what went wrong when it is not STATUS_OK. The list is fixed and stands on the man page.
 */
enum exit_status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,		/* or configuration */
	STATUS_SOME_FAILED = 3,
	STATUS_INTEGRITY = 4,
	STATUS_REPAIRED = 5,
	STATUS_BRAKE = 6,
	STATUS_NOT_FOUND = 10,
	STATUS_LOCKED = 11,
	STATUS_NOT_AUTHORISED = 12,
	STATUS_NO_SPACE = 13,		/* or quota */
	STATUS_TIME_LIMIT = 14,		/* resumable */
	STATUS_TEMPORARY = 75,
	STATUS_SIGNAL = 128,		/* and the signal's number */
};

/*
 * That of being told to stop (stop.h): it is no failure of what was under way, and is
 * handed on at once.
 */
static inline bool
status_is_stop(int status)
{
	return status == STATUS_TIME_LIMIT || status >= STATUS_SIGNAL;
}

#endif
