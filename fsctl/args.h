#ifndef FSCTL_ARGS_H
#define FSCTL_ARGS_H

#include <stdbool.h>
#include <stdint.h>

/* The command line: options anywhere, a verb, its operands. */
struct buf;
struct ctl;
struct args;

enum option_id {
	/* of every verb */
	OPT_DATA, OPT_ENDPOINT, OPT_TOKEN_FILE, OPT_JSON, OPT_QUIET, OPT_HELP, OPT_VERSION,
	/* of some */
	OPT_ADMIN, OPT_MAY_CREATE, OPT_EXPIRES, OPT_OWNER, OPT_QUOTA, OPT_HISTORY, OPT_VERSIONING, OPT_DISPLAY_NAME,
	OPT_DRY_RUN, OPT_GRACE, OPT_QUICK, OPT_FROM, OPT_FOLLOW, OPT_RECURSIVE, OPT_LONG, OPT_AT, OPT_VERSION_ID, OPT_BWLIMIT,
	OPT_CONNECTIONS, OPT_MAX_DURATION, OPT_LOCK_WAIT, OPT_METRICS_FILE,
	OPTIONS
};
#define OPT(name) (1u << OPT_##name)

struct option_text {
	const char *name;
	const char *value;	/* what it takes ("DUR"), or NULL */
	const char *help;
};
extern const struct option_text args_options[OPTIONS];

/* One line of the verb table, verbs.c. */
struct verb {
	const char *name;	/* "user" */
	const char *action;	/* "create", or NULL */
	const char *operands;	/* "NAME" */
	int min, max;		/* of the operands */
	unsigned options;	/* OPT() of those that are not of every verb */
	const char *summary;	/* a line */
	const char *help;	/* more lines, or NULL */
	int (*run)(struct ctl *ctl, const struct args *args);	/* an exit status */
};

#define ARGS_MANY 1000000	/* verb.max of those that take as many as are given */

struct args {
	const struct verb *verb;	/* NULL: --help or --version stood alone */
	const char **operand;		/* NULL behind the last, at least twice */
	int count;
	const char **words;		/* owned; holds the operands */
	const char *given[OPTIONS];	/* the value; "" for options without; NULL: not given */
	char **argv;			/* all of the command line */
};

/* Points into `argv`. An exit status. */
int args_parse(int argc, char **argv, struct args *args);
void args_release(struct args *args);

/*
 * A word as a shell takes it: as it is, in '…', or as $'…' where it has bytes that a
 * terminal must not or a JSON document can't show.
 */
void args_quote(struct buf *out, const char *word);
/* The command line as a shell takes it. */
void args_command(const struct args *args, struct buf *out);

/* The value of an option in its unit; what is not given leaves *value. An exit status. */
int args_size(const struct args *args, enum option_id id, int64_t *bytes);
int args_count(const struct args *args, enum option_id id, int most, int *n);	/* 1 to `most` */
int args_duration(const struct args *args, enum option_id id, int64_t *ms);

#endif
