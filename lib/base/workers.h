#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

/*
 * Threads that run small jobs from one bounded queue. Any thread may call.
 */
struct workers;

/* `name` shows in ps and in logs (15 bytes). ERR_NOMEM, ERR_BUSY if the system gives no thread. */
int workers_new(const char *name, unsigned threads, unsigned queue, struct workers **w);
/* Queues run(arg). ERR_BUSY when the queue is full, ERR_CLOSED after workers_stop(). */
int workers_add(struct workers *w, void (*run)(void *arg), void *arg);
void workers_stop(struct workers *w);	/* nothing new is queued from now on; what is queued still runs */
void workers_free(struct workers *w);	/* runs what is queued, joins, frees; NULL is fine */

#endif
