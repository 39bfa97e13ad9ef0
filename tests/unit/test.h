#ifndef TEST_H
#define TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A unit test is a program: a table of named functions, run in order, each reported as a line of TAP.
 *
 *	static void test_adds(void) { CHECK(1 + 1 == 2); CHECK_INT(2, add(1, 1)); }
 *	static const struct test tests[] = { TEST(test_adds), TEST_END };
 *	TEST_MAIN(tests)
 *
 * A failed CHECK says where and ends that function. test_skip("why") skips one by name.
 * test_tmpdir() is an empty folder of the running test's own, removed at the end.
 */
struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(function) { #function, function }
#define TEST_END { NULL, NULL }

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			test_fail(__FILE__, __LINE__, #cond);                                      \
			return;                                                                    \
		}                                                                                  \
	} while (0)
#define CHECK_INT(want, got)                                                                       \
	do {                                                                                       \
		long long want_ = (long long)(want), got_ = (long long)(got);                      \
		if (want_ != got_) {                                                               \
			fprintf(stderr, "# wanted %lld, got %lld\n", want_, got_);                 \
			test_fail(__FILE__, __LINE__, #got);                                       \
			return;                                                                    \
		}                                                                                  \
	} while (0)
#define CHECK_STR(want, got)                                                                       \
	do {                                                                                       \
		const char *want_ = (want), *got_ = (got);                                         \
		if (!got_ || strcmp(want_, got_)) {                                                \
			fprintf(stderr, "# wanted \"%s\", got \"%s\"\n", want_, got_ ? got_ : "(null)"); \
			test_fail(__FILE__, __LINE__, #got);                                       \
			return;                                                                    \
		}                                                                                  \
	} while (0)
#define CHECK_MEM(want, got, len)                                                                  \
	do {                                                                                       \
		if (memcmp((want), (got), (len))) {                                                \
			test_fail(__FILE__, __LINE__, #got);                                       \
			return;                                                                    \
		}                                                                                  \
	} while (0)

static int test_failed_;
static const char *test_skipped_;
static char test_dir_[64];

static inline void
test_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "# %s:%d: failed: %s\n", file, line, what);
	test_failed_ = 1;
}

static inline void
test_skip(const char *why)
{
	test_skipped_ = why;
}

static inline const char *
test_tmpdir(void)
{
	const char *tmp = getenv("TMPDIR");

	if (!test_dir_[0]) {
		snprintf(test_dir_, sizeof(test_dir_), "%s/fs-test-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
		if (!mkdtemp(test_dir_))
			abort();
	}
	return test_dir_;
}

static inline void
test_tmpdir_remove(void)
{
	char cmd[sizeof(test_dir_) + 16];

	if (!test_dir_[0])
		return;
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", test_dir_);
	if (system(cmd))
		fprintf(stderr, "# could not remove %s\n", test_dir_);
	test_dir_[0] = '\0';
}

/* Runs all tests, or those whose name contains argv[1]. Returns the exit code. */
static inline int
test_main(const struct test *tests, int argc, char **argv)
{
	int n = 0, failed = 0;

	for (const struct test *t = tests; t->name; t++) {
		if (argc > 1 && !strstr(t->name, argv[1]))
			continue;
		test_failed_ = 0;
		test_skipped_ = NULL;
		t->run();
		test_tmpdir_remove();
		failed += test_failed_;
		printf("%s %d - %s%s%s\n", test_failed_ ? "not ok" : "ok", ++n, t->name,
		    test_skipped_ ? " # SKIP " : "", test_skipped_ ? test_skipped_ : "");
		fflush(stdout);
	}
	printf("1..%d\n", n);
	return failed ? 1 : 0;
}

#define TEST_MAIN(tests)                                                                           \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		return test_main(tests, argc, argv);                                               \
	}

#endif
