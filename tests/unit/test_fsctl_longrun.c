/* What verbs that run for long have in common: metrics as text, a command line to type again, being told to stop. */
#include <sys/wait.h>

#include "args.c"
#include "say.c"
#include "stop.c"
#include "textfile.c"

#include "test.h"

/* Not of the table: args.c asks for them when it parses. */
int
verbs_find(const char *const *words, int n, const struct verb **verb, int *used)
{
	(void)words, (void)n, (void)verb, (void)used;
	return STATUS_USAGE;
}

int
verbs_usage(const struct verb *v)
{
	(void)v;
	return STATUS_USAGE;
}

static const struct textfile_run good = { .verb = "put", .ended_us = 1700000000123456, .duration_us = 61500000, .items = 3,
	.bytes = 4096 };
static const struct textfile_run bad = { .verb = "put", .ended_us = 1700000099000000, .duration_us = 1000, .exit_code = 75,
	.items = 1, .bytes = 7, .errors = 2 };
static const struct textfile_run other = { .verb = "gc", .ended_us = 1700000005000000 };

/* Whether `line` is one of the text's. */
static bool
has_line(const char *text, const char *line)
{
	const char *at = text;
	size_t len = strlen(line);

	while ((at = strstr(at, line)) != NULL && !((at == text || at[-1] == '\n') && at[len] == '\n'))
		at++;
	return at != NULL;
}

/* Takes the place of what `b` holds. */
static void
add(struct buf *b, const struct textfile_run *run)
{
	struct buf old = *b;

	*b = (struct buf) BUF_INIT(65536);
	textfile_merge(old.data, run, b);
	CHECK_INT(0, buf_finish(b));
	buf_release(&old);
}

static void
test_a_run_has_its_samples(void)
{
	struct buf b = BUF_INIT(65536);

	add(&b, &good);
	CHECK(has_line(b.data, "# TYPE fsctl_last_run_timestamp_seconds gauge"));
	CHECK(has_line(b.data, "fsctl_last_run_timestamp_seconds{verb=\"put\"} 1700000000.123"));
	CHECK(has_line(b.data, "fsctl_last_success_timestamp_seconds{verb=\"put\"} 1700000000.123"));
	CHECK(has_line(b.data, "fsctl_last_duration_seconds{verb=\"put\"} 61.500"));
	CHECK(has_line(b.data, "fsctl_last_exit_code{verb=\"put\"} 0"));
	CHECK(has_line(b.data, "fsctl_last_items{verb=\"put\"} 3"));
	CHECK(has_line(b.data, "fsctl_last_bytes{verb=\"put\"} 4096"));
	CHECK(has_line(b.data, "fsctl_last_errors{verb=\"put\"} 0"));
	buf_release(&b);
}

static void
test_a_failure_keeps_the_last_success_and_the_other_verbs(void)
{
	struct buf b = BUF_INIT(65536);
	int lines = 0;

	add(&b, &bad);
	CHECK(!strstr(b.data, "success_timestamp_seconds{"));
	add(&b, &good);
	add(&b, &other);
	add(&b, &bad);
	CHECK(has_line(b.data, "fsctl_last_run_timestamp_seconds{verb=\"put\"} 1700000099.000"));
	CHECK(has_line(b.data, "fsctl_last_success_timestamp_seconds{verb=\"put\"} 1700000000.123"));
	CHECK(has_line(b.data, "fsctl_last_exit_code{verb=\"put\"} 75"));
	CHECK(has_line(b.data, "fsctl_last_errors{verb=\"put\"} 2"));
	CHECK(has_line(b.data, "fsctl_last_run_timestamp_seconds{verb=\"gc\"} 1700000005.000"));
	/* 7 metrics of 2 verbs, a name and a type each, and nothing twice. */
	for (size_t i = 0; i < b.len; i++)
		lines += b.data[i] == '\n';
	CHECK_INT(28, lines);
	buf_release(&b);
}

