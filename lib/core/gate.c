#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob.h"
#include "clock.h"
#include "err.h"
#include "fio.h"
#include "gate.h"
#include "log.h"
#include "store_in.h"

#define BALLAST_NAME "ballast"
#define BALLAST_BYTES (32ull << 20)	/* or an eighth of what is free, on small disks */
#define BALLAST_LEAST (1ull << 20)
#define ROOM_LEAST (8 * BALLAST_LEAST)	/* without a ballast, what new content leaves for deletes and GC */
#define RETRY_US 60000000	/* between looks whether the ballast can be made again */

/* Why new content is refused. */
enum refusal { REFUSE_NOTHING, REFUSE_RESERVE, REFUSE_BALLAST };

/* Lock: guards `there` and `tried_us`; making and giving back happen under it, as only one may. */
struct gate {
	pthread_mutex_t lock;
	_Atomic bool there;	/* written under the lock */
	int64_t tried_us;
	_Atomic uint64_t owed;	/* what must be available before new content is taken; 0 while the ballast is there */
	_Atomic int refusing;	/* enum refusal, for one log line at each change */
};

/* Whether an earlier run left one, when there was more room than now. */
static bool
left_behind(struct store *store)
{
	struct stat st;

	return fstatat(store->dirfd, BALLAST_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0;
}

/* What must be available before new content is taken; uploads that were admitted before leave it, too. */
static void
owe(struct store *store, uint64_t bytes)
{
	store->gate->owed = bytes;
	blob_keep_free(store->blobs, bytes);
}

/* Allocated for real, so that removing it gives the bytes back. */
static int
make_ballast(struct store *store)
{
	uint64_t available, total, size;
	int rc, fd = -1;

	if ((rc = fio_space(store->dirfd, &available, &total)) != 0)
		return rc;
	size = available / 8 < BALLAST_BYTES ? available / 8 : BALLAST_BYTES;
	if (size < BALLAST_LEAST)
		return left_behind(store) ? 0 : ERR_SPACE;
	if ((rc = fio_open(store->dirfd, BALLAST_NAME, O_WRONLY | O_CREAT, 0600, &fd)) == 0)
		rc = fio_allocate(fd, BALLAST_NAME, 0, size);
	if (rc && fd >= 0)
		(void)fio_unlink(store->dirfd, BALLAST_NAME);	/* half of one would only take room */
	fio_close(&fd);
	return rc;
}

int
gate_new(struct store *store, struct gate **gate)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (!g)
		return ERR_NOMEM;
	pthread_mutex_init(&g->lock, NULL);
	g->tried_us = clock_mono_us();
	g->there = store->settings.memory || make_ballast(store) == 0;
	*gate = g;
	owe(store, g->there ? 0 : ROOM_LEAST);
	return 0;
}

void
gate_free(struct gate *gate)
{
	if (!gate)
		return;
	pthread_mutex_destroy(&gate->lock);
	free(gate);
}

/* `soon`: there is room, as nobody else could take it. */
static void
remake_ballast(struct store *store, bool soon)
{
	struct gate *g = store->gate;

	pthread_mutex_lock(&g->lock);
	if (!g->there && (soon || clock_mono_us() - g->tried_us > RETRY_US)) {
		g->tried_us = clock_mono_us();
		if (make_ballast(store) == 0) {
			g->there = true;
			owe(store, 0);
		}
	}
	pthread_mutex_unlock(&g->lock);
}

static void
say_change(enum refusal now, uint64_t available, uint64_t owed)
{
	unsigned long long have = available, want = owed;

	if (now == REFUSE_RESERVE)
		log_warn("disk space is below the reserve (%llu bytes available): writes are refused", have);
	else if (now == REFUSE_BALLAST)
		log_warn("the disk has no room for the ballast that keeps deletes and gc going (%llu bytes available):"
			 " writes are refused until there are %llu", have, want);
	else
		log_warn("disk space is enough again (%llu bytes available): writes are taken", have);
}

int
gate_write(struct store *store)
{
	uint64_t available, total, owed = store->gate->owed;
	enum refusal now;
	bool low;

	if (blob_space(store->blobs, &available, &total, &low) != 0)
		return ERR_IO;
	now = low ? REFUSE_RESERVE : available < owed ? REFUSE_BALLAST : REFUSE_NOTHING;
	if (store->gate->refusing != (int)now && atomic_exchange(&store->gate->refusing, now) != (int)now)
		say_change(now, available, owed);
	if (now)
		return ERR_SPACE;
	if (!store->gate->there)
		remake_ballast(store, owed > 0);
	return 0;
}

void
gate_disk_full(struct store *store)
{
	struct gate *g = store->gate;
	struct stat st;
	uint64_t size = 0;

	pthread_mutex_lock(&g->lock);
	if (fstatat(store->dirfd, BALLAST_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0)
		size = (uint64_t)st.st_size;
	if (g->there) {
		owe(store, 2 * size > ROOM_LEAST ? 2 * size : ROOM_LEAST);
		g->tried_us = clock_mono_us();
		g->there = fio_unlink(store->dirfd, BALLAST_NAME) != 0;
		if (g->there)
			owe(store, 0);
		else
			log_warn("the disk is full: the ballast was given back, so that deletes and gc go on");
	}
	pthread_mutex_unlock(&g->lock);
}
