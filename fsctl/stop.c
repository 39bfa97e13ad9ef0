#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "clock.h"
#include "exit_status.h"
#include "stop.h"

static volatile sig_atomic_t signalled;
static bool watching;
static int64_t until_us;	/* by the monotonic clock; 0: no end */

static void
remember(int sig)
{
	signalled = sig;
}

void
stop_setup(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	/* No SA_RESTART: a waiting poll() is to come back. */
	struct sigaction once = { .sa_handler = remember, .sa_flags = (int)SA_RESETHAND }, now;

	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		/* nohup(1) means it. */
		if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaction(signals[i], &once, NULL);
}

void
stop_watch_output(void)
{
	watching = true;
}

void
stop_after(int64_t ms)
{
	until_us = clock_mono_us() + ms * 1000;
}

int
stop_asked(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	if (!signalled && watching && poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLNVAL)))
		signalled = SIGPIPE;
	if (signalled)
		return STATUS_SIGNAL + signalled;
	return until_us && clock_mono_us() >= until_us ? STATUS_TIME_LIMIT : STATUS_OK;
}

int
stop_take(void)
{
	int status = stop_asked();

	if (status != STATUS_OK) {
		signalled = 0;
		watching = false;
		until_us = 0;
	}
	return status;
}
