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
/*
 * How much to take at a time at most: then each of 16 threads has its turn every 2 s, and
 * no server takes its connection for dead. 0: no limit.
 */
uint64_t throttle_step(const struct throttle *t);
/* "50MiB/s", "50MiB": bytes a second. An exit status. */
int throttle_parse(const char *text, uint64_t *rate);

#endif
