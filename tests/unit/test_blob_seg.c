#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "blob_kit.h"
#include "err.h"
#include "limits.h"
#include "record.h"
#include "seg_env.h"

/*
 * Segment files: order of durability, what recovery does with every kind of damage, numbering, full disks. The system calls that
 * matter are counted and made to fail or to wait here: these definitions stand before the C library's.
 */
static _Atomic int flushes, fail_flush, slow_flush, fail_write, fail_allocate, bad_reads;
static char calls[64];
static _Atomic size_t ncalls;
static _Atomic uint64_t gate;		/* a write of so many bytes waits while this is set */
static _Atomic int at_gate;

static void
nap(long us)
{
	nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

static int
flush(int fd, long number, char what)
{
	struct stat st;
	size_t n = atomic_fetch_add(&ncalls, 1);

	if (!fstat(fd, &st) && S_ISDIR(st.st_mode))
		what = 'd';
	if (n < sizeof(calls) - 1)
		calls[n] = what;
	atomic_fetch_add(&flushes, 1);
	if (slow_flush)
		nap(slow_flush);
	if (fail_flush) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(number, fd);
}

int
fsync(int fd)
{
	return flush(fd, SYS_fsync, 'f');
}

int
fdatasync(int fd)
{
	return flush(fd, SYS_fdatasync, 'D');
}

ssize_t
pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
	if (gate && count > 1 && iov[1].iov_len == gate) {
		at_gate = 1;
		while (gate)
			nap(200);
	}
	if (fail_write && count > 1 && iov[0].iov_len < 1000) {
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_pwritev, fd, iov, count, offset, 0);
}

ssize_t
pread(int fd, void *bytes, size_t len, off_t offset)
{
	ssize_t n = syscall(SYS_pread64, fd, bytes, len, offset);

	if (bad_reads > 0 && n > 200) {
		bad_reads--;
		((uint8_t *)bytes)[n / 2] ^= 4;
	}
	return n;
}

