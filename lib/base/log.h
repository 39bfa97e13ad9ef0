#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

/*
 * The program's log: one line an event on standard error, as text or as one JSON object. Any thread may
 * call it; lines never interleave (one write(2) each). Never give it a secret.
 *
 * A text line: `2026-11-22T13:52:15.123456Z warn  segment 12: tail cut at 4096`.
 * A JSON line: {"time":…,"level":…,"message":…}. Control bytes and invalid UTF-8 are escaped in both.
 */
enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };

void log_setup(bool json, enum log_level least);
bool log_is_json(void);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define log_debug(...) log_line(LOG_DEBUG_, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO_, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN_, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR_, __VA_ARGS__)

/*
 * Warnings and errors are written to `fd` too (O_APPEND, the caller's), as long as they are `most` bytes together; -1 ends that. Call
 * it while no other thread logs, or at least with -1 before `fd` is closed.
 */
void log_copy(int fd, long long most);

/* Writes a line that the caller made whole (an access-log line), adding the newline. */
void log_raw(const char *line, unsigned long len);

/* log_error() with ": " and strerror(errno) at the end, then returns `code`: `return log_errno(ERR_IO, "open %s", path);` */
int log_errno(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
