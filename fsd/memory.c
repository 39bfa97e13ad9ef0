#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include "body.h"
#include "clock.h"
#include "daemon.h"
#include "err.h"
#include "ingest.h"
#include "limits.h"
#include "log.h"
#include "memory.h"

#define TICK_US 1000000
#define BUSY (CLOCKS_PER_SEC / 10)	/* CPU time between two ticks */
/* The largest body there is, and its framing where it is aws-chunked (route.c). */
#define LARGEST_BODY (LIMIT_JSON_BODY + (128u << 10))

struct memory {
	struct daemon *daemon;
	struct budget *bodies;
	int64_t ticked_us;
	clock_t cpu;
	bool busy;
};

int
memory_new(struct daemon *daemon, struct memory **memory)
{
	struct memory *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return ERR_NOMEM;
	m->daemon = daemon;
	if ((rc = budget_new((size_t)(daemon->settings.body_memory / BODY_UNIT), LARGEST_BODY / BODY_UNIT,
		 &m->bodies)) != 0) {
		free(m);
		return rc;
	}
	*memory = m;
	return 0;
}

void
memory_free(struct memory *m)
{
	if (!m)
		return;
	budget_free(m->bodies);
	free(m);
}

struct budget *
memory_bodies(struct memory *m)
{
	return m->bodies;
}

/* What a burst took goes back to the system once it is over; earlier it would only be asked for again. */
static void
trim(struct memory *m)
{
	clock_t cpu = clock();
	bool busy = cpu - m->cpu > BUSY;

	if (m->busy && !busy)
		(void)malloc_trim(0);
	m->busy = busy;
	m->cpu = cpu;
}

void
memory_tick(struct memory *m)
{
	const struct settings *s = &m->daemon->settings;
	struct budget_rule rule = { clock_mono_us(), s->stall_bytes, s->stall_time_ms * 1000 };
	unsigned count;

	if (rule.now_us - m->ticked_us < TICK_US)
		return;
	m->ticked_us = rule.now_us;
	trim(m);
	count = ingest_cut_slow(m->daemon->store, &rule) + budget_sweep(m->bodies, &rule);
	if (count)
		log_warn("memory: requests cut off, since others waited for what they held and they got on too slowly: %u",
		    count);
}
