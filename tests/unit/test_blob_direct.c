#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "blob_kit.h"
#include "err.h"
#include "limits.h"
#include "record.h"
#include "seg_filler.h"

/*
 * Segments of streams, which are written past the page cache: alignment, what lies between the records, file systems that
 * refuse, writes that fail, what a crash leaves. The system calls are counted and made to fail here: these definitions
 * stand before the C library's. Where the folder of the tests takes no direct writes, the tests of those are passed over.
 */
static _Atomic int direct_writes, cached_writes, refuse_open, told;
static _Atomic int fail_at, fail_with;	/* the number of the direct write that fails, from 1; 0: none */

int
openat(int dirfd, const char *name, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (refuse_open && (flags & O_DIRECT)) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_openat, dirfd, name, flags, mode);
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	bool direct = fcntl(fd, F_GETFL) & O_DIRECT;

	atomic_fetch_add(direct ? &direct_writes : &cached_writes, 1);
	if (direct && fail_at && direct_writes >= fail_at) {
		errno = fail_with;
		return -1;
	}
	if (direct && ((uintptr_t)bytes | len | (size_t)offset) % SEG_ALIGN)
		abort();
	return syscall(SYS_pwrite64, fd, bytes, len, offset);
}

ssize_t
pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
	atomic_fetch_add(&cached_writes, 1);
	return syscall(SYS_pwritev, fd, iov, count, offset, 0);
}

static void
on_failure(void *arg)
{
	(void)arg;
	told++;
}

static struct blob_recovery found;

static struct blob_store *
open_with(int dirfd, const struct blob_home *homes, size_t count)
{
	struct blob_store *bs = NULL;

	direct_writes = cached_writes = refuse_open = fail_at = told = 0;
	if (blob_seg_open(&(struct blob_seg_options){ .dirfd = dirfd, .store_id = kit_store_id, .compress = true,
	    .homes = homes, .count = count }, &found, &bs))
		abort();
	blob_on_failure(bs, on_failure, NULL);
	return bs;
}

/* Asks the file system itself, so that a store which writes through the cache for no reason is noticed. */
static bool
passed_over(void)
{
	static _Alignas(SEG_ALIGN) const uint8_t page[SEG_ALIGN];
	int fd = openat(kit_dir(), "probe", O_WRONLY | O_CREAT | O_DIRECT, 0600);
	bool none = fd < 0 || syscall(SYS_pwrite64, fd, page, sizeof(page), 0) != (long)sizeof(page);

	if (fd >= 0)
		close(fd);
	if (none)
		printf("# no direct writes here\n");
	return none;
}

/* Lengths around everything that matters: the least, a block, a filler that just fits, buffers' ends, the most. */
static uint32_t
length(unsigned i)
{
	static const uint32_t lengths[] = { 1, 3900, 3912, 3913, 3920, 4000, 4004, 4005, 4012, 65536, 65537, 300000,
		1048576 - 4096, 1048576 - 212, 1048576 - 204, 1048576, 1048577, 3000001, CHUNK_MAX - 1, CHUNK_MAX };

	return lengths[i % (sizeof(lengths) / sizeof(lengths[0]))];
}

static void
put_many(struct blob_store *bs, unsigned from, unsigned to, struct kit_chunk *c)
{
	for (unsigned i = from; i < to; i++)
		if (kit_put(bs, 1, i + 1, i % 3 == 2, length(i), &c[i]))
			abort();
}

static uint64_t
end_of(const struct kit_chunk *c)
{
	return c->place.offset + c->place.stored;
}

static void
test_filler_sizes(void)
{
	struct record_file file = { .segment = 7 };
	struct record_block block;
	uint8_t head[SEG_FILLER_HEAD];
	struct record r;

	for (uint64_t end = 48; end < 48 + 2 * SEG_ALIGN; end += RECORD_ALIGN) {
		uint32_t size = seg_filler_size(end);

		CHECK((end + size) % SEG_ALIGN == 0 && size < SEG_FILLER_MAX);
		if (end % SEG_ALIGN == 0) {
			CHECK_INT(0, size);
			continue;
		}
		seg_filler_encode(&file, end, size, head);
		CHECK_INT(0, record_decode(&file, end, head, &r));
		CHECK_INT(0, record_decode_table(&r, head + RECORD_HEADER_SIZE, &block));
		CHECK_INT(size, record_size(&r));
	}
}

