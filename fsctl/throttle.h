#ifndef FSCTL_THROTTLE_H
#define FSCTL_THROTTLE_H

#include <pthread.h>
#include <stdint.h>

/* --bwlimit: all threads together move at most so many bytes a second. Any thread. */
struct throttle {
	uint64_t rate;		/* bytes a second; 0: no limit */
	pthread_mutex_t lock;
	int64_t free_us;	/* when what was taken so far will have gone, by the monotonic clock */
};

void throttle_init(struct throttle *t, uint64_t rate);
void throttle_release(struct throttle *t);
/* Waits until `bytes` may go; returns early when we are told to stop. */
void throttle_take(struct throttle *t, uint64_t bytes);
/* "50MiB/s", "50MiB": bytes a second. An exit status. */
int throttle_parse(const char *text, uint64_t *rate);

#endif
