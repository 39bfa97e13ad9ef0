#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "access_log.h"
#include "block.h"
#include "clock.h"
#include "daemon.h"
#include "err.h"
#include "errand.h"
#include "exit_code.h"
#include "fio.h"
#include "gc_timer.h"
#include "timer.h"
#include "handover.h"
#include "hint.h"
#include "http.h"
#include "jobs.h"
#include "limits.h"
#include "log.h"
#include "log_file.h"
#include "memory.h"
#include "metrics.h"
#include "page_cache.h"
#include "route.h"
#include "store.h"
#include "watch.h"

/*
 * The daemon's life: store (under its lock), what requests share, sockets, ready; then the main thread waits for a signal.
 * Stopping goes backwards: not ready, jobs and long polls end, running requests get STOP_GRACE_MS, the store is closed.
 * Until it is ready a signal just ends the process, which is as safe as SIGKILL; while it stops, another one does.
 */
#define STOP_GRACE_MS 10000
#define TICK_NS 200000000
#define SOCKET_ONLY_THREADS 8
#define THREADS_LEAST 6
#define THREADS_MOST 64
#define ERRAND_THREADS 64	/* so many changes, besides PutObject, come into one commit */
#define TLS_FILE (1u << 20)
/* Uploads draw from it in blocks of this size. */
#define UPLOAD_BLOCK (BLOCK_SIZE * 4)

struct running {
	struct daemon d;
	int dirfd, logfd;
	char *certificate, *key;
	struct conf_list listen;	/* with ":PORT" written out; NULL-terminated */
	struct timer *gc, *hashes;
	struct memory *memory;
};

/* ---- process ---- */

static void
raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max)
		return;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		(void)log_errno(ERR_IO, "raise the limit of open files");
}

/* Connections beside the store's own files must fit, or accepting fails one day under load. */
static void
check_files(const struct settings *s)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < (rlim_t)s->connections + 512)
		log_warn("%llu open files are allowed, limits.connections is %lld: raise LimitNOFILE (ulimit -n)",
		    (unsigned long long)files.rlim_cur, (long long)s->connections);
}

static void
end_at_once(int sig)
{
	/* Not even a sanitizer's accounts of threads that were about to be joined. */
	syscall(SYS_exit_group, EXIT_SIGNAL + sig);
}

static void
stop_signals(sigset_t *set)
{
	struct sigaction hup;

	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	/* nohup(1) means it. */
	if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
		sigaddset(set, SIGHUP);
}

/* The store may not acknowledge anything after a failed flush; only a new start can tell what is on the disk. */
static void
store_failed(void *arg)
{
	(void)arg;
	log_error("writing to the data directory failed: ending now, so that nothing is acknowledged that is not on disk");
	_exit(EXIT_FAILED);
}

static void
store_committed(void *arg, int64_t workspace, int64_t sequence)
{
	struct daemon *d = arg;

	watch_tell(d->hub, workspace);
	hint_tell(d->hints, workspace, sequence);
}

void
daemon_stop(struct daemon *daemon)
{
	(void)daemon;
	(void)kill(getpid(), SIGTERM);
}

/* ---- opening ---- */

static int
read_pem(const char *path, char **text)
{
	size_t len;
	int rc = fio_read_file(AT_FDCWD, path, TLS_FILE, text, &len);

	if (rc)
		log_error("tls: %s: %s", path, rc == ERR_NOTFOUND ? "no such file" : err_text(rc));
	return rc == ERR_NOTFOUND || rc == ERR_TOOBIG ? ERR_USAGE : rc;
}

static int
add_address(struct conf_list *list, const char *host, const char *port)
{
	char **items = reallocarray(list->items, list->count + 2, sizeof(*items));

	if (!items)
		return ERR_NOMEM;
	list->items = items;
	if (asprintf(&items[list->count], "%s%s", host, port) < 0)
		return ERR_NOMEM;
	items[++list->count] = NULL;
	return 0;
}

/* ":9000" listens on every address of both families. */
static int
expand_addresses(const struct conf_list *from, struct conf_list *to)
{
	int rc = 0;

	for (size_t i = 0; i < from->count && !rc; i++) {
		const char *address = from->items[i];

		if (address[0] != ':')
			rc = add_address(to, address, "");
		else if ((rc = add_address(to, "0.0.0.0", address)) == 0)
			rc = add_address(to, "[::]", address);
	}
	return rc;
}

