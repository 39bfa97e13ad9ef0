#ifndef FSCTL_TALLY_H
#define FSCTL_TALLY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "json.h"
#include "throttle.h"

/*
 * What a transfer did and is doing: a line an item with --dry-run or --json, progress,
 * errors, the summary. Any thread may call what is between init and end.
 *
 * JSON lines: {"type":"status",…} once a second, {"type":"item",…}, {"type":"error",…},
 * {"type":"summary",…} last.
 *
 * The part that is done goes by the bytes that are handled. Where the later operands' are
 * not known yet, each operand counts the same.
 */
struct ctl;
struct progress;

struct tally {
	struct ctl *ctl;
	bool dry;
	const char *verb;
	struct progress *progress;
	struct throttle throttle;
	pthread_mutex_t lock;
	uint64_t expected_items, expected_bytes;
	int64_t handled;		/* moved or spared, of what is under way too; retries are taken back */
	bool all_known;			/* expected: of all operands */
	unsigned operands, finished;	/* all, and those that are done */
	int64_t before_handled;		/* of the operands that are done */
	uint64_t before_bytes, before_items, before_done;
	double part;			/* of all the work, 0 to 1; never goes back */
	uint64_t items, unchanged, skipped, failed;	/* items: those done, the unchanged among them */
	uint64_t bytes;			/* of the items done */
	uint64_t moved;			/* over the network, repetitions too */
	uint64_t told;			/* of the failed ones, those of operands that are done */
	uint64_t failures;		/* that tally_outcome() was told of: never more than failed */
	int first;			/* the exit status of the first failure */
	int unwritten;			/* the exit status of the first line that could not be written, 0: none */
	bool away;			/* an item failed with STATUS_TEMPORARY */
	int64_t started_us, said_us;
	bool to_output;			/* standard output carries a file: all else goes to standard error */
	bool lost;			/* what had gone of an item that was stopped is given up */
	bool anew;			/* what goes through a pipe is out of reach: the same command does not go on */
};

/*
 * An exit status: operands but the last one, and options --dry-run, --bwlimit, --json,
 * --quiet are taken from ctl.
 */
int tally_init(struct tally *t, struct ctl *ctl, const char *verb, bool to_output);
void tally_expect(struct tally *t, uint64_t items, uint64_t bytes);	/* more of them; ignored after tally_expect_all() */
void tally_expect_all(struct tally *t, uint64_t items, uint64_t bytes);	/* these, of all operands together */

/* Waits as --bwlimit says, then counts bytes that go over the network. */
void tally_move(struct tally *t, uint64_t bytes);
/* Bytes that need not be moved; a negative number takes back what has to be moved again. */
void tally_spare(struct tally *t, int64_t bytes);
/* Shows how far it is: often, and by the thread that made it, while it waits. */
void tally_tick(struct tally *t);

/*
 * With --dry-run a line each, quoted for a shell: `put` and `get` can be run; "mkdir",
 * "unchanged" and "skip" are for people, fsctl has no such verbs. `action`: "put", "get",
 * "mkdir", "unchanged", "skip". `to` and `version` may be NULL, `why` too (of a skip,
 * which is said).
 */
struct tally_item {
	const char *action, *from, *to, *version, *why;
	uint64_t bytes;
};
void tally_item(struct tally *t, const struct tally_item *item);

/*
 * A failure of one item, said with `what` before it; after the first one comes what to
 * type next. Returns `status`. tally_said(): it was said already, by this thread.
 */
int tally_error(struct tally *t, int status, const char *what, const char *format, ...) __attribute__((format(printf, 4, 5)));
int tally_refused(struct tally *t, const char *what, int http, const struct json *doc);
int tally_said(struct tally *t, int status, const char *what);
/*
 * What became of one file, by whoever did the work. Each failure is counted where it is
 * found; one that was not counts here, so that no way through the code can end with
 * success and nothing done. Returns `status`.
 */
int tally_outcome(struct tally *t, int status, const char *what);

/* An item that was stopped will begin at its beginning again: what there is to type says so if it is all there was. */
void tally_lost(struct tally *t);

/*
 * What the work ends with before its time: what stop_asked() says, or STATUS_TEMPORARY
 * once an item failed with that. The daemon had been waited for then, and each of
 * thousands of further items would wait as long. STATUS_OK: go on.
 */
int tally_stopped(struct tally *t);

/*
 * An operand is done with. Counts its failure where nobody has. Gives STATUS_OK where the
 * next one may have its turn: after a failure of the operand's own. Else as tally_stopped().
 */
int tally_operand(struct tally *t, const char *operand, int status);

/*
 * Prints the summary and releases. `status` is what ended the work early, or STATUS_OK;
 * the result is the verb's: STATUS_SOME_FAILED if only some items failed; where nothing
 * else failed, what became of the lines that were to be written.
 */
int tally_end(struct tally *t, int status);

#endif
