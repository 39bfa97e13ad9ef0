#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>

#include "err.h"
#include "log.h"
#include "thread.h"

/* A signal of a fault stays deliverable: blocked, the kernel would kill without any report. */
static void
block_signals(sigset_t *before)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&set, faults[i]);
	pthread_sigmask(SIG_SETMASK, &set, before);
}

int
thread_start(pthread_t *thread, const char *name, unsigned long stack, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t started;
	char shown[16];
	sigset_t before;
	int error;

	if (pthread_attr_init(&attr))
		return ERR_NOMEM;
	if (stack)
		pthread_attr_setstacksize(&attr, stack < (unsigned long)PTHREAD_STACK_MIN ?
		    (unsigned long)PTHREAD_STACK_MIN : stack);
	block_signals(&before);
	error = pthread_create(&started, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (error) {
		errno = error;
		return log_errno(error == ENOMEM ? ERR_NOMEM : ERR_BUSY, "start thread %s", name);
	}
	snprintf(shown, sizeof(shown), "%s", name);
	pthread_setname_np(started, shown);
	*thread = started;
	return 0;
}

void
thread_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

bool
thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us)
{
	const struct timespec until = { .tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000 };

	return pthread_cond_timedwait(cond, lock, &until) == 0;
}
