#ifndef FSCTL_BENEATH_H
#define FSCTL_BENEATH_H

#include <sys/types.h>

/*
 * Files below a folder and nowhere else: whatever the names say and whatever links lie
 * there, the kernel refuses to leave it (openat2(2), RESOLVE_BENEATH and
 * RESOLVE_NO_SYMLINKS). Any thread.
 */

/*
 * A descriptor, or -1 with errno: ELOOP a link on the way, EXDEV out of the folder.
 * Always O_CLOEXEC.
 */
int beneath_open(int root, const char *path, int flags, mode_t mode);
/* A folder below, which is made with those above it if it is not there; "" is a copy of `root`. */
int beneath_folder(int root, const char *path);

#endif
