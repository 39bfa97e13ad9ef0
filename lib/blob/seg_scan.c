#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "fio.h"
#include "seg_scan.h"

#define SECTOR 512u

static const uint8_t zeros[RECORD_HEADER_SIZE];

int
seg_scan_init(struct seg_scan *s, int fd, const char *name, const struct record_file *file, uint64_t end,
    uint64_t trusted)
{
	*s = (struct seg_scan){ .fd = fd, .name = name, .file = *file, .pos = RECORD_FILE_HEADER_SIZE, .end = end,
		.trusted = trusted, .good = RECORD_FILE_HEADER_SIZE };
	s->window = malloc(SEG_SCAN_WINDOW);
	return s->window ? 0 : ERR_NOMEM;
}

void
seg_scan_release(struct seg_scan *s)
{
	free(s->window);
	s->window = NULL;
}

/* `len` (at most a window) bytes at `at`; ERR_TRUNCATED if they pass the end. */
static int
look(struct seg_scan *s, uint64_t at, size_t len, const uint8_t **bytes)
{
	size_t want = SEG_SCAN_WINDOW;
	int rc;

	if (at > s->end || len > s->end - at)
		return ERR_TRUNCATED;
	if (at < s->window_at || at + len > s->window_at + s->window_len) {
		if (want > s->end - at)
			want = (size_t)(s->end - at);
		s->window_len = 0;
		s->window_at = at;
		if ((rc = fio_pread_some(s->fd, s->name, s->window, want, at, &s->window_len)) != 0)
			return rc;
		if (s->window_len < len)
			return ERR_TRUNCATED;
	}
	*bytes = s->window + (at - s->window_at);
	return 0;
}

/* The header at `at`: ERR_CORRUPT also where the file ends. */
static int
header(struct seg_scan *s, uint64_t at, struct record *r)
{
	const uint8_t *bytes;
	int rc;

	if ((rc = look(s, at, RECORD_HEADER_SIZE, &bytes)) == 0)
		rc = record_decode(&s->file, at, bytes, r);
	if (rc == 0 && record_size(r) > s->end - at)
		rc = ERR_CORRUPT;
	return rc == ERR_TRUNCATED ? ERR_CORRUPT : rc;
}

/* Whether table and blocks behind a valid header are right. */
static int
body(struct seg_scan *s, const struct record *r)
{
	struct record_block blocks[RECORD_BLOCKS_MAX];
	uint64_t at = r->offset + RECORD_HEADER_SIZE;
	const uint8_t *bytes;
	int rc;

	if ((rc = look(s, at, RECORD_TABLE_SIZE(r->blocks), &bytes)) != 0 ||
	    (rc = record_decode_table(r, bytes, blocks)) != 0)
		return rc;
	at = r->offset + record_data_start(r);
	for (uint32_t i = 0; rc == 0 && i < r->blocks; at += blocks[i++].stored)
		if ((rc = look(s, at, blocks[i].stored, &bytes)) == 0)
			rc = record_block_check(&blocks[i], bytes);
	return rc;
}

/* Whether a header was never written at `at`, or only that part of it which lies in one of two sectors. */
static int
unwritten(struct seg_scan *s, uint64_t at, bool *is)
{
	size_t first = SECTOR - at % SECTOR;
	const uint8_t *bytes;
	int rc;

	if ((rc = look(s, at, RECORD_HEADER_SIZE, &bytes)) != 0)
		return rc;
	if (first > RECORD_HEADER_SIZE)
		first = RECORD_HEADER_SIZE;
	*is = !memcmp(bytes, zeros, first) ||
	    (first < RECORD_HEADER_SIZE && !memcmp(bytes + first, zeros, RECORD_HEADER_SIZE - first));
	return 0;
}

/* The next valid header behind s->pos; ERR_END if there is none. */
static int
find_header(struct seg_scan *s, uint64_t *at)
{
	struct record r;
	int rc;

	for (*at = s->pos + RECORD_ALIGN; *at < s->end; *at += RECORD_ALIGN) {
		rc = header(s, *at, &r);
		if (rc != ERR_CORRUPT)
			return rc;
	}
	return ERR_END;
}

/* No header where one should be, behind what is trusted: steps over what a crash explains. */
static int
step_over(struct seg_scan *s)
{
	bool explained = false;
	uint64_t at;
	int rc;

	if ((rc = find_header(s, &at)) != 0)
		return rc;
	if ((rc = unwritten(s, s->pos, &explained)) != 0)
		return rc;
	if (!explained)
		return ERR_CORRUPT;
	s->pos = at;
	return 0;
}

static int
next(struct seg_scan *s, struct record *r)
{
	uint64_t at;
	int rc;

	while (s->pos < s->end) {
		at = s->pos;
		if ((rc = header(s, at, r)) == ERR_CORRUPT && at >= s->trusted) {
			if ((rc = step_over(s)) != 0)
				return rc;
			continue;
		}
		if (rc)
			return rc;
		if (at >= s->trusted)
			rc = body(s, r);
		if (rc && rc != ERR_CORRUPT)
			return rc;
		s->pos = at + record_size(r);
		if (rc == 0)
			return 0;
	}
	return ERR_END;
}

int
seg_scan_next(struct seg_scan *s, struct record_entry *e)
{
	struct record r;
	int rc;

	while ((rc = next(s, &r)) == 0) {
		s->gaps += r.offset - s->good;
		s->good = s->pos;
		if (!memcmp(r.id, zeros, sizeof(r.id)))
			continue;
		memcpy(e->id, r.id, sizeof(e->id));
		e->offset = r.offset;
		e->size = (uint32_t)record_size(&r);
		e->raw = r.raw;
		return 0;
	}
	return rc;
}

int
seg_scan_used(struct seg_scan *s, uint64_t from, uint64_t *used)
{
	const uint8_t *bytes;
	size_t len;
	int rc;

	*used = 0;
	for (uint64_t at = from; at < s->end; at += len) {
		len = s->end - at < SEG_SCAN_WINDOW ? (size_t)(s->end - at) : SEG_SCAN_WINDOW;
		if ((rc = look(s, at, len, &bytes)) != 0)
			return rc;
		for (size_t i = len; i > 0; i--)
			if (bytes[i - 1]) {
				*used = at + i - from;
				break;
			}
	}
	return 0;
}

int
seg_scan_index(int fd, const char *name, const struct record_file *file, uint64_t size,
    struct record_trailer *t, uint8_t **entries)
{
	uint8_t trailer[RECORD_TRAILER_SIZE], *bytes;
	size_t len;
	int rc;

	if (size < RECORD_FILE_HEADER_SIZE + RECORD_TRAILER_SIZE)
		return ERR_NOTFOUND;
	if ((rc = fio_pread(fd, name, trailer, sizeof(trailer), size - sizeof(trailer))) != 0 ||
	    (rc = record_trailer_decode(file, size, trailer, t)) != 0)
		return rc;
	len = (size_t)t->count * RECORD_ENTRY_SIZE;
	if ((bytes = malloc(len ? len : 1)) == NULL)
		return ERR_NOMEM;
	if ((rc = fio_pread(fd, name, bytes, len, t->index)) == 0)
		rc = record_index_check(t, bytes);
	if (rc)
		free(bytes);
	else
		*entries = bytes;
	return rc;
}
