#ifndef FSCTL_HUMAN_H
#define FSCTL_HUMAN_H

#include <stdint.h>

/* Numbers for people. Pure. */
#define HUMAN_TEXT 48

void human_size(uint64_t bytes, char text[HUMAN_TEXT]);		/* "0 B", "1.5 GiB" */
/*
 * The two largest units: "3d 4h", "15min", "1.2s", "250ms"; what parse_duration() takes
 * if there is one.
 */
void human_duration(int64_t ms, char text[HUMAN_TEXT]);
void human_count(int64_t n, char text[HUMAN_TEXT]);		/* "1,234,567" */
/*
 * RFC 3339 as the daemon writes it, to the second: "2026-11-22 13:52:15Z". Anything else
 * is copied, cut.
 */
void human_time(const char *rfc3339, char text[HUMAN_TEXT]);

#endif
