#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aead.h"
#include "blob.h"
#include "buf.h"
#include "caches.h"
#include "clock.h"
#include "commit.h"
#include "db.h"
#include "err.h"
#include "fio.h"
#include "gate.h"
#include "id.h"
#include "idem.h"
#include "ingest.h"
#include "limits.h"
#include "log.h"
#include "misses.h"
#include "migrate.h"
#include "namespace.h"
#include "pool.h"
#include "store_draft.h"
#include "store_in.h"
#include "store_files.h"
#include "tbl_segment.h"
#include "tbl_store.h"

/*
 * Order of opening: folder, lock, version, key, database, migration, segments (recovery), committer. Closing is the
 * reverse. The lock is the first thing taken and the last given back, so that nobody meets a half-open store.
 */

/* A clock that is far ahead at the start would end all history at once, so its leap waits (lib/jobs/gc.c). */
static void
judge_clock(struct store *s, int64_t newest_us)
{
	const int64_t ahead = s->opened_wall_us - newest_us;
	char now[CLOCK_TEXT], then[CLOCK_TEXT];

	if (ahead <= CLOCK_LEAP_US)
		return;
	s->doubted_us = ahead;
	clock_iso(s->opened_wall_us, now);
	clock_iso(newest_us, then);
	log_warn("the clock says %s, and nothing was stored since %s: if that is wrong, set the clock right now; until it has"
		 " run on for 24 hours nothing expires that had not by then", now, then);
}

/* The key file must be the one that sealed this store's secrets. */
static int
identify(struct store *s)
{
	struct buf check = BUF_INIT(1024);
	uint8_t plain[256];
	int64_t auth, structure, greatest = 0;
	int rc;

	if ((rc = tbl_store_get(db_writer(s->db), s->id, &check, &auth, &structure)) != 0) {
		log_error("%s: the database has no store row: it is not a store's, or was never finished", s->dir);
		rc = rc == ERR_NOTFOUND ? ERR_CORRUPT : rc;
		goto out;
	}
	if (check.len > sizeof(plain) ||
	    aead_open(s->key, NULL, 0, (const uint8_t *)check.data, check.len, plain) != 0) {
		log_error("%s/%s is not the key file of this store: put the right one back", s->dir, STORE_KEY_FILE);
		rc = ERR_AUTH;
		goto out;
	}
	s->auth_epoch = auth;
	s->structure_epoch = structure;
	if ((rc = tbl_store_greatest_id(db_writer(s->db), &greatest)) == 0)
		id_setup(0, greatest);
	if (rc == 0 && greatest)
		judge_clock(s, id_time_us(greatest));
out:
	buf_release(&check);
	return rc;
}

/* All homes that the database knows, ascending; *homes is malloc'd. */
static int
known_homes(struct db_conn *c, struct blob_home **homes, size_t *count)
{
	struct segment_row rows[128];
	struct blob_home *grown;
	int64_t after = 0;
	unsigned n;
	int rc;

	*homes = NULL;
	*count = 0;
	do {
		if ((rc = tbl_segment_list(c, after, rows, 128, &n)) != 0)
			return rc;
		if (!(grown = reallocarray(*homes, *count + n + 1, sizeof(**homes))))
			return ERR_NOMEM;
		*homes = grown;
		for (unsigned i = 0; i < n; i++)
			grown[(*count)++] = (struct blob_home) { (uint64_t)rows[i].home, (uint64_t)rows[i].tail,
				rows[i].state == SEGMENT_SEALED };
		after = n ? rows[n - 1].home : after;
	} while (n == 128);
	return 0;
}

static int
open_blobs(struct store *s)
{
	struct blob_recovery found = { 0 };
	struct blob_home *homes = NULL;
	uint64_t available, total = 0, reserve = s->settings.reserve_bytes;
	size_t count = 0;
	int rc;

	if (s->settings.memory)
		return blob_mem_open(&s->blobs);
	if ((rc = fio_space(s->dirfd, &available, &total)) != 0)
		return rc;
	if (reserve < total / 100 * s->settings.reserve_percent)
		reserve = total / 100 * s->settings.reserve_percent;
	rc = known_homes(db_writer(s->db), &homes, &count);
	s->last_home = rc == 0 && count ? (int64_t)homes[count - 1].home : 0;
	if (rc == 0)
		rc = blob_seg_open(&(struct blob_seg_options) { .dirfd = s->dirfd, .store_id = s->id,
		    .compress = s->settings.compress, .reserve = reserve, .segment_size = s->settings.segment_size,
		    .homes = homes, .count = count }, &found, &s->blobs);
	free(homes);
	if (rc == 0 && (found.cut || found.orphans || found.quarantined))
		log_warn("recovery: %llu bytes cut, %u segments sealed, %u unknown files, %u quarantined",
		    (unsigned long long)found.cut, found.sealed, found.orphans, found.quarantined);
	return rc;
}

/* Small contents get their share, and large ones the rest. */
static int
open_pools(struct store *s)
{
	size_t total = s->settings.pool_bytes ? s->settings.pool_bytes : POOL_BYTES;
	size_t small = total / POOL_SMALL_SHARE / INGEST_PIECE_SMALL * INGEST_PIECE_SMALL;
	size_t large = (total - small) / INGEST_PIECE * INGEST_PIECE;
	int rc;

	if ((rc = pool_new(INGEST_PIECE_SMALL, small, SMALL_OBJECT, &s->small_pool)) != 0)
		return rc;
	return pool_new(INGEST_PIECE, large, CHUNK_MAX, &s->pool);
}

