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
#define BAR_MOST 20	/* cells; a bar of fewer than the least says nothing */
#define BAR_LEAST 5
#define BAR_FRAME 3	/* "[" and "] " */

enum where { QUIET, TERMINAL, LINES };

struct progress {
	const char *what;	/* the caller's; lives as long as this */
	enum where where;
	uint64_t items, bytes;	/* totals; 0 is unknown */
	atomic_uint_fast64_t items_done, bytes_done, errors;
	_Atomic double part;		/* as the caller says; < 0: it says nothing */
	double furthest;		/* that was shown */
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
	p->part = p->furthest = -1;
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

void
progress_part(struct progress *p, double part)
{
	atomic_store(&p->part, part);
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
add_bar(struct buf *b, double part, size_t cells)
{
	const size_t full = (size_t)(part * (double)cells);

	buf_addch(b, '[');
	for (size_t i = 0; i < cells; i++)
		buf_addch(b, i < full ? '#' : '-');
	buf_addstr(b, "] ");
}

struct shown {
	uint64_t items, bytes, errors;
	double seconds, part;		/* part < 0: nobody knows */
};

static struct shown
look(struct progress *p)
{
	struct shown s = { atomic_load(&p->items_done), atomic_load(&p->bytes_done), atomic_load(&p->errors),
		(double)(clock_mono_us() - p->started) / 1e6 + 1e-6, atomic_load(&p->part) };

	/* Bytes tell the time that is left better than items do. */
	if (s.part < 0 && p->bytes)
		s.part = (double)s.bytes / (double)p->bytes;
	else if (s.part < 0 && p->items)
		s.part = (double)s.items / (double)p->items;
	s.part = s.part > 1 ? 1 : s.part;
	if (s.part < p->furthest)
		s.part = p->furthest;
	p->furthest = s.part;
	return s;
}

static void
add_counts(const struct progress *p, const struct shown *s, struct buf *b)
{
	if (p->items || s->items)
		buf_addf(b, "  %llu", (unsigned long long)s->items);
	if (p->items)
		buf_addf(b, "/%llu", (unsigned long long)p->items);
	if (p->bytes || s->bytes) {
		buf_addstr(b, "  ");
		add_bytes(b, (double)s->bytes);
	}
	if (p->bytes) {
		buf_addch(b, '/');
		add_bytes(b, (double)p->bytes);
	}
}

static void
add_rate(const struct progress *p, const struct shown *s, struct buf *b)
{
	if (p->bytes || s->bytes) {
		buf_addstr(b, "  ");
		add_bytes(b, (double)s->bytes / s->seconds);
		buf_addstr(b, "/s");
	} else if (p->items || s->items) {
		buf_addf(b, "  %.0f/s", (double)s->items / s->seconds);
	}
}

/* What stays when there is less and less room: the end says most. */
enum detail { DETAIL_ALL, DETAIL_NO_RATE, DETAIL_NO_COUNTS, DETAILS_ };

/* What was done, of how much, how fast, how long still or by now, and what failed. `cells`: of the bar; 0: there is none. */
static void
describe(const struct progress *p, const struct shown *s, enum detail detail, size_t cells, struct buf *b)
{
	buf_clear(b);
	buf_addstr(b, p->what);
	if (s->part >= 0)
		buf_addch(b, ' ');
	if (cells)
		add_bar(b, s->part, cells);
	if (s->part >= 0)
		buf_addf(b, "%d %%", (int)(s->part * 100));
	if (detail < DETAIL_NO_COUNTS)
		add_counts(p, s, b);
	if (detail < DETAIL_NO_RATE)
		add_rate(p, s, b);
	buf_addstr(b, s->part > 0 ? "  ETA " : "  ");
	add_seconds(b, (uint64_t)(s->part > 0 ? s->seconds / s->part * (1 - s->part) + 0.5 : s->seconds));
	buf_addf(b, "  %llu errors", (unsigned long long)s->errors);
}

/* As much as fits into `width`. The bar says least: it has the room that is left. */
static void
fit(const struct progress *p, const struct shown *s, size_t width, struct buf *b)
{
	enum detail detail = DETAIL_ALL;
	size_t room;

	describe(p, s, detail, 0, b);
	while (b->len > width && detail + 1 < DETAILS_)
		describe(p, s, ++detail, 0, b);
	room = b->len < width ? width - b->len : 0;
	if (s->part < 0 || p->where != TERMINAL || room < BAR_LEAST + BAR_FRAME)
		return;
	room -= BAR_FRAME;
	describe(p, s, detail, room < BAR_MOST ? room : BAR_MOST, b);
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
	struct shown shown;
	int64_t now;
	size_t width;

	if (p->where == QUIET)
		return;
	now = clock_mono_us();
	if (now - p->drawn < (p->where == TERMINAL ? REDRAW_US : LINE_US))
		return;
	p->drawn = now;
	shown = look(p);
	/* The last column stays free: a full line would wrap and not be redrawn in place. */
	width = p->where == LINES ? SIZE_MAX : columns() - 1;
	fit(p, &shown, width, &text);
	if (buf_finish(&text))
		goto out;
	if (p->where == LINES) {
		log_raw(text.data, text.len);
		goto out;
	}
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
