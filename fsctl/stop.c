#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "stop.h"

static volatile sig_atomic_t signalled;
static bool watching;

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

int
stop_asked(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	if (!signalled && watching && poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLNVAL)))
		signalled = SIGPIPE;
	return signalled;
}

int
stop_take(void)
{
	int sig = stop_asked();

	signalled = 0;
	watching = false;
	return sig;
}
