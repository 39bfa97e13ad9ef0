#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "daemon.h"
#include "err.h"
#include "fio.h"
#include "http.h"
#include "metrics.h"
#include "store.h"
#include "watch.h"

/*
 * Operations are few and their names are constants, so a small open-addressed table is filled once and then only
 * counted in. Two constants may hold the same text; their counts are added up when shown.
 */
#define OPERATIONS 256		/* a power of two, well above the number of routes */
#define CLASSES 5		/* 1xx to 5xx */

static const double bounds[] = { 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
	2.5, 5, 10, 60 };
#define BOUNDS (sizeof(bounds) / sizeof(bounds[0]))

struct operation {
	_Atomic(const char *) name;
	_Atomic uint64_t count[CLASSES];
	_Atomic uint64_t latency[BOUNDS + 1];	/* not cumulative; the last is above all bounds */
	_Atomic uint64_t micros, in, out;
};

struct metrics {
	struct operation operations[OPERATIONS];
	_Atomic uint64_t broken;
	_Atomic uint64_t overflow;	/* names that found no place: a bug of the table's size */
};

int
metrics_new(struct metrics **m)
{
	*m = calloc(1, sizeof(**m));
	return *m ? 0 : ERR_NOMEM;
}

void
metrics_free(struct metrics *m)
{
	free(m);
}

static struct operation *
find(struct metrics *m, const char *name)
{
	size_t at = (size_t)(((uintptr_t)name * 0x9e3779b97f4a7c15u) >> 56);

	for (unsigned i = 0; i < OPERATIONS; i++, at++) {
		struct operation *o = &m->operations[at % OPERATIONS];
		const char *have = atomic_load_explicit(&o->name, memory_order_acquire);

		if (!have && atomic_compare_exchange_strong(&o->name, &have, name))
			return o;
		if (have == name)
			return o;
	}
	return NULL;
}

#define ADD(field, n) atomic_fetch_add_explicit(&(field), (n), memory_order_relaxed)
#define GET(field) atomic_load_explicit(&(field), memory_order_relaxed)

void
metrics_count(struct metrics *m, const char *operation, int status, int64_t micros, uint64_t in, uint64_t out)
{
	struct operation *o = find(m, operation);
	unsigned i = 0;

	if (!o) {
		ADD(m->overflow, 1);
		return;
	}
	while (i < BOUNDS && (double)micros > bounds[i] * 1e6)
		i++;
	ADD(o->count[status >= 100 && status < 600 ? status / 100 - 1 : 4], 1);
	ADD(o->latency[i], 1);
	ADD(o->micros, micros > 0 ? (uint64_t)micros : 0);
	if (in)
		ADD(o->in, in);
	if (out)
		ADD(o->out, out);
}

void
metrics_broken(struct metrics *m)
{
	ADD(m->broken, 1);
}

/* ---- the text ---- */

struct sum {
	const char *name;
	uint64_t count[CLASSES], latency[BOUNDS + 1], micros, in, out;
};

static void
add_up(struct sum *s, struct operation *o)
{
	for (unsigned i = 0; i < CLASSES; i++)
		s->count[i] += GET(o->count[i]);
	for (unsigned i = 0; i <= BOUNDS; i++)
		s->latency[i] += GET(o->latency[i]);
	s->micros += GET(o->micros);
	s->in += GET(o->in);
	s->out += GET(o->out);
}

static int
by_name(const void *a, const void *b)
{
	const struct sum *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static unsigned
collect(struct metrics *m, struct sum *sums)
{
	unsigned n = 0, k;

	for (unsigned i = 0; i < OPERATIONS; i++) {
		const char *name = atomic_load_explicit(&m->operations[i].name, memory_order_acquire);

		if (!name)
			continue;
		for (k = 0; k < n && strcmp(sums[k].name, name); k++)
			;
		if (k == n)
			sums[n++] = (struct sum) { .name = name };
		add_up(&sums[k], &m->operations[i]);
	}
	qsort(sums, n, sizeof(*sums), by_name);
	return n;
}

static void
head(struct buf *out, const char *name, const char *type, const char *what)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, what, name, type);
}

static void
gauge(struct buf *out, const char *name, const char *what, uint64_t value)
{
	head(out, name, "gauge", what);
	buf_addf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void
counter(struct buf *out, const char *name, const char *what, uint64_t value)
{
	head(out, name, "counter", what);
	buf_addf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void
histogram(struct buf *out, const struct sum *s)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < BOUNDS; i++) {
		sum += s->latency[i];
		buf_addf(out, "fsd_request_seconds_bucket{operation=\"%s\",le=\"%g\"} %llu\n", s->name, bounds[i],
		    (unsigned long long)sum);
	}
	sum += s->latency[BOUNDS];
	buf_addf(out, "fsd_request_seconds_bucket{operation=\"%s\",le=\"+Inf\"} %llu\n", s->name,
	    (unsigned long long)sum);
	buf_addf(out, "fsd_request_seconds_sum{operation=\"%s\"} %.6f\n", s->name, (double)s->micros / 1e6);
	buf_addf(out, "fsd_request_seconds_count{operation=\"%s\"} %llu\n", s->name, (unsigned long long)sum);
}

