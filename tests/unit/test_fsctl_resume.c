/* Which sessions are kept, found again and whose they are. */
#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <utime.h>

/* What locking fails with; 0: it does what it does. */
static int lock_error;

static int
test_flock(int fd, int how)
{
	errno = lock_error;
	return lock_error ? -1 : flock(fd, how);
}
#define flock test_flock

#include "reply.c"
#include "resume.c"

#include "test.h"

static char folder[512];

static void
begin(void)
{
	setenv("XDG_STATE_HOME", test_tmpdir(), 1);
	snprintf(folder, sizeof(folder), "%s/fsctl/uploads", test_tmpdir());
}

static int
files(void)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)) != NULL)
		n += *e->d_name != '.';
	if (d)
		closedir(d);
	return n;
}

static void
test_a_session_is_found_again_by_its_place(void)
{
	struct resume *r;

	begin();
	r = resume_take("store ws_1 w/a");
	CHECK(r);
	CHECK(!resume_session(r));
	CHECK(!resume_is_of(r, ""));
	CHECK(resume_keep(r, "upl_1", "file 1"));
	CHECK_STR("upl_1", resume_session(r));
	CHECK(resume_is_of(r, "file 1"));
	resume_free(r);
	CHECK_INT(1, files());
	r = resume_take("store ws_1 w/a");
	CHECK_STR("upl_1", resume_session(r));
	CHECK(resume_is_of(r, "file 1"));
	CHECK(!resume_is_of(r, "file 10"));
	CHECK(!resume_is_of(r, "file"));
	/* A shorter one takes its place, and nothing of the longer one stays. */
	CHECK(resume_keep(r, "u", "f"));
	resume_free(r);
	r = resume_take("store ws_1 w/a");
	CHECK_STR("u", resume_session(r));
	CHECK(resume_is_of(r, "f"));
	resume_forget(r);
	CHECK(!resume_session(r));
	resume_free(r);
	CHECK_INT(0, files());
}

/* Whatever its length: two places are never one. */
static void
test_long_places_are_told_apart(void)
{
	char place[9000];
	struct resume *a, *b;

	begin();
	memset(place, 'x', sizeof(place));
	place[sizeof(place) - 1] = '\0';
	a = resume_take(place);
	CHECK(resume_keep(a, "upl_1", place));
	place[sizeof(place) - 2] = 'y';
	b = resume_take(place);
	CHECK(b);
	CHECK(!resume_session(b));
	CHECK(!resume_is_of(a, place));
	resume_free(b);
	resume_free(a);
}

static void
test_one_at_a_time_has_it(void)
{
	struct resume *r, *other;

	begin();
	r = resume_take("place");
	CHECK(r);
	CHECK(!resume_take("place"));
	other = resume_take("another place");
	CHECK(other);
	resume_free(other);
	CHECK(resume_keep(r, "upl_1", "file"));
	CHECK(!resume_take("place"));
	resume_forget(r);
	CHECK(!resume_take("place"));
	CHECK(resume_keep(r, "upl_2", "file"));
	resume_free(r);
	r = resume_take("place");
	CHECK_STR("upl_2", resume_session(r));
	resume_free(r);
}

static void
test_what_is_no_session_is_none(void)
{
	static const char *const texts[] = { "", "{", "[]", "{\"uploadSessionId\": \"upl_1\"}", "{\"of\": \"file\"}",
		"{\"uploadSessionId\": \"0123456789012345678901234567890123456789\", \"of\": \"file\"}" };
	char name[NAME], path[1024];
	struct resume *r;
	FILE *f;

	begin();
	r = resume_take("place");
	CHECK(resume_keep(r, "upl_1", "file"));
	resume_free(r);
	name_of("place", name);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CHECK((f = fopen(path, "w")));
		fputs(texts[i], f);
		fclose(f);
		r = resume_take("place");
		CHECK(r);
		CHECK(!resume_session(r));
		CHECK(!resume_is_of(r, "file"));
		resume_free(r);
		CHECK_INT(0, files());
	}
	/* Where none can be kept. */
	setenv("XDG_STATE_HOME", "/dev/null", 1);
	CHECK(!resume_take("place"));
	CHECK(!resume_session(NULL));
	CHECK(!resume_is_of(NULL, ""));
	CHECK(!resume_keep(NULL, "upl_1", "file"));
	resume_forget(NULL);
	resume_free(NULL);
}

/* As over a network without its lock daemon: then two could have one, which is better than none. */
static void
test_where_nothing_can_be_locked_sessions_are_kept_all_the_same(void)
{
	struct resume *r;

	begin();
	lock_error = ENOLCK;
	r = resume_take("place");
	CHECK(r);
	CHECK(resume_keep(r, "upl_1", "file"));
	resume_free(r);
	r = resume_take("place");
	CHECK_STR("upl_1", resume_session(r));
	resume_forget(r);
	resume_free(r);
	CHECK_INT(0, files());
	lock_error = 0;
}

static void
age(const char *place)
{
	char name[NAME], path[1024];

	name_of(place, name);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	(void)utime(path, &(struct utimbuf) { 1, 1 });
}

static void
test_old_ones_go_but_for_those_that_someone_has(void)
{
	struct resume *old, *held, *r;

	begin();
	old = resume_take("old");
	held = resume_take("held");
	r = resume_take("new");
	CHECK(resume_keep(old, "upl_1", "file"));
	CHECK(resume_keep(held, "upl_2", "file"));
	resume_free(old);
	age("old");
	age("held");
	CHECK_INT(3, files());
	CHECK(resume_keep(r, "upl_3", "file"));
	CHECK_INT(2, files());
	resume_free(r);
	resume_free(held);
	held = resume_take("held");
	CHECK_STR("upl_2", resume_session(held));
	resume_free(held);
}

static const struct test tests[] = { TEST(test_a_session_is_found_again_by_its_place), TEST(test_long_places_are_told_apart),
	TEST(test_one_at_a_time_has_it), TEST(test_what_is_no_session_is_none),
	TEST(test_where_nothing_can_be_locked_sessions_are_kept_all_the_same),
	TEST(test_old_ones_go_but_for_those_that_someone_has), TEST_END };
TEST_MAIN(tests)