int
fallocate(int fd, int mode, off_t offset, off_t len)
{
	if (fail_allocate) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

static void
reset_faults(void)
{
	flushes = fail_flush = slow_flush = fail_write = fail_allocate = at_gate = bad_reads = 0;
	gate = 0;
	ncalls = 0;
	memset(calls, 0, sizeof(calls));
}

static struct blob_recovery found;
static uint64_t segment_size, reserve;
static bool read_only;

static struct blob_store *
open_with(int dirfd, const struct blob_home *homes, size_t count)
{
	struct blob_store *bs = NULL;

	if (blob_seg_open(&(struct blob_seg_options){ .dirfd = dirfd, .store_id = kit_store_id, .compress = true,
	    .segment_size = segment_size, .homes = homes, .count = count, .reserve = reserve,
	    .read_only = read_only }, &found, &bs))
		abort();
	return bs;
}

static void
put_many(struct blob_store *bs, unsigned lane, unsigned n, uint32_t len, struct kit_chunk *c)
{
	for (unsigned i = 0; i < n; i++)
		if (kit_put(bs, lane, i + 1, false, len, &c[i]))
			abort();
}

/* A folder with one segment of `n` chunks of which the first `durable` were told; closed without sealing. */
static int
left_behind(unsigned n, unsigned durable, uint32_t len, struct kit_chunk *c, struct blob_home *home)
{
	int dirfd = kit_dir();
	struct blob_store *bs = open_with(dirfd, NULL, 0);

	put_many(bs, 0, durable, len, c);
	if (blob_sync(bs, 0) || blob_homes(bs, home, 1) != 1)
		abort();
	for (unsigned i = durable; i < n; i++)
		if (kit_put(bs, 0, i + 1, false, len, &c[i]))
			abort();
	bs->ops->free(bs);
	return dirfd;
}

static uint64_t
end_of(const struct kit_chunk *c)
{
	return c->place.offset + c->place.stored;
}

static int
count_one(void *arg, const uint8_t id[32], const struct blob_place *place)
{
	(void)id;
	(void)place;
	++*(unsigned *)arg;
	return 0;
}

static unsigned
walked(struct blob_store *bs, uint64_t home)
{
	unsigned n = 0;

	return blob_walk(bs, home, count_one, &n) ? 1000000 : n;
}

static void
test_order_of_flushes(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct blob_home h[2];
	struct kit_chunk c;

	reset_faults();
	CHECK_INT(0, kit_put(bs, 0, 1, false, 4096, &c));
	CHECK_STR("", calls);
	CHECK_INT(0, blob_homes(bs, h, 2));	/* nothing is durable */
	CHECK_INT(0, blob_sync(bs, 0));
	CHECK_STR("fd", calls);			/* file, then folder */
	CHECK_INT(1, blob_homes(bs, h, 2));
	CHECK_INT(end_of(&c), h[0].tail);
	CHECK_INT(0, blob_sync(bs, 0));
	CHECK_STR("fd", calls);			/* nothing to do */
	CHECK_INT(0, kit_put(bs, 0, 2, false, 4096, &c));
	CHECK_INT(0, blob_sync(bs, 0));
	CHECK_STR("fdD", calls);
	CHECK_INT(0, blob_roll(bs, 0, 0));
	CHECK_STR("fdDf", calls);
	bs->ops->free(bs);
}

static void
test_overhead(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct kit_chunk c;

	CHECK_INT(0, kit_put(bs, 0, 1, false, 4096, &c));
	CHECK(c.place.stored >= 4096 && c.place.stored <= 4096 + 100);
	CHECK_INT(0, kit_put(bs, 0, 1, true, 4096, &c));
	CHECK(c.place.stored < 3000);
	CHECK_INT(0, kit_put(bs, 1, 1, true, 1u << 20, &c));
	CHECK(c.place.stored < 600000);
	bs->ops->free(bs);
}

static void
test_flush_failure_closes(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct kit_chunk c, d;

	reset_faults();
	CHECK_INT(0, kit_put(bs, 0, 1, false, 4096, &c));
	CHECK_INT(0, kit_put(bs, 1, 2, false, 4096, &d));
	fail_flush = 1;
	CHECK_INT(ERR_IO, blob_sync(bs, 0));
	fail_flush = 0;
	CHECK_INT(ERR_CLOSED, blob_sync(bs, 0));
	CHECK_INT(ERR_CLOSED, blob_sync(bs, 1));
	CHECK_INT(ERR_CLOSED, kit_put(bs, 1, 3, false, 100, &d));
	CHECK(blob_roll(bs, 0, 0) != 0);
	CHECK_INT(0, kit_get(bs, &c));
	bs->ops->free(bs);
}

struct actor {
	struct blob_store *bs;
	struct kit_chunk c;
	unsigned seed;
	uint32_t len;
	bool sync;
	int rc;
	_Atomic int done;
};

static void *
act(void *arg)
{
	struct actor *a = arg;

	if (a->len)
		a->rc = kit_put(a->bs, 0, a->seed, false, a->len, &a->c);
	if (a->rc == 0 && a->sync)
		a->rc = blob_sync(a->bs, 0);
	a->done = 1;
	return NULL;
}

/* A sync waits for a put that was given an earlier place and is still writing: a durable tail has no hole. */
static void
test_sync_waits_for_holes(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct actor slow = { .bs = bs, .seed = 1, .len = 5000 }, syncer = { .bs = bs, .sync = true };
	struct kit_chunk c;
	pthread_t a, b;

	reset_faults();
	gate = 5000;
	CHECK_INT(0, pthread_create(&a, NULL, act, &slow));
	for (unsigned i = 0; i < 20000 && !at_gate; i++)
		nap(100);
	CHECK_INT(1, at_gate);
	CHECK_INT(0, kit_put(bs, 0, 2, false, 100, &c));
	CHECK_INT(0, pthread_create(&b, NULL, act, &syncer));
	nap(50000);
	CHECK_INT(0, syncer.done);
	CHECK_INT(0, flushes);
	gate = 0;
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	CHECK(slow.rc == 0 && syncer.rc == 0 && flushes == 2);
	bs->ops->free(bs);
}

/* And it does not wait for one that was given a later place. */
static void
test_sync_passes_later_puts(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct actor slow = { .bs = bs, .seed = 1, .len = 5000 };
	struct blob_home h[1];
	struct kit_chunk c;
	pthread_t a;

	reset_faults();
	CHECK_INT(0, kit_put(bs, 0, 2, false, 100, &c));
	gate = 5000;
	CHECK_INT(0, pthread_create(&a, NULL, act, &slow));
	for (unsigned i = 0; i < 20000 && !at_gate; i++)
		nap(100);
	CHECK_INT(0, blob_sync(bs, 0));
	CHECK_INT(0, slow.done);
	CHECK_INT(1, blob_homes(bs, h, 1));
	CHECK_INT(end_of(&c), h[0].tail);
	gate = 0;
	pthread_join(a, NULL);
	bs->ops->free(bs);
}

static void
test_syncs_coalesce(void)
{
	enum { N = 16 };
	static struct actor a[N];
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct kit_chunk c;
	pthread_t t[N];

	CHECK_INT(0, kit_put(bs, 0, 99, false, 100, &c));
	CHECK_INT(0, blob_sync(bs, 0));
	reset_faults();
	slow_flush = 30000;
	for (unsigned i = 0; i < N; i++) {
		a[i] = (struct actor){ .bs = bs, .seed = i, .len = 100, .sync = true };
		CHECK_INT(0, pthread_create(&t[i], NULL, act, &a[i]));
	}
	for (unsigned i = 0; i < N; i++) {
		pthread_join(t[i], NULL);
		CHECK_INT(0, a[i].rc);
	}
	CHECK(flushes <= N / 2);
	bs->ops->free(bs);
}

static void
test_rolled_lanes(void)
{
	enum { N = 200 };
	static struct kit_chunk c[N];
	struct blob_home h[64];
	struct blob_store *bs;
	size_t n, sealed = 0;
	unsigned records = 0;
	int dirfd = kit_dir();

	segment_size = 1u << 20;
	bs = open_with(dirfd, NULL, 0);
	put_many(bs, 1, N, 30000, c);
	CHECK_INT(0, blob_sync(bs, 1));
	n = blob_homes(bs, h, 64);
	CHECK(n >= 6);
	for (size_t i = 0; i < n; i++) {
		sealed += h[i].sealed;
		records += walked(bs, h[i].home);
		if (h[i].sealed)
			CHECK(kit_size(dirfd, h[i].home) > (long long)h[i].tail &&
			    kit_size(dirfd, h[i].home) < (1 << 20) + 4096);
	}
	CHECK_INT(n - 1, sealed);
	CHECK_INT(N, records);
	for (unsigned i = 0; i < N; i++)
		CHECK_INT(0, kit_get(bs, &c[i]));
	bs->ops->free(bs);
	segment_size = 0;
}

/* Tiny records fill a segment by their number. */
static void
test_many_records(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct kit_chunk c, first;
	struct blob_home h[4];
	unsigned n = 0;

	CHECK_INT(0, kit_put(bs, 0, 1, false, 1, &first));
	for (c = first; c.place.home == first.place.home && n < 140000; n++)
		CHECK_INT(0, blob_put(bs, 0, first.id, "x", 1, &c.place));
	CHECK_INT(131072, n);
	CHECK_INT(1, blob_homes(bs, h, 4));
	CHECK(h[0].sealed && h[0].home == first.place.home);
	CHECK_INT(131072, walked(bs, first.place.home));
	bs->ops->free(bs);
}

static void
test_reopen(void)
{
	static struct kit_chunk c[10];
	struct blob_home home, h[4];
	int dirfd = left_behind(10, 7, 3000, c, &home);
	struct blob_store *bs = open_with(dirfd, &home, 1);
	struct kit_chunk next;

	CHECK(found.sealed == 1 && found.cut == 0 && found.orphans == 0 && found.quarantined == 0);
	CHECK_INT(1, blob_homes(bs, h, 4));
	CHECK(h[0].sealed && h[0].home == home.home && h[0].tail == end_of(&c[9]));
	CHECK_INT(0, blob_homes(bs, h + 1, 3));
	CHECK_INT(10, walked(bs, home.home));
	for (unsigned i = 0; i < 10; i++)
		CHECK_INT(0, kit_get(bs, &c[i]));
	CHECK_INT(0, kit_put(bs, 0, 50, false, 10, &next));
	CHECK_INT(home.home + 1, next.place.home);	/* never appends to a file of another process */
	bs->ops->free(bs);
	bs = open_with(dirfd, h, 1);
	CHECK(found.sealed == 1 && found.orphans == 1);	/* the second segment was never told */
	CHECK_INT(0, kit_get(bs, &c[9]));
	bs->ops->free(bs);
}

/* Cuts the file at every kind of place within the last record. */
static void
test_torn_tail(void)
{
	static struct kit_chunk c[4];
	static const uint32_t keep[] = { 1, 40, 79, 80, 85, 92, 100, 2000, 3091 };
	struct blob_home home;
	struct blob_store *bs;
	int dirfd;

	for (unsigned i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
		dirfd = left_behind(4, 2, 3000, c, &home);
		kit_truncate(dirfd, home.home, c[3].place.offset + keep[i]);
		bs = open_with(dirfd, &home, 1);
		CHECK(found.sealed == 1 && found.quarantined == 0);
		CHECK(found.cut > 0 && found.cut <= keep[i]);
		CHECK_INT(3, walked(bs, home.home));
		CHECK_INT(0, kit_get(bs, &c[2]));
		CHECK_INT(ERR_CORRUPT, kit_get(bs, &c[3]));
		bs->ops->free(bs);
	}
}

static void
test_garbage_tail_is_cut(void)
{
	static struct kit_chunk c[4];
	static uint8_t garbage[9000];
	struct blob_home home, h[2];
	int dirfd = left_behind(4, 4, 3000, c, &home);
	struct blob_store *bs;

	kit_fill(5, false, garbage, sizeof(garbage));
	kit_write(dirfd, home.home, garbage, sizeof(garbage), end_of(&c[3]));
	bs = open_with(dirfd, &home, 1);
	CHECK(found.sealed == 1 && found.quarantined == 0 && found.cut == sizeof(garbage));
	CHECK_INT(1, blob_homes(bs, h, 2));
	CHECK_INT(end_of(&c[3]), h[0].tail);
	CHECK_INT(4, walked(bs, home.home));
	CHECK(kit_size(dirfd, home.home) < (long long)end_of(&c[3]) + 1000);
	bs->ops->free(bs);
}

/* What a crash in the midst of parallel puts leaves behind the durable tail. */
static void
test_holes_are_stepped_over(void)
{
	static struct kit_chunk c[8];
	static const uint8_t zeros[8192];
	struct blob_home home;
	struct blob_store *bs;
	int dirfd;

	for (unsigned kind = 0; kind < 3; kind++) {
		dirfd = left_behind(8, 2, 3000, c, &home);
		if (kind == 0)		/* never written */
			kit_write(dirfd, home.home, zeros, c[4].place.stored, c[4].place.offset);
		else if (kind == 1)	/* a sector of its blocks is missing */
			kit_write(dirfd, home.home, zeros, 512, c[4].place.offset + 700);
		else			/* two in a row, and what is left of the second are its last bytes */
			kit_write(dirfd, home.home, zeros, 3092 + 2000, c[3].place.offset);
		bs = open_with(dirfd, &home, 1);
		CHECK(found.sealed == 1 && found.quarantined == 0 && found.cut == 0);
		CHECK_INT(kind == 2 ? 6 : 7, walked(bs, home.home));
		CHECK_INT(0, kit_get(bs, &c[1]));
		CHECK_INT(0, kit_get(bs, &c[7]));
		CHECK_INT(ERR_CORRUPT, kit_get(bs, &c[4]));
		bs->ops->free(bs);
	}
}

static int
whole_file(int dirfd, uint64_t home, uint8_t **bytes, size_t *len)
{
	int fd = kit_open_file(dirfd, home, O_RDONLY);

	*len = (size_t)lseek(fd, 0, SEEK_END);
	*bytes = malloc(*len);
	if (pread(fd, *bytes, *len, 0) != (ssize_t)*len)
		abort();
	return close(fd);
}

/* Damages, opens, and expects that the segment is reported and not touched. */
static bool
quarantined(int dirfd, const struct blob_home *home)
{
	uint8_t *before, *after;
	size_t len, len2;
	struct blob_store *bs;
	struct blob_home h[2];
	bool ok;

	whole_file(dirfd, home->home, &before, &len);
	bs = open_with(dirfd, home, 1);
	ok = found.quarantined == 1 && found.sealed == 0 && found.orphans == 0 && found.cut == 0 &&
	    blob_homes(bs, h, 2) == 0;
	bs->ops->free(bs);
	whole_file(dirfd, home->home, &after, &len2);
	ok = ok && len == len2 && !memcmp(before, after, len);
	free(before);
	free(after);
	return ok;
}

static void
test_quarantine(void)
{
	static struct kit_chunk c[8];
	struct blob_home home;
	struct blob_store *bs;
	uint8_t header[RECORD_FILE_HEADER_SIZE];
	struct record_file other = { .store = "another store" };
	int dirfd;

	dirfd = left_behind(8, 2, 3000, c, &home);	/* bytes that no crash leaves, a record behind */
	kit_write(dirfd, home.home, "garbage garbage garbage", 23, c[4].place.offset);
	CHECK(quarantined(dirfd, &home));
	dirfd = left_behind(8, 6, 3000, c, &home);	/* shorter than its durable tail */
	kit_truncate(dirfd, home.home, end_of(&c[4]));
	CHECK(quarantined(dirfd, &home));
	dirfd = left_behind(8, 6, 3000, c, &home);	/* damaged before it */
	kit_flip(dirfd, home.home, c[3].place.offset + 33, 2);
	CHECK(quarantined(dirfd, &home));
	dirfd = left_behind(8, 8, 3000, c, &home);	/* of another store */
	other.segment = home.home;
	record_file_encode(&other, header);
	kit_write(dirfd, home.home, header, sizeof(header), 0);
	CHECK(quarantined(dirfd, &home));
	dirfd = left_behind(8, 8, 3000, c, &home);	/* another segment's file */
	other.segment = home.home + 1;
	memcpy(other.store, kit_store_id, 16);
	record_file_encode(&other, header);
	kit_write(dirfd, home.home, header, sizeof(header), 0);
	CHECK(quarantined(dirfd, &home));

	dirfd = left_behind(8, 6, 3000, c, &home);	/* what can be read, is */
	kit_flip(dirfd, home.home, c[3].place.offset + 33, 2);
	bs = open_with(dirfd, &home, 1);
	CHECK_INT(0, kit_get(bs, &c[2]));
	CHECK_INT(ERR_CORRUPT, kit_get(bs, &c[3]));
	CHECK_INT(0, kit_get(bs, &c[4]));
	bs->ops->free(bs);
}

static void
test_missing_home_and_numbers(void)
{
	struct blob_home rows[] = { { 3, 500, true }, { 0x50, 0, false } };
	struct kit_chunk c;
	int dirfd = kit_dir();
	struct blob_store *bs = open_with(dirfd, rows, 2);

	CHECK_INT(2, found.quarantined);
	CHECK_INT(0, kit_put(bs, 0, 1, false, 10, &c));
	CHECK_INT(0x51, c.place.home);
	bs->ops->free(bs);
	kit_write(dirfd, 0x1234567890, "", 0, 0);
	bs = open_with(dirfd, rows, 2);
	CHECK_INT(0, kit_put(bs, 0, 1, false, 10, &c));
	CHECK_INT(0x1234567891, c.place.home);
	CHECK_INT(0, kit_get(bs, &c));
	bs->ops->free(bs);
}

static void
test_orphans(void)
{
	static struct kit_chunk c[3];
	static const uint8_t zeros[64];
	struct blob_home home, h[4];
	int dirfd = left_behind(3, 3, 100, c, &home);
	struct blob_store *bs;

	kit_write(dirfd, 0x20, "", 0, 0);		/* made, nothing written */
	kit_write(dirfd, 0x21, zeros, sizeof(zeros), 0);
	kit_write(dirfd, 0x22, "this is no segment at all, whoever put it there......", 52, 0);
	bs = open_with(dirfd, NULL, 0);			/* and the database lost the first */
	CHECK(found.orphans == 3 && found.quarantined == 1);
	CHECK(kit_size(dirfd, 0x20) == -1 && kit_size(dirfd, 0x21) == -1 && kit_size(dirfd, 0x22) == 52);
	CHECK_INT(1, blob_homes(bs, h, 4));
	CHECK(h[0].home == home.home && h[0].sealed && h[0].tail == end_of(&c[2]));
	CHECK_INT(0, kit_get(bs, &c[1]));
	CHECK_INT(0, blob_drop(bs, home.home));
	CHECK_INT(-1, kit_size(dirfd, home.home));
	bs->ops->free(bs);
}

static void
test_read_only(void)
{
	static struct kit_chunk c[8];
	uint8_t *before, *after;
	struct blob_home home, h[2];
	struct blob_place place;
	struct blob_store *bs;
	size_t len, len2;
	int dirfd = left_behind(8, 2, 3000, c, &home);

	kit_write(dirfd, 0x20, "", 0, 0);
	kit_truncate(dirfd, home.home, c[7].place.offset + 100);
	whole_file(dirfd, home.home, &before, &len);
	read_only = true;
	bs = open_with(dirfd, &home, 1);
	read_only = false;
	CHECK(found.cut > 0 && found.sealed == 0 && found.orphans == 1 && found.quarantined == 0);
	CHECK_INT(0, blob_homes(bs, h, 2));
	CHECK_INT(7, walked(bs, home.home));
	CHECK_INT(0, kit_get(bs, &c[1]));
	CHECK_INT(ERR_CLOSED, blob_put(bs, 0, c[0].id, "x", 1, &place));
	CHECK_INT(ERR_CLOSED, blob_drop(bs, home.home));
	bs->ops->free(bs);
	whole_file(dirfd, home.home, &after, &len2);
	CHECK(len == len2 && !memcmp(before, after, len) && kit_size(dirfd, 0x20) == 0);
	free(before);
	free(after);
}

/* Whatever bit of a record turns, no read gives wrong bytes. */
static void
test_bit_flips(void)
{
	static struct kit_chunk c[3], large;
	struct blob_store *bs;
	struct blob_home h[2];
	uint64_t at;
	int dirfd = kit_dir(), rc;

	bs = open_with(dirfd, NULL, 0);
	CHECK_INT(0, kit_put(bs, 0, 1, false, 300, &c[0]));
	CHECK_INT(0, kit_put(bs, 0, 2, true, 9000, &c[1]));
	CHECK_INT(0, kit_put(bs, 0, 3, false, 200000, &c[2]));
	CHECK_INT(0, kit_put(bs, 0, 4, false, 200000, &large));
	CHECK_INT(0, blob_roll(bs, 0, 0));
	CHECK_INT(1, blob_homes(bs, h, 2));
	srand(3);
	for (unsigned i = 0; i < 600; i++) {
		const struct kit_chunk *k = &c[i % 3];
		unsigned bit = (unsigned)rand() % 8;

		at = k->place.offset + (uint64_t)rand() % (i % 2 ? 120 : k->place.stored);
		kit_flip(dirfd, k->place.home, at, bit);
		CHECK_INT(0, kit_get(bs, &large));	/* so that no head is remembered */
		rc = kit_range(bs, k, 0, k->len);	/* the CRCs alone */
		if (rc != ERR_CORRUPT && at < end_of(k) - 7)	/* the padding is nobody's */
			fprintf(stderr, "# byte %llu of a record\n", (unsigned long long)(at - k->place.offset));
		CHECK(rc == ERR_CORRUPT || (rc == 0 && at >= end_of(k) - 7));
		CHECK_INT(0, kit_get(bs, &c[(i + 1) % 3]));
		kit_flip(dirfd, k->place.home, at, bit);
		CHECK_INT(0, kit_get(bs, k));
	}
	bs->ops->free(bs);
}

static void
test_wrong_once(void)
{
	static const uint32_t lens[] = { 1000, 300000 };
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct kit_chunk c;

	for (unsigned i = 0; i < 2; i++) {
		reset_faults();
		CHECK_INT(0, kit_put(bs, 0, 1, false, lens[i], &c));
		bad_reads = 1;
		CHECK_INT(0, kit_range(bs, &c, 0, c.len));
		bad_reads = 1000;
		CHECK_INT(ERR_CORRUPT, kit_range(bs, &c, 0, c.len));
		CHECK_INT(ERR_CORRUPT, kit_range(bs, &c, 0, c.len));
		CHECK(bad_reads < 998);
		bad_reads = 0;
		CHECK_INT(0, kit_range(bs, &c, 0, c.len));
	}
	bs->ops->free(bs);
}

/* The SHA-256 of the whole finds what every CRC let pass. */
static void
test_whole_checks_the_hash(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	uint8_t id[32] = { 7 }, bytes[100] = { 1 };
	struct blob_place place;

	CHECK_INT(0, blob_put(bs, 0, id, bytes, sizeof(bytes), &place));
	CHECK_INT(0, blob_get(bs, id, &place, 0, 100, false, bytes));
	CHECK_INT(ERR_CORRUPT, blob_get(bs, id, &place, 0, 100, true, bytes));
	bs->ops->free(bs);
}

static void
test_damaged_index(void)
{
	static struct kit_chunk c[5];
	struct blob_store *bs;
	struct blob_home h[2];
	unsigned n = 0;
	int dirfd = kit_dir();

	bs = open_with(dirfd, NULL, 0);
	put_many(bs, 0, 5, 700, c);
	CHECK_INT(0, blob_roll(bs, 0, 0));
	CHECK_INT(1, blob_homes(bs, h, 2));
	kit_flip(dirfd, h[0].home, h[0].tail + 60, 1);
	CHECK_INT(ERR_CORRUPT, blob_walk(bs, h[0].home, count_one, &n));
	CHECK_INT(5, n);	/* the records are walked all the same */
	bs->ops->free(bs);
}

static void
test_reserve(void)
{
	struct blob_store *bs;
	struct kit_chunk c;

	reserve = UINT64_MAX;
	bs = open_with(kit_dir(), NULL, 0);
	reserve = 0;
	CHECK_INT(ERR_SPACE, kit_put(bs, 0, 1, false, 100, &c));
	CHECK_INT(ERR_SPACE, kit_put(bs, 1, 1, false, 100, &c));
	CHECK_INT(0, kit_put(bs, BLOB_LANE_REWRITE, 1, false, 100, &c));
	bs->ops->free(bs);
	/* The same while it is asked for. */
	bs = open_with(kit_dir(), NULL, 0);
	CHECK_INT(0, kit_put(bs, 0, 1, false, 100, &c));
	blob_keep_free(bs, UINT64_MAX);
	CHECK_INT(ERR_SPACE, kit_put(bs, 0, 2, false, 100, &c));
	CHECK_INT(0, kit_put(bs, BLOB_LANE_REWRITE, 2, false, 100, &c));
	blob_keep_free(bs, 0);
	CHECK_INT(0, kit_put(bs, 0, 3, false, 100, &c));
	bs->ops->free(bs);
}

/* A full disk shows before a place is given away, and goes away. */
static void
test_full_disk(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct kit_chunk c, d, e;
	struct blob_home h[2];

	reset_faults();
	fail_allocate = 1;
	CHECK_INT(ERR_SPACE, kit_put(bs, 0, 1, false, 100, &c));
	fail_allocate = 0;
	CHECK_INT(0, kit_put(bs, 0, 1, false, 100, &c));
	fail_write = 1;		/* a file system that promised room and has none */
	CHECK_INT(ERR_SPACE, kit_put(bs, 0, 2, false, 100, &d));
	fail_write = 0;
	CHECK_INT(0, kit_put(bs, 0, 3, false, 100, &e));
	CHECK_INT(0, blob_sync(bs, 0));
	CHECK_INT(2, walked(bs, c.place.home));
	CHECK_INT(0, kit_get(bs, &c));
	CHECK_INT(0, kit_get(bs, &e));
	CHECK_INT(0, blob_roll(bs, 0, 0));
	CHECK_INT(2, walked(bs, c.place.home));
	CHECK_INT(1, blob_homes(bs, h, 2));
	CHECK(h[0].sealed);
	bs->ops->free(bs);
}

static int
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* More segments than descriptors are kept. */
static void
test_many_segments(void)
{
	enum { N = 300 };
	static struct kit_chunk c[N];
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct blob_home h[1];

	for (unsigned i = 0; i < N; i++) {
		CHECK_INT(0, kit_put(bs, 3, i, false, 50, &c[i]));
		CHECK_INT(0, blob_roll(bs, 3, 0));
		CHECK_INT(1, blob_homes(bs, h, 1));
	}
	for (unsigned k = 0; k < 2; k++)
		for (unsigned i = 0; i < N; i++)
			CHECK_INT(0, kit_get(bs, &c[i]));
	CHECK(open_descriptors() < 256 + 32);
	bs->ops->free(bs);
}

static void
test_names_of_segment_files(void)
{
	static const struct {
		uint64_t home;
		const char *name;
	} cases[] = {
		{ 1, "00000001.seg" }, { 0xa, "0000000a.seg" }, { 0xfedcba98, "fedcba98.seg" },
		{ 0x100000000, "100000000.seg" }, { UINT64_MAX, "ffffffffffffffff.seg" },
	};
	char name[SEG_NAME];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		seg_env_name(cases[i].home, name);
		CHECK_STR(cases[i].name, name);
		CHECK(seg_env_home(name) == cases[i].home);
	}
	CHECK(seg_env_home("1.seg") == 0);
	CHECK(seg_env_home("0000000A.seg") == 0);
	CHECK(seg_env_home("000000001.seg") == 0);
}

static const struct test tests[] = {
	TEST(test_order_of_flushes), TEST(test_overhead), TEST(test_flush_failure_closes),
	TEST(test_sync_waits_for_holes), TEST(test_sync_passes_later_puts), TEST(test_syncs_coalesce),
	TEST(test_rolled_lanes), TEST(test_many_records), TEST(test_reopen), TEST(test_torn_tail),
	TEST(test_garbage_tail_is_cut), TEST(test_holes_are_stepped_over), TEST(test_quarantine),
	TEST(test_missing_home_and_numbers), TEST(test_orphans), TEST(test_read_only), TEST(test_bit_flips), TEST(test_wrong_once),
	TEST(test_whole_checks_the_hash), TEST(test_damaged_index), TEST(test_reserve), TEST(test_full_disk),
	TEST(test_many_segments), TEST(test_names_of_segment_files), TEST_END
};

int
main(int argc, char **argv)
{
	kit_quiet();
	return test_main(tests, argc, argv);
}