static int
open_store(struct running *r)
{
	const struct settings *s = &r->d.settings;
	struct store_settings settings = {
		.compress = s->compression,
		.reserve_bytes = s->reserve_bytes,
		.reserve_percent = (unsigned)s->reserve_percent,
		.grace_ms = s->grace_ms,
		.changes_keep_ms = s->changes_keep_ms,
		.changes_keep_min = s->changes_keep_min,
		.device_idle_ms = s->device_idle_ms,
		.upload_expiry_ms = s->upload_expiry_ms,
		.pool_bytes = (size_t)(s->upload_memory / UPLOAD_BLOCK * UPLOAD_BLOCK),
	};
	int rc;

	if ((rc = handover_drop(r->d.dir)) != 0 || (!r->d.socket_only && (rc = handover_wait(r->d.dir)) != 0) ||
	    (rc = store_open(r->d.dir, &settings, &r->d.store)) != 0)
		return rc;
	store_on_failure(r->d.store, store_failed, &r->d);
	if ((rc = hint_hub_new(r->d.store, &r->d.hints)) != 0)
		return rc;
	store_on_commit(r->d.store, store_committed, &r->d);
	rc = fio_open(AT_FDCWD, r->d.dir, O_RDONLY | O_DIRECTORY, 0, &r->dirfd);
	if (rc == 0 && r->d.socket_only)
		log_file_open(r->dirfd, &r->logfd);
	return rc;
}

static int
open_shared(struct running *r)
{
	int rc;

	if ((rc = metrics_new(&r->d.metrics)) != 0 || (rc = watch_hub_new(&r->d.hub)) != 0 ||
	    (rc = page_cache_new(PAGE_CACHE_BYTES, &r->d.pages)) != 0 || (rc = memory_new(&r->d, &r->memory)) != 0)
		return rc;
	if (!r->d.socket_only && r->d.settings.tls_certificate &&
	    ((rc = read_pem(r->d.settings.tls_certificate, &r->certificate)) != 0 ||
		(rc = read_pem(r->d.settings.tls_key, &r->key)) != 0))
		return rc;
	return expand_addresses(&r->d.settings.listen, &r->listen);
}

/* The fewer there are, the fewer wake-ups each request costs; what they do between these takes processors. */
static unsigned
threads_of(const struct running *r)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (r->d.socket_only)
		return SOCKET_ONLY_THREADS;
	if (r->d.settings.threads)
		return (unsigned)r->d.settings.threads;
	return processors <= THREADS_LEAST / 2 ? THREADS_LEAST : processors >= THREADS_MOST / 2 ? THREADS_MOST :
	    2 * (unsigned)processors;
}

static int
serve(struct running *r)
{
	const struct settings *s = &r->d.settings;
	static const char *const nowhere[] = { NULL };
	struct http_options options = {
		.listen = r->d.socket_only || !r->listen.count ? nowhere : (const char *const *)r->listen.items,
		.unix_dirfd = r->dirfd,
		.unix_name = HANDOVER_SOCKET,
		.threads = threads_of(r),
		.connections = (unsigned)s->connections,
		.idle_seconds = (unsigned)(s->idle_timeout_ms / 1000),
		.tls_certificate = r->certificate,
		.tls_key = r->key,
		.handlers = &route_handlers,
		.bodies = memory_bodies(r->memory),
	};
	int rc;

	if ((rc = jobs_new(&r->d, &r->d.jobs)) != 0 ||
	    (rc = errand_pool_new(r->d.socket_only ? SOCKET_ONLY_THREADS : ERRAND_THREADS, options.connections + SOCKET_ONLY_THREADS,
		 &r->d.errands)) != 0 ||
	    (s->log_access && (rc = access_log_start(s->log_format)) != 0) ||
	    (rc = gc_timer_start(&r->d, s->gc_every_ms, &r->gc)) != 0 ||
	    (rc = gc_timer_hashes(&r->d, &r->hashes)) != 0)
		return rc;
	route_setup(&r->d);
	return http_start(&options, &r->d.http);
}

