#ifndef FSD_METRICS_H
#define FSD_METRICS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Counters of the daemon and their text for Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format). Any thread; counting takes no lock.
 */
struct metrics;
struct buf;
struct daemon;

int metrics_new(struct metrics **m);	/* ERR_NOMEM */
void metrics_free(struct metrics *m);	/* NULL is fine */

/* `operation` is a string that lives as long as the program ("PutObject"). */
void metrics_count(struct metrics *m, const char *operation, int status, int64_t micros, uint64_t in, uint64_t out);
void metrics_broken(struct metrics *m);	/* a connection that ended before its reply was whole */

/* Everything, with the cheap figures of store, process and connections. */
void metrics_text(const struct daemon *daemon, struct buf *out);

/* CPU seconds of this process, and its resident bytes. */
void metrics_process(double *cpu_seconds, uint64_t *resident, uint64_t *anonymous);

#endif
