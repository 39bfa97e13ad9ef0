#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "fio.h"
#include "id.h"
#include "log.h"
#include "str.h"

/* The code for errno; what nobody expects is logged. */
static int
failed(const char *what, const char *name)
{
	switch (errno) {
	case ENOENT:
		return ERR_NOTFOUND;
	case EEXIST:
		return ERR_EXISTS;
	case ENOSPC:
	case EDQUOT:
		return ERR_SPACE;
	case ENOMEM:
		return log_errno(ERR_NOMEM, "%s %s", what, name);
	default:
		return log_errno(ERR_IO, "%s %s", what, name);
	}
}

static int
open_file(int dirfd, const char *name, int flags, mode_t mode)
{
	int got;

	do
		got = openat(dirfd, name, flags | O_CLOEXEC, mode);
	while (got < 0 && errno == EINTR);
	return got;
}

int
fio_open(int dirfd, const char *name, int flags, mode_t mode, int *fd)
{
	int got = open_file(dirfd, name, flags, mode);

	if (got < 0)
		return failed("open", name);
	*fd = got;
	return 0;
}

int
fio_open_direct(int dirfd, const char *name, int *fd)
{
	int got = open_file(dirfd, name, O_WRONLY | O_DIRECT, 0);

	if (got < 0)
		return errno == EINVAL ? ERR_UNSUPPORTED : failed("open", name);
	*fd = got;
	return 0;
}

void
fio_close(int *fd)
{
	/* Linux frees the descriptor also when close() fails, so it is never called again. */
	if (*fd >= 0 && close(*fd) && errno != EINTR)
		log_errno(0, "close");
	*fd = -1;
}

int
fio_pread_some(int fd, const char *name, void *bytes, size_t len, uint64_t offset, size_t *got)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(fd, (char *)bytes + done, len - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed("read", name);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*got = done;
	return 0;
}

int
fio_pread(int fd, const char *name, void *bytes, size_t len, uint64_t offset)
{
	size_t got;
	int rc;

	if ((rc = fio_pread_some(fd, name, bytes, len, offset, &got)) != 0)
		return rc;
	return got == len ? 0 : ERR_TRUNCATED;
}

/* Drops `n` written bytes, and what is empty, from the front of the vector. */
static void
advance(struct iovec **iov, int *count, size_t n)
{
	while (*count > 0 && n >= (*iov)->iov_len) {
		n -= (*iov)->iov_len;
		(*iov)++;
		(*count)--;
	}
	if (*count > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
	}
}

int
fio_pwritev(int fd, const char *name, struct iovec *iov, int count, uint64_t offset)
{
	ssize_t n;

	for (advance(&iov, &count, 0); count > 0; advance(&iov, &count, (size_t)n)) {
		n = pwritev(fd, iov, count < IOV_MAX ? count : IOV_MAX, (off_t)offset);
		if (n < 0 && errno == EINTR) {
			n = 0;
			continue;
		}
		if (n <= 0) {
			if (n == 0)
				errno = EIO;
			return failed("write", name);
		}
		offset += (uint64_t)n;
	}
	return 0;
}

