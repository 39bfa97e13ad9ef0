#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "clock.h"
#include "exit_status.h"
#include "stop.h"

#define LOOK_MS 500

static volatile sig_atomic_t signalled;
static volatile sig_atomic_t caught;	/* a signal, which stays so when it is forgotten */
static bool watching;
static int64_t until_us;	/* by the monotonic clock; 0: no end */

static void
remember(int sig)
{
	/* SA_RESETHAND is of each signal by itself. It is delivered when this returns. */
	if (caught) {
		(void)signal(sig, SIG_DFL);
		(void)raise(sig);
	}
	caught = 1;
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
stop_poll(int fd, short events)
{
	struct pollfd wait = { .fd = fd, .events = events };
	int status;

	/* A signal goes to any thread, so that it need not end the poll() of this one. */
	while ((status = stop_asked()) == STATUS_OK && poll(&wait, 1, LOOK_MS) <= 0)
		;
	return status;
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
