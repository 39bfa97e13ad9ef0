#ifndef FSCTL_STOP_H
#define FSCTL_STOP_H

/*
 * Being told to stop: Ctrl-C, SIGTERM, SIGHUP, and a reader of our output that went away. The first signal is only
 * remembered, so that the verb ends its work in order; a second one ends the program at once. One thread.
 */
void stop_setup(void);
/* From now on a closed standard output counts as SIGPIPE, without anything being written. */
void stop_watch_output(void);
/* The signal that asked us to stop, or 0. */
int stop_asked(void);
/* The same, and forgets it: for verbs that still have something to do before they end. */
int stop_take(void);

#endif
