#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "fio.h"
#include "handover.h"
#include "log.h"
#include "store_files.h"

#define POLL_NS 20000000

int
handover_drop(const char *dir)
{
	struct passwd *pw;
	struct stat st;
	gid_t gid;

	if (geteuid() != 0 || stat(dir, &st) != 0 || st.st_uid == 0)
		return 0;
	pw = getpwuid(st.st_uid);
	/* The user's own group: the folder's may well be root's. */
	gid = pw ? pw->pw_gid : st.st_gid;
	if ((pw ? initgroups(pw->pw_name, gid) : setgroups(0, NULL)) != 0 || setgid(gid) != 0 ||
	    setuid(st.st_uid) != 0)
		return log_errno(ERR_DENIED, "%s: can't become its owner, user %u", dir, (unsigned)st.st_uid);
	/* The change of user hid /proc/self from ourselves; nothing here is a secret from the owner of the data. */
	(void)prctl(PR_SET_DUMPABLE, 1);
	return 0;
}

/* ---- asking for the store ---- */

static bool
is_locked(int dirfd)
{
	bool locked;
	int fd;

	if (fio_open(dirfd, STORE_LOCK_FILE, O_RDONLY, 0, &fd) != 0)
		return false;
	locked = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	fio_close(&fd);
	return locked;
}

static int
connect_owner(int dirfd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = 5 };
	int fd;

	/* sun_path holds 107 bytes; through /proc the folder's own path may be longer. */
	snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/%s", dirfd, HANDOVER_SOCKET);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0)
		fio_close(&fd);
	return fd;
}

enum answer { ANSWER_NONE, ANSWER_YIELDS, ANSWER_KEEPS };

static enum answer
ask(int dirfd)
{
	static const char request[] = "POST /v1/admin/yield HTTP/1.1\r\nHost: fsd\r\nContent-Length: 0\r\n"
				      "Connection: close\r\n\r\n";
	enum answer answer = ANSWER_NONE;
	char reply[16] = "";
	ssize_t got;
	int fd;

	if ((fd = connect_owner(dirfd)) < 0)
		return ANSWER_NONE;
	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(request) - 1) {
		/* "HTTP/1.1 202" comes in one piece. */
		do
			got = recv(fd, reply, 12, MSG_WAITALL);
		while (got < 0 && errno == EINTR);
		if (got == 12)
			answer = reply[9] == '2' ? ANSWER_YIELDS : reply[9] == '4' ? ANSWER_KEEPS : ANSWER_NONE;
	}
	fio_close(&fd);
	return answer;
}

int
handover_wait(const char *dir)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	int64_t until = clock_mono_us() + HANDOVER_WAIT_SECONDS * 1000000ll;
	enum answer answer = ANSWER_NONE;
	int dirfd, rc = 0;

	if (fio_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, &dirfd) != 0)
		return 0;	/* store_open() says what is wrong */
	while (is_locked(dirfd)) {
		/* Who yields needs some time; but another short-lived daemon may follow, which has to be asked too. */
		answer = ask(dirfd);
		if (answer == ANSWER_KEEPS || clock_mono_us() > until) {
			rc = ERR_LOCKED;
			break;
		}
		nanosleep(&pause, NULL);
	}
	fio_close(&dirfd);
	if (rc)
		log_error(answer == ANSWER_KEEPS ? "%s is in use: another fsd serves it" :
		    "%s is in use by another process, which did not end within 30 seconds", dir);
	return rc;
}

void
handover_ready(int fd)
{
	ssize_t n;

	if (fd < 0)
		return;
	do
		n = write(fd, "ready\n", 6);
	while (n < 0 && errno == EINTR);
	fio_close(&fd);
}
