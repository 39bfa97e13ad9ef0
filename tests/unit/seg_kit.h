#ifndef SEG_KIT_H
#define SEG_KIT_H

#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "blob_kit.h"
#include "record.h"
#include "seg_env.h"

/*
 * Segment files under a test. The system calls that matter are counted and made to fail or to wait here: these definitions stand
 * before the C library's.
 */
static _Atomic int flushes, fail_flush, hold_flush, fail_write, fail_allocate;
static char calls[64];
static _Atomic size_t ncalls;
static _Atomic uint64_t gate;		/* a write of so many bytes waits while this is set, and a flush while hold_flush is */
static _Atomic int at_gate;

static inline void
nap(long us)
{
	nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

static inline int
flush(int fd, long number, char what)
{
	struct stat st;
	size_t n = atomic_fetch_add(&ncalls, 1);

	if (!fstat(fd, &st) && S_ISDIR(st.st_mode))
		what = 'd';
	if (n < sizeof(calls) - 1)
		calls[n] = what;
	atomic_fetch_add(&flushes, 1);
	while (hold_flush)
		nap(200);
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

int
fallocate(int fd, int mode, off_t offset, off_t len)
{
	if (fail_allocate) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

static inline void
reset_faults(void)
{
	flushes = fail_flush = hold_flush = fail_write = fail_allocate = at_gate = 0;
	gate = 0;
	ncalls = 0;
	memset(calls, 0, sizeof(calls));
}

static struct blob_recovery found;
static uint64_t segment_size, reserve;
static bool read_only;

static inline struct blob_store *
open_with(int dirfd, const struct blob_home *homes, size_t count)
{
	struct blob_store *bs = NULL;

	if (blob_seg_open(&(struct blob_seg_options){ .dirfd = dirfd, .store_id = kit_store_id, .compress = true,
	    .segment_size = segment_size, .homes = homes, .count = count, .reserve = reserve,
	    .read_only = read_only }, &found, &bs))
		abort();
	return bs;
}

static inline void
put_many(struct blob_store *bs, unsigned lane, unsigned n, uint32_t len, struct kit_chunk *c)
{
	for (unsigned i = 0; i < n; i++)
		if (kit_put(bs, lane, i + 1, false, len, &c[i]))
			abort();
}

/* A folder with one segment of `n` chunks of which the first `durable` were told; closed without sealing. */
static inline int
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

static inline uint64_t
end_of(const struct kit_chunk *c)
{
	return c->place.offset + c->place.stored;
}

#endif