/* 0, or -1 with errno. */
static int
write_all(int fd, const void *bytes, size_t len, uint64_t offset)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pwrite(fd, (const char *)bytes + done, len - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

int
fio_pwrite(int fd, const char *name, const void *bytes, size_t len, uint64_t offset)
{
	return write_all(fd, bytes, len, offset) ? failed("write", name) : 0;
}

int
fio_pwrite_direct(int fd, const char *name, const void *bytes, size_t len, uint64_t offset)
{
	if (write_all(fd, bytes, len, offset) == 0)
		return 0;
	return errno == EINVAL ? ERR_UNSUPPORTED : failed("write", name);
}

/* A full disk that shows only now has lost bytes all the same: no code but ERR_IO. */
static int
flushed(int result, const char *name)
{
	return result ? log_errno(ERR_IO, "flush %s", name) : 0;
}

int
fio_datasync(int fd, const char *name)
{
	return flushed(fdatasync(fd), name);
}

int
fio_sync(int fd, const char *name)
{
	return flushed(fsync(fd), name);
}

int
fio_sync_dir(int dirfd, const char *name)
{
	int fd = -1, rc;

	if (dirfd != AT_FDCWD)
		return fio_sync(dirfd, name);
	if ((rc = fio_open(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY, 0, &fd)) != 0)
		return rc;
	rc = fio_sync(fd, name);
	fio_close(&fd);
	return rc;
}

/* Flushes the folder that holds `name`, which may itself be a path. */
static int
sync_parent(int dirfd, const char *name)
{
	const char *slash = strrchr(name, '/');
	char parent[PATH_MAX];
	int fd = -1, rc;

	if (!slash)
		return fio_sync_dir(dirfd, name);
	snprintf(parent, sizeof(parent), "%.*s", slash == name ? 1 : (int)(slash - name), name);
	if ((rc = fio_open(dirfd, parent, O_RDONLY | O_DIRECTORY, 0, &fd)) != 0)
		return rc;
	rc = fio_sync(fd, parent);
	fio_close(&fd);
	return rc;
}

int
fio_rename(int dirfd, const char *from, const char *to)
{
	return renameat(dirfd, from, dirfd, to) ? failed("rename", from) : 0;
}

int
fio_link(int dirfd, const char *from, const char *to)
{
	return linkat(dirfd, from, dirfd, to, 0) ? failed("link", to) : 0;
}

int
fio_unlink(int dirfd, const char *name)
{
	return unlinkat(dirfd, name, 0) ? failed("unlink", name) : 0;
}

int
fio_rmdir(int dirfd, const char *name)
{
	if (!unlinkat(dirfd, name, AT_REMOVEDIR))
		return 0;
	return errno == ENOTEMPTY ? ERR_EXISTS : failed("remove", name);
}

int
fio_truncate(int fd, const char *name, uint64_t size)
{
	int rc;

	do
		rc = ftruncate(fd, (off_t)size);
	while (rc && errno == EINTR);
	return rc ? failed("truncate", name) : 0;
}

int
fio_allocate(int fd, const char *name, uint64_t offset, uint64_t len)
{
	int rc;

	do
		rc = fallocate(fd, 0, (off_t)offset, (off_t)len);
	while (rc && errno == EINTR);
	if (rc && (errno == EOPNOTSUPP || errno == ENOSYS))
		return 0;
	return rc ? failed("allocate", name) : 0;
}

int
fio_size(int fd, const char *name, uint64_t *size)
{
	struct stat st;

	if (fstat(fd, &st))
		return failed("stat", name);
	*size = (uint64_t)st.st_size;
	return 0;
}

void
fio_dontneed(int fd, uint64_t offset, uint64_t len)
{
	posix_fadvise(fd, (off_t)offset, (off_t)len, POSIX_FADV_DONTNEED);
}

void
fio_writeback(int fd, uint64_t offset, uint64_t len)
{
	(void)sync_file_range(fd, (off_t)offset, (off_t)len, SYNC_FILE_RANGE_WRITE);
}

/* Gives the finished temporary file its name. A link, unlike a rename, never replaces. */
static int
publish(int dirfd, const char *temp, const char *name, bool fresh)
{
	int rc;

	if (!fresh)
		return fio_rename(dirfd, temp, name);
	return (rc = fio_link(dirfd, temp, name)) ? rc : fio_unlink(dirfd, temp);
}

int
fio_write_file(int dirfd, const char *name, const void *bytes, size_t len, mode_t mode, bool fresh)
{
	char temp[PATH_MAX], suffix[17];
	uint8_t random[8];
	int fd = -1, rc;

	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), suffix);
	if (snprintf(temp, sizeof(temp), "%s.%s.tmp", name, suffix) >= (int)sizeof(temp))
		return ERR_TOOBIG;
	if ((rc = fio_open(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL, mode, &fd)) != 0)
		return rc;
	if ((rc = fio_pwrite(fd, name, bytes, len, 0)) != 0)
		goto out;
	if ((rc = fio_sync(fd, name)) != 0)
		goto out;
	if ((rc = publish(dirfd, temp, name, fresh)) != 0)
		goto out;
	rc = sync_parent(dirfd, name);
	temp[0] = '\0';
out:
	if (temp[0])
		(void)unlinkat(dirfd, temp, 0);
	fio_close(&fd);
	return rc;
}

/* Reads to the end of `fd`, a pipe too. */
static int
read_all(int fd, const char *name, struct buf *b)
{
	const size_t step = 65536;
	size_t room;
	ssize_t n;
	char *to;

	for (;;) {
		room = b->max - b->len < step ? b->max - b->len : step;
		if (!(to = buf_room(b, room)))
			return b->err;
		n = read(fd, to, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed("read", name);
		b->len += (size_t)n;
		if (n == 0)
			return 0;
	}
}

int
fio_read_file(int dirfd, const char *name, size_t max, char **bytes, size_t *len)
{
	/* One byte more than allowed tells a file that is too big from one that just fits. */
	struct buf b = BUF_INIT(max + (max < SIZE_MAX));
	int fd = -1, rc;

	if ((rc = fio_open(dirfd, name, O_RDONLY, 0, &fd)) != 0)
		goto out;
	rc = read_all(fd, name, &b);
	if (b.len > max)
		rc = ERR_TOOBIG;
	if (rc)
		goto out;
	rc = buf_take(&b, bytes, len);
out:
	fio_close(&fd);
	buf_release(&b);
	return rc;
}

int
fio_mkdir(int dirfd, const char *name, mode_t mode)
{
	struct stat st;

	if (!mkdirat(dirfd, name, mode))
		return sync_parent(dirfd, name);
	if (errno != EEXIST)
		return failed("mkdir", name);
	if (fstatat(dirfd, name, &st, 0))
		return failed("stat", name);
	return S_ISDIR(st.st_mode) ? 0 : ERR_EXISTS;
}

int
fio_space(int fd, uint64_t *available, uint64_t *total)
{
	struct statvfs vfs;

	if (fstatvfs(fd, &vfs))
		return failed("statvfs", "of the store");
	*available = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	*total = (uint64_t)vfs.f_blocks * vfs.f_frsize;
	return 0;
}

int
fio_lock(int dirfd, const char *name, int *fd)
{
	int got = -1, rc;

	if ((rc = fio_open(dirfd, name, O_RDWR | O_CREAT, 0600, &got)) != 0)
		return rc;
	do
		rc = flock(got, LOCK_EX | LOCK_NB);
	while (rc && errno == EINTR);
	if (rc) {
		rc = errno == EWOULDBLOCK ? ERR_LOCKED : failed("lock", name);
		fio_close(&got);
		return rc;
	}
	*fd = got;
	return 0;
}
