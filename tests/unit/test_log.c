#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "err.h"
#include "log.h"
#include "test.h"

static char path[128];
static int saved_stderr;

/* Sends standard error to a file until ended(), which returns what was written (static). */
static void
begun(void)
{
	int fd;

	snprintf(path, sizeof(path), "%s/log", test_tmpdir());
	fflush(stderr);
	saved_stderr = dup(2);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	dup2(fd, 2);
	close(fd);
}

static const char *
ended(void)
{
	static char text[200000];
	ssize_t n = pread(2, text, sizeof(text) - 1, 0);

	dup2(saved_stderr, 2);
	close(saved_stderr);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
test_text_lines(void)
{
	const char *got;

	log_setup(false, LOG_INFO_);
	begun();
	log_debug("not shown");
	log_warn("segment %d: \"%s\"", 12, "a\nb\x1b[2J\x7f\xc2\x9b\xc3\xa9\xff");
	got = ended();
	CHECK_STR("Z warn  segment 12: \"a\\x0ab\\x1b[2J\\x7f\\x9b\xc3\xa9\\xff\"\n", got + 26);
	begun();
	log_error("x");
	log_info("y");
	got = ended();
	CHECK_MEM("Z error x\n", got + 26, 10);
	CHECK_STR("Z info  y\n", got + 36 + 26);
}

static void
test_a_copy_of_what_matters(void)
{
	char name[160], got[4096];
	const char *all;
	ssize_t n;
	int fd;

	snprintf(name, sizeof(name), "%s/copy", test_tmpdir());
	CHECK((fd = open(name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) >= 0);
	log_setup(false, LOG_INFO_);
	begun();
	log_warn("before");
	log_copy(fd, 100);
	log_info("small talk");
	log_raw("access", 6);
	log_warn("one");
	log_error("two");
	log_error("three, for which there is no room any more");
	log_copy(-1, 0);
	log_error("after");
	all = ended();
	CHECK(strstr(all, "small talk") && strstr(all, "three") && strstr(all, "after"));
	n = pread(fd, got, sizeof(got) - 1, 0);
	got[n > 0 ? n : 0] = '\0';
	close(fd);
	CHECK(strstr(got, "Z warn  one\n") && strstr(got, "Z error two\n"));
	CHECK_INT(76, n);
}

static void
test_json_lines(void)
{
	const char *got;

	log_setup(true, LOG_DEBUG_);
	CHECK(log_is_json());
	begun();
	log_debug("a\n\"b\\%s", "\xc2\x9b\xc3\xa9\xff");
	got = ended();
	log_setup(false, LOG_INFO_);
	CHECK_MEM("{\"time\":\"", got, 9);
	CHECK_STR("Z\",\"level\":\"debug\",\"message\":\"a\\u000a\\\"b\\\\\\u009b\xc3\xa9\\\\xff\"}\n", got + 9 + 26);
}

static void
test_errno(void)
{
	char want[100];
	const char *got;
	int rc, after;

	begun();
	errno = ENOENT;
	rc = log_errno(ERR_IO, "open %s", "here");
	after = errno;
	got = ended();
	CHECK_INT(ERR_IO, rc);
	CHECK_INT(ENOENT, after);
	snprintf(want, sizeof(want), "Z error open here: %s\n", strerror(ENOENT));
	CHECK_STR(want, got + 26);
	/* Also when the log itself cannot be written. */
	begun();
	close(2);
	errno = ENOENT;
	log_errno(ERR_IO, "lost");
	after = errno;
	dup2(saved_stderr, 2);
	close(saved_stderr);
	CHECK_INT(ENOENT, after);
}

static void
test_long_lines(void)
{
	static char bulk[10001];
	const char *got;

	/* Around the size where the stack is left, and with every byte escaped. */
	for (int len = 600; len < 10000; len += len > 720 && len < 4000 ? 100 : 1) {
		memset(bulk, 'x', (size_t)len);
		bulk[len] = '\0';
		begun();
		errno = EIO;
		log_errno(0, "%s", bulk);
		got = ended();
		CHECK_INT(26 + 8 + len + 2 + (int)strlen(strerror(EIO)) + 1, strlen(got));
		CHECK_MEM(bulk, got + 34, (size_t)len);
		if (len > 4200)
			break;
	}
	memset(bulk, 1, 10000);
	begun();
	log_info("%s", bulk);
	got = ended();
	CHECK_INT(34 + 40000 + 1, strlen(got));
}

static void
test_raw(void)
{
	static char bulk[5000];
	const char *got;

	begun();
	log_raw("a line", 6);
	log_raw("", 0);
	got = ended();
	CHECK_STR("a line\n\n", got);
	for (size_t len = 4090; len < 4100; len++) {
		memset(bulk, 'y', len);
		begun();
		log_raw(bulk, len);
		got = ended();
		CHECK_INT(len + 1, strlen(got));
		CHECK(got[len] == '\n');
	}
}

static const struct test tests[] = {
	TEST(test_text_lines), TEST(test_a_copy_of_what_matters), TEST(test_json_lines), TEST(test_errno), TEST(test_long_lines), TEST(test_raw), TEST_END,
};
TEST_MAIN(tests)
