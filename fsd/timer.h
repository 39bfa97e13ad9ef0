#ifndef FSD_TIMER_H
#define FSD_TIMER_H

#include <stdint.h>

/* A thread that does something now and then. */
struct timer;

struct timer_options {
	const char *name;		/* the thread's, at most 15 bytes */
	int64_t every_ms;		/* from the end of one to the next */
	void (*pass)(struct timer *timer, void *arg);
	void *arg;
};
int timer_start(const struct timer_options *options, struct timer **timer);
/* For a pass, as the jobs' `stop`: whether it is to end. `timer` is a struct timer. */
int timer_must_stop(void *timer);
void timer_stop(struct timer *timer);	/* a pass that runs is told to end; NULL is fine */
void timer_free(struct timer *timer);	/* joins; NULL is fine */

#endif
