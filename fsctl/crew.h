#ifndef FSCTL_CREW_H
#define FSCTL_CREW_H

/*
 * Threads that do the tasks of one verb, each with a connection of its own, from a short
 * queue. The functions below are for the one thread that made the crew.
 */
struct crew;
struct ctl;
struct peer;
struct tally;

struct task {
	/* Says itself what went wrong; frees the task, or leaves it to whoever waits. */
	void (*run)(struct task *task, struct peer *peer);
	struct task *next;
};

/* `tally` is told to show how far it is while the functions below wait. An exit status. */
int crew_new(struct ctl *ctl, unsigned threads, struct tally *tally, struct crew **crew);
/* Waits while the queue is full. */
void crew_add(struct crew *c, struct task *task);
/* Until all that was added has been done. */
void crew_wait(struct crew *c);
/* Also waits. NULL is fine. */
void crew_free(struct crew *c);

#endif
