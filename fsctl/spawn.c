#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exit_status.h"
#include "fio.h"
#include "say.h"
#include "spawn.h"
#include "stop.h"

#define WAIT_MS 30000
#define LOOK_MS 500		/* how soon being told to stop is seen */
#define EXEC_FAILED 127
#define READY_FD 3
#define ARGUMENTS 16
#define LOG_MAX 65536

/* ---- the socket ---- */

void
spawn_socket(int dirfd, char path[SPAWN_PATH])
{
	snprintf(path, SPAWN_PATH, "/proc/self/fd/%d/fsd.sock", dirfd);
}

int
spawn_probe(int dirfd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, error;

	_Static_assert(SPAWN_PATH <= sizeof(sun.sun_path), "the path fits");
	spawn_socket(dirfd, sun.sun_path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return errno;
	error = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 ? 0 : errno;
	fio_close(&fd);
	return error;
}

/* ---- the program ---- */

/* "fsd" alone makes execvp() look through PATH. */
static void
program(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 5);
	char *slash;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		strcpy(slash ? slash + 1 : path, "fsd");
		if (access(path, X_OK) == 0)
			return;
	}
	strcpy(path, "fsd");
}

/* What becomes of a child's descriptors; -1 leaves one as it is. */
struct plumbing {
	int in, out, err, ready;
	bool detached;		/* outlives us: a session of its own, outside our folder */
};

static void __attribute__((noreturn))
become(const char *path, char *const *argv, const struct plumbing *p)
{
	if ((p->in >= 0 && dup2(p->in, STDIN_FILENO) < 0) || (p->out >= 0 && dup2(p->out, STDOUT_FILENO) < 0) ||
	    (p->err >= 0 && dup2(p->err, STDERR_FILENO) < 0))
		_exit(EXEC_FAILED);
	/* dup2() onto itself would leave the close-on-exec flag. */
	if (p->ready == READY_FD)
		(void)fcntl(READY_FD, F_SETFD, 0);
	else if (p->ready >= 0 && dup2(p->ready, READY_FD) < 0)
		_exit(EXEC_FAILED);
	/* Whoever reads our caller's other pipes must not wait for the daemon. */
	(void)close_range(p->ready >= 0 ? READY_FD + 1 : READY_FD, ~0u, 0);
	if (p->detached && (setsid() < 0 || chdir("/") != 0))
		_exit(EXEC_FAILED);
	execvp(path, argv);
	_exit(EXEC_FAILED);
}

static int
start(const char *dir, const char *const *arguments, const struct plumbing *p, pid_t *pid)
{
	const char *argv[ARGUMENTS + 4] = { "fsd", "--data", dir };
	char path[PATH_MAX];
	union {
		const char **from;
		char *const *to;
	} cast = { .from = argv };

	program(path, sizeof(path));
	for (int i = 0; arguments[i] && i < ARGUMENTS; i++)
		argv[3 + i] = arguments[i];
	fflush(NULL);
	if ((*pid = fork()) < 0)
		return say_error(STATUS_TEMPORARY, "can't start fsd: %s; try again when the machine has room", strerror(errno));
	if (*pid == 0)
		become(path, cast.to, p);
	return STATUS_OK;
}

static int
end_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return say_error(STATUS_FAILED, "waiting for fsd: %s", strerror(errno));
	if (WIFSIGNALED(status))
		return say_error(STATUS_SIGNAL + WTERMSIG(status), "fsd was ended by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == EXEC_FAILED)
		return say_error(STATUS_FAILED, "can't run fsd: it is neither beside fsctl nor in PATH");
	return WEXITSTATUS(status);
}

/* Appends what is there to read; false at the end. */
static bool
drain(int fd, struct buf *to)
{
	char bytes[4096];
	ssize_t n;

	do
		n = read(fd, bytes, sizeof(bytes));
	while (n < 0 && errno == EINTR);
	if (n > 0 && to->len + (size_t)n <= to->max)
		buf_add(to, bytes, (size_t)n);
	return n > 0;
}

static int
make_pipe(int fds[2])
{
	return pipe2(fds, O_CLOEXEC) == 0 ? STATUS_OK : say_error(STATUS_TEMPORARY, "can't make a pipe: %s", strerror(errno));
}

/* All that it says. It is told to end when we are; gives what stop_asked() said then. */
static int
collect(int fd, pid_t pid, struct buf *out)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int stopped = STATUS_OK;

	for (;;) {
		if (!stopped && (stopped = stop_asked()) != STATUS_OK)
			(void)kill(pid, SIGTERM);
		if (poll(&wait, 1, LOOK_MS) > 0 && !drain(fd, out))
			return stopped;
	}
}

