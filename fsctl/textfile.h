#ifndef FSCTL_TEXTFILE_H
#define FSCTL_TEXTFILE_H

#include <stdint.h>

#include "buf.h"

/*
 * Metrics of runs as a file in Prometheus' text format
 * (https://prometheus.io/docs/instrumenting/exposition_formats/), for the textfile
 * collector of its node exporter. All are gauges, each verb has its own samples:
 *
 *	fsctl_last_run_timestamp_seconds{verb="put"} 1764279650.123
 *
 *	last_run_timestamp_seconds	when the last run ended
 *	last_success_timestamp_seconds	when the last one that ended with 0 did; absent until one has
 *	last_duration_seconds, last_exit_code, last_items, last_bytes, last_errors	of the last run
 */
struct textfile_run {
	const char *verb;		/* as in the table of verbs */
	int64_t ended_us;		/* since 1970 */
	int64_t duration_us;
	int exit_code;
	uint64_t items, bytes, errors;
};

/*
 * Whether a run may be written to `path`: a file of these metrics, or none yet. An exit
 * status: STATUS_USAGE.
 */
int textfile_check(const char *path);
/*
 * Takes the run's verb's samples out of the file and adds the new ones; those of other
 * verbs stay. The file is replaced by rename, so that a reader sees the old one or the
 * new one. Two that write at once wait for each other, for 5 seconds at most. What textfile_check() refuses is
 * refused here too, since the run may have put it there. An exit status.
 */
int textfile_write(const char *path, const struct textfile_run *run);
/* The same of texts; `old` may be NULL, and lines of it that are none of these metrics go. Pure. */
void textfile_merge(const char *old, const struct textfile_run *run, struct buf *out);

#endif