static void
test_what_is_no_sample_goes(void)
{
	static const char *const lines[] = { "fsctl_last_items{verb=\"get\"} many", "fsctl_last_items{verb=\"get\"} 1.2.3",
		"fsctl_last_items{verb=\"get\"} ", "fsctl_last_items{verb=\"get\"}", "fsctl_last_items{verb=\"get", "fsctl_last_items{verb=\"",
		"fsctl_last_items", "fsctl_last_items{verb=\"\"} 1", "fsctl_last_items{verb=\"GET\"} 1", "node_load1 0.5", "",
		"fsctl_last_items{verb=\"get\"} 123456789012345678901234567890123456789012345678901234567890" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct buf b = BUF_INIT(65536);
		/* Of its own length, so that reading behind its end is seen. */
		char *old = strdup(lines[i]);

		textfile_merge(old, &good, &b);
		CHECK_INT(0, buf_finish(&b));
		CHECK(!strstr(b.data, "get") && !strstr(b.data, "node") && !strstr(b.data, "GET"));
		CHECK(has_line(b.data, "fsctl_last_items{verb=\"put\"} 3"));
		free(old);
		buf_release(&b);
	}
}

static void
test_a_command_as_a_shell_takes_it(void)
{
	char a[] = "fsctl", b[] = "put", c[] = "it's here", d[] = "", e[] = "a\nb\\", f[] = "x\xff", g[] = "\xc3\xbc", h[] = "--data=/s", i[] = "$HOME";
	char j[] = "\xc3\xbc\xc2\x85", k[] = "\xc2\xa0";	/* a control of C1; a space that is none */
	char *argv[] = { a, b, c, d, e, f, g, h, i, j, k, NULL };
	struct buf out = BUF_INIT(4096);

	args_command(&(struct args) { .argv = argv }, &out);
	CHECK_STR("fsctl put 'it'\\''s here' '' $'a\\x0ab\\\\' $'x\\xff' '\xc3\xbc' --data=/s '$HOME' "
		  "$'\\xc3\\xbc\\xc2\\x85' '\xc2\xa0'", out.data);
	buf_release(&out);
}

static void
test_the_time_limit_is_being_told_to_stop(void)
{
	CHECK_INT(STATUS_OK, stop_asked());
	stop_after(3600000);
	CHECK_INT(STATUS_OK, stop_asked());
	CHECK_INT(STATUS_OK, stop_take());
	stop_after(20);
	usleep(30000);
	CHECK_INT(STATUS_TIME_LIMIT, stop_asked());
	/* A signal counts more, and the limit is forgotten with it. */
	remember(SIGTERM);
	CHECK_INT(STATUS_SIGNAL + SIGTERM, stop_take());
	CHECK_INT(STATUS_OK, stop_asked());
	CHECK(status_is_stop(STATUS_TIME_LIMIT) && status_is_stop(130) && !status_is_stop(STATUS_TEMPORARY) && !status_is_stop(0));
}

/* What a process ends with that is sent these two, one after the other. */
static int
end_of(int first, int second)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		caught = 0;
		stop_setup();
		(void)raise(first);
		(void)stop_take();
		(void)raise(second);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
test_a_second_signal_ends_at_once_whichever_it_is(void)
{
	CHECK_INT(SIGINT, end_of(SIGINT, SIGINT));
	CHECK_INT(SIGTERM, end_of(SIGINT, SIGTERM));
	CHECK_INT(SIGHUP, end_of(SIGTERM, SIGHUP));
}

static const struct test tests[] = {
	TEST(test_a_run_has_its_samples), TEST(test_a_failure_keeps_the_last_success_and_the_other_verbs), TEST(test_what_is_no_sample_goes),
	TEST(test_a_command_as_a_shell_takes_it), TEST(test_the_time_limit_is_being_told_to_stop),
	TEST(test_a_second_signal_ends_at_once_whichever_it_is), TEST_END,
};
TEST_MAIN(tests)
