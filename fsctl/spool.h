#ifndef FSCTL_SPOOL_H
#define FSCTL_SPOOL_H

struct stat;

/*
 * All of standard input as a file without a name in $TMPDIR, else in /tmp, where its
 * length is to be known before anything is sent. *fd is the caller's to close; *st is as
 * of a new file. An exit status: STATUS_NO_SPACE for a full disk, and what stop_asked()
 * says while we wait for input.
 */
int spool_input(int *fd, struct stat *st);

#endif
