#ifndef DB_LOG_H
#define DB_LOG_H

#include "db_sqlite.h"

/*
 * SQLite writes each page of its write-ahead log with two system calls, its header's 24 bytes and the page. In this VFS
 * the bytes of the log are gathered and written in long pieces: when it is flushed, or anything else is done with it.
 *
 * Only for a connection that flushes the log with each commit (synchronous=FULL): others read what was committed through files of
 * their own. What is durable when, and in which order, stays as it was.
 */
#define DB_LOG_VFS "fsd-log"

/* Makes it known, on top of the VFS `name`. Once, before a connection is opened. */
void db_log_setup(const char *name);

#endif
