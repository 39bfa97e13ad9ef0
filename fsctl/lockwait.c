#include <time.h>

#include "clock.h"
#include "exit_status.h"
#include "human.h"
#include "lockwait.h"
#include "say.h"
#include "stop.h"

#define LEAST_US 50000
#define MOST_US 1000000

void
lockwait_begin(struct lockwait *w, int64_t ms, bool silent)
{
	const int64_t now = clock_mono_us();

	*w = (struct lockwait) { .given = ms > 0, .silent = silent, .begun_us = now, .until_us = now + ms * 1000 };
}

int
lockwait_pause(struct lockwait *w, const char *what)
{
	const int64_t now = clock_mono_us(), left = w->until_us - now;
	int64_t us = (now - w->begun_us) / 10;
	char text[HUMAN_TEXT];

	if (stop_asked())
		return stop_asked();
	if (left <= 0)
		return STATUS_LOCKED;
	if (!w->silent) {
		human_duration((w->until_us - w->begun_us) / 1000, text);
		say_error(0, "%s: waiting for up to %s", what, text);
		w->silent = true;
	}
	us = us < LEAST_US ? LEAST_US : us > MOST_US ? MOST_US : us;
	us = us < left ? us : left;
	/* A signal cuts it short. */
	(void)nanosleep(&(struct timespec) { us / 1000000, us % 1000000 * 1000 }, NULL);
	return stop_asked();
}