static void
test_places_are_aligned(void)
{
	enum { N = 40 };
	static struct kit_chunk c[N];
	struct blob_store *bs;
	struct blob_home h[2];

	if (passed_over())
		return;
	bs = open_with(kit_dir(), NULL, 0);
	put_many(bs, 0, N, c);
	CHECK(direct_writes > N && cached_writes == 0);
	for (unsigned i = 0; i < N; i++) {
		CHECK_INT(0, c[i].place.offset % SEG_ALIGN);
		CHECK_INT(0, kit_get(bs, &c[i]));
	}
	CHECK_INT(N, kit_walked(bs, c[0].place.home));
	CHECK_INT(0, blob_sync(bs, 1));
	CHECK_INT(1, blob_homes(bs, h, 2));
	CHECK(h[0].tail % SEG_ALIGN == 0 && h[0].tail > c[N - 1].place.offset);
	CHECK_INT(0, blob_roll(bs, 1, 0));
	CHECK_INT(N, kit_walked(bs, c[0].place.home));
	for (unsigned i = 0; i < N; i++)
		CHECK_INT(0, kit_get(bs, &c[i]));
	bs->ops->free(bs);
}

static void
test_other_lanes_are_dense(void)
{
	static const unsigned lanes[] = { BLOB_LANE_SMALL, BLOB_LANE_REWRITE };
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct kit_chunk c, d;

	for (unsigned i = 0; i < 2; i++) {
		CHECK_INT(0, kit_put(bs, lanes[i], 1, false, 1000, &c));
		CHECK_INT(0, kit_put(bs, lanes[i], 2, false, 1000, &d));
		CHECK_INT(c.place.offset + c.place.stored, d.place.offset);
	}
	CHECK_INT(0, direct_writes);
	bs->ops->free(bs);
}

/* At the opening, at the first write, in the midst of a record, at a later one: nobody notices. */
static void
test_refused(void)
{
	static struct kit_chunk c[20];
	struct blob_home h[2];
	struct blob_store *bs;
	int dirfd;

	for (int at = 0; at < 8; at++) {
		dirfd = kit_dir();
		bs = open_with(dirfd, NULL, 0);
		refuse_open = at == 0;
		fail_with = EINVAL;
		fail_at = at;
		put_many(bs, 0, 20, c);
		for (unsigned i = 0; i < 20; i++)
			CHECK_INT(0, kit_get(bs, &c[i]));
		CHECK_INT(20, kit_walked(bs, c[0].place.home));
		CHECK_INT(0, blob_sync(bs, 1));
		CHECK_INT(1, blob_homes(bs, h, 2));
		CHECK(direct_writes <= at && told == 0);
		bs->ops->free(bs);
		bs = open_with(dirfd, h, 1);
		CHECK(found.sealed == 1 && found.quarantined == 0 && found.cut == 0);
		CHECK_INT(20, kit_walked(bs, c[0].place.home));
		bs->ops->free(bs);
	}
}

/* The device has lost bytes: as after a failed flush, nothing is stored any more. */
static void
test_failed_write_closes(void)
{
	struct kit_chunk c, d;
	struct blob_store *bs;
	int dirfd;

	if (passed_over())
		return;
	for (int at = 3; at < 6; at++) {	/* header, one of 1 byte, then a record of five writes */
		dirfd = kit_dir();
		bs = open_with(dirfd, NULL, 0);
		fail_with = EIO;
		fail_at = at;
		CHECK_INT(0, kit_put(bs, 1, 1, false, 1, &c));
		CHECK_INT(ERR_IO, kit_put(bs, 1, 2, false, CHUNK_MAX, &d));
		CHECK_INT(1, told);
		fail_at = 0;
		CHECK_INT(ERR_CLOSED, kit_put(bs, 1, 3, false, 100, &d));
		CHECK_INT(ERR_CLOSED, kit_put(bs, 0, 3, false, 100, &d));
		CHECK_INT(ERR_CLOSED, blob_sync(bs, 1));
		CHECK_INT(0, kit_get(bs, &c));
		CHECK_INT(0, cached_writes);
		bs->ops->free(bs);
	}
}

static void
test_full_disk(void)
{
	struct kit_chunk c, d, e;
	struct blob_store *bs;
	struct blob_home h[2];
	int dirfd;

	if (passed_over())
		return;
	dirfd = kit_dir();
	bs = open_with(dirfd, NULL, 0);
	CHECK_INT(0, kit_put(bs, 1, 1, false, 9000, &c));
	fail_with = ENOSPC;
	fail_at = direct_writes + 2;
	CHECK_INT(ERR_SPACE, kit_put(bs, 1, 2, false, 2500000, &d));
	fail_at = 0;
	CHECK_INT(0, kit_put(bs, 1, 3, false, 300000, &e));
	CHECK_INT(0, blob_sync(bs, 1));
	CHECK_INT(0, told);
	CHECK_INT(2, kit_walked(bs, c.place.home));
	CHECK_INT(1, blob_homes(bs, h, 2));
	bs->ops->free(bs);
	bs = open_with(dirfd, h, 1);
	CHECK(found.sealed == 1 && found.quarantined == 0 && found.cut == 0);
	CHECK_INT(2, kit_walked(bs, c.place.home));
	CHECK_INT(0, kit_get(bs, &c));
	CHECK_INT(0, kit_get(bs, &e));
	bs->ops->free(bs);
}