static void
add_requests(struct metrics *m, struct buf *out)
{
	struct sum *sums = calloc(OPERATIONS, sizeof(*sums));
	unsigned n;

	if (!sums) {
		out->err = ERR_NOMEM;
		return;
	}
	n = collect(m, sums);
	head(out, "fsd_requests_total", "counter", "Requests answered, by operation and class of status.");
	for (unsigned i = 0; i < n; i++)
		for (unsigned c = 0; c < CLASSES; c++)
			if (sums[i].count[c])
				buf_addf(out, "fsd_requests_total{operation=\"%s\",status=\"%uxx\"} %llu\n", sums[i].name,
				    c + 1, (unsigned long long)sums[i].count[c]);
	head(out, "fsd_request_seconds", "histogram", "Time from the end of the headers to the end of the reply.");
	for (unsigned i = 0; i < n; i++)
		histogram(out, &sums[i]);
	head(out, "fsd_received_bytes_total", "counter", "Bytes of request bodies.");
	for (unsigned i = 0; i < n; i++)
		buf_addf(out, "fsd_received_bytes_total{operation=\"%s\"} %llu\n", sums[i].name,
		    (unsigned long long)sums[i].in);
	head(out, "fsd_sent_bytes_total", "counter", "Bytes of reply bodies.");
	for (unsigned i = 0; i < n; i++)
		buf_addf(out, "fsd_sent_bytes_total{operation=\"%s\"} %llu\n", sums[i].name,
		    (unsigned long long)sums[i].out);
	counter(out, "fsd_broken_replies_total", "Connections that ended before the reply was whole.", GET(m->broken));
	free(sums);
}

void
metrics_process(double *cpu_seconds, uint64_t *resident, uint64_t *anonymous)
{
	struct rusage usage = { 0 };
	char *text = NULL, *at;
	size_t len;

	*resident = *anonymous = 0;
	getrusage(RUSAGE_SELF, &usage);
	*cpu_seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	if (fio_read_file(AT_FDCWD, "/proc/self/status", 65536, &text, &len) != 0)
		return;
	if ((at = strstr(text, "\nVmRSS:")) != NULL)
		*resident = strtoull(at + 7, NULL, 10) * 1024;
	if ((at = strstr(text, "\nRssAnon:")) != NULL)
		*anonymous = strtoull(at + 9, NULL, 10) * 1024;
	free(text);
}

static void
add_process(const struct daemon *d, struct buf *out)
{
	uint64_t resident, anonymous;
	double cpu;

	metrics_process(&cpu, &resident, &anonymous);
	head(out, "process_cpu_seconds_total", "counter", "CPU time of the process.");
	buf_addf(out, "process_cpu_seconds_total %.6f\n", cpu);
	gauge(out, "process_resident_memory_bytes", "Resident memory.", resident);
	gauge(out, "fsd_anonymous_memory_bytes", "Resident memory that belongs to no file.", anonymous);
	head(out, "process_start_time_seconds", "gauge", "When the process started, since 1970.");
	buf_addf(out, "process_start_time_seconds %.3f\n", (double)d->started_us / 1e6);
	head(out, "fsd_build_info", "gauge", "The version.");
	buf_addf(out, "fsd_build_info{version=\"%s\"} 1\n", FSD_VERSION);
}

static void
add_store(const struct daemon *d, struct buf *out)
{
	struct store_figures f;

	if (store_figures(d->store, &f) != 0)
		return;
	counter(out, "fsd_commits_total", "Mutations committed.", (uint64_t)f.commits);
	counter(out, "fsd_commit_batches_total", "Transactions that they took.", (uint64_t)f.batches);
	gauge(out, "fsd_upload_memory_bytes", "Buffers that uploads hold.", f.pool_in_use);
	gauge(out, "fsd_disk_free_bytes", "Space left on the disk of the store.", f.free_bytes);
	gauge(out, "fsd_disk_total_bytes", "Size of the disk of the store.", f.total_bytes);
	gauge(out, "fsd_low_space", "1 while writes are refused for lack of space.", f.low);
}

void
metrics_text(const struct daemon *d, struct buf *out)
{
	add_requests(d->metrics, out);
	gauge(out, "fsd_connections", "Open connections.", http_connections(d->http));
	gauge(out, "fsd_watchers", "Requests that wait for changes.", watch_count(d->hub));
	add_store(d, out);
	add_process(d, out);
}
