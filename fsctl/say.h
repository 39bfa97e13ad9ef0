#ifndef FSCTL_SAY_H
#define FSCTL_SAY_H

#include <stdbool.h>

#include "buf.h"

/*
 * What fsctl tells a person, on standard error. Control bytes in it are shown as \xNN,
 * since names and messages may come from others and end on a terminal.
 */

/* "fsctl: …" and a newline. Returns `status`: `return say_error(STATUS_USAGE, "…");` */
int say_error(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What this thread said last, without "fsctl: "; "" at first. */
const char *say_last(void);
/* A line that says what to type next. */
void say_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * A progress bar stands on the terminal's last line: what is said takes its place. Before
 * there are threads, and after.
 */
void say_beside_bar(bool on);

/* Appends `text` with its control bytes as \xNN. */
void say_plain(struct buf *out, const char *text);

#endif
