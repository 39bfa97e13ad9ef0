#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "clock.h"
#include "digest.h"
#include "err.h"
#include "fio.h"
#include "log.h"
#include "seg_cache.h"
#include "seg_env.h"
#include "seg_lane.h"
#include "seg_pack.h"
#include "seg_read.h"
#include "seg_recover.h"
#include "seg_scan.h"
#include "seg_stage.h"

#define READ_DESCRIPTORS 256
#define SPACE_AGE_US 200000	/* how old the answer of statvfs may be */
#define PAGE 4096u		/* the least that the page cache drops */

/*
 * The driver of segment files: the store's life, reading, walking and dropping. Writing is the lanes'
 * (seg_lane.h), what came before is recovery's (seg_recover.h).
 *
 * `lock` guards the fields marked; it is not held over disk I/O, and a lane's lock is never taken under it.
 */
struct seg_store {
	struct blob_store bs;
	struct seg_env env;
	struct seg_lane lanes[BLOB_LANES];
	uint64_t reserve;
	pthread_mutex_t lock;
	struct seg_recovered old;	/* lock: what recovery found and homes() has not told yet */
	_Atomic int64_t space_at;	/* when statvfs was asked; 0: never */
	_Atomic uint64_t available, total;
	_Atomic uint64_t kept;		/* bytes that puts leave free beside the reserve */
};

/* What compaction moves may be small, and a filler behind each such record would double it. */
static const enum seg_style styles[BLOB_LANES] = {
	[BLOB_LANE_SMALL] = SEG_ZEROED, SEG_DIRECT, SEG_DIRECT, SEG_DIRECT, [BLOB_LANE_REWRITE] = SEG_PLAIN
};

static struct seg_store *
cast(struct blob_store *bs)
{
	return (struct seg_store *)(void *)bs;
}

static int
seg_space(struct blob_store *bs, uint64_t *available, uint64_t *total, bool *low)
{
	struct seg_store *s = cast(bs);
	int64_t now = clock_mono_us(), at = atomic_load(&s->space_at);
	uint64_t a, t;
	int rc;

	if (at == 0 || now - at > SPACE_AGE_US) {
		if ((rc = fio_space(s->env.dirfd, &a, &t)) != 0)
			return rc;
		atomic_store(&s->available, a);
		atomic_store(&s->total, t);
		atomic_store(&s->space_at, now);
	}
	*available = atomic_load(&s->available);
	*total = atomic_load(&s->total);
	*low = *available < s->reserve;
	return 0;
}

static void
seg_keep_free(struct blob_store *bs, uint64_t bytes)
{
	atomic_store(&cast(bs)->kept, bytes);
	atomic_store(&cast(bs)->space_at, 0);
}

static int
seg_putv(struct blob_store *bs, unsigned lane, const uint8_t id[32], const struct iovec *iov, int count,
    struct blob_place *place)
{
	struct seg_store *s = cast(bs);
	size_t len = seg_pack_len(iov, count);
	struct seg_pack pack;
	uint64_t available, total;
	bool low;
	int rc;

	if (lane >= BLOB_LANES || len == 0 || len > CHUNK_MAX)
		return ERR_INVALID;
	if (atomic_load(&s->env.closed))
		return ERR_CLOSED;
	if ((rc = seg_space(bs, &available, &total, &low)) != 0)
		return rc;
	if ((low || available < atomic_load(&s->kept)) && lane != BLOB_LANE_REWRITE)
		return ERR_SPACE;
	if ((rc = seg_pack_init(&pack, iov, len, s->env.compress)) != 0)
		return rc;
	rc = seg_lane_put(&s->lanes[lane], id, &pack, place);
	seg_pack_release(&pack);
	if (rc == ERR_SPACE)
		atomic_store(&s->space_at, 0);
	return rc;
}

static int
seg_sync(struct blob_store *bs, unsigned lane)
{
	return lane < BLOB_LANES ? seg_lane_sync(&cast(bs)->lanes[lane]) : ERR_INVALID;
}

static int
seg_roll(struct blob_store *bs, unsigned lane, uint64_t bytes)
{
	return lane < BLOB_LANES ? seg_lane_roll(&cast(bs)->lanes[lane], bytes) : ERR_INVALID;
}

static int
read_checked(struct seg_store *s, int fd, const uint8_t id[32], const struct blob_place *place, size_t from,
    size_t len, bool whole, bool fresh, void *bytes)
{
	uint8_t digest[32];
	int rc;

	if ((rc = seg_read(&s->env, fd, id, place, from, len, fresh, bytes)) != 0 || !whole)
		return rc;
	digest_sha256(bytes, len, digest);
	return memcmp(digest, id, sizeof(digest)) ? ERR_CORRUPT : 0;
}

