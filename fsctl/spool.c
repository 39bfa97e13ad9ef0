#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "exit_status.h"
#include "fio.h"
#include "say.h"
#include "spool.h"
#include "stop.h"

#define COPY (1u << 20)

static int
no_copy(int rc, const char *folder)
{
	const int status = rc == ERR_SPACE ? STATUS_NO_SPACE : STATUS_FAILED;

	say_error(status, "standard input can't be kept in %s: %s", folder, rc == ERR_SPACE ? "the disk is full" : strerror(errno));
	say_hint("all of it goes through a file there: set TMPDIR to a folder with room");
	return status;
}

static int
copy_input(int fd, const char *folder)
{
	char *bytes = malloc(COPY);
	int rc, status = bytes ? STATUS_OK : say_error(STATUS_FAILED, "out of memory");
	uint64_t size = 0;
	ssize_t n = 1;

	while (status == STATUS_OK && n > 0) {
		if ((status = stop_poll(STDIN_FILENO, POLLIN)) != STATUS_OK)
			break;
		n = read(STDIN_FILENO, bytes, COPY);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			status = say_error(STATUS_FAILED, "standard input can't be read: %m");
		else if (n > 0 && (rc = fio_pwrite(fd, "standard input", bytes, (size_t)n, size)) != 0)
			status = no_copy(rc, folder);
		else
			size += (uint64_t)n;
	}
	free(bytes);
	return status;
}

int
spool_input(int *fd, struct stat *st)
{
	const char *tmp = getenv("TMPDIR"), *folder = tmp && *tmp ? tmp : "/tmp";
	int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), status;

	if (file < 0)
		return no_copy(errno == ENOSPC ? ERR_SPACE : ERR_IO, folder);
	status = copy_input(file, folder);
	if (status == STATUS_OK && fstat(file, st) != 0)
		status = no_copy(ERR_IO, folder);
	if (status != STATUS_OK) {
		fio_close(&file);
		return status;
	}
	st->st_mode = S_IFREG | 0644;
	*fd = file;
	return STATUS_OK;
}
