#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <dirent.h>
#include <unistd.h>

#include "err.h"
#include "fio.h"
#include "log.h"
#include "test.h"

static int dir = -1;

static bool
open_dir(void)
{
	fio_close(&dir);
	return !fio_open(AT_FDCWD, test_tmpdir(), O_RDONLY | O_DIRECTORY, 0, &dir);
}

/* Entries of the test's folder. */
static int
count_entries(void)
{
	DIR *d = opendir(test_tmpdir());
	int n = -2;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void
test_write_and_read(void)
{
	char back[20] = { 0 };
	uint64_t size;
	size_t got;
	int fd = -1;

	CHECK(open_dir());
	CHECK_INT(ERR_NOTFOUND, fio_open(dir, "f", O_RDWR, 0, &fd));
	CHECK_INT(-1, fd);
	CHECK_INT(0, fio_open(dir, "f", O_RDWR | O_CREAT | O_EXCL, 0600, &fd));
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK_INT(0, fio_pwrite(fd, "f", "hello", 5, 3));
	CHECK_INT(0, fio_size(fd, "f", &size));
	CHECK_INT(8, size);
	CHECK_INT(0, fio_pread(fd, "f", back, 8, 0));
	CHECK_MEM("\0\0\0hello", back, 8);
	CHECK_INT(ERR_TRUNCATED, fio_pread(fd, "f", back, 9, 0));
	CHECK_INT(0, fio_pread_some(fd, "f", back, 9, 5, &got));
	CHECK_INT(3, got);
	CHECK_MEM("llo", back, 3);
	CHECK_INT(0, fio_pread_some(fd, "f", back, 9, 100, &got));
	CHECK_INT(0, got);
	CHECK_INT(0, fio_datasync(fd, "f"));
	CHECK_INT(0, fio_sync(fd, "f"));
	CHECK_INT(0, fio_sync_dir(dir, "d"));
	CHECK_INT(0, fio_truncate(fd, "f", 4));
	CHECK_INT(0, fio_size(fd, "f", &size));
	CHECK_INT(4, size);
	CHECK_INT(0, fio_allocate(fd, "f", 0, 100000));
	fio_writeback(fd, 0, 100000);
	fio_dontneed(fd, 0, 100000);
	fio_close(&fd);
	CHECK_INT(-1, fd);
	fio_close(&fd);
	CHECK_INT(ERR_EXISTS, fio_open(dir, "f", O_RDWR | O_CREAT | O_EXCL, 0600, &fd));
	CHECK_INT(0, fio_rename(dir, "f", "g"));
	CHECK_INT(ERR_NOTFOUND, fio_rename(dir, "f", "g"));
	CHECK_INT(0, fio_unlink(dir, "g"));
	CHECK_INT(ERR_NOTFOUND, fio_unlink(dir, "g"));
}

static void
test_vector(void)
{
	static char text[3000], back[3001];
	struct iovec iov[3002];
	int fd = -1, n = 0;

	CHECK(open_dir());
	CHECK_INT(0, fio_open(dir, "f", O_RDWR | O_CREAT, 0600, &fd));
	for (int i = 0; i < 3000; i++) {
		text[i] = (char)('a' + i % 26);
		/* Empty pieces among them, and more than one call takes. */
		if (i == 0 || i == 2999)
			iov[n++] = (struct iovec) { NULL, 0 };
		iov[n++] = (struct iovec) { text + i, 1 };
	}
	CHECK_INT(0, fio_pwritev(fd, "f", iov, n, 0));
	CHECK_INT(0, fio_pread(fd, "f", back, 3000, 0));
	CHECK_MEM(text, back, 3000);
	CHECK_INT(ERR_TRUNCATED, fio_pread(fd, "f", back, 3001, 0));
	iov[0] = (struct iovec) { NULL, 0 };
	CHECK_INT(0, fio_pwritev(fd, "f", iov, 1, 0));
	CHECK_INT(0, fio_pwritev(fd, "f", iov, 0, 0));
	fio_close(&fd);
}

static void
test_full_device(void)
{
	struct iovec iov = { (void *)(uintptr_t)"abc", 3 };
	int fd = -1;

	CHECK_INT(0, fio_open(AT_FDCWD, "/dev/full", O_WRONLY, 0, &fd));
	CHECK_INT(ERR_SPACE, fio_pwrite(fd, "full", "abc", 3, 0));
	CHECK_INT(ERR_SPACE, fio_pwritev(fd, "full", &iov, 1, 0));
	fio_close(&fd);
	/* Unexpected failures, of which the log is silenced here. */
	log_setup(false, LOG_ERROR_ + 1);
	CHECK_INT(ERR_IO, fio_datasync(-1, "none"));
	CHECK_INT(ERR_IO, fio_pread(-1, "none", &fd, 1, 0));
	log_setup(false, LOG_INFO_);
}

static void
test_whole_files(void)
{
	char *bytes = NULL;
	size_t len;
	struct stat st;

	CHECK(open_dir());
	CHECK_INT(0, fio_write_file(dir, "f", "one", 3, 0600, true));
	CHECK_INT(ERR_EXISTS, fio_write_file(dir, "f", "two", 3, 0600, true));
	CHECK_INT(0, fio_read_file(dir, "f", 3, &bytes, &len));
	CHECK_STR("one", bytes);
	free(bytes);
	CHECK_INT(0, fio_write_file(dir, "f", "second", 6, 0640, false));
	CHECK_INT(0, fstatat(dir, "f", &st, 0));
	CHECK_INT(6, st.st_size);
	CHECK_INT(0600, st.st_mode & 0700);
	CHECK_INT(ERR_TOOBIG, fio_read_file(dir, "f", 5, &bytes, &len));
	CHECK_INT(ERR_NOTFOUND, fio_read_file(dir, "none", 5, &bytes, &len));
	CHECK_INT(0, fio_write_file(dir, "empty", "", 0, 0600, false));
	CHECK_INT(0, fio_read_file(dir, "empty", 0, &bytes, &len));
	CHECK_INT(0, len);
	CHECK_STR("", bytes);
	free(bytes);
	CHECK_INT(ERR_NOTFOUND, fio_write_file(dir, "no/f", "x", 1, 0600, false));
	/* No temporary file is left behind, neither after success nor after a refusal. */
	CHECK_INT(2, count_entries());
}

static void
test_large_file(void)
{
	const size_t size = 1000000;
	char *data = malloc(size), *bytes = NULL;
	size_t len;

	CHECK(data && open_dir());
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i * 31 >> 3);
	CHECK_INT(0, fio_write_file(dir, "f", data, size, 0600, false));
	CHECK_INT(ERR_TOOBIG, fio_read_file(dir, "f", size - 1, &bytes, &len));
	CHECK_INT(0, fio_read_file(dir, "f", SIZE_MAX, &bytes, &len));
	CHECK_INT(size, len);
	CHECK_MEM(data, bytes, size);
	CHECK(!bytes[size]);
	free(bytes);
	free(data);
}

