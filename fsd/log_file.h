#ifndef FSD_LOG_FILE_H
#define FSD_LOG_FILE_H

/*
 * DATA/fsd.log: where warnings and errors of a daemon go that nobody listens to (--socket-only), beside standard error. It is appended
 * to; one that is larger than LOG_FILE_MOST when it is opened becomes fsd.log.1, and one run adds at most so much. Only the
 * store's owner may open it. The main thread; closed when no other one is left.
 */
#define LOG_FILE "fsd.log"
#define LOG_FILE_OLD "fsd.log.1"
#define LOG_FILE_MOST (4u << 20)

void log_file_open(int dirfd, int *fd);		/* a failure is logged, and nothing more */
void log_file_close(int *fd);

#endif
