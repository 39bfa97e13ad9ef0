#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "str.h"

#define STACK_LINE 4096
#define FRAME 128	/* time, level and punctuation around a message */
#define ESCAPED 6	/* the longest escape of one byte */

static atomic_bool as_json;
static atomic_int least_level = LOG_INFO_;

static atomic_int copy_fd = -1;
static atomic_llong copy_left;

static const char *const level_names[] = {
	[LOG_DEBUG_] = "debug",
	[LOG_INFO_] = "info",
	[LOG_WARN_] = "warn",
	[LOG_ERROR_] = "error",
};

void
log_setup(bool json, enum log_level least)
{
	atomic_store(&as_json, json);
	atomic_store(&least_level, (int)least);
}

bool
log_is_json(void)
{
	return atomic_load(&as_json);
}

void
log_copy(int fd, long long most)
{
	atomic_store(&copy_left, most);
	atomic_store(&copy_fd, fd);
}

/* One write(2); the loop is for signals and for pipes that took only a part. What cannot be written is lost. */
static void
put(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

/* The length of the valid UTF-8 character at `s` (of `len` bytes), or 0. */
static size_t
utf8_char(const char *s, size_t len)
{
	for (size_t n = 1; n <= 4 && n <= len; n++)
		if (utf8_valid(s, n))
			return n;
	return 0;
}

/* Control characters would let a client forge lines or drive the terminal of who reads the log. */
static bool
is_control(const char *s, size_t len)
{
	unsigned char c = (unsigned char)s[0];

	if (len == 1)
		return c < 0x20 || c == 0x7f;
	return len == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0;	/* U+0080 to U+009F */
}

/* Writes one escaped byte, at most ESCAPED. `valid` tells a control character from a byte that is no text. */
static size_t
escape(char *to, unsigned char c, bool valid, bool json)
{
	if (json && valid)
		return (size_t)sprintf(to, "\\u%04x", c);
	return (size_t)sprintf(to, json ? "\\\\x%02x" : "\\x%02x", c);
}

/* Copies `message` to `to`, which has room for ESCAPED times its length and the NUL; returns what it wrote. */
static size_t
add_escaped(char *to, const char *message, size_t len, bool json)
{
	size_t at = 0, n;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_char(message + i, len - i);
		if (!n || is_control(message + i, n)) {
			bool valid = n > 0;

			/* Of U+0080 to U+009F the last byte is the code. */
			n = n ? n : 1;
			at += escape(to + at, (unsigned char)message[i + n - 1], valid, json);
			continue;
		}
		if (json && (message[i] == '"' || message[i] == '\\'))
			to[at++] = '\\';
		memcpy(to + at, message + i, n);
		at += n;
	}
	return at;
}

static void
put_copy(const char *line, size_t len)
{
	int fd = atomic_load(&copy_fd);

	if (fd >= 0 && atomic_fetch_sub(&copy_left, (long long)len) >= (long long)len)
		put(fd, line, len);
}

/* Escapes, frames and writes. A message that no memory can be had for is cut. */
static void
put_message(enum log_level level, const char *message, size_t len)
{
	char stack[STACK_LINE], *line = stack, *heap = NULL, when[CLOCK_TEXT];
	bool json = log_is_json();
	size_t at;

	if (len > (sizeof(stack) - FRAME) / ESCAPED) {
		if ((heap = malloc(len * ESCAPED + FRAME)))
			line = heap;
		else
			len = (sizeof(stack) - FRAME) / ESCAPED;
	}
	clock_rfc3339(clock_wall_us(), when);
	at = (size_t)snprintf(line, FRAME, json ? "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\"" : "%s %-5s ",
	    when, level_names[level]);
	at += add_escaped(line + at, message, len, json);
	if (json) {
		line[at++] = '"';
		line[at++] = '}';
	}
	line[at++] = '\n';
	put(STDERR_FILENO, line, at);
	if (level >= LOG_WARN_)
		put_copy(line, at);
	free(heap);
}

/* Formats and writes; `tail`, if not NULL, follows after ": ". Leaves errno as it was. */
static void __attribute__((format(printf, 3, 0)))
put_format(enum log_level level, const char *tail, const char *format, va_list args)
{
	char stack[STACK_LINE], *message = stack, *heap = NULL;
	size_t tail_len = tail ? strlen(tail) + 2 : 0;
	int saved = errno, len;
	va_list again;

	va_copy(again, args);
	len = vsnprintf(stack, sizeof(stack) - tail_len, format, args);
	if (len < 0)
		len = snprintf(stack, sizeof(stack) - tail_len, "a message that cannot be formatted");
	if ((size_t)len >= sizeof(stack) - tail_len) {
		if ((heap = malloc((size_t)len + tail_len + 1))) {
			message = heap;
			vsnprintf(heap, (size_t)len + 1, format, again);
		} else {
			len = (int)(sizeof(stack) - tail_len - 1);
		}
	}
	va_end(again);
	if (tail)
		len += sprintf(message + len, ": %s", tail);
	put_message(level, message, (size_t)len);
	free(heap);
	errno = saved;
}

void
log_line(enum log_level level, const char *format, ...)
{
	va_list args;

	if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
		return;
	va_start(args, format);
	put_format(level, NULL, format, args);
	va_end(args);
}

void
log_raw(const char *line, unsigned long len)
{
	char stack[STACK_LINE], *heap = NULL, *whole = stack;

	if (len >= sizeof(stack)) {
		if ((heap = malloc(len + 1)))
			whole = heap;
		else
			len = sizeof(stack) - 1;
	}
	memcpy(whole, line, len);
	whole[len] = '\n';
	put(STDERR_FILENO, whole, len + 1);
	free(heap);
}

int
log_errno(int code, const char *format, ...)
{
	char text[128];
	va_list args;

	if ((int)LOG_ERROR_ < atomic_load_explicit(&least_level, memory_order_relaxed))
		return code;
	va_start(args, format);
	put_format(LOG_ERROR_, strerror_r(errno, text, sizeof(text)), format, args);
	va_end(args);
	return code;
}
