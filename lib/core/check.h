#ifndef CORE_CHECK_H
#define CORE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Reads every record and every reference and says what is wrong: the database's own integrity; each version's
 * manifest decodes, its leaves and chunks exist, sizes add up; reference counts of chunks and leaves equal what is
 * reachable from versions and parts; each live chunk's bytes are there, with their CRCs and SHA-256; entries, files and versions agree;
 * folders' live counts; workspaces' object counts and byte sums; the feed of each workspace without a gap between horizon and sequence; segments known and on disk.
 * Works on one snapshot beside running writes (chunks that move are looked up again), in memory that does not grow with the store (reference counts: by a
 * sorted temporary table or file).
 */
struct store;

struct check_report {
	int64_t workspaces, entries, versions, chunks, segments, events, uploads;
	uint64_t bytes;			/* chunk bytes read */
	int64_t problems;
};

/* Calls problem(arg, text) for each finding, progress(arg, done, total bytes) now and then (may be NULL; non-zero stops: ERR_CLOSED). ERR_CORRUPT if there was a problem. `quick` leaves the chunks' bytes unread. */
int store_check(struct store *store, bool quick, void (*problem)(void *arg, const char *text),
    int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg, struct check_report *report);

#endif