/* What a crash can do to records and fillers behind the durable tail; all before it stays. */
static void
test_recovery(void)
{
	enum { N = 12, DURABLE = 8 };
	static struct kit_chunk c[N];
	static const uint8_t zeros[8192];
	struct blob_home home;
	struct blob_store *bs;
	unsigned whole;
	int dirfd;

	if (passed_over())
		return;
	for (int kind = 0; kind < 5; kind++) {
		dirfd = kit_dir();
		bs = open_with(dirfd, NULL, 0);
		put_many(bs, 0, DURABLE, c);
		if (blob_sync(bs, 1) || blob_homes(bs, &home, 1) != 1)
			abort();
		put_many(bs, DURABLE, N, c);
		bs->ops->free(bs);
		whole = N;
		if (kind == 1) {		/* a record that was never written, and its filler */
			kit_write(dirfd, home.home, zeros, c[DURABLE + 1].place.offset - c[DURABLE].place.offset,
			    c[DURABLE].place.offset);
			whole--;
		} else if (kind == 2) {		/* the sector in which a record ends and its filler begins */
			kit_write(dirfd, home.home, zeros, 512, end_of(&c[DURABLE]) / 512 * 512);
			whole--;
		} else if (kind == 3) {		/* the last record ends early */
			kit_truncate(dirfd, home.home, c[N - 1].place.offset + SEG_ALIGN);
			whole--;
		} else if (kind == 4) {		/* or is whole, without its filler */
			kit_truncate(dirfd, home.home, end_of(&c[N - 1]));
		}
		bs = open_with(dirfd, &home, 1);
		CHECK(found.sealed == 1 && found.quarantined == 0 && found.orphans == 0);
		CHECK(kind == 3 ? found.cut > 0 && found.cut <= SEG_ALIGN : found.cut == 0);
		CHECK_INT(whole, kit_walked(bs, home.home));
		for (unsigned i = 0; i < DURABLE; i++)
			CHECK_INT(0, kit_get(bs, &c[i]));
		bs->ops->free(bs);
	}
}

static void
test_damage_before_the_tail(void)
{
	static struct kit_chunk c[6];
	struct blob_home home;
	struct blob_store *bs;
	int dirfd;

	if (passed_over())
		return;
	dirfd = kit_dir();
	bs = open_with(dirfd, NULL, 0);
	put_many(bs, 0, 6, c);
	if (blob_sync(bs, 1) || blob_homes(bs, &home, 1) != 1)
		abort();
	bs->ops->free(bs);
	kit_flip(dirfd, home.home, end_of(&c[2]) + 20, 3);	/* a filler's head */
	bs = open_with(dirfd, &home, 1);
	CHECK(found.quarantined == 1 && found.sealed == 0 && found.cut == 0);
	CHECK_INT(0, kit_get(bs, &c[5]));
	bs->ops->free(bs);
}

/* More threads than buffers: each reads at once what it has put, while others read ahead into the page cache beside it. */
static void *
put_and_get(void *arg)
{
	struct blob_store *bs = arg;
	static _Atomic uint64_t seeds = 1000;
	struct kit_chunk c, before = { 0 };

	for (unsigned i = 0; i < 25; i++) {
		uint64_t seed = seeds++;

		if (kit_put(bs, 1, seed, false, (uint32_t)(seed * 7919 % 700000 + 1), &c) || kit_get(bs, &c))
			return bs;
		if (i && kit_get(bs, &before))
			return bs;
		if (i % 10 == 9 && blob_sync(bs, 1))
			return bs;
		before = c;
	}
	return NULL;
}

static void
test_threads(void)
{
	enum { N = 12 };
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct blob_home h[1];
	pthread_t t[N];
	void *failed;

	for (unsigned i = 0; i < N; i++)
		if (pthread_create(&t[i], NULL, put_and_get, bs))
			abort();
	for (unsigned i = 0; i < N; i++) {
		pthread_join(t[i], &failed);
		CHECK(!failed);
	}
	CHECK_INT(0, blob_sync(bs, 1));
	CHECK_INT(1, blob_homes(bs, h, 1));
	CHECK_INT(N * 25, kit_walked(bs, h[0].home));
	bs->ops->free(bs);
}

static const struct test tests[] = {
	TEST(test_filler_sizes), TEST(test_places_are_aligned), TEST(test_other_lanes_are_dense), TEST(test_refused),
	TEST(test_failed_write_closes), TEST(test_full_disk), TEST(test_recovery), TEST(test_damage_before_the_tail),
	TEST(test_threads), TEST_END
};
TEST_MAIN_QUIET(tests)
