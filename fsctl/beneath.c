#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "beneath.h"

#define TRIES 16	/* EAGAIN: something was renamed meanwhile */

int
beneath_open(int root, const char *path, int flags, mode_t mode)
{
	struct open_how how = { .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC), .mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	long fd = -1;

	for (int i = 0; i < TRIES; i++) {
		fd = syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (int)fd;
}

int
beneath_folder(int root, const char *path)
{
	const char *slash = strrchr(path, '/');
	int fd = beneath_open(root, path, O_RDONLY | O_DIRECTORY, 0), above, made, error;
	char *parent;

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (!(parent = slash ? strndup(path, (size_t)(slash - path)) : strdup("")))
		return -1;
	above = beneath_folder(root, parent);
	free(parent);
	if (above < 0)
		return -1;
	made = mkdirat(above, slash ? slash + 1 : path, 0777);
	error = errno;
	close(above);
	if (made != 0 && error != EEXIST) {
		errno = error;
		return -1;
	}
	return beneath_open(root, path, O_RDONLY | O_DIRECTORY, 0);
}
