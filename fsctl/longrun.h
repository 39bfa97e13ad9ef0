#ifndef FSCTL_LONGRUN_H
#define FSCTL_LONGRUN_H

#include <stdint.h>

/*
 * What verbs that may run for long have in common: signals and --max-duration end them in
 * order, --lock-wait waits for what others hold,
 * --metrics-file tells of them however they ended, and who was stopped says what to type to go on.
 */
struct ctl;
struct args;

#define LONGRUN_OPTIONS (OPT(MAX_DURATION) | OPT(LOCK_WAIT) | OPT(METRICS_FILE))

/* What a run did, for the metrics. */
struct longrun_work {
	uint64_t items, bytes, errors;
};

/* Runs args->verb, of any kind. An exit status. */
int longrun_verb(struct ctl *ctl, const struct args *args);

#define LONGRUN_GOES_ON "goes on from here"
#define LONGRUN_BEGINS_ANEW "begins at the beginning again"
/*
 * Says why the work ends early and what to type, if `status` is that of being told to
 * stop: before the summary, which comes last. `after` goes behind the command: what it
 * does the second time.
 */
void longrun_say_stopped(const struct ctl *ctl, int status, const char *after);

#endif
