#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/*
 * Time. Wall time is microseconds since 1970 UTC and only ever shown or compared with a client's; order is
 * the sequence's business. Intervals use the monotonic clock. Any thread.
 */
int64_t clock_wall_us(void);
int64_t clock_mono_us(void);

/* Text forms, with NUL. */
#define CLOCK_TEXT 40
void clock_iso(int64_t us, char text[CLOCK_TEXT]);	/* 2026-11-22T13:52:15.123Z, what S3's XML prints */
void clock_rfc3339(int64_t us, char text[CLOCK_TEXT]);	/* 2026-11-22T13:52:15.123456Z, what the JSON API prints */
void clock_http(int64_t us, char text[CLOCK_TEXT]);	/* Sun, 22 Nov 2026 13:52:15 GMT (RFC 9110, 5.6.7) */
void clock_amz(int64_t us, char text[CLOCK_TEXT]);	/* 20261122T135215Z */

/* Each ERR_INVALID for anything else; results in microseconds. */
int clock_parse_amz(const char *text, int64_t *us);	/* 20261122T135215Z */
int clock_parse_http(const char *text, int64_t *us);	/* the three forms of RFC 9110, 5.6.7, and RFC 822 zones GMT, UTC, +hhmm */
int clock_parse_rfc3339(const char *text, int64_t *us);

#endif