static int
seg_get(struct blob_store *bs, const uint8_t id[32], const struct blob_place *place, size_t from, size_t len,
    bool whole, void *bytes)
{
	struct seg_store *s = cast(bs);
	struct seg_fd *h = NULL;
	uint64_t start;
	int rc;

	if (len == 0 || from > place->length || len > place->length - from || (whole && len != place->length))
		return ERR_RANGE;
	if ((rc = seg_cache_get(s->env.cache, place->home, &h)) != 0)
		return rc;
	rc = read_checked(s, h->fd, id, place, from, len, whole, false, bytes);
	if (rc == ERR_CORRUPT) {
		start = place->offset / PAGE * PAGE;
		fio_dontneed(h->fd, start, (place->offset + place->stored - start + PAGE - 1) / PAGE * PAGE);
		rc = read_checked(s, h->fd, id, place, from, len, whole, true, bytes);
		if (rc == ERR_CORRUPT)
			log_error("segment %08" PRIx64 ": the record at %" PRIu64 " is not what was written",
			    place->home, place->offset);
		else if (rc == 0)
			log_warn("segment %08" PRIx64 ": the record at %" PRIu64 " was read wrong once",
			    place->home, place->offset);
	}
	seg_cache_put(s->env.cache, h);
	return rc;
}

static size_t
seg_homes(struct blob_store *bs, struct blob_home *homes, size_t max)
{
	struct seg_store *s = cast(bs);
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	while (n < max && s->old.told_count > 0)
		homes[n++] = s->old.told[--s->old.told_count];
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < BLOB_LANES; i++)
		n += seg_lane_homes(&s->lanes[i], homes + n, max - n);
	return n;
}

/* What recovery found about a home that is going is not told any more. */
static void
forget_old(struct seg_store *s, uint64_t home)
{
	struct seg_recovered *old = &s->old;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < old->told_count; i++)
		if (old->told[i].home == home)
			old->told[i--] = old->told[--old->told_count];
	pthread_mutex_unlock(&s->lock);
}

static int
seg_drop(struct blob_store *bs, uint64_t home)
{
	struct seg_store *s = cast(bs);
	char name[SEG_NAME];
	uint64_t written;
	int rc;

	if (atomic_load(&s->env.closed))
		return ERR_CLOSED;
	for (size_t i = 0; i < BLOB_LANES; i++)
		if (seg_lane_owns(&s->lanes[i], home, &written))
			return ERR_BUSY;
	seg_env_name(home, name);
	if ((rc = fio_unlink(s->env.dirfd, name)) != 0)
		return rc;
	forget_old(s, home);
	seg_cache_forget(s->env.cache, home);
	rc = fio_sync_dir(s->env.dirfd, SEG_DIR);
	atomic_store(&s->space_at, 0);	/* who was refused for want of space may try again at once */
	return rc;
}

/* Calls `each` for the records of the index. */
static int
walk_index(uint64_t home, const uint8_t *entries, uint32_t count,
    int (*each)(void *arg, const uint8_t id[32], const struct blob_place *place), void *arg)
{
	struct record_entry e;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		record_entry_decode(entries + (size_t)i * RECORD_ENTRY_SIZE, &e);
		rc = each(arg, e.id, &(struct blob_place){ home, e.offset, e.size, e.raw });
	}
	return rc;
}

static int
walk_scan(struct seg_scan *s, uint64_t home,
    int (*each)(void *arg, const uint8_t id[32], const struct blob_place *place), void *arg)
{
	struct record_entry e;
	uint64_t used;
	int rc;

	while ((rc = seg_scan_next(s, &e)) == 0)
		if ((rc = each(arg, e.id, &(struct blob_place){ home, e.offset, e.size, e.raw })) != 0)
			return rc;
	if (rc == ERR_CORRUPT && seg_scan_used(s, s->pos, &used) == 0 && used == 0)
		rc = ERR_END;	/* only allocated */
	return rc == ERR_END ? 0 : rc;
}

/* How far an unsealed segment goes, and how far it is trusted. */
static void
extent(struct seg_store *s, uint64_t home, uint64_t *end, uint64_t *trusted)
{
	*trusted = UINT64_MAX;
	for (size_t i = 0; i < s->old.left_count; i++)
		if (s->old.left[i].home == home) {
			*trusted = s->old.left[i].trusted;
			*end = s->old.left[i].end;
		}
}

