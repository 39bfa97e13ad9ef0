#ifndef CORE_SIGHT_H
#define CORE_SIGHT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What one reader could see of a workspace's folders and files as of the sequences that the feed still has: by the grants that were held and
 * the places that folders had right behind that event. Where folders were is known from `entry` and `entry_past`, grants from `share_grant`
 * and `share_past`. For one page of feed_for.c, inside its read transaction; no other threads.
 */
struct db_conn;
struct workspace_row;

#define SIGHT_PLACES 64		/* folders that are remembered: neighbours in the feed mostly share their parents */

struct sight_place {
	int64_t folder;		/* 0: an empty place */
	int64_t from, to;	/* the sequences for which this holds */
	bool reached;		/* it was shown, and so was everything above */
	bool granted;		/* it, or something above, was shared with the reader */
	bool given;		/* the same, or is shared now */
	bool inside;		/* it was the scope, or in it */
};

struct sight {
	struct db_conn *db;
	const struct workspace_row *w;
	int64_t who;
	bool always;		/* the owner and administrators see everything */
	int64_t scope;		/* 0: everything is inside */
	struct sight_place places[SIGHT_PLACES];
};

static inline bool
sight_sees(const struct sight_place *place)
{
	return place->reached && place->granted && place->inside;
}

/* It is seen by what is shared now, too: as a listing of that time shows it. */
static inline bool
sight_shows(const struct sight_place *place)
{
	return place->reached && place->given && place->inside;
}

/* A folder. One that was not shown, or whose rows are gone, is no error: it was not reached. */
int sight_folder(struct sight *s, int64_t folder, int64_t sequence, struct sight_place *place);
/* A file that was in `parent`: seen by a grant on itself, too. */
int sight_file(struct sight *s, int64_t file, int64_t parent, int64_t sequence, struct sight_place *place);

#endif
