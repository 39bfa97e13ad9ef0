#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "fio.h"
#include "store.h"
#include "store_draft.h"
#include "store_files.h"
#include "test.h"

static int dirfd_;

static int
create(void)
{
	struct store_credentials admin;

	return store_create(test_tmpdir(), &admin);
}

static int
opens(void)
{
	struct store_settings settings = STORE_SETTINGS_DEFAULT;
	struct store *store = NULL;
	int rc = store_open(test_tmpdir(), &settings, &store);

	store_close(store);
	return rc;
}

static bool
there(const char *name)
{
	return faccessat(dirfd_, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A store as it is after `links` of its files were linked, 3 being all: VERSION, which makes it one, is the last. */
static int
interrupt(unsigned links)
{
	static const char *const names[] = { STORE_KEY_FILE, STORE_DB_FILE, STORE_VERSION_FILE };
	char path[64];
	int rc;

	if (dirfd_ > 0)
		fio_close(&dirfd_);
	if ((rc = fio_open(AT_FDCWD, test_tmpdir(), O_RDONLY | O_DIRECTORY, 0, &dirfd_)) != 0 || (rc = create()) != 0 ||
	    (rc = store_draft_begin(dirfd_)) != 0)
		return rc;
	for (unsigned i = 0; rc == 0 && i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", STORE_DRAFT_DIR, names[i]);
		rc = fio_link(dirfd_, names[i], path);
		if (rc == 0 && i >= links)
			rc = fio_unlink(dirfd_, names[i]);
	}
	return rc ? rc : fio_write_file(dirfd_, STORE_DRAFT_DIR "/meta.db-wal", "x", 1, 0600, false);
}

static void
test_interrupted_at_every_link(void)
{
	for (unsigned links = 0; links < 3; links++) {
		CHECK_INT(0, interrupt(links));
		CHECK_INT(ERR_NOTFOUND, opens());
		CHECK_INT(0, create());
		CHECK(!there(STORE_DRAFT_DIR));
		CHECK_INT(0, opens());
		CHECK_INT(ERR_EXISTS, create());
		for (const char *const *n = (const char *const[]) { STORE_KEY_FILE, STORE_DB_FILE, STORE_VERSION_FILE,
		     "ballast", NULL }; *n; n++)
			CHECK_INT(0, fio_unlink(dirfd_, *n));
		CHECK_INT(0, fio_rmdir(dirfd_, "segments"));
	}
}

static void
test_a_whole_store_keeps_its_files(void)
{
	struct stat st;

	CHECK_INT(0, interrupt(3));
	CHECK_INT(ERR_EXISTS, create());
	CHECK_INT(0, opens());
	CHECK(!there(STORE_DRAFT_DIR));
	CHECK(fstatat(dirfd_, STORE_DB_FILE, &st, 0) == 0 && st.st_nlink == 1);
	CHECK_INT(0, opens());
}

static void
test_files_of_others_stay(void)
{
	/* A copy of the key was put back by hand: it is another file than the draft's. */
	CHECK_INT(0, interrupt(0));
	CHECK_INT(0, fio_write_file(dirfd_, STORE_KEY_FILE, "mine", 4, 0600, true));
	CHECK_INT(ERR_NOTEMPTY, create());
	CHECK(there(STORE_KEY_FILE));
	CHECK_INT(0, fio_unlink(dirfd_, STORE_KEY_FILE));
	/* And nothing that init never makes goes with a draft. */
	CHECK_INT(0, store_draft_begin(dirfd_));
	CHECK_INT(0, fio_write_file(dirfd_, STORE_DRAFT_DIR "/letter", "dear", 4, 0600, true));
	CHECK_INT(ERR_NOTEMPTY, create());
	CHECK(there(STORE_DRAFT_DIR "/letter"));
	CHECK_INT(0, fio_unlink(dirfd_, STORE_DRAFT_DIR "/letter"));
	CHECK_INT(0, create());
	CHECK_INT(0, opens());
}

static void
test_one_at_a_time(void)
{
	int lock = -1, fd = -1;

	CHECK_INT(0, fio_open(AT_FDCWD, test_tmpdir(), O_RDONLY | O_DIRECTORY, 0, &fd));
	CHECK_INT(0, fio_lock(fd, STORE_LOCK_FILE, &lock));
	CHECK_INT(ERR_LOCKED, create());
	fio_close(&lock);
	CHECK_INT(0, create());
	fio_close(&fd);
}

static const struct test tests[] = { TEST(test_interrupted_at_every_link), TEST(test_a_whole_store_keeps_its_files),
	TEST(test_files_of_others_stay), TEST(test_one_at_a_time), TEST_END };
TEST_MAIN(tests)
