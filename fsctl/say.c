#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "say.h"

static bool bar;
static _Thread_local char said_last[1024];

void
say_plain(struct buf *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		/* C1 controls are two bytes in UTF-8: c2 80 to c2 9f. */
		if (*p < 0x20 || *p == 0x7f)
			buf_addf(out, "\\x%02x", *p);
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			buf_addf(out, "\\x%02x", *++p);
		else
			buf_addch(out, (char)*p);
	}
}

static void __attribute__((format(printf, 2, 0)))
say(const char *prefix, const char *format, va_list args)
{
	struct buf line = BUF_INIT(1 << 20);
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		return;
	if (bar && isatty(STDERR_FILENO))
		buf_addstr(&line, "\r\033[K");
	buf_addstr(&line, prefix);
	say_plain(&line, text);
	buf_addch(&line, '\n');
	if (buf_finish(&line) == 0)
		(void)fwrite(line.data, 1, line.len, stderr);
	buf_release(&line);
	free(text);
}

int
say_error(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(said_last, sizeof(said_last), format, args);
	va_end(args);
	va_start(args, format);
	say("fsctl: ", format, args);
	va_end(args);
	return status;
}

void
say_hint(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("  ", format, args);
	va_end(args);
}

const char *
say_last(void)
{
	return said_last;
}

void
say_beside_bar(bool on)
{
	bar = on;
}
