#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "exit_status.h"
#include "say.h"
#include "stop.h"
#include "str.h"
#include "throttle.h"

#define RATE_LEAST 1024
#define STEPS 8			/* a second */

void
throttle_init(struct throttle *t, uint64_t rate)
{
	*t = (struct throttle) { .rate = rate };
	pthread_mutex_init(&t->lock, NULL);
}

void
throttle_release(struct throttle *t)
{
	pthread_mutex_destroy(&t->lock);
}

/*
 * Each taker reserves the time its bytes need and sleeps until that begins: no burst is
 * ever saved up.
 */
void
throttle_take(struct throttle *t, uint64_t bytes)
{
	int64_t now = clock_mono_us(), start;

	if (!t->rate)
		return;
	pthread_mutex_lock(&t->lock);
	start = t->free_us > now ? t->free_us : now;
	t->free_us = start + (int64_t)((double)bytes * 1e6 / (double)t->rate);
	pthread_mutex_unlock(&t->lock);
	while ((now = clock_mono_us()) < start && !stop_asked()) {
		const int64_t us = start - now < 100000 ? start - now : 100000;

		(void)nanosleep(&(struct timespec) { .tv_nsec = us * 1000 }, NULL);
	}
}

uint64_t
throttle_step(const struct throttle *t)
{
	return t->rate / STEPS;
}

int
throttle_parse(const char *text, uint64_t *rate)
{
	char *size = strdup(text);
	int rc;

	if (!size)
		return say_error(STATUS_FAILED, "out of memory");
	if (str_ends(size, "/s"))
		size[strlen(size) - 2] = '\0';
	rc = parse_size(size, rate);
	free(size);
	if (rc || *rate < RATE_LEAST)
		return say_error(STATUS_USAGE, "--bwlimit: expected a rate of at least 1KiB/s, like 50MiB/s, got \"%s\"", text);
	return STATUS_OK;
}