static void
say_ready(const struct running *r)
{
	struct buf where = BUF_INIT(65536);

	for (size_t i = 0; i < r->listen.count && !r->d.socket_only; i++) {
		const char *address = r->listen.items[i];
		const char *colon = strrchr(address, ':');

		/* Port 0 is whatever the system gave. */
		buf_addf(&where, "%s%.*s:%d", i ? ", " : "", (int)(colon - address), address,
		    http_port(r->d.http, (unsigned)i));
	}
	if (!where.len)
		buf_addf(&where, "%s/%s", r->d.dir, HANDOVER_SOCKET);
	log_info("fsd %s listening on %s (%s), data in %s", FSD_VERSION, where.data ? where.data : "?",
	    r->d.socket_only ? "socket only" : r->certificate ? "https" : "http", r->d.dir);
	buf_release(&where);
}

/* ---- running and stopping ---- */

static bool
is_idle(const struct running *r)
{
	return r->d.socket_only && http_unix_idle_us(r->d.http) > HANDOVER_IDLE_SECONDS * 1000000ll;
}

/* Returns when it is time to stop; from here on a second signal ends the process. */
static void
wait_for_end(struct running *r, const sigset_t *set)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };
	struct sigaction at_once = { .sa_handler = end_at_once };
	int sig;

	while ((sig = sigtimedwait(set, NULL, &tick)) < 0 && !is_idle(r))
		memory_tick(r->memory);
	if (sig > 0)
		log_info("stopping: %s", strsignal(sig));
	else
		log_info("stopping: no client for %d seconds", HANDOVER_IDLE_SECONDS);
	sigaction(SIGTERM, &at_once, NULL);
	sigaction(SIGINT, &at_once, NULL);
	if (sigismember(set, SIGHUP))
		sigaction(SIGHUP, &at_once, NULL);
	pthread_sigmask(SIG_UNBLOCK, set, NULL);
}

static void
release(struct running *r)
{
	r->d.ready = false;
	r->d.stopping = true;
	timer_stop(r->gc);
	timer_stop(r->hashes);
	jobs_stop(r->d.jobs);
	if (r->d.hub)
		watch_hub_stop(r->d.hub);
	if (r->d.hints)
		hint_hub_stop(r->d.hints);
	if (r->d.http)
		http_stop(r->d.http, STOP_GRACE_MS);
	errand_pool_free(r->d.errands);
	memory_free(r->memory);
	timer_free(r->gc);
	timer_free(r->hashes);
	jobs_free(r->d.jobs);
	access_log_stop();
	store_close(r->d.store);
	log_file_close(&r->logfd);
	watch_hub_free(r->d.hub);
	hint_hub_free(r->d.hints);
	page_cache_free(r->d.pages);
	metrics_free(r->d.metrics);
	settings_release(&r->d.settings);
	for (size_t i = 0; i < r->listen.count; i++)
		free(r->listen.items[i]);
	free(r->listen.items);
	if (r->key)
		explicit_bzero(r->key, strlen(r->key));
	free(r->key);
	free(r->certificate);
	free(r->d.dir);
	fio_close(&r->dirfd);
}

int
daemon_run(struct daemon_options *options)
{
	struct running r = { .dirfd = -1, .logfd = -1 };
	sigset_t set;
	int rc;

	r.d.settings = options->settings;
	options->settings = (struct settings) { 0 };
	r.d.role = options->role;
	r.d.socket_only = options->socket_only;
	r.d.started_us = clock_wall_us();
	stop_signals(&set);
	raise_files();
	if (!r.d.socket_only)
		check_files(&r.d.settings);
	if (!(r.d.dir = strdup(options->dir))) {
		rc = ERR_NOMEM;
		goto out;
	}
	/* Files that only root may read are read before root is given up. */
	if ((rc = open_shared(&r)) != 0 || (rc = open_store(&r)) != 0)
		goto out;
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if ((rc = serve(&r)) != 0)
		goto out;
	r.d.ready = true;
	say_ready(&r);
	handover_ready(options->ready_fd);
	wait_for_end(&r, &set);
out:
	release(&r);
	if (rc == 0)
		log_info("stopped");
	/* An address that is taken is no configuration error, and not the store's lock either. */
	return exit_code_of(rc);
}
