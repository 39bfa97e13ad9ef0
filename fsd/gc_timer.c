#include <stddef.h>

#include "daemon.h"
#include "err.h"
#include "gc.h"
#include "gc_timer.h"
#include "hashes.h"
#include "log.h"
#include "timer.h"

#define HASHES_EVERY_MS 5000

static void
collect(struct timer *timer, void *arg)
{
	struct daemon *daemon = arg;
	struct gc_report r = { 0 };
	int rc = gc_run(daemon->store, false, -1, timer_must_stop, timer, &r);

	if (rc == 0 && (r.chunks_freed || r.segments_dropped || r.uploads_expired || r.versions_expired))
		log_info("gc: %lld chunks of %llu bytes freed, %lld segments rewritten, %lld dropped, "
			 "%llu bytes returned; %lld uploads and %lld versions expired",
		    (long long)r.chunks_freed, (unsigned long long)r.bytes_freed, (long long)r.segments_rewritten,
		    (long long)r.segments_dropped, (unsigned long long)r.bytes_returned,
		    (long long)r.uploads_expired, (long long)r.versions_expired);
	/* Another pass is somebody's job; the next turn comes. */
	if (rc && rc != ERR_BUSY && rc != ERR_CLOSED)
		log_error("gc: %s", err_text(rc));
}

int
gc_timer_start(struct daemon *daemon, int64_t every_ms, struct timer **timer)
{
	*timer = NULL;
	return every_ms ? timer_start(&(struct timer_options) { "fsd-gc", every_ms, collect, daemon }, timer) : 0;
}

static void
find_hashes(struct timer *timer, void *arg)
{
	struct daemon *daemon = arg;
	int64_t n = 0;
	int rc = hashes_run(daemon->store, &daemon->hashes, timer_must_stop, timer, &n);

	if (n)
		log_info("hashes: of %lld contents that came without", (long long)n);
	if (rc && rc != ERR_CLOSED && rc != ERR_SPACE)
		log_error("hashes: %s", err_text(rc));
}

int
gc_timer_hashes(struct daemon *daemon, struct timer **timer)
{
	return timer_start(&(struct timer_options) { "fsd-hashes", HASHES_EVERY_MS, find_hashes, daemon }, timer);
}
