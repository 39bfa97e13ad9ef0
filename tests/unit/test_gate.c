#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "access_kit.h"
#include "fio.h"
#include "gate.h"
#include "store_in.h"

/*
 * A disk that is as full as the test wants: this takes the place of the C library's in the program. The engine looks a few
 * times a second only, so a test waits after turning it.
 */
static uint64_t available_;

int
fstatvfs(int fd, struct statvfs *vfs)
{
	(void)fd;
	*vfs = (struct statvfs) { .f_frsize = 1, .f_blocks = 1ull << 40, .f_bavail = available_ };
	return 0;
}

#define MIB (1ull << 20)

static void
disk(uint64_t available)
{
	available_ = available;
	nanosleep(&(struct timespec) { .tv_nsec = 600000000 }, NULL);
}

static struct store *store;

static int
reopen(uint64_t available, uint64_t reserve)
{
	struct store_settings settings = STORE_SETTINGS_DEFAULT;

	store_close(store);
	store = NULL;
	available_ = available;
	settings.relaxed = true;
	settings.reserve_bytes = reserve;
	settings.reserve_percent = 0;
	return store_open(test_tmpdir(), &settings, &store);
}

static int
start(uint64_t available, uint64_t reserve)
{
	int rc;

	available_ = 1ull << 39;
	if ((rc = store_create(test_tmpdir(), &kit_admin)) != 0)
		return rc;
	return reopen(available, reserve);
}

static void
end(void)
{
	store_close(store);
	store = NULL;
}

static int64_t
ballast(void)
{
	struct stat st;

	return fstatat(store->dirfd, "ballast", &st, 0) == 0 ? (int64_t)st.st_size : -1;
}

/* What gate_write() answers; its lines are in `said`. */
static char said[4096];

static int
ask(void)
{
	char path[300];
	int log = -1, err = dup(STDERR_FILENO), rc;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/said", test_tmpdir());
	if (fio_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_TRUNC, 0600, &log) != 0)
		return ERR_IO;
	dup2(log, STDERR_FILENO);
	rc = gate_write(store);
	dup2(err, STDERR_FILENO);
	n = pread(log, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	fio_close(&log);
	fio_close(&err);
	return rc;
}

static void
test_the_reserve(void)
{
	CHECK_INT(0, start(100 * MIB, 50 * MIB));
	CHECK_INT(0, ask());
	CHECK_STR("", said);
	disk(49 * MIB);
	CHECK_INT(ERR_SPACE, ask());
	CHECK(strstr(said, "below the reserve") && strstr(said, "51380224 bytes"));
	CHECK_INT(ERR_SPACE, ask());
	CHECK_STR("", said);
	disk(51 * MIB);
	CHECK_INT(0, ask());
	CHECK(strstr(said, "again"));
	CHECK_INT(0, ask());
	CHECK_STR("", said);
	end();
}

/* The disk is above the reserve, yet writes wait until what was given back is there twice. */
static void
test_an_owed_ballast_is_called_so(void)
{
	CHECK_INT(0, start(1024 * MIB, 8 * MIB));
	CHECK_INT(32 * MIB, ballast());
	disk(40 * MIB);
	gate_disk_full(store);
	CHECK_INT(-1, ballast());
	CHECK_INT(ERR_SPACE, ask());
	CHECK(!strstr(said, "reserve"));
	CHECK(strstr(said, "ballast") && strstr(said, "41943040 bytes") && strstr(said, "67108864"));
	CHECK_INT(ERR_SPACE, ask());
	CHECK_STR("", said);
	/* Below the reserve meanwhile, which is said, and back. */
	disk(7 * MIB);
	CHECK_INT(ERR_SPACE, ask());
	CHECK(strstr(said, "below the reserve"));
	disk(41 * MIB);
	CHECK_INT(ERR_SPACE, ask());
	CHECK(strstr(said, "ballast"));
	disk(64 * MIB);
	CHECK_INT(0, ask());
	CHECK(strstr(said, "again"));
	CHECK_INT(8 * MIB, ballast());
	end();
}

/* There is no room to make one, but an earlier run did: it is given back when the disk is full. */
static void
test_a_ballast_of_an_earlier_run(void)
{
	CHECK_INT(0, start(1024 * MIB, 0));
	CHECK_INT(32 * MIB, ballast());
	CHECK_INT(0, reopen(4 * MIB, 0));
	CHECK_INT(32 * MIB, ballast());
	CHECK_INT(0, ask());
	gate_disk_full(store);
	CHECK_INT(-1, ballast());
	CHECK_INT(ERR_SPACE, ask());
	/* Without one, room for deletes is left instead. */
	CHECK_INT(0, reopen(4 * MIB, 0));
	CHECK_INT(-1, ballast());
	CHECK_INT(ERR_SPACE, ask());
	/* An empty file is none. */
	CHECK_INT(0, fio_write_file(store->dirfd, "ballast", "", 0, 0600, true));
	CHECK_INT(0, reopen(4 * MIB, 0));
	CHECK_INT(ERR_SPACE, ask());
	end();
}

static const struct test tests[] = { TEST(test_the_reserve), TEST(test_an_owed_ballast_is_called_so),
	TEST(test_a_ballast_of_an_earlier_run), TEST_END };
TEST_MAIN(tests)
