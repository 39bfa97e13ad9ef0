#include <pthread.h>
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "ingest.h"
#include "store_in.h"

/*
 * Who rests on chunks that the tables may not mention any more: running ingests and readers. Tickets are places in an array
 * of start times; the array is short (as many as requests run) and a place is used again.
 */
struct ingest_registry {
	pthread_mutex_t lock;
	struct began {
		int64_t mono, wall;	/* mono 0: free */
	} *began;
	size_t size, hint;	/* hint: nothing below it is free */
};

int
ingest_registry_new(struct ingest_registry **registry)
{
	struct ingest_registry *r = calloc(1, sizeof(*r));

	if (!r)
		return ERR_NOMEM;
	r->size = 256;
	if (!(r->began = calloc(r->size, sizeof(*r->began)))) {
		free(r);
		return ERR_NOMEM;
	}
	pthread_mutex_init(&r->lock, NULL);
	*registry = r;
	return 0;
}

void
ingest_registry_free(struct ingest_registry *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r->began);
	free(r);
}

static int
grow(struct ingest_registry *r)
{
	struct began *began = reallocarray(r->began, r->size * 2, sizeof(*began));

	if (!began)
		return ERR_NOMEM;
	for (size_t i = r->size; i < r->size * 2; i++)
		began[i] = (struct began) { 0 };
	r->began = began;
	r->size *= 2;
	return 0;
}

int
ingest_hold(struct store *store, uint64_t *ticket)
{
	struct ingest_registry *r = store->ingests;
	int rc = 0;

	pthread_mutex_lock(&r->lock);
	while (r->hint < r->size && r->began[r->hint].mono)
		r->hint++;
	if (r->hint == r->size)
		rc = grow(r);
	if (rc == 0) {
		r->began[r->hint] = (struct began) { clock_mono_us(), clock_wall_us() };
		*ticket = r->hint++;
	}
	pthread_mutex_unlock(&r->lock);
	return rc;
}

void
ingest_unhold(struct store *store, uint64_t ticket)
{
	struct ingest_registry *r = store->ingests;

	pthread_mutex_lock(&r->lock);
	r->began[ticket].mono = 0;
	if (ticket < r->hint)
		r->hint = ticket;
	pthread_mutex_unlock(&r->lock);
}

void
ingest_oldest(struct store *store, int64_t *mono, int64_t *wall)
{
	struct ingest_registry *r = store->ingests;

	*mono = *wall = INT64_MAX;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->size; i++) {
		if (!r->began[i].mono)
			continue;
		if (r->began[i].mono < *mono)
			*mono = r->began[i].mono;
		if (r->began[i].wall < *wall)
			*wall = r->began[i].wall;
	}
	pthread_mutex_unlock(&r->lock);
}
