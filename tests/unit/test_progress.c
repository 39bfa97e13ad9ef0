#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"
#include "progress.h"
#include "test.h"

static char text[10000];
static int saved;
static int64_t took_us;	/* the last show() */

/* Makes `fd` standard error while some progress is shown. */
static void
show(int fd, bool quiet, uint64_t items, uint64_t bytes)
{
	int64_t began = clock_mono_us();
	struct progress *p;

	fflush(stderr);
	saved = dup(2);
	dup2(fd, 2);
	if (!progress_new("checking", items, bytes, quiet, &p)) {
		progress_add(p, 25, 3 << 20, 2);
		for (int i = 0; i < 1000; i++)
			progress_draw(p);
		progress_free(p);
	}
	dup2(saved, 2);
	close(saved);
	took_us = clock_mono_us() - began;
}

static bool
ends_with(const char *end)
{
	return strlen(text) >= strlen(end) && !strcmp(text + strlen(text) - strlen(end), end);
}

/* What arrives on a pipe or terminal until it `end`s so, for a minute at most; with NULL: nothing should, and soon is soon enough. */
static const char *
arrived(int fd, const char *end)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	text[0] = '\0';
	while (len < sizeof(text) - 1 && !(end && ends_with(end)) && poll(&wait, 1, end ? 60000 : 200) > 0) {
		if ((n = read(fd, text + len, sizeof(text) - 1 - len)) <= 0)
			break;
		len += (size_t)n;
		text[len] = '\0';
	}
	return text;
}

/* The last of it, when the line is taken away. */
#define CLEARED "\r\033[K"

/* A terminal of `columns`; -1 where there is none. */
static int
open_terminal(unsigned short columns, int *slave)
{
	struct winsize size = { .ws_row = 24, .ws_col = columns };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);

	if (master < 0 || grantpt(master) || unlockpt(master))
		return -1;
	*slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (*slave < 0 || ioctl(*slave, TIOCSWINSZ, &size))
		return -1;
	return master;
}

static void
test_bar_on_a_terminal(void)
{
	int slave = -1, master = open_terminal(200, &slave), bars = 0;

	if (master < 0) {
		test_skip("no pseudo terminals");
		return;
	}
	show(slave, false, 100, 0);
	arrived(master, CLEARED);
	CHECK(strstr(text, "\rchecking [#####---------------] 25 %  25/100  3.0 MiB"));
	CHECK(strstr(text, "ETA 0:0") && strstr(text, "  2 errors\033[K"));
	CHECK(ends_with(CLEARED));
	for (const char *at = text; (at = strstr(at, "checking")) != NULL; at++)
		bars++;
	CHECK(bars >= 1 && bars <= 1 + took_us / 100000);
	show(slave, true, 100, 0);
	CHECK_STR("", arrived(master, NULL));
	close(slave);
	close(master);
}

/* What stands on a terminal of so many columns. */
static const char *
drawn(unsigned short columns, uint64_t items, uint64_t bytes)
{
	static char line[512];
	int slave = -1, master = open_terminal(columns, &slave);
	const char *end;

	if (master < 0)
		return "";
	show(slave, false, items, bytes);
	arrived(master, CLEARED);
	end = strstr(text, "\033[K");
	snprintf(line, sizeof(line), "%.*s", text[0] == '\r' && end ? (int)(end - text) - 1 : 0, text + 1);
	close(slave);
	close(master);
	return line;
}

/* Rates depend on the machine: each run of digits and points in `line` is one 9. */
static const char *
shape(const char *line)
{
	static char s[512];
	size_t n = 0;

	for (; *line && n < sizeof(s) - 1; line++)
		if (!strchr("0123456789.", *line))
			s[n++] = *line;
		else if (n == 0 || s[n - 1] != '9')
			s[n++] = '9';
	s[n] = '\0';
	return s;
}

static void
test_bar_fits_the_terminal(void)
{
	char want[128];

	if (!*drawn(200, 0, 0)) {
		test_skip("no pseudo terminals");
		return;
	}
	for (unsigned short columns = 41; columns <= 200; columns++) {
		CHECK(strlen(drawn(columns, 0, 12 << 20)) < columns);
		CHECK(strstr(text, " errors\033[K"));
		/* All that is said has about 63 columns: there is a bar as soon as it has five cells. */
		CHECK(columns < 76 || strstr(text, "checking [#"));
		CHECK(columns < 100 || strstr(text, "checking [#####---------------] "));
		columns += columns > 100 ? 20 : 3;
	}
	snprintf(want, sizeof(want), "%s", shape(drawn(40, 0, 12 << 20)));
	CHECK_STR("checking 9 %  ETA 9:9  9 errors", want);
	CHECK(!strncmp(drawn(20, 0, 4 << 20), "checking 75 %  ETA ", 19));
	CHECK_STR("checking  9  9 MiB  9:9  9 errors", shape(drawn(40, 0, 0)));
}

/* Each draws for as long as it takes to be shown: redrawing has its pace. */
static void
draw_for_a_while(struct progress *p)
{
	for (int i = 0; i < 15; i++) {
		progress_draw(p);
		usleep(10000);
	}
}

static void
test_part_counts_instead_of_the_totals_and_never_goes_back(void)
{
	int slave = -1, master = open_terminal(200, &slave);
	struct progress *p;

	if (master < 0) {
		test_skip("no pseudo terminals");
		return;
	}
	fflush(stderr);
	saved = dup(2);
	dup2(slave, 2);
	if (!progress_new("putting", 0, 1000, false, &p)) {
		progress_add(p, 0, 900, 0);
		progress_part(p, 0.3);
		draw_for_a_while(p);
		progress_part(p, 0.2);
		progress_total(p, 0, 100000);
		draw_for_a_while(p);
		progress_part(p, 7);
		draw_for_a_while(p);
		progress_free(p);
	}
	dup2(saved, 2);
	close(saved);
	arrived(master, CLEARED);
	CHECK(strstr(text, "\rputting [######--------------] 30 %  900 B/1000 B"));
	CHECK(strstr(text, "] 30 %  900 B/97.7 KiB"));
	CHECK(strstr(text, "] 100 %"));
	CHECK(!strstr(text, " 20 %") && !strstr(text, " 90 %") && !strstr(text, " 0 %"));
	close(slave);
	close(master);
}

static void
test_silent_for_the_first_minute_elsewhere(void)
{
	int fds[2];

	CHECK(!pipe2(fds, O_NONBLOCK));
	show(fds[1], false, 100, 0);
	CHECK_STR("", arrived(fds[0], NULL));
	close(fds[0]);
	close(fds[1]);
}

static const struct test tests[] = {
	TEST(test_bar_on_a_terminal), TEST(test_bar_fits_the_terminal),
	TEST(test_part_counts_instead_of_the_totals_and_never_goes_back),
	TEST(test_silent_for_the_first_minute_elsewhere), TEST_END,
};
TEST_MAIN(tests)
