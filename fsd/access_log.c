#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "access_log.h"
#include "buf.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "thread.h"
#include "uri.h"

/*
 * Two buffers: lines are put into one under `lock` while the other is written, outside it. A writer (the thread, or a
 * request that finds the buffer full) holds `writing` for its turn, so that lines keep their order.
 *
 * Lock order: writing, lock.
 */
#define FLUSH_US 100000
#define METHOD_MAX 32
#define LINE_USUAL 500
#define LINE_MAX_BYTES (2 * ACCESS_LOG_TARGET * 6 + 1024)

static struct {
	pthread_mutex_t lock, writing;
	pthread_cond_t wake;
	pthread_t thread;
	struct buf lines, spare;
	bool json, running, stop;
} al = { .lock = PTHREAD_MUTEX_INITIALIZER, .writing = PTHREAD_MUTEX_INITIALIZER };

/* ---- one line ---- */

static bool
is_secret(const char *name, size_t len)
{
	static const char *const secrets[] = { "x-amz-signature", "signature", "x-amz-security-token", "token",
		"ticket", "access_token", "secret", "password" };
	struct buf plain = BUF_INIT(256);
	bool secret = false;

	if (len > 64 * 3)
		return true;	/* nothing of ours is called that; better no value than a wrong one */
	if (memchr(name, '%', len)) {
		if (uri_decode(&plain, name, len, true) != 0)
			secret = true;
		name = plain.data ? plain.data : "";
		len = plain.len;
	}
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]) && !secret; i++)
		secret = strlen(secrets[i]) == len && !strncasecmp(name, secrets[i], len);
	buf_release(&plain);
	return secret;
}

/* Bytes that could forge a line or drive a terminal never reach us (guard.h), but this is cheap. */
static void
add_visible(struct buf *out, const char *bytes, size_t len)
{
	size_t from = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c > 0x20 && c < 0x7f)
			continue;
		buf_add(out, bytes + from, i - from);
		buf_addf(out, "%%%02X", c);
		from = i + 1;
	}
	buf_add(out, bytes + from, len - from);
}

static void
add_query(struct buf *out, const char *query, size_t len)
{
	const char *end = query + len;

	for (const char *p = query, *next; p < end; p = next) {
		const char *amp = memchr(p, '&', (size_t)(end - p)), *stop = amp ? amp : end;
		const char *equals = memchr(p, '=', (size_t)(stop - p));

		next = amp ? amp + 1 : end;
		if (equals && is_secret(p, (size_t)(equals - p))) {
			add_visible(out, p, (size_t)(equals + 1 - p));
			buf_add(out, "***", 3);
			if (amp)
				buf_addch(out, '&');
		} else {
			add_visible(out, p, (size_t)(next - p));
		}
	}
}

void
access_log_target(struct buf *out, const char *target)
{
	size_t len = strlen(target);
	const char *query;
	bool cut = len > ACCESS_LOG_TARGET;

	if (cut)
		len = ACCESS_LOG_TARGET;
	query = memchr(target, '?', len);
	add_visible(out, target, query ? (size_t)(query + 1 - target) : len);
	if (query)
		add_query(out, query + 1, len - (size_t)(query + 1 - target));
	if (cut)
		buf_add(out, "...", 3);
}

static void
format_json(struct buf *out, const struct access_line *l, const char *when)
{
	struct buf target = BUF_INIT(LINE_MAX_BYTES);
	struct json_out j;

	access_log_target(&target, l->target);
	json_out_init(&j, out, false);
	json_object_begin(&j);
	json_key_str(&j, "time", when);
	json_key_str(&j, "level", "access");
	json_key_str(&j, "requestId", l->request_id);
	json_key_str(&j, "peer", l->peer);
	json_key_str(&j, "who", l->who);
	json_key_str(&j, "method", l->method);
	json_key_str(&j, "target", target.data ? target.data : "");
	json_key_str(&j, "operation", l->operation);
	json_key_int(&j, "status", l->status);
	json_key_uint(&j, "bytesIn", l->in);
	json_key_uint(&j, "bytesOut", l->out);
	json_key_int(&j, "micros", l->micros);
	json_key_bool(&j, "complete", !l->broken);
	json_object_end(&j);
	buf_release(&target);
}

