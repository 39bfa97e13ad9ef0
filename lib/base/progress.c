#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "log.h"
#include "progress.h"

#define REDRAW_US 100000	/* on a terminal */
#define LINE_US 60000000	/* elsewhere */
#define BAR_CELLS 20

enum where { QUIET, TERMINAL, LINES };

struct progress {
	const char *what;	/* the caller's; lives as long as this */
	enum where where;
	uint64_t items, bytes;	/* totals; 0 is unknown */
	atomic_uint_fast64_t items_done, bytes_done, errors;
	int64_t started, drawn;
};

int
progress_new(const char *what, uint64_t items, uint64_t bytes, bool quiet, struct progress **progress)
{
	struct progress *p = calloc(1, sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	p->what = what;
	p->where = quiet ? QUIET : isatty(STDERR_FILENO) ? TERMINAL : LINES;
	p->items = items;
	p->bytes = bytes;
	p->started = clock_mono_us();
	/* The first line comes after a minute, so that short work says nothing. */
	p->drawn = p->where == LINES ? p->started : p->started - REDRAW_US;
	*progress = p;
	return 0;
}

void
progress_total(struct progress *p, uint64_t items, uint64_t bytes)
{
	p->items = items;
	p->bytes = bytes;
}

void
progress_add(struct progress *p, uint64_t items, uint64_t bytes, uint64_t errors)
{
	atomic_fetch_add(&p->items_done, items);
	atomic_fetch_add(&p->bytes_done, bytes);
	atomic_fetch_add(&p->errors, errors);
}

static void
add_bytes(struct buf *b, double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t i = 0;

	for (; bytes >= 1024 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		bytes /= 1024;
	buf_addf(b, i ? "%.1f %s" : "%.0f %s", bytes, units[i]);
}

static void
add_seconds(struct buf *b, uint64_t s)
{
	if (s >= 3600)
		buf_addf(b, "%llu:%02u:%02u", (unsigned long long)(s / 3600), (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	else
		buf_addf(b, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
}

static void
add_bar(struct buf *b, double part)
{
	int full = (int)(part * BAR_CELLS);

	buf_addch(b, '[');
	for (int i = 0; i < BAR_CELLS; i++)
		buf_addch(b, i < full ? '#' : '-');
	buf_addstr(b, "] ");
}

/* What was done, of how much, how fast, how long still, and what failed. */
static void
describe(const struct progress *p, struct buf *b)
{
	uint64_t items = atomic_load(&p->items_done), bytes = atomic_load(&p->bytes_done);
	uint64_t errors = atomic_load(&p->errors);
	double seconds = (double)(clock_mono_us() - p->started) / 1e6 + 1e-6, part = -1;

	/* Bytes tell the time that is left better than items do. */
	if (p->bytes)
		part = (double)bytes / (double)p->bytes;
	else if (p->items)
		part = (double)items / (double)p->items;
	part = part > 1 ? 1 : part;
	buf_addf(b, "%s ", p->what);
	if (part >= 0 && p->where == TERMINAL)
		add_bar(b, part);
	if (part >= 0)
		buf_addf(b, "%d %%  ", (int)(part * 100));
	buf_addf(b, "%llu", (unsigned long long)items);
	if (p->items)
		buf_addf(b, "/%llu", (unsigned long long)p->items);
	if (p->bytes || bytes) {
		buf_addstr(b, "  ");
		add_bytes(b, (double)bytes);
		if (p->bytes) {
			buf_addch(b, '/');
			add_bytes(b, (double)p->bytes);
		}
		buf_addstr(b, "  ");
		add_bytes(b, (double)bytes / seconds);
		buf_addstr(b, "/s");
	} else {
		buf_addf(b, "  %.0f/s", (double)items / seconds);
	}
	if (part > 0) {
		buf_addstr(b, "  ETA ");
		add_seconds(b, (uint64_t)(seconds / part * (1 - part) + 0.5));
	}
	buf_addf(b, "  %llu errors", (unsigned long long)errors);
}

/* Columns of the terminal, or so many that nothing is cut. */
static size_t
columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return 1000;
	return size.ws_col;
}

static void
write_out(const char *bytes, size_t len)
{
	/* A terminal that is gone is not worth ending the work for. */
	if (write(STDERR_FILENO, bytes, len) < 0)
		return;
}

void
progress_draw(struct progress *p)
{
	struct buf text = BUF_INIT(1000), line = BUF_INIT(2000);
	int64_t now;
	size_t width;

	if (p->where == QUIET)
		return;
	now = clock_mono_us();
	if (now - p->drawn < (p->where == TERMINAL ? REDRAW_US : LINE_US))
		return;
	p->drawn = now;
	describe(p, &text);
	if (buf_finish(&text))
		goto out;
	if (p->where == LINES) {
		log_raw(text.data, text.len);
		goto out;
	}
	/* The last column stays free: a full line would wrap and not be redrawn in place. */
	width = columns() - 1;
	buf_addstr(&line, "\r");
	buf_add(&line, text.data, text.len < width ? text.len : width);
	buf_addstr(&line, "\033[K");
	if (!buf_finish(&line))
		write_out(line.data, line.len);
out:
	buf_release(&text);
	buf_release(&line);
}

void
progress_free(struct progress *p)
{
	if (!p)
		return;
	if (p->where == TERMINAL)
		write_out("\r\033[K", 4);
	free(p);
}