int
spawn_run(const char *dir, const char *const *arguments, struct buf *out)
{
	struct plumbing p = { .in = -1, .out = -1, .err = -1, .ready = -1 };
	int fds[2] = { -1, -1 }, status, stopped;
	pid_t pid;

	if ((status = make_pipe(fds)) != STATUS_OK)
		return status;
	p.out = fds[1];
	status = start(dir, arguments, &p, &pid);
	fio_close(&fds[1]);
	if (status == STATUS_OK) {
		if ((stopped = collect(fds[0], pid, out)) == STATUS_OK)
			status = end_of(pid);
		else
			(void)waitpid(pid, NULL, 0), status = stopped;
	}
	fio_close(&fds[0]);
	return status;
}

/* ---- a daemon ---- */

/* Reads its log until it says ready (true), is gone, or we are told to stop. */
static bool
becomes_ready(int ready, int log, struct buf *said)
{
	struct pollfd fds[2] = { { .fd = ready, .events = POLLIN }, { .fd = log, .events = POLLIN } };
	struct buf word = BUF_INIT(64);
	bool is_ready;

	while (!stop_asked()) {
		if (poll(fds, 2, LOOK_MS) <= 0)
			continue;
		if (fds[1].revents && !drain(log, said))
			fds[1].fd = -1;
		if (fds[0].revents && !drain(ready, &word))
			break;
	}
	is_ready = word.len > 0;
	/* Its last words came before it closed the other pipe. */
	while (!is_ready && !stop_asked() && fds[1].fd >= 0 && drain(log, said))
		;
	buf_release(&word);
	return is_ready;
}

/* STATUS_OK when it serves, else what it ended with; its log is in `said`. */
static int
daemon_start(const char *dir, struct buf *said)
{
	static const char *const arguments[] = { "--socket-only", "--ready-fd", "3", NULL };
	struct plumbing p = { .in = -1, .out = -1, .err = -1, .ready = -1, .detached = true };
	int ready[2] = { -1, -1 }, log[2] = { -1, -1 }, null = -1, status;
	pid_t pid;

	if ((status = make_pipe(ready)) != STATUS_OK || (status = make_pipe(log)) != STATUS_OK)
		goto out;
	if (fio_open(AT_FDCWD, "/dev/null", O_RDWR, 0, &null) != 0) {
		status = say_error(STATUS_FAILED, "can't open /dev/null");
		goto out;
	}
	p.in = p.out = null;
	p.err = log[1];
	p.ready = ready[1];
	if ((status = start(dir, arguments, &p, &pid)) != STATUS_OK)
		goto out;
	fio_close(&ready[1]);
	fio_close(&log[1]);
	if (!becomes_ready(ready[0], log[0], said)) {
		/* Nobody will come to one that still starts: it ends by itself. */
		if ((status = stop_asked()) == STATUS_OK && (status = end_of(pid)) == STATUS_OK)
			status = STATUS_TEMPORARY;	/* it was told to end before it began */
	}
out:
	fio_close(&null);
	for (int i = 0; i < 2; i++) {
		fio_close(&ready[i]);
		fio_close(&log[i]);
	}
	return status;
}

/* STATUS_LOCKED, unsaid: another process has the store and does not serve it. */
static int
try_serve(const char *dir, int dirfd, const char *path, struct buf *said)
{
	int error = spawn_probe(dirfd);

	if (error == 0)
		return STATUS_OK;
	if (error == EAGAIN)
		return STATUS_LOCKED;
	if (error == ENOENT || error == ECONNREFUSED)
		return daemon_start(path, said);
	say_error(0, "%s/fsd.sock: %s", dir, strerror(error));
	say_hint("only root and the owner of %s may use it; others use --endpoint URL --token-file F", dir);
	return error == EACCES || error == EPERM ? STATUS_NOT_AUTHORISED : STATUS_FAILED;
}

int
spawn_serve(const char *dir, int dirfd, struct lockwait *lock)
{
	struct lockwait usual;
	struct buf said = BUF_INIT(LOG_MAX);
	char *path = realpath(dir, NULL);
	int status, waited = STATUS_OK;

	if (!path)
		return say_error(STATUS_FAILED, "%s: %s", dir, strerror(errno));
	if (!lock->given) {
		lockwait_begin(&usual, WAIT_MS, true);
		lock = &usual;
	}
	do {
		buf_clear(&said);
		status = try_serve(dir, dirfd, path, &said);
		if (status == STATUS_LOCKED)
			waited = lockwait_pause(lock, "the store is in use by another process");
	} while (status == STATUS_LOCKED && waited == STATUS_OK);
	if (status == STATUS_LOCKED && (status = waited) == STATUS_LOCKED) {
		say_error(status, "%s is in use by another process that does not answer on %s/fsd.sock", dir, dir);
		say_hint("another `fsd` that is starting or ending, or `fsd --check`? Try again when it is done, or give --lock-wait.");
	} else if (status && !status_is_stop(status) && said.len) {
		(void)fwrite(said.data, 1, said.len, stderr);
		say_error(status, "no daemon could be started on the store in %s", dir);
	}
	buf_release(&said);
	free(path);
	return status;
}