static int
open_parts(struct store *s)
{
	int rc;

	if ((rc = store_files_check(s->dirfd, s->dir, s->key)) != 0)
		return rc;
	if ((rc = db_open(&(struct db_options) { .dirfd = s->dirfd, .dir = s->dir, .name = STORE_DB_FILE,
		 .readers = s->settings.readers, .relaxed = s->settings.relaxed }, &s->db)) != 0) {
		log_error("%s/%s can't be opened: %s", s->dir, STORE_DB_FILE, err_text(rc));
		return rc == ERR_NOTFOUND ? ERR_CORRUPT : rc;
	}
	if ((rc = migrate(s->db)) != 0 || (rc = identify(s)) != 0 || (rc = open_blobs(s)) != 0 ||
	    (rc = open_pools(s)) != 0 ||
	    (rc = gate_new(s, &s->gate)) != 0 || (rc = ingest_registry_new(&s->ingests)) != 0 ||
	    (rc = idem_registry_new(&s->idems)) != 0 ||
	    (rc = caches_new(&s->caches)) != 0 || (rc = misses_new(&s->misses)) != 0 || (rc = namespace_new(&s->namespace)) != 0)
		return rc;
	return committer_start(s, &s->committer);
}

int
store_open(const char *dir, const struct store_settings *settings, struct store **store)
{
	struct store *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return ERR_NOMEM;
	s->settings = *settings;
	s->dirfd = s->lockfd = -1;
	s->opened_us = clock_mono_us();
	s->opened_wall_us = clock_wall_us();
	if (!(s->dir = strdup(dir))) {
		rc = ERR_NOMEM;
		goto out;
	}
	if ((rc = fio_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, &s->dirfd)) != 0) {
		if (rc == ERR_NOTFOUND)
			log_error("%s: no such data directory: create a store there with `fsctl --data %s init`", dir, dir);
		goto out;
	}
	if ((rc = store_files_present(s->dirfd, dir)) != 0 || (rc = store_files_writable(s->dirfd, dir)) != 0)
		goto out;
	if ((rc = fio_lock(s->dirfd, STORE_LOCK_FILE, &s->lockfd)) != 0) {
		if (rc == ERR_LOCKED)
			log_error("%s is in use by another process (%s is locked)", dir, STORE_LOCK_FILE);
		goto out;
	}
	if ((rc = store_draft_clear(s->dirfd, dir)) == 0)
		rc = open_parts(s);
out:
	if (rc) {
		store_close(s);
		return rc;
	}
	*store = s;
	return 0;
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	committer_stop(s->committer);
	if (s->gc_free)
		s->gc_free(s->gc_state);
	namespace_free(s->namespace);
	misses_free(s->misses);
	caches_free(s->caches);
	idem_registry_free(s->idems);
	ingest_registry_free(s->ingests);
	gate_free(s->gate);
	pool_free(s->pool);
	pool_free(s->small_pool);
	if (s->blobs)
		s->blobs->ops->free(s->blobs);
	db_close(s->db);
	explicit_bzero(s->key, sizeof(s->key));
	fio_close(&s->lockfd);
	fio_close(&s->dirfd);
	free(s->dir);
	free(s);
}

void
store_on_failure(struct store *store, void (*failed)(void *arg), void *arg)
{
	store->failed_arg = arg;
	store->failed = failed;
}

void
store_on_commit(struct store *store, void (*committed)(void *arg, int64_t workspace, int64_t sequence), void *arg)
{
	store->committed_arg = arg;
	store->committed = committed;
}

const struct store_settings *
store_settings(const struct store *store)
{
	return &store->settings;
}

int
store_status(struct store *s, struct store_status *status)
{
	struct store_sums sums = { 0 };
	struct store_status st = { 0 };
	struct db_conn *c = NULL;
	int rc;

	if ((rc = db_read_begin(s->db, &c)) != 0)
		return rc;
	rc = tbl_store_sums(c, &sums);
	db_read_end(c);
	if (rc != 0 || (rc = blob_space(s->blobs, &st.free_bytes, &st.total_bytes, &st.low)) != 0)
		return rc;
	snprintf(st.engine, sizeof(st.engine), "%s, %s", db_engine(s->db), s->blobs->ops->name);
	st.workspaces = sums.workspaces;
	st.objects = sums.objects;
	st.logical_bytes = (uint64_t)sums.bytes;
	st.chunk_bytes = (uint64_t)sums.chunk_bytes;
	st.stored_bytes = (uint64_t)sums.stored_bytes;
	st.chunks = sums.chunks;
	st.dead_chunks = sums.dead_chunks;
	st.segments = sums.segments;
	st.segment_bytes = (uint64_t)sums.segment_bytes;
	st.open_uploads = sums.open_uploads;
	st.pool_in_use = pool_in_use(s->pool) + pool_in_use(s->small_pool);
	committer_counts(s->committer, &st.commits, &st.batches);
	*status = st;
	return 0;
}