static int
seg_walk(struct blob_store *bs, uint64_t home,
    int (*each)(void *arg, const uint8_t id[32], const struct blob_place *place), void *arg)
{
	struct seg_store *s = cast(bs);
	struct record_file file = seg_env_file(&s->env, home);
	struct record_trailer t = { 0 };
	struct seg_scan scan = { 0 };
	struct seg_fd *h = NULL;
	uint8_t *entries = NULL;
	uint64_t end = 0, trusted;
	char name[SEG_NAME];
	bool ours = false;
	int rc;

	seg_env_name(home, name);
	for (size_t i = 0; !ours && i < BLOB_LANES; i++)
		ours = seg_lane_owns(&s->lanes[i], home, &end);
	if ((rc = seg_cache_get(s->env.cache, home, &h)) != 0)
		return rc;
	if (!ours) {
		if ((rc = fio_size(h->fd, name, &end)) != 0)
			goto out;
		if ((rc = seg_scan_index(h->fd, name, &file, end, &t, &entries)) == 0) {
			rc = walk_index(home, entries, t.count, each, arg);
			goto out;
		}
		if (rc == ERR_CORRUPT)
			log_error("segment %s: its index is damaged", name);
		else if (rc != ERR_NOTFOUND)
			goto out;
	}
	extent(s, home, &end, &trusted);
	if ((rc = seg_scan_init(&scan, h->fd, name, &file, end, trusted)) == 0)
		rc = walk_scan(&scan, home, each, arg);
out:
	seg_scan_release(&scan);
	free(entries);
	seg_cache_put(s->env.cache, h);
	return rc;
}

static void
seg_on_failure(struct blob_store *bs, void (*failed)(void *arg), void *arg)
{
	struct seg_env *env = &cast(bs)->env;

	env->failed_arg = arg;
	env->failed = failed;
}

static void
seg_free(struct blob_store *bs)
{
	struct seg_store *s = cast(bs);

	if (!s)
		return;
	for (size_t i = 0; i < BLOB_LANES; i++)
		seg_lane_release(&s->lanes[i]);
	seg_stage_free(s->env.stage);
	seg_cache_free(s->env.cache);
	seg_recovered_release(&s->old);
	fio_close(&s->env.dirfd);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct blob_ops ops = {
	.name = "segments",
	.putv = seg_putv,
	.sync = seg_sync,
	.get = seg_get,
	.homes = seg_homes,
	.drop = seg_drop,
	.roll = seg_roll,
	.walk = seg_walk,
	.on_failure = seg_on_failure,
	.space = seg_space,
	.keep_free = seg_keep_free,
	.free = seg_free,
};

int
blob_seg_open(const struct blob_seg_options *o, struct blob_recovery *found, struct blob_store **bs)
{
	static _Atomic uint64_t instances;
	struct seg_store *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return ERR_NOMEM;
	s->bs.ops = &ops;
	s->reserve = o->reserve;
	s->env.dirfd = -1;
	s->env.compress = o->compress;
	s->env.limit = o->segment_size ? o->segment_size : SEGMENT_SIZE;
	s->env.instance = atomic_fetch_add(&instances, 1) + 1;
	memcpy(s->env.store, o->store_id, sizeof(s->env.store));
	pthread_mutex_init(&s->lock, NULL);
	for (unsigned i = 0; i < BLOB_LANES; i++)
		seg_lane_init(&s->lanes[i], &s->env, styles[i]);
	/* The folder may be there and not durable yet: made by a process that was killed before it flushed DATA. */
	if (!o->read_only && ((rc = fio_mkdir(o->dirfd, SEG_DIR, 0700)) != 0 ||
	    (rc = fio_sync_dir(o->dirfd, SEG_DIR)) != 0))
		goto out;
	if ((rc = fio_open(o->dirfd, SEG_DIR, O_RDONLY | O_DIRECTORY, 0, &s->env.dirfd)) != 0 ||
	    (rc = seg_cache_new(s->env.dirfd, READ_DESCRIPTORS, &s->env.cache)) != 0 ||
	    (rc = seg_stage_new(&s->env.stage)) != 0 ||
	    (rc = seg_recover(&s->env, o, found, &s->old)) != 0)
		goto out;
	atomic_store(&s->env.next, s->old.highest + 1);
	atomic_store(&s->env.closed, o->read_only);
	*bs = &s->bs;
	s = NULL;
out:
	seg_free(s ? &s->bs : NULL);
	return rc;
}