static void
test_paths_from_here(void)
{
	char path[128], *bytes = NULL;
	size_t len;

	snprintf(path, sizeof(path), "%s/sub", test_tmpdir());
	CHECK_INT(0, fio_mkdir(AT_FDCWD, path, 0700));
	snprintf(path, sizeof(path), "%s/sub/f", test_tmpdir());
	CHECK_INT(0, fio_write_file(AT_FDCWD, path, "x", 1, 0600, true));
	CHECK_INT(0, fio_read_file(AT_FDCWD, path, 10, &bytes, &len));
	CHECK_STR("x", bytes);
	free(bytes);
	CHECK_INT(0, fio_sync_dir(AT_FDCWD, "."));
}

static void
test_mkdir(void)
{
	CHECK(open_dir());
	CHECK_INT(0, fio_mkdir(dir, "d", 0700));
	CHECK_INT(0, fio_mkdir(dir, "d", 0700));
	CHECK_INT(ERR_NOTFOUND, fio_mkdir(dir, "a/b", 0700));
	CHECK_INT(0, fio_write_file(dir, "f", "", 0, 0600, true));
	CHECK_INT(ERR_EXISTS, fio_mkdir(dir, "f", 0700));
}

static void
test_space(void)
{
	uint64_t available, total;

	CHECK(open_dir());
	CHECK_INT(0, fio_space(dir, &available, &total));
	CHECK(total > 0 && available <= total);
}

static void
test_lock(void)
{
	int fd = -1, status = 0;
	pid_t child;

	CHECK(open_dir());
	CHECK_INT(0, fio_lock(dir, "LOCK", &fd));
	if (!(child = fork())) {
		int other = -1;

		_exit(fio_lock(dir, "LOCK", &other) == ERR_LOCKED && other == -1 ? 0 : 1);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	CHECK_INT(0, status);
	fio_close(&fd);
	CHECK_INT(0, fio_lock(dir, "LOCK", &fd));
	fio_close(&fd);
	fio_close(&dir);
}

static const struct test tests[] = {
	TEST(test_write_and_read), TEST(test_vector), TEST(test_full_device), TEST(test_whole_files),
	TEST(test_large_file), TEST(test_paths_from_here), TEST(test_mkdir), TEST(test_space), TEST(test_lock),
	TEST_END,
};
TEST_MAIN(tests)