static void
add_number(struct buf *out, const char *name, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	buf_addstr(out, name);
	buf_add(out, digits + at, sizeof(digits) - at);
}

/* A line a request: printf() here would be a tenth of what a small GET computes. */
static void
format_text(struct buf *out, const struct access_line *l, const char *when)
{
	const char *const words[] = { " access ", l->request_id, " ", l->peer, " ", l->who ? l->who : "-", " " };

	buf_addstr(out, when);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		buf_addstr(out, words[i]);
	add_visible(out, l->method, strnlen(l->method, METHOD_MAX));
	buf_addch(out, ' ');
	access_log_target(out, l->target);
	buf_addch(out, ' ');
	buf_addstr(out, l->operation);
	add_number(out, " ", l->status > 0 ? (uint64_t)l->status : 0);
	add_number(out, " in=", l->in);
	add_number(out, " out=", l->out);
	add_number(out, " us=", l->micros > 0 ? (uint64_t)l->micros : 0);
	if (l->broken)
		buf_add(out, " broken", 7);
}

void
access_log_format(struct buf *out, const struct access_line *l, bool json)
{
	char when[CLOCK_TEXT];

	clock_rfc3339(l->wall_us, when);
	if (json)
		format_json(out, l, when);
	else
		format_text(out, l, when);
}

/* ---- writing them ---- */

/* log_raw() adds a newline of its own, so the last one stays out. */
static void
flush(void)
{
	struct buf lines;

	pthread_mutex_lock(&al.writing);
	pthread_mutex_lock(&al.lock);
	lines = al.lines;
	al.lines = al.spare;
	pthread_mutex_unlock(&al.lock);
	if (lines.len)
		log_raw(lines.data, lines.len - 1);
	/* A burst's memory is not kept for ever. */
	if (lines.size > 2 * ACCESS_LOG_BUFFER)
		buf_release(&lines);
	buf_clear(&lines);
	al.spare = lines;
	pthread_mutex_unlock(&al.writing);
}

static void *
run(void *arg)
{
	int64_t until;

	pthread_mutex_lock(&al.lock);
	while (!al.stop) {
		if (!al.lines.len) {
			pthread_cond_wait(&al.wake, &al.lock);
			if (al.stop)
				break;
		}
		until = clock_mono_us() + FLUSH_US;
		while (!al.stop && thread_cond_wait(&al.wake, &al.lock, until))
			;
		pthread_mutex_unlock(&al.lock);
		flush();
		pthread_mutex_lock(&al.lock);
	}
	pthread_mutex_unlock(&al.lock);
	return arg;
}

int
access_log_start(bool json)
{
	int rc;

	al.json = json;
	al.stop = false;
	al.lines = al.spare = (struct buf) BUF_INIT(4 * ACCESS_LOG_BUFFER + LINE_MAX_BYTES);
	thread_cond_init(&al.wake);
	if ((rc = thread_start(&al.thread, "fsd-access", 0, run, NULL)) != 0)
		return rc;
	al.running = true;
	return 0;
}

void
access_log_stop(void)
{
	if (!al.running)
		return;
	pthread_mutex_lock(&al.lock);
	al.running = false;
	al.stop = true;
	pthread_cond_signal(&al.wake);
	pthread_mutex_unlock(&al.lock);
	pthread_join(al.thread, NULL);
	flush();
	pthread_cond_destroy(&al.wake);
	buf_release(&al.lines);
	buf_release(&al.spare);
}

void
access_log_write(const struct access_line *line)
{
	/* Formatting is outside the lock. */
	struct buf text = BUF_INIT(LINE_MAX_BYTES);
	bool full, first;

	if (!al.running)
		return;
	(void)buf_room(&text, LINE_USUAL);	/* so that it does not grow step by step */
	access_log_format(&text, line, al.json);
	buf_addch(&text, '\n');
	if (buf_finish(&text) != 0)
		goto out;
	pthread_mutex_lock(&al.lock);
	first = !al.lines.len;
	buf_add(&al.lines, text.data, text.len);
	full = al.lines.len >= ACCESS_LOG_BUFFER;
	if (first)
		pthread_cond_signal(&al.wake);
	pthread_mutex_unlock(&al.lock);
	if (full)
		flush();
out:
	buf_release(&text);
}
