#ifndef BASE_FIO_H
#define BASE_FIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * File input and output. This is the only module that calls fsync, fdatasync, rename and unlink, so that the
 * order of durability can be read in one place. All functions retry EINTR and short counts; unexpected
 * failures are logged with the path or name given and come back as ERR_IO (ERR_SPACE for ENOSPC, EDQUOT;
 * ERR_NOTFOUND for ENOENT; ERR_EXISTS for EEXIST, each unlogged). Any thread.
 */

/* open(2) relative to `dirfd` (or AT_FDCWD), always O_CLOEXEC. */
int fio_open(int dirfd, const char *name, int flags, mode_t mode, int *fd);
void fio_close(int *fd);	/* closes if >= 0 and sets -1 */

/* Reads exactly `len` bytes at `offset`; ERR_TRUNCATED if the file ends before. `name` is for the log. */
int fio_pread(int fd, const char *name, void *bytes, size_t len, uint64_t offset);
/* Reads up to `len` bytes; *got is less only at the end of the file. */
int fio_pread_some(int fd, const char *name, void *bytes, size_t len, uint64_t offset, size_t *got);
int fio_pwrite(int fd, const char *name, const void *bytes, size_t len, uint64_t offset);
struct iovec;
/* Writes all of `iov` at `offset`; changes the vector. */
int fio_pwritev(int fd, const char *name, struct iovec *iov, int count, uint64_t offset);
/*
 * Writing past the page cache (O_DIRECT), into a file that is there. Address, length and offset are multiples of
 * 4096. ERR_UNSUPPORTED, unlogged: the file system refuses, and what is in that place is undefined. ERR_IO: the device
 * may have lost bytes, as after a failed flush. A flush is still needed.
 */
int fio_open_direct(int dirfd, const char *name, int *fd);
int fio_pwrite_direct(int fd, const char *name, const void *bytes, size_t len, uint64_t offset);

/* fdatasync; a failure is final, also that of a full disk (always ERR_IO, logged): never call it again on this file */
int fio_datasync(int fd, const char *name);
int fio_sync(int fd, const char *name);		/* fsync */
int fio_sync_dir(int dirfd, const char *name);	/* makes new, renamed and removed entries durable */
int fio_rename(int dirfd, const char *from, const char *to);	/* the caller syncs the folder */
int fio_link(int dirfd, const char *from, const char *to);	/* a second name for a file; replaces nothing: ERR_EXISTS */
int fio_unlink(int dirfd, const char *name);
int fio_rmdir(int dirfd, const char *name);	/* an empty folder; ERR_EXISTS if something is in it */
int fio_truncate(int fd, const char *name, uint64_t size);
int fio_allocate(int fd, const char *name, uint64_t offset, uint64_t len);	/* fallocate; 0 also where unsupported */
int fio_size(int fd, const char *name, uint64_t *size);
/* Tells the kernel that these bytes won't be read soon (posix_fadvise DONTNEED) or starts writing them out. Advice: no result. */
void fio_dontneed(int fd, uint64_t offset, uint64_t len);
void fio_writeback(int fd, uint64_t offset, uint64_t len);

/*
 * Writes a whole small file so that a crash leaves the old or the new one: temporary name, fsync, rename,
 * fsync of the folder. ERR_EXISTS if `fresh` and it is there. A crash may leave a file NAME.<16 hex digits>.tmp.
 */
int fio_write_file(int dirfd, const char *name, const void *bytes, size_t len, mode_t mode, bool fresh);
/* Reads a whole file of at most `max` bytes, allocated with a NUL behind; ERR_TOOBIG. */
int fio_read_file(int dirfd, const char *name, size_t max, char **bytes, size_t *len);

/* mkdir; 0 also if it is there. Syncs `dirfd` when made. */
int fio_mkdir(int dirfd, const char *name, mode_t mode);

/* Bytes that an unprivileged process may still use, and all, on the file system of `fd`. */
int fio_space(int fd, uint64_t *available, uint64_t *total);

/* An exclusive flock held until *fd is closed. ERR_LOCKED if another process has it. Creates the file 0600. */
int fio_lock(int dirfd, const char *name, int *fd);

#endif
