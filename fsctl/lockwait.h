#ifndef FSCTL_LOCKWAIT_H
#define FSCTL_LOCKWAIT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * --lock-wait: what another holds is waited for until one point in time, whatever it is
 * and however often one looks:
 *
 *	begun -> waiting (said once) -> over
 *
 * One thread.
 */
struct lockwait {
	bool given;		/* false: nothing is waited for but what always is */
	bool silent;		/* also: it was said */
	int64_t begun_us, until_us;	/* by the monotonic clock */
};

/* `ms`: at most INT64_MAX / 2000. */
void lockwait_begin(struct lockwait *w, int64_t ms, bool silent);
/*
 * Waits a moment, longer as time goes by, for WHAT ("another job", say). STATUS_OK: look again.
 * STATUS_LOCKED, unsaid: the time is over. Else what stop_asked() says.
 */
int lockwait_pause(struct lockwait *w, const char *what);

#endif
