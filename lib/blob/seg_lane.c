#include <stdatomic.h>

#include "err.h"
#include "fio.h"
#include "seg_lane.h"

void
seg_lane_init(struct seg_lane *l, struct seg_env *env, enum seg_style style)
{
	*l = (struct seg_lane){ .env = env, .style = style };
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
}

void
seg_lane_release(struct seg_lane *l)
{
	struct seg_file *f;

	while ((f = l->files) != NULL) {
		l->files = f->next;
		seg_file_free(f);
	}
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
}

static void
await(struct seg_lane *l)
{
	pthread_cond_wait(&l->changed, &l->lock);
}

/* Begins the next segment. With the lock, which is given up meanwhile. */
static int
open_next(struct seg_lane *l)
{
	struct seg_file *f = NULL;
	int rc;

	l->opening = true;
	pthread_mutex_unlock(&l->lock);
	rc = seg_file_new(l->env, l->style, &f);
	pthread_mutex_lock(&l->lock);
	l->opening = false;
	if (rc == 0) {
		f->next = l->files;
		l->files = l->open = f;
	}
	pthread_cond_broadcast(&l->changed);
	return rc;
}

/* Makes room ready for giving away up to `need`. With the lock, which is given up meanwhile. */
static int
prepare(struct seg_lane *l, struct seg_file *f, uint64_t need)
{
	uint64_t ready, allocated;
	int rc;

	f->preparing = true;
	f->users++;
	pthread_mutex_unlock(&l->lock);
	rc = seg_file_prepare(f, need, &ready, &allocated);
	pthread_mutex_lock(&l->lock);
	f->preparing = false;
	f->users--;
	if (rc == 0) {
		f->ready = ready;
		f->allocated = allocated;
	}
	pthread_cond_broadcast(&l->changed);
	return rc;
}

static bool
full(const struct seg_lane *l, const struct seg_file *f, uint64_t room)
{
	return f->index.count > 0 && (f->tail + room > l->env->limit || f->index.count >= SEG_RECORDS_MAX);
}

/*
 * Finds an open segment that has room ready at its tail for a record of `size` bytes, with the lock held from then
 * on. *rolled is set if a full one was left behind on the way.
 */
static int
find_room(struct seg_lane *l, uint32_t size, bool *rolled, struct seg_file **found)
{
	struct seg_file *f;
	uint64_t room;
	int rc = 0;

	while (rc == 0) {
		f = l->open;
		room = f ? seg_file_room(f, size) : 0;
		if (atomic_load_explicit(&l->env->closed, memory_order_relaxed)) {
			rc = ERR_CLOSED;
		} else if (f && full(l, f, room)) {
			f->rolled = *rolled = true;
			l->open = NULL;
		} else if (!f) {
			if (l->opening)
				await(l);
			else
				rc = open_next(l);
		} else if (f->tail + room > f->ready) {
			if (f->preparing)
				await(l);
			else
				rc = prepare(l, f, f->tail + room);
		} else {
			*found = f;
			return 0;
		}
	}
	return rc;
}

/* Makes the next piece ready before it is waited for. With the lock, which is given up meanwhile. */
static void
prepare_ahead(struct seg_lane *l, struct seg_file *f)
{
	uint64_t ahead = f->zeroed ? SEG_ZERO_STEP / 4 : SEGMENT_EXTEND / 4;

	if (!f->preparing && !f->rolled && f->tail + ahead > f->ready && f->ready < l->env->limit)
		prepare(l, f, f->ready + 1);	/* a full disk shows when the room is needed */
}

/* Hands the page cache's bytes of streams to the disk early, so that their sync finds little to do. With the lock, given up meanwhile. */
static void
write_back(struct seg_lane *l, struct seg_file *f)
{
	uint64_t from = f->started, to = seg_file_written(f);

	if (f->zeroed || f->direct >= 0 || to < from + SEG_WRITEBACK)
		return;
	f->started = to;
	pthread_mutex_unlock(&l->lock);
	fio_writeback(f->handle->fd, from, to - from);
	pthread_mutex_lock(&l->lock);
}

/* Runs a flush of the file, alone of all threads: a second flush beside one that fails would succeed and lie. */
static int
flush_alone(struct seg_lane *l, struct seg_file *f, int (*run)(const struct seg_file *))
{
	int rc;

	f->flushing = true;
	pthread_mutex_unlock(&l->lock);
	if ((rc = run(f)) != 0)
		seg_env_close(l->env, f->name);
	pthread_mutex_lock(&l->lock);
	f->flushing = false;
	pthread_cond_broadcast(&l->changed);
	return rc;
}

/* Flushes what was put into `f` before. With the lock, which is given up meanwhile. */
static int
flush(struct seg_lane *l, struct seg_file *f)
{
	uint64_t goal = f->done, upto;
	int rc = 0;

	while (rc == 0 && f->flushed < goal) {
		upto = seg_file_written(f);
		if (atomic_load(&l->env->closed)) {
			rc = ERR_CLOSED;
		} else if (f->flushing || upto < goal) {
			await(l);
		} else if ((rc = flush_alone(l, f, seg_file_flush)) == 0) {
			f->entered = true;
			f->flushed = upto;
		}
	}
	return rc;
}

