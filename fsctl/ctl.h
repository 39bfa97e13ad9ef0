#ifndef FSCTL_CTL_H
#define FSCTL_CTL_H

#include <stdbool.h>

#include "args.h"
#include "buf.h"
#include "json.h"
#include "lockwait.h"
#include "longrun.h"

/*
 * What a verb works with: the options of every verb and the way to the daemon, which is
 * found or started at the first call.
 *
 *	closed -> open		by the first ctl_try() or ctl_call(), or ctl_open()
 *	open -> closed		ctl_close()
 *
 * All ints are exit statuses but where it says otherwise.
 */
struct client;

struct ctl {
	const char *data;		/* as given, or NULL */
	const char *endpoint, *token_file;
	bool json, quiet;
	bool calm;			/* ctl_try() says nothing of a connection that is lost: the verb tries again */
	const struct args *args;
	char doing[256];		/* "user create bob": what error messages begin with */
	const char *dir;		/* the store's folder, once it was looked for */
	int dirfd;
	struct lockwait lockwait;
	struct longrun_work work;		/* what the verb did so far */
	struct client *client;
};

#define CTL_SECONDS 120		/* a call that waits for nothing; deleting a large workspace is the longest */
#define CTL_PATH 16384

void ctl_init(struct ctl *ctl, const struct args *args);
void ctl_close(struct ctl *ctl);

/*
 * Finds the store's folder: ctl->dir, ctl->dirfd. With `fresh` it is one for a store that
 * is still to be made: ctl->dir alone. STATUS_NOT_FOUND, STATUS_USAGE if none was named.
 */
int ctl_find(struct ctl *ctl, bool fresh);
int ctl_open(struct ctl *ctl);

/* Appends "/v1/admin/A/B…", each part escaped, NULL-ended. */
void ctl_path(struct buf *path, ...) __attribute__((sentinel));

/*
 * One call. STATUS_OK whatever the daemon answered: *http is its status, *doc the reply
 * (or NULL), to be freed by json_free().
 * STATUS_TEMPORARY, said, if it could not be reached or broke off; 128 and the signal,
 * unsaid, if we were told to stop.
 */
int ctl_try(struct ctl *ctl, const char *method, const struct buf *path, const struct buf *body, unsigned seconds,
    int *http, struct json **doc);
/*
 * The exit status for a call that got no answer: says so with the client's reason, and
 * what to do next.
 */
int ctl_broken(const struct ctl *ctl, int rc, const char *why, const char *next);
/* The exit status for what the daemon answered; says the error there is, and what to type next. */
int ctl_explain(struct ctl *ctl, int http, const struct json *doc);
/* The HTTP status that one failed result of a batch would have had alone. */
int ctl_http(const struct json *result);
/* The status alone, unsaid; and what to type next, alone. */
int ctl_status(int http, const struct json *doc);
void ctl_hint(const struct ctl *ctl, int http, const struct json *doc);
/*
 * Both; `doc` may be NULL. *doc is there after a GET or a POST, and NULL after others if
 * the reply has no body.
 */
int ctl_call(struct ctl *ctl, const char *method, const struct buf *path, const struct buf *body, struct json **doc);

/*
 * A change was made: prints the reply as it is, or {NAME: value, STATE: true} if there is
 * none, or the text for people.
 */
struct ctl_change {
	const char *key, *value, *state;
	const char *text;
};
int ctl_done(struct ctl *ctl, const struct json *doc, const struct ctl_change *change);

#endif
