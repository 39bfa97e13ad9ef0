#ifndef FSCTL_SENDING_H
#define FSCTL_SENDING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "cut.h"
#include "json.h"
#include "resume.h"
#include "sender.h"

/*
 * The parts of a file that sender.c sends: what is missing is asked for and sent until
 * nothing is. Of the thread that calls sender_send(), but for what its crew does. All
 * that the tally is told; exit statuses.
 */
#define SENDING_ANEW (-1)	/* in place of an exit status, unsaid: the session that went on does not fit the file */

struct sending {
	const struct sender *u;
	struct peer *peer;
	struct crew *crew;
	char session[RESUME_ID];
	struct resume *resume;	/* NULL: nothing can be kept */
	struct buf of;		/* what a session that is kept is of */
	bool kept;		/* in `resume` */
	atomic_bool refused;	/* for good: it will never be completed */
	bool went_on;		/* an earlier command began it */
	uint64_t part_size;	/* 0: by chunks */
	struct cut cut;
	bool is_cut;
	struct json *doc;	/* the last reply with targets */
	atomic_int status;	/* the first failure of a part, which alone is told: the others' are mostly the same */
	atomic_bool bad;	/* the server has a part that is not the file's: nothing may come of the session */
	atomic_uint arrived;
	atomic_ullong counted;	/* bytes that the tally has as handled, but for parts under way */
};

/*
 * What has arrived, and URLs for what has not, from that part on: s->doc, whatever *http
 * is. Unsaid to the tally.
 */
int sending_ask(struct sending *s, unsigned from, int *http);
/* Where part `number`, or the chunk in its place, lies in the file; false: there is none. */
bool sending_place(const struct sending *s, unsigned number, uint64_t *offset, uint64_t *size);
/*
 * Whether a reply other than 200 says nothing of the session, which is too dear to forget
 * for it; any other says that it is over, or that its place is gone.
 */
bool sending_is_for_now(int http);
/* Sends all parts that s->doc and the replies after it ask for. SENDING_ANEW: if s->went_on. */
int sending_parts(struct sending *s);

#endif