/* One rolled file, all of whose bytes are flushed first, so that syncs don't wait for the index. */
static int
seal(struct seg_lane *l, struct seg_file *f)
{
	int rc;

	while (f->first || f->preparing)
		await(l);
	if ((rc = flush(l, f)) != 0)
		return rc;
	pthread_mutex_unlock(&l->lock);
	rc = seg_file_end(f->env, f->handle->fd, f->name, f->home, &f->index, f->tail);
	pthread_mutex_lock(&l->lock);
	if (rc)
		return rc;
	while (f->flushing)
		await(l);
	if (atomic_load(&l->env->closed))
		return ERR_CLOSED;
	if ((rc = flush_alone(l, f, seg_file_seal)) == 0) {
		f->sealed = true;
		f->flushed = f->tail;
	}
	return rc;
}

/*
 * Seals what was rolled and is being sealed by nobody. With the lock, which is given up meanwhile. A full disk
 * leaves a segment unsealed: the next call, or recovery, seals it.
 */
static int
seal_rolled(struct seg_lane *l)
{
	struct seg_file *f;
	int rc = 0;

	while (rc == 0) {
		for (f = l->files; f && (!f->rolled || f->sealed || f->sealing); f = f->next)
			;
		if (!f)
			break;
		f->sealing = true;
		f->users++;
		rc = seal(l, f);
		f->sealing = false;
		f->users--;
	}
	return rc;
}

int
seg_lane_put(struct seg_lane *l, const uint8_t id[32], struct seg_pack *p, struct blob_place *place)
{
	struct record_entry *entry = NULL;
	struct seg_file *f = NULL;
	struct seg_write w;
	uint64_t home = 0;
	bool rolled = false;
	int rc;

	pthread_mutex_lock(&l->lock);
	if ((rc = find_room(l, p->size, &rolled, &f)) != 0)
		goto out;
	if ((rc = seg_file_reserve(f, &w, id, p->size, p->raw, &entry)) != 0)
		goto out;
	f->users++;
	pthread_mutex_unlock(&l->lock);
	rc = seg_file_write(f, &w, id, p);
	pthread_mutex_lock(&l->lock);
	if (rc)
		*entry = (struct record_entry){ .offset = entry->offset };
	seg_file_complete(f, &w);
	pthread_cond_broadcast(&l->changed);
	prepare_ahead(l, f);
	write_back(l, f);
	home = f->home;
	f->users--;
out:
	if (rolled)
		seal_rolled(l);	/* what fails there closes the store, or is tried again */
	pthread_mutex_unlock(&l->lock);
	if (rc == 0 && atomic_load(&l->env->closed))
		rc = ERR_CLOSED;
	if (rc == 0)
		*place = (struct blob_place){ home, w.offset, p->size, p->raw };
	return rc;
}

int
seg_lane_sync(struct seg_lane *l)
{
	struct seg_file *f;
	int rc = 0;

	pthread_mutex_lock(&l->lock);
	for (f = l->files; rc == 0 && f; f = f->next) {
		f->users++;
		rc = flush(l, f);
		f->users--;
	}
	if (rc == 0 && atomic_load(&l->env->closed))
		rc = ERR_CLOSED;
	pthread_mutex_unlock(&l->lock);
	return rc;
}

int
seg_lane_roll(struct seg_lane *l, uint64_t bytes)
{
	int rc;

	pthread_mutex_lock(&l->lock);
	if (l->open && l->open->index.count > 0 && l->open->tail > bytes) {
		l->open->rolled = true;
		l->open = NULL;
	}
	rc = seal_rolled(l);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

/* Ends files that are sealed, told and used by nobody. */
static void
forget_told(struct seg_lane *l)
{
	struct seg_file **at = &l->files, *f;

	while ((f = *at) != NULL) {
		if (f->reported_sealed && f->users == 0) {
			*at = f->next;
			seg_file_free(f);
		} else {
			at = &f->next;
		}
	}
}

size_t
seg_lane_homes(struct seg_lane *l, struct blob_home *homes, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&l->lock);
	for (struct seg_file *f = l->files; f && n < max; f = f->next) {
		if (f->flushed == f->reported && f->sealed == f->reported_sealed)
			continue;
		homes[n++] = (struct blob_home){ f->home, f->flushed, f->sealed };
		f->reported = f->flushed;
		f->reported_sealed = f->sealed;
	}
	forget_told(l);
	pthread_mutex_unlock(&l->lock);
	return n;
}

bool
seg_lane_owns(struct seg_lane *l, uint64_t home, uint64_t *written)
{
	bool owns = false;

	pthread_mutex_lock(&l->lock);
	for (struct seg_file *f = l->files; f && !owns; f = f->next)
		if (f->home == home && !f->sealed) {
			*written = seg_file_written(f);
			owns = true;
		}
	pthread_mutex_unlock(&l->lock);
	return owns;
}
